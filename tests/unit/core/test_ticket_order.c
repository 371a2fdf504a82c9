/* test_ticket_order.c - of any faults of a ticket together the first is answered (core/ticket.h,
 * the list at its head; docs/PROTOCOL.md, "Order of refusals"). What comes first within one leg is
 * in test_bet_decide_order.c; here each leg has an early and a late fault of its own. */
#include "test.h"

#include "ticket_scene.h"

static struct ticket_scene s; /* a 2-of-3 system each-way and a banker: six lines, 100 each */

static void too_many_legs(void)
{
    s.limits.legs_max = 3;
}

static void sizes_that_do_not_fit(void)
{
    s.ticket.sizes.mask = 1u << 3;
}

static void too_many_lines(void)
{
    s.limits.lines_max = 5;
}

static void not_whole(void)
{
    s.ticket.stake.minor = 599;
}

static void same_event(void)
{
    s.views[2].event = s.views[1].event;
}

static void same_market(void)
{
    s.views[3].market_number = s.views[0].market_number;
}

static void first_suspended(void)
{
    s.views[0].market.status = MARKET_SUSPENDED_STATUS;
}

static void first_changed(void)
{
    s.views[0].market.odds = (struct odds){19, 10};
}

static void first_without_terms(void)
{
    s.views[0].terms.places = 0;
}

static void last_closed(void)
{
    s.views[3].market.status = MARKET_CLOSED_STATUS;
}

static void last_without_terms(void)
{
    s.views[3].terms.places = 0;
}

static void long_odds(void)
{
    s.limits.total_odds_max = 6;
}

static void other_currency(void)
{
    s.available.currency = EUR;
}

static void no_account(void)
{
    s.available.currency = CURRENCY_NONE;
}

static void stake_low(void)
{
    s.limits.bet.stake_minor_min = 601;
}

static void payout_high(void)
{
    s.limits.bet.payout_minor_max = 1000;
}

static void liability(void)
{
    s.views[2].liability_room = 100;
}

static void poor(void)
{
    s.available.minor = 1;
}

/* In the order of the contract. Faults of one group exclude each other. */
static const struct fault {
    const char *name;
    uint32_t leg;
    int group;
    enum bet_outcome outcome;
    void (*spoil)(void);
} faults[] = {
    {"legs", TICKET_NO_LEG, 0, BET_LEGS_LIMIT, too_many_legs},
    {"sizes", TICKET_NO_LEG, 1, BET_UNSUPPORTED_BET_TYPE, sizes_that_do_not_fit},
    {"lines", TICKET_NO_LEG, 2, BET_LINES_LIMIT, too_many_lines},
    {"not whole", TICKET_NO_LEG, 3, BET_UNSUPPORTED_BET_TYPE, not_whole},
    {"same event", 2, 4, BET_RELATED_LEGS, same_event},
    {"same market", 3, 4, BET_RELATED_LEGS, same_market},
    {"first suspended", 0, 5, BET_MARKET_SUSPENDED, first_suspended},
    {"first changed", 0, 5, BET_ODDS_CHANGED, first_changed},
    {"first without terms", 0, 6, BET_NO_PLACE_TERMS, first_without_terms},
    {"last closed", 3, 7, BET_MARKET_CLOSED, last_closed},
    {"last without terms", 3, 8, BET_NO_PLACE_TERMS, last_without_terms},
    {"long odds", TICKET_NO_LEG, 9, BET_ODDS_LIMIT, long_odds},
    {"other currency", TICKET_NO_LEG, 10, BET_CURRENCY_MISMATCH, other_currency},
    {"stake low", TICKET_NO_LEG, 11, BET_STAKE_LIMIT, stake_low},
    {"payout high", TICKET_NO_LEG, 11, BET_STAKE_LIMIT, payout_high},
    {"liability", 2, 12, BET_LIABILITY_LIMIT, liability},
    {"no account", TICKET_NO_LEG, 10, BET_INSUFFICIENT_BALANCE, no_account},
    {"poor", TICKET_NO_LEG, 13, BET_INSUFFICIENT_BALANCE, poor},
};

#define FAULTS_COUNT (sizeof faults / sizeof *faults)
#define GROUPS_COUNT 14

static void make_accepted(void)
{
    scene_make_system(&s, 4, 1u << 1, 600);
    s.legs[0].banker = true;
    s.ticket.each_way = true;
    assert_int_equal(scene_decide_ticket(&s), BET_PLACED);
}

/* choice[group]: the fault chosen in it, or FAULTS_COUNT for none. */
static void check_choice(const size_t *choice)
{
    make_accepted();
    size_t first = FAULTS_COUNT;
    for (int group = 0; group < GROUPS_COUNT; group++) {
        if (choice[group] == FAULTS_COUNT)
            continue;
        faults[choice[group]].spoil();
        if (choice[group] < first)
            first = choice[group];
    }
    enum bet_outcome outcome = scene_decide_ticket(&s);
    enum bet_outcome expected = first < FAULTS_COUNT ? faults[first].outcome : BET_PLACED;
    uint32_t leg = first < FAULTS_COUNT ? faults[first].leg : TICKET_NO_LEG;
    if (outcome != expected || s.verdict.leg != leg)
        fail_msg("%s first: %s of %u", first < FAULTS_COUNT ? faults[first].name : "nothing",
                 bet_outcome_text(outcome), s.verdict.leg);
    assert_int_equal(s.verdict.potential_return.minor > 0, expected == BET_PLACED);
    bool limit = expected == BET_STAKE_LIMIT || expected == BET_LIABILITY_LIMIT;
    if (!limit)
        assert_int_equal(s.verdict.stake_minor_max, 0);
}

/* The next choice of a fault in `group`, wrapping round to none. */
static size_t next_in_group(size_t now, int group)
{
    for (size_t i = now == FAULTS_COUNT ? 0 : now + 1; i < FAULTS_COUNT; i++)
        if (faults[i].group == group)
            return i;
    return FAULTS_COUNT;
}

TEST(ticket_order, of_any_faults_together_the_first_is_answered)
{
    size_t choice[GROUPS_COUNT];
    for (int group = 0; group < GROUPS_COUNT; group++)
        choice[group] = FAULTS_COUNT;
    int tried = 0;
    int group;
    do { /* an odometer with one wheel per group */
        check_choice(choice);
        tried++;
        for (group = 0; group < GROUPS_COUNT; group++) {
            choice[group] = next_in_group(choice[group], group);
            if (choice[group] != FAULTS_COUNT)
                break;
        }
    } while (group < GROUPS_COUNT);
    assert_int_equal(tried, (1 << 10) * 3 * 3 * 3 * 3);
}
