/* test_ticket_release.c - the second decision of a ticket, after its delay (core/ticket.h;
 * BETTING-RULES 4.7). What each leg is asked is in test_bet_release.c. */
#include "test.h"

#include "ticket_scene.h"

static struct ticket_scene s;
static struct ticket_bound_leg bound[BET_LEGS_MAX];

static void bind_legs(void)
{
    for (uint32_t i = 0; i < s.ticket.legs_count; i++)
        bound[i] = (struct ticket_bound_leg){s.views[i].market.odds, s.views[i].terms};
}

static enum bet_outcome released(void)
{
    memset(&s.verdict, 0xA5, sizeof s.verdict);
    ticket_decide_release(&s.ticket, bound, s.views, &s.limits, &s.verdict);
    return s.verdict.outcome;
}

TEST(ticket_release, keeps_what_was_bound_where_nothing_happened)
{
    scene_make_system(&s, 3, 0x6, 400);
    bind_legs();
    assert_int_equal(released(), BET_PLACED);
    assert_int_equal(s.verdict.leg, TICKET_NO_LEG);
    assert_int_equal(s.verdict.lines, 4);
    assert_int_equal(s.verdict.potential_return.minor, 2000);
    assert_int_equal(s.verdict.bet_delay_us, 0);
    assert_int_equal(s.verdict.stake_minor_max, 0);
    s.views[1].market.odds = (struct odds){9, 1}; /* the delay never makes the price better */
    assert_int_equal(released(), BET_PLACED);
    assert_true(odds_equal(s.verdict.taken[1], (struct odds){2, 1}));
    assert_int_equal(s.verdict.potential_return.minor, 2000);
}

TEST(ticket_release, counts_the_return_again_from_lower_prices)
{
    scene_make(&s, 3, 100);
    bind_legs();
    s.views[1].market.odds = (struct odds){3, 2};
    assert_int_equal(released(), BET_ODDS_CHANGED);
    assert_int_equal(s.verdict.leg, 1);
    assert_int_equal(s.verdict.potential_return.minor, 0);
    s.ticket.policy = PRICE_ANY;
    assert_int_equal(released(), BET_PLACED);
    assert_true(odds_equal(s.verdict.taken[1], (struct odds){3, 2}));
    assert_int_equal(s.verdict.potential_return.minor, 600);
}

TEST(ticket_release, asks_every_leg_again_and_the_first_refuses)
{
    scene_make(&s, 4, 100);
    bind_legs();
    s.views[3].market.status = MARKET_CLOSED_STATUS;
    s.views[2].market.selection_known = false;
    assert_int_equal(released(), BET_UNKNOWN_SELECTION);
    assert_int_equal(s.verdict.leg, 2);
    assert_true(odds_equal(s.verdict.taken[1], (struct odds){2, 1}));
    assert_false(odds_present(s.verdict.taken[2]));
    s.views[0].market.provider_alive = false;
    assert_int_equal(released(), BET_MARKET_SUSPENDED);
    assert_int_equal(s.verdict.leg, 0);
}

TEST(ticket_release, pays_the_place_terms_of_the_request)
{
    scene_make(&s, 2, 400);
    s.ticket.each_way = true;
    bind_legs();
    s.views[0].terms = s.views[1].terms = (struct place_terms){0}; /* a runner less: no places */
    assert_int_equal(released(), BET_PLACED);
    assert_int_equal(s.verdict.potential_return.minor, 800 + 288);
}

TEST(ticket_release, ignores_limits_and_delay_the_money_is_held)
{
    scene_make(&s, 2, 100);
    bind_legs();
    s.limits = (struct ticket_limits){.bet = {.rounding = ROUND_DOWN}};
    s.views[0].market.bet_delay_us = 5000000;
    s.views[1].liability_room = 0;
    s.views[1].event = s.views[0].event;
    assert_int_equal(released(), BET_PLACED);
}

TEST(ticket_release, a_token_still_wins_without_its_stake)
{
    scene_make(&s, 1, 100);
    s.ticket.stake_kind = STAKE_FREE;
    bind_legs();
    assert_int_equal(released(), BET_PLACED);
    assert_int_equal(s.verdict.potential_return.minor, 100);
}

TEST(ticket_release, stops_at_a_mistake)
{
    scene_make(&s, 2, 100);
    bind_legs();
    bound[1].odds = ODDS_NONE;
    expect_assert_failure(released());
    scene_make(&s, 0, 100);
    expect_assert_failure(released());
}
