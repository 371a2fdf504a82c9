/* synthetic_settle.c - contract in synthetic_settle.h. */
#include "feeds/synthetic/synthetic_settle.h"

static struct leg_result settle_margin(int quarters);

struct leg_result synthetic_settle_over(int goals, int line_quarters)
{
    return settle_margin(4 * goals - line_quarters);
}

struct leg_result synthetic_settle_under(int goals, int line_quarters)
{
    return settle_margin(line_quarters - 4 * goals);
}

struct leg_result synthetic_settle_handicap(int goals_for, int goals_against, int handicap_quarters)
{
    return settle_margin(4 * (goals_for - goals_against) + handicap_quarters);
}

struct leg_result synthetic_settle_exact(bool happened)
{
    return happened ? LEG_WON : LEG_LOST;
}

/* By how many quarters of a goal the bet is ahead of its line. An odd number is a quarter line,
 * whose halves stand at quarters - 1 and quarters + 1: ahead by one, the first half is a push
 * and the second wins. On whole and half lines the number is even, so one rule serves all. */
static struct leg_result settle_margin(int quarters)
{
    if (quarters >= 2)
        return LEG_WON;
    if (quarters <= -2)
        return LEG_LOST;
    if (quarters == 0)
        return LEG_VOID;
    return quarters > 0 ? LEG_HALF_WON : LEG_HALF_LOST;
}
