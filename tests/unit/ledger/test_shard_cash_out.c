/* test_shard_cash_out.c - bets bought back, record by record: what a record may claim, and that
 * what was bought back is never a bet again, in whatever order results come (BETTING-RULES 4.8). */
#include "maker.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

#include "core/market_chances.h"
#include "ledger/cash_out_record.h"
#include "ledger/record_json.h"
#include "ledger/shard_state_internal.h"
#include "ledger/shard_verdicts.h"

#define ADA 1

/* A single of 100.00 at 3.0 on the first selection of market 1, with all kinds of money. */
static void begin_with(struct maker *m, uint8_t flags)
{
    maker_open(m);
    m->state->accounts[ADA].free = m->state->accounts[ADA].bonus = 20000;
    m->state->houses[0].promo = -40000;
    struct parts bet = parts_bet(m, ADA, 1, "bet");
    bet.items.legs[0].selection = 0;
    parts_stake(m, &bet, 10000, (struct odds){3, 1});
    if (flags != 0) {
        const struct bet_terms terms = {money_of(10000, (struct currency){GBP}), 0, flags,
                                        ROUND_DOWN};
        bet.body.bet.flags = flags;
        bet.body.bet.promo_stake = 10000;
        bet.body.bet.balance_after = 10000;
        bet.postings[0].kind = (uint16_t)shard_stake_account(flags);
        assert_true(
            shard_potential_return(&terms, bet.items.legs, 1, &bet.body.bet.potential_return));
    }
    maker_accept(m, &bet);
}

static void begin(struct maker *m)
{
    begin_with(m, 0);
}

static const struct shard_bet *the_bet(const struct maker *m)
{
    return shard_state_bet(m->state, 0);
}

static int64_t available(const struct maker *m)
{
    return shard_state_account(m->state, (struct account_ref){ADA})->available;
}

/* Priced without margin at evens in a full book: half of what it pays. */
static struct parts at_evens(const struct maker *m, int64_t stake, const char *key)
{
    struct parts parts = parts_cash_out(m, 0, stake, key);
    parts.items.cash_out[0].book = CHANCES_BOOK_WHOLE;
    parts.items.cash_out[0].chances.win = CHANCE_WHOLE / 2;
    parts.body.cash_out.margin = 0;
    parts_cash_out_value(m, &parts, MONEY_MINOR_MAX);
    parts.body.cash_out.accepted = parts.body.cash_out.value;
    return parts;
}

static void accept(struct maker *m, const struct parts *parts)
{
    maker_accept(m, parts);
    assert_int_equal(shard_state_check(m->state), 0);
}

static void accept_new(struct maker *m, struct parts parts)
{
    accept(m, &parts);
}

/* ---- what is paid ---- */

/* BETTING-RULES 4.8: 100 @ 3.0 now p = .5 is 150.00. */
TEST(shard_cash_out, the_whole_bet_is_bought_back_at_its_worked_value)
{
    struct maker m;
    begin(&m);
    struct parts whole = at_evens(&m, 10000, "k");
    assert_int_equal(whole.body.cash_out.fair, 15000);
    accept(&m, &whole);
    assert_int_equal(available(&m), 15000);
    assert_int_equal(the_bet(&m)->state, BET_STATE_CASHED_OUT);
    assert_int_equal(the_bet(&m)->stake, 0);
    assert_int_equal(the_bet(&m)->stake_placed, 10000);
    assert_int_equal(the_bet(&m)->cashed_out, 15000);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){ADA})->bets_open, 0);
    const struct shard_market *market = shard_state_market(m.state, (struct market_ref){1});
    assert_int_equal(market->stakes_open, 0);
    assert_int_equal(market->returns_open, 0);
    assert_int_equal(shard_state_house(m.state, 0)->stakes, 0);
    assert_int_equal(shard_state_house(m.state, 0)->result, -5000);

    accept_new(&m, parts_result(&m, 1, LEG_WON));
    struct parts settle = parts_settle(&m, 0);
    maker_refuse(&m, &settle, "L7: settling twice pays once");
    struct parts again = parts_cash_out_refused(&m, 0, BET_CASH_OUT_UNAVAILABLE, "again");
    accept(&m, &again); /* a refusal is a verdict, and no record of the bet */
    assert_int_equal(the_bet(&m)->seq_last, whole.draft.seq);
    maker_done(&m);
}

TEST(shard_cash_out, a_margin_and_a_part_are_taken_exactly)
{
    struct maker m;
    begin(&m);
    struct parts part = parts_cash_out(&m, 0, 3333, "k"); /* at 2.00 of 105 %, 5 % off */
    assert_int_equal(part.items.cash_out[0].chances.win, 476190476);
    assert_int_equal(part.body.cash_out.fair, 4761);  /* 33.33 * 3 * 0.476190476 = 47.6142.. */
    assert_int_equal(part.body.cash_out.value, 4523); /* * 0.95 = 45.2335 */
    accept(&m, &part);
    assert_int_equal(available(&m), 4523);
    assert_int_equal(the_bet(&m)->stake, 6667);
    assert_int_equal(the_bet(&m)->returns, 20001);
    assert_int_equal(the_bet(&m)->state, BET_STATE_OPEN);
    accept_new(&m, parts_result(&m, 1, LEG_WON));
    accept_new(&m, parts_settle(&m, 0));
    assert_int_equal(available(&m), 4523 + 20001);
    maker_done(&m);
}

TEST(shard_cash_out, a_settled_leg_counts_with_its_result)
{
    struct maker m;
    maker_open(&m);
    struct parts bet = parts_bet(&m, ADA, 1, "bet");
    bet.items.legs[1] = bet.items.legs[0];
    bet.items.legs[1].market = 2;
    bet.draft.items_count = 2;
    const struct bet_terms terms = {money_of(5000, (struct currency){GBP}), 0, 0, ROUND_DOWN};
    assert_true(shard_potential_return(&terms, bet.items.legs, 2, &bet.body.bet.potential_return));
    accept(&m, &bet);
    accept_new(&m, parts_result(&m, 1, LEG_HALF_WON));
    struct parts part = at_evens(&m, 5000, "k");
    part.items.cash_out[0] =
        (struct record_cash_out_leg){.settled = part.items.cash_out[0].settled};
    part.items.cash_out[1].book = CHANCES_BOOK_WHOLE;
    part.items.cash_out[1].chances.win = CHANCE_WHOLE / 2;
    parts_cash_out_value(&m, &part, MONEY_MINOR_MAX);
    part.body.cash_out.accepted = part.body.cash_out.value;
    assert_int_equal(part.body.cash_out.value, 8137); /* 50 * (1 + 2.1) / 2 * 2.1 / 2 = 81.375 */
    REFUSES(&m, part, "a settled leg has no price of now", p.items.cash_out[0].odds_version = 1);
    REFUSES(&m, part, "L7: the factors are those of the results",
            p.items.cash_out[0].settled.win.won = 0);
    accept(&m, &part);
    maker_done(&m);
}

/* A token's stake is not returned: winnings alone, and what is left of it is settled like it. */
TEST(shard_cash_out, of_a_free_bet_pays_winnings)
{
    struct maker m;
    begin_with(&m, BET_FREE);
    int64_t before = available(&m), token = m.state->accounts[ADA].free;
    struct parts part = at_evens(&m, 5000, "k");
    assert_int_equal(part.body.cash_out.value, 5000); /* 50 * (3 - 1) / 2 */
    accept(&m, &part);
    assert_int_equal(available(&m), before + 5000);
    assert_int_equal(m.state->accounts[ADA].free, token);
    accept_new(&m, parts_result(&m, 1, LEG_VOID));
    accept_new(&m, parts_settle(&m, 0));
    assert_int_equal(m.state->accounts[ADA].free, token + 5000); /* what was not bought back */
    assert_int_equal(available(&m), before + 5000);
    maker_done(&m);
}

TEST(shard_cash_out, of_bonus_money_pays_bonus_money)
{
    struct maker m;
    begin_with(&m, BET_BONUS);
    int64_t before = available(&m);
    accept_new(&m, at_evens(&m, 5000, "k"));
    assert_int_equal(available(&m), before);
    assert_int_equal(m.state->accounts[ADA].bonus, 10000 + 7500);
    maker_done(&m);
}

/* ---- what a record may not claim ---- */

TEST(shard_cash_out, a_record_is_checked_whole)
{
    struct maker m;
    begin(&m);
    struct parts good = parts_cash_out(&m, 0, 4000, "k");
    struct record_cash_out_leg *leg = &good.items.cash_out[0];
#define VALUE "L7: the value follows from stake, odds, factors and chances"
    REFUSES(&m, good, "L7: there is no such bet", p.body.cash_out.bet_id++);
    REFUSES(&m, good, "L7: the bet is another account's", p.draft.account = 2);
    REFUSES(&m, good, "no such outcome", p.body.cash_out.outcome = 29);
    REFUSES(&m, good, "L4: the amount is positive and within the limit", p.body.cash_out.stake = 0);
    REFUSES(&m, good, "L4: the amount is positive and within the limit",
            p.body.cash_out.accepted = -1);
    REFUSES(&m, good, "L7: no more is bought back than there is", p.body.cash_out.stake = 10001);
    REFUSES(&m, good, "a tolerance is at most the whole", p.body.cash_out.tolerance = 10001);
    REFUSES(&m, good, "L7: the cash-out is of this bet", p.body.cash_out.sizes = 1);
    REFUSES(&m, good, "L7: the cash-out is of this bet", p.body.cash_out.flags = BET_FREE);
    REFUSES(&m, good, "L7: the cash-out is of this bet", p.body.cash_out.currency = EUR);
    REFUSES(&m, good, "a waiting cash-out is decided later", p.body.cash_out.decide_at_us = 1);
    REFUSES(&m, good, VALUE, p.body.cash_out.fair++);
    REFUSES(&m, good, VALUE, p.body.cash_out.value++);
    REFUSES(&m, good, VALUE, p.body.cash_out.margin = 499);
    REFUSES(&m, good, VALUE, p.body.cash_out.margin = 10001);
    REFUSES(&m, good, VALUE, p.items.cash_out[0].chances.win++);
    REFUSES(&m, good, VALUE, p.items.cash_out[0].book += CHANCES_BOOK_WHOLE / 100);
    REFUSES(&m, good, VALUE, p.items.cash_out[0].now_numerator++);
    REFUSES(&m, good, VALUE, p.items.cash_out[0].chances.refund++);
    REFUSES(&m, good, VALUE, p.items.cash_out[0].book = 0; /* not said by the book, so they count */
            p.items.cash_out[0].chances.win = CHANCE_WHOLE / 2 + 1);
    REFUSES(&m, good, VALUE, p.items.cash_out[0].now_denominator = 0);
    REFUSES(&m, good, "L7: the factors are those of the results",
            p.items.cash_out[0].settled.odds_numerator++);
    REFUSES(&m, good, "L6: the market was seen active",
            p.items.cash_out[0].market_status = MARKET_SUSPENDED_STATUS);
    REFUSES(&m, good, "P2: the provider's lease held", p.items.cash_out[0].flags = 0);
    REFUSES(&m, good, "a leg's flags are known", p.items.cash_out[0].flags |= LEG_BANKER);
    REFUSES(&m, good, "a cash-out speaks of every leg", p.draft.items_count = 0;
            p.texts[1] = SLICE_NONE);
    REFUSES(&m, good, "L7: no less is paid than was agreed to", p.body.cash_out.accepted++);
    REFUSES(&m, good, "L7: the value is what is paid", p.body.cash_out.paid--);
    REFUSES(&m, good, "L7: what is bought back is not staked", p.body.cash_out.stake_left--);
    REFUSES(&m, good, "L4: the balance is the fold", p.body.cash_out.balance_after++);
    REFUSES(&m, good, "L4: the postings are those of the part", p.postings[1].amount++);
    REFUSES(&m, good, "L4: the postings are those of the part", p.draft.postings_count = 2);
    REFUSES(&m, good, "L3: a key has 1 to 64 bytes", p.body.cash_out.key_bytes = 0;
            p.texts[0] = SLICE_NONE);
    REFUSES(&m, good, "L7: the bet's records are a chain", p.body.cash_out.previous_seq--);
    REFUSES(&m, good, "L6: the offer held", p.body.cash_out.offer_until_us = p.draft.time_us - 1);
    assert_int_equal(leg->settled.win.known, 0);
    accept(&m, &good);
    struct parts same = parts_cash_out(&m, 0, 4000, "k");
    maker_refuse(&m, &same, "L3: one key, one verdict");
    maker_done(&m);
}

#define PERMILLE (CHANCE_WHOLE / 1000)

/* Chances of the provider need no book, and may be of every kind; they must agree with its price.
 */
TEST(shard_cash_out, chances_of_the_provider_are_taken_as_they_are)
{
    struct maker m;
    begin(&m);
    struct parts good = parts_cash_out(&m, 0, 4000, "k");
    struct record_cash_out_leg *leg = &good.items.cash_out[0];
    leg->book = 0;
    leg->chances = (struct leg_chances){CHANCE_WHOLE / 4, CHANCE_WHOLE / 10, CHANCE_WHOLE / 5,
                                        CHANCE_WHOLE / 10};
    parts_cash_out_value(&m, &good, MONEY_MINOR_MAX);
    good.body.cash_out.accepted = good.body.cash_out.value;
    REFUSES(&m, good, VALUE, p.items.cash_out[0].chances.half_win += PERMILLE);
    REFUSES(&m, good, VALUE, p.items.cash_out[0].chances = (struct leg_chances){.win = 0});
    REFUSES(&m, good, VALUE, p.items.cash_out[0].chances.half_lose = CHANCE_WHOLE);
    accept(&m, &good);
    maker_done(&m);
}

TEST(shard_cash_out, a_tolerance_is_what_the_customer_gave)
{
    struct maker m;
    begin(&m);
    struct parts parts = at_evens(&m, 10000, "k");
    parts.body.cash_out.accepted = 15307; /* less 2 % is 150.0086, rounded up */
    parts.body.cash_out.tolerance = 200;
    maker_refuse(&m, &parts, "L7: no less is paid than was agreed to");
    struct parts changed = parts;
    changed.body.cash_out.outcome = BET_CASH_OUT_CHANGED;
    changed.body.cash_out.previous_seq = 0;
    parts_cash_out_value(&m, &changed, 0);
    changed.texts[0] = SLICE("other");
    changed.body.cash_out.key_bytes = 5;
    accept(&m, &changed); /* that it was less can be checked, too */
    changed = parts_cash_out(&m, 0, 100, "third");
    changed.body.cash_out.outcome = BET_CASH_OUT_CHANGED;
    changed.body.cash_out.previous_seq = 0;
    parts_cash_out_value(&m, &changed, 0);
    maker_refuse(&m, &changed, "L7: a value that was agreed to is paid");
    parts = at_evens(&m, 10000, "k");
    parts.body.cash_out.accepted = 15306;
    parts.body.cash_out.tolerance = 200;
    accept(&m, &parts);
    assert_int_equal(available(&m), 15000);
    maker_done(&m);
}

TEST(shard_cash_out, a_fence_a_result_and_a_settlement_stop_it)
{
    struct maker m;
    begin(&m);
    accept_new(&m, parts_fence(&m, 1, MARKET_SUSPENDED_STATUS));
    struct parts parts = parts_cash_out(&m, 0, 100, "k");
    maker_refuse(&m, &parts, "L6: no cash-out stands after a fence that stops it");
    accept_new(&m, parts_fence(&m, 1, MARKET_ACTIVE));
    parts = parts_cash_out(&m, 0, 100, "k");
    accept_new(&m, parts_result(&m, 1, LEG_WON));
    parts.draft.seq++;
    parts.draft.time_us = m.time_us;
    maker_refuse(&m, &parts, "L7: a bet that is decided is settled, not bought back");
    accept_new(&m, parts_settle(&m, 0));
    parts.draft.seq++;
    parts.draft.time_us = m.time_us;
    maker_refuse(&m, &parts, "L7: only an open bet is bought back");
    maker_done(&m);
}

/* ---- those that wait ---- */

static uint64_t answer_of(const struct maker *m, const char *key)
{
    struct hash128 hash =
        shard_verdict_key(shard_state_hash_key(m->state), (struct account_ref){ADA},
                          OPERATION_CASH_OUT, slice_text(key));
    const struct shard_verdict *verdict = shard_state_verdict(m->state, hash);
    assert_non_null(verdict);
    return shard_state_verdict_seq(m->state, verdict);
}

TEST(shard_cash_out, one_that_waits_moves_nothing_until_it_is_decided)
{
    struct maker m;
    begin(&m);
    struct parts waiting = parts_cash_out_waiting(&m, 0, 4000, "k");
    accept(&m, &waiting);
    assert_int_equal(available(&m), 0);
    assert_int_equal(the_bet(&m)->stake, 10000);
    assert_int_equal(answer_of(&m, "k"), waiting.draft.seq);
    struct parts second = parts_cash_out(&m, 0, 100, "other");
    maker_refuse(&m, &second, "L7: a bet has one cash-out at a time");

    struct parts decided = parts_cash_out_decided(&m, 0, BET_PLACED);
    REFUSES(&m, decided, "L7: what is decided is what was asked", p.body.cash_out.asked_seq--);
    REFUSES(&m, decided, "L7: what is decided is what was asked", p.body.cash_out.tolerance = 1);
    REFUSES(&m, decided, "L3: what decides a cash-out is no request",
            p.body.cash_out.transport = 1);
    REFUSES(&m, decided, "L3: what decides a cash-out is no request",
            p.body.cash_out.request_hash[1] = 1);
    REFUSES(&m, decided, "L7: the bet's records are a chain", p.body.cash_out.previous_seq = 0);
    accept(&m, &decided);
    assert_int_equal(answer_of(&m, "k"), decided.draft.seq);
    assert_int_equal(the_bet(&m)->stake, 6000);
    decided.draft.seq++;
    decided.draft.time_us = m.time_us;
    maker_refuse(&m, &decided, "L7: only a waiting cash-out is decided");
    maker_done(&m);
}

/* The price has become better meanwhile: what was shown before the delay is paid. */
TEST(shard_cash_out, a_delay_never_makes_the_amount_more)
{
    struct maker m;
    begin(&m);
    struct parts waiting = parts_cash_out_waiting(&m, 0, 4000, "k");
    int64_t bound = waiting.body.cash_out.value;
    accept(&m, &waiting);
    struct parts decided = parts_cash_out_decided(&m, 0, BET_PLACED);
    decided.items.cash_out[0].now_numerator = 5;
    decided.items.cash_out[0].now_denominator = 4;
    decided.items.cash_out[0].chances.win =
        chances_of((struct odds){5, 4}, decided.items.cash_out[0].book);
    parts_cash_out_value(&m, &decided, MONEY_MINOR_MAX);
    assert_true(decided.body.cash_out.value > bound);
    maker_refuse(&m, &decided, "L7: the value is what is paid");
    parts_cash_out_value(&m, &decided, bound);
    accept(&m, &decided);
    assert_int_equal(available(&m), bound);
    maker_done(&m);
}

TEST(shard_cash_out, one_that_waits_is_refused_when_the_bet_was_settled_meanwhile)
{
    struct maker m;
    begin(&m);
    accept_new(&m, parts_cash_out_waiting(&m, 0, 4000, "k"));
    accept_new(&m, parts_result(&m, 1, LEG_WON));
    accept_new(&m, parts_settle(&m, 0));
    struct parts decided = parts_cash_out_decided(&m, 0, BET_MARKET_CLOSED);
    REFUSES(&m, decided, "L4: a refusal moves no money", p.body.cash_out.stake_left--);
    REFUSES(&m, decided, "a refusal without a value says none", p.body.cash_out.margin = 500);
    accept(&m, &decided);
    assert_int_equal(available(&m), 30000);
    assert_int_equal(answer_of(&m, "k"), decided.draft.seq);
    maker_done(&m);
}

TEST(shard_cash_out, a_suspension_during_the_delay_refuses_though_it_is_over)
{
    struct maker m;
    begin(&m);
    accept_new(&m, parts_cash_out_waiting(&m, 0, 4000, "k"));
    accept_new(&m, parts_fence(&m, 1, MARKET_SUSPENDED_STATUS));
    accept_new(&m, parts_fence(&m, 1, MARKET_ACTIVE));
    struct parts decided = parts_cash_out_decided(&m, 0, BET_PLACED);
    maker_refuse(&m, &decided, "L6: no cash-out stands after a suspension during its delay");
    accept_new(&m, parts_cash_out_decided(&m, 0, BET_MARKET_SUSPENDED));
    maker_done(&m);
}

/* S2: CASH_OUTS_OF_BET_MAX, and the table of those that waited. */
TEST(shard_cash_out, a_bet_has_so_many_at_most)
{
    struct maker m;
    char key[8];
    begin(&m);
    for (int i = 0; i < CASH_OUTS_OF_BET_MAX; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        accept_new(&m, parts_cash_out(&m, 0, 100, key));
    }
    struct parts parts = parts_cash_out(&m, 0, 100, "last");
    maker_refuse(&m, &parts, "L7: a bet has so many cash-outs at most");
    m.state->bets[0].cash_outs = 0;
    m.state->limits.cash_outs_max = 0;
    assert_string_equal(shard_state_cash_out_room(m.state), "cash_outs_max");
    parts = parts_cash_out_waiting(&m, 0, 100, "last");
    maker_limited(&m, &parts);
    maker_done(&m);
}

/* ---- every order ---- */

/* What a single of 100.00 at 3.0 comes to, in other words than the ledger's. */
struct expected {
    int64_t stake, paid, payout;
    bool settled;
    char result; /* 'o': none */
};

static void roll_back(struct maker *m)
{
    struct parts rollback = parts_result(m, 1, LEG_LOST);
    rollback.body.result.kind = RESULT_ROLLBACK;
    memset(rollback.items.results, 0, sizeof rollback.items.results);
    accept(m, &rollback);
    accept_new(m, parts_fence(m, 1, MARKET_ACTIVE));
}

/* As book_settle_step does it. */
static void settle_if_due(struct maker *m, struct expected *e)
{
    struct settlement now;
    int64_t pays = e->result == 'w' ? 3 * e->stake : e->result == 'v' ? e->stake : 0;
    shard_settlement_of(m->state, the_bet(m), &now);
    if (e->settled && (e->result == 'o' || pays != e->payout)) {
        accept_new(m, parts_reverse(m, 0));
        e->settled = false;
    }
    if (the_bet(m)->state == BET_STATE_OPEN && e->result != 'o' && !e->settled) {
        accept_new(m, parts_settle(m, 0));
        e->settled = true;
        e->payout = pays;
    }
}

static void step(struct maker *m, struct expected *e, char what, int number)
{
    char key[8];
    bool open = the_bet(m)->state == BET_STATE_OPEN && e->result == 'o';
    (void)snprintf(key, sizeof key, "k%d", number);
    if (what == 'c' || what == 'C') {
        int64_t part = what == 'C' ? e->stake : 3000;
        if (!open || part > e->stake)
            return;
        struct parts parts = at_evens(m, part, key);
        e->paid += part * 3 / 2;
        e->stake -= part;
        accept(m, &parts);
        return;
    }
    e->result = what;
    if (what == 'o')
        roll_back(m);
    else
        accept_new(m, parts_result(m, 1,
                                   what == 'w'   ? LEG_WON
                                   : what == 'v' ? LEG_VOID
                                                 : LEG_LOST));
    settle_if_due(m, e);
}

/* Cash out a part or all, win, lose, void, roll back: every order of five. */
TEST(shard_cash_out, what_was_bought_back_is_never_revived_in_any_order)
{
    static const char words[] = "cCwlvo";
    enum { STEPS = 5, WORDS = 6 };
    unsigned orders = 1;
    for (int i = 0; i < STEPS; i++)
        orders *= WORDS;
    for (unsigned order = 0; order < orders; order++) {
        struct maker m;
        struct expected e = {.stake = 10000, .result = 'o'};
        unsigned left = order;
        begin(&m);
        for (int i = 0; i < STEPS; i++, left /= WORDS)
            step(&m, &e, words[left % WORDS], i);
        assert_int_equal(the_bet(&m)->stake, e.stake);
        assert_int_equal(the_bet(&m)->cashed_out, e.paid);
        if (available(&m) != e.paid + (e.settled ? e.payout : 0))
            fail_msg("order %u: %lld", order, (long long)available(&m));
        maker_done(&m);
    }
}

/* ---- the record alone ---- */

TEST(shard_cash_out, the_value_is_read_from_the_record_alone)
{
    struct maker m;
    begin(&m);
    struct parts good = parts_cash_out(&m, 0, 4000, "k");
    int64_t fair = 0, value = 0;
    maker_encode(&m, &good);
    struct cash_out_parts parts = cash_out_parts_of(&m.view);
    assert_true(cash_out_record_value(&parts, &fair, &value));
    assert_int_equal(fair, good.body.cash_out.fair);
    assert_int_equal(value, good.body.cash_out.value);
    parts.legs_count = 0;
    assert_false(cash_out_record_value(&parts, &fair, &value));
    struct record_cash_out each_way = good.body.cash_out;
    each_way.flags = BET_EACH_WAY; /* to be placed there is no price of now */
    parts = cash_out_parts_of(&m.view);
    parts.body = &each_way;
    assert_false(cash_out_record_value(&parts, &fair, &value));
    maker_done(&m);
}

TEST(shard_cash_out, is_dumped_with_all_that_its_value_is_made_of)
{
    static char memory[8192];
    struct maker m;
    begin(&m);
    struct parts good = parts_cash_out(&m, 0, 4000, "k");
    accept(&m, &good);
    struct buf json = buf_over(memory, sizeof memory - 1);
    record_json(&json, &m.view, m.state);
    assert_false(json.overflow);
    static const char *const words[] = {
        "\"type\":\"CASH_OUT\"",
        "\"outcome\":\"PLACED\"",
        "\"stake\":40.00",
        "\"fair\":57.14",
        "\"margin_permyriad\":500",
        "\"value\":54.28",
        "\"paid\":54.28",
        "\"stake_left\":60.00",
        "\"now_odds\":2.00",
        "\"chances\":{\"win\":476190476,\"half_win\":0,",
        "\"book\":1050000000000000",
        "\"idempotency_key\":\"k\"",
        "\"odds\":3.00",
        "\"kind\":\"house_stakes\"",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(memory, words[i]) == NULL)
            fail_msg("%s is not in %s", words[i], memory);
    maker_done(&m);
}
