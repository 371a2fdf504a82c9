/* test_ticket.c - what is accepted of tickets of every kind, what it may pay, and each refusal
 * (core/ticket.h; BETTING-RULES 4.4, 4.5, 4.9, 4.12). Their order is in test_ticket_order.c. */
#include "test.h"

#include "ticket_scene.h"

static struct ticket_scene s; /* large */

static void refused(enum bet_outcome outcome, uint32_t leg)
{
    enum bet_outcome found = scene_decide_ticket(&s);
    if (found != outcome || s.verdict.leg != leg)
        fail_msg("%s of leg %u, not %s of %u", bet_outcome_text(found), s.verdict.leg,
                 bet_outcome_text(outcome), leg);
    assert_int_equal(s.verdict.potential_return.minor, 0);
    assert_int_equal(s.verdict.potential_return.currency.iso, GBP.iso);
    assert_int_equal(s.verdict.bet_delay_us, 0);
}

static void accepted(uint64_t lines, int64_t pays)
{
    enum bet_outcome found = scene_decide_ticket(&s);
    if (found != BET_PLACED)
        fail_msg("%s of leg %u", bet_outcome_text(found), s.verdict.leg);
    assert_int_equal(s.verdict.leg, TICKET_NO_LEG);
    assert_int_equal(s.verdict.lines, lines);
    assert_int_equal(s.verdict.potential_return.minor, pays);
    assert_int_equal(s.verdict.stake_minor_max, 0);
    assert_int_equal(s.verdict.stake_minor_min, 0);
    for (uint32_t i = 0; i < s.ticket.legs_count; i++)
        assert_true(odds_equal(s.verdict.taken[i], s.views[i].market.odds));
}

static void set_odds(const struct odds *odds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        s.legs[i].odds = s.views[i].market.odds = odds[i];
}

TEST(ticket, accepts_the_worked_accumulator)
{
    static const struct odds odds[] = {
        {2015, 1000}, {1755, 1000}, {2045, 1000}, {1895, 1000}, {1965, 1000}};
    scene_make(&s, 5, 100);
    set_odds(odds, 5); /* 4.5: all win 26.93 */
    accepted(1, 2692);
    s.limits.bet.rounding = ROUND_HALF_UP;
    accepted(1, 2693);
}

TEST(ticket, accepts_systems_by_their_lines)
{
    static const struct {
        const char *name;
        uint32_t legs, lines;
        int64_t pays_for_a_unit; /* at 2.00 each: 3^n less the sizes left out */
    } rows[] = {{"TRIXIE", 3, 4, 20},     {"PATENT", 3, 7, 26},     {"YANKEE", 4, 11, 72},
                {"LUCKY_15", 4, 15, 80},  {"CANADIAN", 5, 26, 232}, {"LUCKY_31", 5, 31, 242},
                {"HEINZ", 6, 57, 716},    {"LUCKY_63", 6, 63, 728}, {"SUPER_HEINZ", 7, 120, 2172},
                {"GOLIATH", 8, 247, 6544}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct named_system *named = system_by_name(slice_text(rows[i].name));
        scene_make_system(&s, rows[i].legs, named->sizes.mask, 100 * (int64_t)rows[i].lines);
        accepted(rows[i].lines, 100 * rows[i].pays_for_a_unit);
        s.ticket.stake.minor++;
        refused(BET_UNSUPPORTED_BET_TYPE, TICKET_NO_LEG); /* not a whole amount on each line */
        assert_int_equal(s.verdict.lines, 0);
    }
}

TEST(ticket, multiplies_a_banker_into_every_line)
{
    scene_make_system(&s, 5, 1u << 1, 600); /* 2 of 4, six trebles */
    s.legs[2].banker = true;
    accepted(6, 600 * 8);
}

TEST(ticket, accepts_each_way_with_both_ways_won)
{
    static const struct odds odds[] = {{15, 4}}; /* 4.4: 100 e/w @ 11/4, 1/5 */
    scene_make(&s, 1, 20000);
    set_odds(odds, 1);
    s.ticket.each_way = true;
    accepted(2, 53000);
    s.ticket.stake.minor = 20001;
    refused(BET_UNSUPPORTED_BET_TYPE, TICKET_NO_LEG);
    scene_make(&s, 2, 400); /* a double at 2.00, 1/5: 200 on 4 and 200 on 1.2 * 1.2 */
    s.ticket.each_way = true;
    accepted(2, 800 + 288);
    s.views[1].terms = (struct place_terms){0, 1, 5};
    refused(BET_NO_PLACE_TERMS, 1);
    s.views[1].terms = (struct place_terms){3, 0, 5}; /* no terms either */
    refused(BET_NO_PLACE_TERMS, 1);
    s.views[1].terms = (struct place_terms){1, 1, 1}; /* the market's own: place at the win price */
    accepted(2, 800 + 480);
    s.ticket.each_way = false;
    s.views[1].terms = (struct place_terms){0};
    accepted(1, 1600);
}

TEST(ticket, refuses_to_win_only_where_the_price_is_of_both_ways)
{
    scene_make(&s, 2, 400);
    s.views[1].each_way_only = true;
    refused(BET_EACH_WAY_ONLY, 1);
    s.views[0].each_way_only = true;
    refused(BET_EACH_WAY_ONLY, 0);
    s.ticket.each_way = true;
    accepted(2, 800 + 288);
    s.views[0].terms = (struct place_terms){0}; /* not settled by places: no bet at all */
    refused(BET_NO_PLACE_TERMS, 0);
}

TEST(ticket, a_token_wins_without_its_stake)
{
    scene_make(&s, 1, 1000);
    s.ticket.stake_kind = STAKE_FREE;
    accepted(1, 1000);
    s.ticket.stake_kind = STAKE_BONUS;
    accepted(1, 2000);
    scene_make_system(&s, 4, 0xF, 1500);
    s.ticket.stake_kind = STAKE_FREE; /* a Lucky 15: 80 for 15 */
    accepted(15, 6500);
}

TEST(ticket, takes_the_current_price_of_each_leg)
{
    scene_make(&s, 3, 100);
    s.views[0].market.odds = (struct odds){3, 1};
    s.views[2].market.odds = (struct odds){5, 2};
    accepted(1, 100 * 3 * 2 * 5 / 2);
    s.views[1].market.odds = (struct odds){199, 100};
    refused(BET_ODDS_CHANGED, 1);
    assert_true(odds_equal(s.verdict.taken[0], (struct odds){3, 1}));
    assert_true(odds_equal(s.verdict.taken[1], (struct odds){199, 100}));
    assert_true(odds_equal(s.verdict.taken[2], (struct odds){5, 2}));
    s.ticket.policy = PRICE_WITHIN;
    accepted(1, 1492); /* 14.925, down */
    s.ticket.policy = PRICE_EXACT;
    refused(BET_ODDS_CHANGED, 0);
    s.ticket.policy = PRICE_ANY;
    s.legs[0].odds = ODDS_NONE;
    accepted(1, 1492);
    s.views[2].market.selection_known = false;
    refused(BET_UNKNOWN_SELECTION, 2);
    assert_false(odds_present(s.verdict.taken[2]));
}

TEST(ticket, waits_for_the_longest_delay_of_its_legs)
{
    scene_make(&s, 3, 100);
    s.views[0].market.bet_delay_us = 4000000;
    s.views[1].market.bet_delay_us = 8000000;
    assert_int_equal(scene_decide_ticket(&s), BET_PENDING);
    assert_int_equal(s.verdict.bet_delay_us, 8000000);
    assert_int_equal(s.verdict.potential_return.minor, 800);
    assert_int_equal(s.verdict.leg, TICKET_NO_LEG);
    s.available.minor = 99; /* pending is no way around a refusal */
    refused(BET_INSUFFICIENT_BALANCE, TICKET_NO_LEG);
}

TEST(ticket, refuses_what_is_no_bet)
{
    scene_make(&s, 3, 100);
    s.ticket.legs_count = 0;
    refused(BET_UNSUPPORTED_BET_TYPE, TICKET_NO_LEG);
    scene_make(&s, 3, 100);
    s.ticket.sizes.mask = 1; /* sizes, and nothing to choose from */
    refused(BET_UNSUPPORTED_BET_TYPE, TICKET_NO_LEG);
    scene_make_system(&s, 3, 0, 100); /* legs to choose from, and no sizes */
    refused(BET_UNSUPPORTED_BET_TYPE, TICKET_NO_LEG);
    s.ticket.sizes.mask = 1u << 3; /* 4 of 3 */
    refused(BET_UNSUPPORTED_BET_TYPE, TICKET_NO_LEG);
    s.ticket.sizes.mask = 1u << 2;
    accepted(1, 800);
}

TEST(ticket, limits_legs)
{
    scene_make(&s, 100, 1);
    for (uint32_t i = 0; i < 100; i++)
        s.legs[i].odds = s.views[i].market.odds = (struct odds){101, 100};
    accepted(1, 2); /* 2.70 */
    s.limits.legs_max = 99;
    refused(BET_LEGS_LIMIT, TICKET_NO_LEG);
    s.limits.legs_max = UINT32_MAX;
    accepted(1, 2);
    s.ticket.legs_count = 101;
    refused(BET_LEGS_LIMIT, TICKET_NO_LEG);
    scene_make_system(&s, 33, 2, 528);
    refused(BET_LEGS_LIMIT, TICKET_NO_LEG);
    s.legs[7].banker = true;
    s.ticket.stake.minor = 32 * 31 / 2;
    accepted(496, 496 * 8);
}

TEST(ticket, limits_lines)
{
    scene_make_system(&s, 8, 0xFE, 494);
    s.ticket.each_way = true;
    s.limits.lines_max = 494;
    assert_int_equal(scene_decide_ticket(&s), BET_PLACED);
    s.limits.lines_max = 493;
    refused(BET_LINES_LIMIT, TICKET_NO_LEG);
    assert_int_equal(s.verdict.lines, 0);
}

TEST(ticket, refuses_related_legs)
{
    scene_make(&s, 4, 100);
    s.views[3].event = s.views[1].event;
    refused(BET_RELATED_LEGS, 3);
    scene_make(&s, 4, 100);
    s.views[2].market_number = s.views[0].market_number; /* the same market twice */
    refused(BET_RELATED_LEGS, 2);
    scene_make(&s, 2, 100);
    s.views[0].event = 0; /* nobody can say that they are not */
    refused(BET_RELATED_LEGS, 1);
    scene_make(&s, 1, 100);
    s.views[0].event = 0;
    accepted(1, 200);
    scene_make(&s, 3, 100); /* two that do not exist are not related, they are unknown */
    s.views[1].market_number = s.views[2].market_number = 0;
    s.views[1].event = s.views[2].event = 0;
    s.views[1].market.selection_known = s.views[2].market.selection_known = false;
    refused(BET_UNKNOWN_SELECTION, 1);
}

TEST(ticket, limits_total_odds)
{
    scene_make(&s, 10, 100);
    s.limits.total_odds_max = 1024;
    accepted(1, 102400);
    s.limits.total_odds_max = 1023;
    refused(BET_ODDS_LIMIT, TICKET_NO_LEG);
    /* Of a system: the highest prices that stand in one line. */
    static const struct odds odds[] = {{2, 1}, {7, 1}, {3, 1}, {5, 1}};
    scene_make_system(&s, 4, 1u << 1, 600);
    set_odds(odds, 4);
    s.limits.total_odds_max = 35;
    assert_int_equal(scene_decide_ticket(&s), BET_PLACED);
    s.limits.total_odds_max = 34;
    refused(BET_ODDS_LIMIT, TICKET_NO_LEG);
    s.legs[1].banker = true;
    s.ticket.stake.minor = 300;
    refused(BET_ODDS_LIMIT, TICKET_NO_LEG); /* 7 * 5 * 3 */
    s.limits.total_odds_max = 105;
    assert_int_equal(scene_decide_ticket(&s), BET_PLACED);
    s.limits.total_odds_max = 104;
    refused(BET_ODDS_LIMIT, TICKET_NO_LEG);
    scene_make_system(&s, 32, 1u << 31, 1000); /* the largest size */
    s.limits.total_odds_max = TOTAL_ODDS_UNLIMITED - 1;
    refused(BET_ODDS_LIMIT, TICKET_NO_LEG); /* 2^32 */
    s.legs[0].odds = s.views[0].market.odds = (struct odds){19, 10};
    assert_int_equal(scene_decide_ticket(&s), BET_PLACED);
    scene_make(&s, 100, 1); /* the longest product there is */
    for (uint32_t i = 0; i < 100; i++)
        s.legs[i].odds = s.views[i].market.odds = (struct odds){1000000000, 999999999};
    s.limits.total_odds_max = 2;
    accepted(1, 1);
    s.limits.total_odds_max = 1;
    refused(BET_ODDS_LIMIT, TICKET_NO_LEG);
}

static void offers(int64_t least, int64_t most)
{
    if (s.verdict.stake_minor_min != least || s.verdict.stake_minor_max != most)
        fail_msg("%jd..%jd", (intmax_t)s.verdict.stake_minor_min,
                 (intmax_t)s.verdict.stake_minor_max);
}

TEST(ticket, limits_the_stake_and_says_what_would_pass)
{
    scene_make_system(&s, 3, 0x6, 400); /* a Trixie at 2.00: five times the stake */
    s.limits.bet.stake_minor_max = 399;
    s.limits.bet.stake_minor_min = 5;
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(8, 396); /* whole on each of four lines */
    s.limits.bet.stake_minor_max = 400;
    accepted(4, 2000);
    s.limits.bet.payout_minor_max = 1999;
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(8, 396);
    s.limits.bet.payout_minor_max = 59;
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(8, 8);
    s.limits.bet.payout_minor_max = 39;
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(0, 0);
    s.limits.bet.payout_minor_max = 1000;
    s.limits.bet.stake_minor_max = 3; /* less than a unit on each line */
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(0, 0);
    s.limits.bet.stake_minor_max = INT64_MAX;
    s.limits.bet.stake_minor_min = INT64_MAX;
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(0, 0);
}

TEST(ticket, limits_what_each_outcome_may_cost)
{
    scene_make(&s, 3, 100); /* 800, a cost of 700 */
    s.views[0].liability_room = 701;
    s.views[1].liability_room = 700;
    accepted(1, 800);
    s.views[2].liability_room = 699;
    refused(BET_LIABILITY_LIMIT, 2);
    offers(1, 99);
    s.views[1].liability_room = 699; /* of equals the first */
    refused(BET_LIABILITY_LIMIT, 1);
    s.limits.bet.payout_minor_max = 400; /* the offer passes both */
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(1, 50);
    s.views[2].liability_room = 70;
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(1, 10);
    s.limits.bet.payout_minor_max = 800;
    s.views[1].liability_room = -5; /* more than full */
    refused(BET_LIABILITY_LIMIT, 1);
    offers(0, 0);
}

TEST(ticket, money_of_the_book_costs_all_that_it_wins)
{
    scene_make(&s, 1, 1000);
    s.views[0].liability_room = 1000;
    accepted(1, 2000); /* cash: the stake stays with the book until then */
    s.ticket.stake_kind = STAKE_FREE;
    accepted(1, 1000);
    s.views[0].liability_room = 999;
    refused(BET_LIABILITY_LIMIT, 0);
    offers(1, 999);
    s.ticket.stake_kind = STAKE_BONUS;
    s.views[0].liability_room = 1999;
    refused(BET_LIABILITY_LIMIT, 0);
    offers(1, 999);
}

TEST(ticket, takes_what_is_available_and_no_more)
{
    scene_make(&s, 2, 100);
    s.available.minor = 100;
    accepted(1, 400);
    s.available.minor = 99;
    refused(BET_INSUFFICIENT_BALANCE, TICKET_NO_LEG);
    s.available = money_of(100, CURRENCY_NONE);
    refused(BET_INSUFFICIENT_BALANCE, TICKET_NO_LEG);
    s.available = money_of(100, EUR);
    refused(BET_CURRENCY_MISMATCH, TICKET_NO_LEG);
}

TEST(ticket, a_return_above_every_amount_is_above_the_limit)
{
    scene_make(&s, 100, 1000); /* 2^100 times the stake */
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(0, 0);
    scene_make(&s, 40, 1000);
    refused(BET_STAKE_LIMIT, TICKET_NO_LEG);
    offers(1, 909); /* 10^15 - 1 over 2^40 */
}

TEST(ticket, stops_at_a_mistake)
{
    scene_make(&s, 2, 0);
    expect_assert_failure(scene_decide_ticket(&s));
    scene_make(&s, 2, MONEY_MINOR_MAX + 1);
    expect_assert_failure(scene_decide_ticket(&s));
    scene_make(&s, 2, 100);
    s.ticket.stake.currency = CURRENCY_NONE;
    expect_assert_failure(scene_decide_ticket(&s));
    scene_make(&s, 2, 100);
    s.ticket.stake_kind = (enum stake_kind)3;
    expect_assert_failure(scene_decide_ticket(&s));
    scene_make(&s, 2, 100);
    s.legs[1].odds = ODDS_NONE;
    expect_assert_failure(scene_decide_ticket(&s));
}
