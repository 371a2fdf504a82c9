/* test_shard_settlement.c - what the results in force make of a bet, record by record: several
 * legs, systems, each-way, free bets, withdrawn runners, windows of time, rollbacks. The numbers
 * are those of BETTING-RULES, named by section. */
#include "maker.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

#include "base/error.h"
#include "core/bet.h"
#include "ledger/shard_state_internal.h"

#define GBP 826

/* A selection of a market, numbers from 1 and from 0, and the price at which it is taken. */
struct pick {
    uint32_t market;
    uint16_t selection;
    struct odds odds;
    bool banker;
    struct place_terms terms;
};

struct shape {
    int64_t stake;
    uint32_t sizes;
    uint8_t flags; /* enum bet_flag */
};

/* Four markets of three selections; account 1 has money of every kind. */
static void begin(struct maker *m)
{
    maker_open(m);
    for (int i = 3; i <= 4; i++) {
        struct parts market = parts_market(m, i == 3 ? "three" : "four", 3);
        maker_accept(m, &market);
    }
    m->state->accounts[1].free = m->state->accounts[1].bonus = 100000;
    m->state->accounts[1].available = 100000;
    m->state->houses[0].promo = -200000;
    m->state->houses[0].cash -= 90000;
}

static struct parts bet_of(struct maker *m, const struct pick *picks, size_t count,
                           struct shape shape)
{
    static int number;
    static char keys[64][16]; /* the parts borrow them */
    char *key = keys[number % 64];
    (void)snprintf(key, sizeof *keys, "k%d", ++number);
    struct parts parts = parts_bet(m, 1, picks[0].market, key);
    bool cash = (shape.flags & (BET_FREE | BET_BONUS)) == 0;
    const struct record_leg leg = parts.items.legs[0];
    for (size_t i = 0; i < count; i++) {
        struct record_leg *to = &parts.items.legs[i];
        *to = leg;
        to->market = picks[i].market;
        to->selection = picks[i].selection;
        to->odds_numerator = to->asked_numerator = picks[i].odds.numerator;
        to->odds_denominator = to->asked_denominator = picks[i].odds.denominator;
        to->places = picks[i].terms.places;
        to->place_numerator = picks[i].terms.numerator;
        to->place_denominator = picks[i].terms.denominator;
        if (shape.sizes != 0 && !picks[i].banker)
            to->flags &= (uint8_t)~LEG_BANKER;
    }
    parts.draft.items_count = count;
    struct record_bet *body = &parts.body.bet;
    body->stake = shape.stake;
    body->sizes = shape.sizes;
    body->flags = shape.flags;
    body->promo_stake = cash ? 0 : shape.stake;
    body->balance_after = m->state->accounts[1].available - (cash ? shape.stake : 0);
    const struct bet_terms terms = {money_of(shape.stake, (struct currency){GBP}), shape.sizes,
                                    shape.flags, ROUND_DOWN};
    assert_true(shard_potential_return(&terms, parts.items.legs, count, &body->potential_return));
    parts.postings[0].kind = (uint16_t)shard_stake_account(shape.flags);
    parts.postings[0].amount = -shape.stake;
    parts.postings[1].amount = shape.stake;
    return parts;
}

/* Answers its index. */
static uint32_t place(struct maker *m, const struct pick *picks, size_t count, struct shape shape)
{
    struct parts parts = bet_of(m, picks, count, shape);
    maker_accept(m, &parts);
    assert_int_equal(shard_state_check(m->state), 0);
    return shard_state_bets_count(m->state) - 1;
}

static uint32_t place_single(struct maker *m, uint16_t selection, struct odds odds, int64_t stake)
{
    const struct pick pick = {.market = 1, .selection = selection, .odds = odds};
    return place(m, &pick, 1, (struct shape){.stake = stake});
}

/* The first selection of the market has this result, the others have lost. */
static void result(struct maker *m, uint32_t market, struct leg_result first)
{
    struct parts parts = parts_result(m, market, LEG_LOST);
    parts.items.results[0].win = record_factors_of(first);
    maker_accept(m, &parts);
}

static struct parts window(const struct maker *m, uint32_t market, int64_t from_us,
                           int64_t until_us)
{
    struct parts parts = parts_result(m, market, LEG_LOST);
    parts.body.result.kind = RESULT_CANCEL;
    parts.body.result.result_version = 5;
    parts.body.result.void_from_us = from_us;
    parts.body.result.void_until_us = until_us;
    parts.draft.items_count = 0;
    return parts;
}

static bool decided(const struct maker *m, uint32_t bet)
{
    static struct settlement settlement;
    shard_settlement_of(m->state, shard_state_bet(m->state, bet), &settlement);
    return settlement.decided;
}

/* Settles it by the record that follows, which the fold accepts; answers what it paid. */
static int64_t settle(struct maker *m, uint32_t bet)
{
    assert_true(decided(m, bet));
    struct parts parts = parts_settle(m, bet);
    maker_accept(m, &parts);
    assert_int_equal(shard_state_check(m->state), 0);
    return shard_state_bet(m->state, bet)->payout;
}

static void reverse(struct maker *m, uint32_t bet)
{
    struct parts parts = parts_reverse(m, bet);
    maker_accept(m, &parts);
    assert_int_equal(shard_state_check(m->state), 0);
}

static const struct pick doubles[2] = {{.market = 1, .selection = 0, .odds = {2, 1}},
                                       {.market = 2, .selection = 0, .odds = {7, 2}}};

TEST(shard_settlement, a_double_waits_for_both_legs)
{
    struct maker m;
    begin(&m);
    uint32_t bet = place(&m, doubles, 2, (struct shape){.stake = 1000});
    assert_int_equal(shard_state_bet(m.state, bet)->returns, 7000);
    result(&m, 1, LEG_WON);
    assert_false(decided(&m, bet));
    struct parts early = parts_settle(&m, bet);
    maker_refuse(&m, &early, "L7: a settlement follows from the results in force");
    result(&m, 2, LEG_WON);
    assert_int_equal(settle(&m, bet), 7000);
    maker_done(&m);
}

TEST(shard_settlement, a_lost_leg_ends_a_double_and_its_correction_revives_it)
{
    struct maker m;
    begin(&m);
    uint32_t bet = place(&m, doubles, 2, (struct shape){.stake = 1000});
    result(&m, 1, LEG_LOST);
    assert_int_equal(settle(&m, bet), 0);
    result(&m, 2, LEG_WON); /* what the open leg came to later changes nothing */
    struct parts idle = parts_reverse(&m, bet);
    maker_refuse(&m, &idle, "L7: the newer result is another one");
    result(&m, 1, LEG_HALF_WON); /* (1 + 2) / 2 */
    reverse(&m, bet);
    assert_int_equal(settle(&m, bet), 5250);
    assert_int_equal(shard_state_bet(m.state, bet)->settlement, 2);
    maker_done(&m);
}

/* BETTING-RULES 4.5: Yankee, odds 2, 3, lost, 4, unit 1: 50 for 11. */
TEST(shard_settlement, a_system_is_the_sum_of_its_lines)
{
    struct maker m;
    begin(&m);
    const struct pick picks[4] = {{.market = 1, .odds = {2, 1}},
                                  {.market = 2, .odds = {3, 1}},
                                  {.market = 3, .odds = {5, 1}},
                                  {.market = 4, .odds = {4, 1}}};
    uint32_t bet = place(&m, picks, 4, (struct shape){.stake = 1100, .sizes = 0xE});
    for (uint32_t market = 1; market <= 4; market++)
        result(&m, market, market == 3 ? LEG_LOST : LEG_WON);
    assert_int_equal(settle(&m, bet), 5000);
    maker_done(&m);
}

/* One line of two legs is left when the third is lost: the bet is not over. */
TEST(shard_settlement, a_system_goes_on_while_a_line_can_pay)
{
    struct maker m;
    begin(&m);
    const struct pick picks[3] = {{.market = 1, .odds = {2, 1}},
                                  {.market = 2, .odds = {3, 1}},
                                  {.market = 3, .odds = {5, 1}}};
    uint32_t bet = place(&m, picks, 3, (struct shape){.stake = 300, .sizes = 0x2});
    result(&m, 3, LEG_LOST);
    assert_false(decided(&m, bet));
    result(&m, 2, LEG_LOST);
    assert_int_equal(settle(&m, bet), 0);
    maker_done(&m);
}

static void withdraw(struct parts *parts, uint16_t selection, int64_t at_us, uint16_t deduction)
{
    parts->items.results[selection] = (struct record_selection_result){
        .win = record_factors_of(LEG_VOID), .deduction = deduction, .withdrawn_at_us = at_us};
}

/* BETTING-RULES 4.3: 10 @ 8/1 with 25p is 70.00; bets after the withdrawal are free of it. */
TEST(shard_settlement, rule_4_is_for_bets_struck_before)
{
    struct maker m;
    begin(&m);
    uint32_t before = place_single(&m, 0, (struct odds){9, 1}, 1000);
    int64_t left_us = m.time_us;
    m.time_us += 1000;
    uint32_t after = place_single(&m, 0, (struct odds){9, 1}, 1000);
    uint32_t on_it = place_single(&m, 1, (struct odds){4, 1}, 1000);
    struct parts parts = parts_result(&m, 1, LEG_LOST);
    parts.items.results[0].win = record_factors_of(LEG_WON);
    withdraw(&parts, 1, left_us, 2500);
    parts.body.result.deduction_model = DEDUCT_RULE4;
    REFUSES(&m, parts, "no such deductions", p.body.result.cap_pence = 0);
    parts.body.result.cap_pence = 90;
    REFUSES(&m, parts, "no such deductions", p.body.result.deduction_model = 0);
    REFUSES(&m, parts, "no such deductions", p.body.result.deduction_model = 4);
    maker_accept(&m, &parts);
    assert_int_equal(settle(&m, before), 7000);
    assert_int_equal(settle(&m, after), 9000);
    assert_int_equal(settle(&m, on_it), 1000);
    maker_done(&m);
}

/* Two of 50p: the sum is capped at 90p; one of 5p is waived, two are not (decision 0005). */
TEST(shard_settlement, rule_4_is_one_sum_capped_and_waived)
{
    static const struct {
        uint16_t pence[2];
        uint8_t cap, waive;
        int64_t pays; /* of 10.00 at 9.0 */
    } rows[] = {{{50, 50}, 90, 0, 1800},
                {{50, 30}, 75, 0, 3000},
                {{5, 0}, 90, 5, 9000},
                {{5, 5}, 90, 5, 8200}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct maker m;
        begin(&m);
        uint32_t bet = place_single(&m, 0, (struct odds){9, 1}, 1000);
        struct parts parts = parts_result(&m, 1, LEG_LOST);
        parts.items.results[0].win = record_factors_of(LEG_WON);
        withdraw(&parts, 1, m.time_us, (uint16_t)(rows[i].pence[0] * 100));
        withdraw(&parts, 2, m.time_us, (uint16_t)(rows[i].pence[1] * 100));
        parts.body.result.deduction_model = DEDUCT_RULE4;
        parts.body.result.cap_pence = rows[i].cap;
        parts.body.result.waive_pence = rows[i].waive;
        maker_accept(&m, &parts);
        assert_int_equal(settle(&m, bet), rows[i].pays);
        maker_done(&m);
    }
}

/* BETTING-RULES 4.3: 8.0 with 25 % is 6.0; several multiply. */
TEST(shard_settlement, reductions_of_the_price_multiply)
{
    struct maker m;
    begin(&m);
    uint32_t bet = place_single(&m, 0, (struct odds){8, 1}, 1000);
    struct parts parts = parts_result(&m, 1, LEG_LOST);
    parts.items.results[0].win = record_factors_of(LEG_WON);
    withdraw(&parts, 1, m.time_us, 2500);
    parts.body.result.deduction_model = DEDUCT_PRICE;
    maker_accept(&m, &parts);
    assert_int_equal(settle(&m, bet), 6000);
    withdraw(&parts, 2, m.time_us, 1000); /* a second one, told later */
    parts.draft.seq = m.state->seq + 1;
    parts.draft.time_us = m.time_us;
    parts.body.result.result_version++;
    parts.body.result.previous_seq =
        shard_state_market(m.state, (struct market_ref){1})->seq_result;
    maker_accept(&m, &parts);
    reverse(&m, bet);
    assert_int_equal(settle(&m, bet), 5400);
    maker_done(&m);
}

TEST(shard_settlement, bets_placed_within_a_window_are_void)
{
    struct maker m;
    begin(&m);
    uint32_t before = place_single(&m, 0, (struct odds){3, 1}, 1000);
    int64_t from_us = m.time_us;
    uint32_t first = place_single(&m, 0, (struct odds){3, 1}, 1000);
    uint32_t last = place_single(&m, 0, (struct odds){3, 1}, 1000);
    int64_t until_us = m.time_us;
    uint32_t after = place_single(&m, 0, (struct odds){3, 1}, 1000);
    result(&m, 1, LEG_WON);
    assert_int_equal(settle(&m, first), 3000);
    struct parts cancel = window(&m, 1, from_us, until_us);
    REFUSES(&m, cancel, "a window of time has a begin and an end",
            p.body.result.void_until_us = from_us);
    REFUSES(&m, cancel, "a window of time has no factors", p.body.result.certainty = 1);
    REFUSES(&m, cancel, "a window of time is for all selections", p.draft.items_count = 3);
    maker_accept(&m, &cancel);
    reverse(&m, first);
    assert_int_equal(settle(&m, first), 1000);
    assert_int_equal(settle(&m, last), 1000);
    assert_int_equal(settle(&m, before), 3000);
    assert_int_equal(settle(&m, after), 3000); /* the end is not within */

    struct parts undo = window(&m, 1, from_us, until_us);
    undo.body.result.kind = RESULT_UNDO_CANCEL;
    maker_refuse(&m, &undo, "L7: result versions rise");
    undo.body.result.result_version = 6;
    maker_accept(&m, &undo);
    reverse(&m, first);
    assert_int_equal(settle(&m, first), 3000); /* what it was before */
    struct parts late = window(&m, 1, from_us, until_us);
    maker_refuse(&m, &late, "L7: result versions rise");
    maker_done(&m);
}

TEST(shard_settlement, the_clock_of_the_provider_is_counted_in)
{
    struct maker m;
    begin(&m);
    int64_t from_us = m.time_us;
    uint32_t bet = place_single(&m, 0, (struct odds){3, 1}, 1000);
    struct parts cancel = window(&m, 1, from_us + 500, from_us + 600);
    cancel.body.result.void_skew_us = 550; /* theirs goes before ours */
    maker_accept(&m, &cancel);
    assert_int_equal(settle(&m, bet), 1000); /* without any result */
    maker_done(&m);
}

TEST(shard_settlement, a_rollback_opens_bets_again)
{
    struct maker m;
    begin(&m);
    uint32_t bet = place_single(&m, 0, (struct odds){3, 1}, 1000);
    result(&m, 1, LEG_WON);
    assert_int_equal(settle(&m, bet), 3000);
    struct parts rollback = parts_result(&m, 1, LEG_LOST);
    rollback.body.result.kind = RESULT_ROLLBACK;
    memset(rollback.items.results, 0, sizeof rollback.items.results);
    maker_accept(&m, &rollback);
    const struct shard_market *market = shard_state_market(m.state, (struct market_ref){1});
    assert_int_equal(market->has_result, 0);
    assert_int_equal(market->status, MARKET_SUSPENDED_STATUS);
    struct parts early = parts_settle(&m, bet);
    maker_refuse(&m, &early, "L7: settling twice pays once");
    reverse(&m, bet);
    assert_false(decided(&m, bet));
    assert_int_equal(shard_state_bet(m.state, bet)->state, BET_STATE_OPEN);
    struct parts fence = parts_fence(&m, 1, MARKET_ACTIVE); /* the feed offers it again */
    maker_accept(&m, &fence);
    (void)place_single(&m, 0, (struct odds){3, 1}, 1000);
    result(&m, 1, LEG_LOST);
    assert_int_equal(settle(&m, bet), 0);
    maker_done(&m);
}

/* BETTING-RULES 4.4: 100 e/w @ 11/4, 1/5: 375 + 155 of 200 staked; placed only 155. */
TEST(shard_settlement, each_way_is_two_bets)
{
    static const struct {
        struct leg_result win;
        uint16_t position, tied;
        int64_t pays;
    } rows[] = {
        {LEG_WON, 1, 1, 53000},  {LEG_WON, 0, 0, 53000}, /* who won was placed, whatever is said */
        {LEG_LOST, 3, 1, 15500}, {LEG_LOST, 3, 2, 7750}, /* two for the last place */
        {LEG_LOST, 4, 1, 0},     {LEG_LOST, 0, 0, 0},    {LEG_VOID, 0, 0, 20000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct maker m;
        begin(&m);
        const struct pick pick = {.market = 1, .odds = {15, 4}, .terms = {3, 1, 5}};
        uint32_t bet = place(&m, &pick, 1, (struct shape){.stake = 20000, .flags = BET_EACH_WAY});
        assert_int_equal(shard_state_bet(m.state, bet)->returns, 53000);
        struct parts parts = parts_result(&m, 1, LEG_LOST);
        parts.items.results[0] =
            (struct record_selection_result){.win = record_factors_of(rows[i].win),
                                             .position = rows[i].position,
                                             .tied = rows[i].tied};
        maker_accept(&m, &parts);
        assert_int_equal(settle(&m, bet), rows[i].pays);
        maker_done(&m);
    }
}

TEST(shard_settlement, who_does_not_run_loses_an_ante_post_bet)
{
    struct maker m;
    begin(&m);
    const struct pick pick = {.market = 1, .odds = {9, 1}};
    struct parts bet = bet_of(&m, &pick, 1, (struct shape){.stake = 1000});
    bet.items.legs[0].flags |= LEG_ANTE_POST;
    maker_accept(&m, &bet);
    struct parts parts = parts_result(&m, 1, LEG_LOST);
    withdraw(&parts, 0, m.time_us, 0);
    maker_accept(&m, &parts);
    assert_int_equal(settle(&m, 0), 0);
    maker_done(&m);
}

/* BETTING-RULES 4.9: the stake is not returned; a void bet gives the token back. */
TEST(shard_settlement, a_free_bet_pays_its_winnings)
{
    struct maker m;
    begin(&m);
    const struct pick pick = {.market = 1, .odds = {3, 1}};
    uint32_t bet = place(&m, &pick, 1, (struct shape){.stake = 1000, .flags = BET_FREE});
    const struct shard_account *account = shard_state_account(m.state, (struct account_ref){1});
    const struct shard_house *house = shard_state_house(m.state, 0);
    assert_int_equal(account->free, 99000);
    assert_int_equal(account->available, 100000);
    result(&m, 1, LEG_WON);
    assert_int_equal(settle(&m, bet), 2000);
    assert_int_equal(account->available, 102000);
    assert_int_equal(account->free, 99000);
    assert_int_equal(house->promo, -199000); /* the token is used up */
    assert_int_equal(house->result, -2000);
    result(&m, 1, LEG_VOID);
    reverse(&m, bet);
    assert_int_equal(settle(&m, bet), 0);
    assert_int_equal(account->available, 100000);
    assert_int_equal(account->free, 100000);
    assert_int_equal(house->promo, -200000);
    result(&m, 1, LEG_LOST);
    reverse(&m, bet);
    assert_int_equal(settle(&m, bet), 0);
    assert_int_equal(account->free, 99000);
    maker_done(&m);
}

/* Its winnings round to nothing whatever happens; that is no reason not to wait. */
TEST(shard_settlement, a_free_bet_of_a_penny_waits_for_its_result)
{
    struct maker m;
    begin(&m);
    const struct pick pick = {.market = 1, .odds = {3, 2}};
    uint32_t bet = place(&m, &pick, 1, (struct shape){.stake = 1, .flags = BET_FREE});
    assert_false(decided(&m, bet));
    result(&m, 1, LEG_VOID);
    assert_int_equal(settle(&m, bet), 0);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->free, 100000);
    maker_done(&m);
}

/* With one leg void and the other open it rounds to nothing, too, and both may be void yet. */
TEST(shard_settlement, a_free_double_of_a_penny_waits_for_both_results)
{
    struct maker m;
    begin(&m);
    const struct pick picks[] = {{.market = 1, .odds = {3, 2}}, {.market = 2, .odds = {3, 2}}};
    uint32_t bet = place(&m, picks, 2, (struct shape){.stake = 1, .flags = BET_FREE});
    result(&m, 1, LEG_VOID);
    assert_false(decided(&m, bet));
    result(&m, 2, LEG_VOID);
    assert_int_equal(settle(&m, bet), 0);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->free, 100000);
    maker_done(&m);
}

TEST(shard_settlement, bonus_money_returns_as_bonus_money)
{
    struct maker m;
    begin(&m);
    const struct pick pick = {.market = 1, .odds = {3, 1}};
    uint32_t bet = place(&m, &pick, 1, (struct shape){.stake = 1000, .flags = BET_BONUS});
    result(&m, 1, LEG_WON);
    assert_int_equal(settle(&m, bet), 3000);
    const struct shard_account *account = shard_state_account(m.state, (struct account_ref){1});
    assert_int_equal(account->bonus, 102000);
    assert_int_equal(account->available, 100000);
    maker_done(&m);
}

TEST(shard_settlement, nobody_stakes_promotional_money_that_he_has_not)
{
    struct maker m;
    begin(&m);
    const struct pick pick = {.market = 1, .odds = {3, 1}};
    struct parts free = bet_of(&m, &pick, 1, (struct shape){.stake = 100001, .flags = BET_FREE});
    maker_refuse(&m, &free, "L4: a bet never goes below zero");
    struct parts bonus = bet_of(&m, &pick, 1, (struct shape){.stake = 100001, .flags = BET_BONUS});
    maker_refuse(&m, &bonus, "L4: a bet never goes below zero");
    maker_done(&m);
}

TEST(shard_settlement, a_multiple_counts_whole_on_each_of_its_legs)
{
    struct maker m;
    begin(&m);
    const struct shard_selection *first = shard_state_selection(m.state, (struct market_ref){1}, 0);
    const struct shard_market *market = shard_state_market(m.state, (struct market_ref){1});
    (void)place(&m, doubles, 2, (struct shape){.stake = 1000});
    assert_int_equal(first->costs_open, 6000); /* 70.00 back, less the stake */
    assert_int_equal(market->stakes_single, 0);
    (void)place_single(&m, 0, (struct odds){3, 1}, 500);
    assert_int_equal(first->costs_open, 7500);
    assert_int_equal(market->stakes_single, 500);
    result(&m, 1, LEG_LOST);
    (void)settle(&m, 0);
    (void)settle(&m, 1);
    assert_int_equal(first->costs_open, 0);
    assert_int_equal(market->stakes_single, 0);
    assert_int_equal(shard_state_selection(m.state, (struct market_ref){2}, 0)->costs_open, 0);
    maker_done(&m);
}

/* Its place half may win beside another outcome, so its stake covers none. */
TEST(shard_settlement, an_each_way_single_costs_its_winnings_and_covers_nothing)
{
    struct maker m;
    begin(&m);
    const struct pick pick = {.market = 1, .odds = {5, 1}, .terms = {2, 1, 4}};
    (void)place(&m, &pick, 1, (struct shape){.stake = 1000, .flags = BET_EACH_WAY});
    const struct shard_market *market = shard_state_market(m.state, (struct market_ref){1});
    assert_int_equal(shard_state_selection(m.state, (struct market_ref){1}, 0)->costs_open, 2500);
    assert_int_equal(market->stakes_single, 0);
    maker_done(&m);
}

TEST(shard_settlement, windows_have_their_limits)
{
    struct maker m;
    begin(&m);
    for (int64_t i = 0; i < WINDOWS_OF_MARKET_MAX; i++) {
        struct parts parts = window(&m, 1, i, i + 1);
        maker_accept(&m, &parts);
    }
    assert_false(shard_state_window_room(m.state, (struct market_ref){1}));
    assert_true(shard_state_window_room(m.state, (struct market_ref){2}));
    struct parts more = window(&m, 1, 100, 101);
    maker_limited(&m, &more);
    struct parts known = window(&m, 1, 3, 4);
    known.body.result.result_version = 6;
    maker_accept(&m, &known);
    maker_done(&m);
}
