/* asian.c - contract in asian.h. */
#include "core/asian.h"

#include "base/assert.h"

#define QUARTERS 4

/* By how many quarters the line is beaten. Halves beside a quarter line are one quarter away, so
 * at +1 the one half is level (void) and the other ahead, at -1 level and behind; from 2 on both
 * are on the same side. Whole and half lines never leave 1 or -1. */
static struct leg_result result_of(int32_t ahead_quarters)
{
    if (ahead_quarters >= 2)
        return LEG_WON;
    if (ahead_quarters <= -2)
        return LEG_LOST;
    if (ahead_quarters == 0)
        return LEG_VOID;
    return ahead_quarters > 0 ? LEG_HALF_WON : LEG_HALF_LOST;
}

static void check_score(int32_t scored)
{
    ASSERT(scored >= 0);
    ASSERT(scored <= ASIAN_SCORE_MAX);
}

struct leg_result asian_handicap(int32_t scored, int32_t conceded, int32_t line_quarters)
{
    check_score(scored);
    check_score(conceded);
    ASSERT(line_quarters >= -ASIAN_LINE_MAX);
    ASSERT(line_quarters <= ASIAN_LINE_MAX);
    return result_of((scored - conceded) * QUARTERS + line_quarters);
}

struct leg_result asian_total(enum total_side side, int32_t scored, int32_t line_quarters)
{
    check_score(scored);
    ASSERT(side == TOTAL_OVER || side == TOTAL_UNDER);
    ASSERT(line_quarters >= 0);
    ASSERT(line_quarters <= ASIAN_LINE_MAX);
    int32_t over = scored * QUARTERS - line_quarters;
    return result_of(side == TOTAL_OVER ? over : -over);
}
