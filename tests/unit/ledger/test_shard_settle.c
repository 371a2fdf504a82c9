/* test_shard_settle.c - every reason of shard_apply_money.c to refuse a settlement or a reversal,
 * and the way of a bet through a result and its correction (L7). */
#include "test.h"

#include "maker.h"

#define OF_THIS_BET "L7: the settlement is of this bet"
#define OF_RESULTS  "L7: the factors are those of the results"
#define IN_FORCE    "L7: a settlement follows from the results in force"

static void refuses_other_postings(struct maker *m, const struct parts *good, const char *reason)
{
    for (size_t i = 0; i < good->draft.postings_count; i++) {
        REFUSES(m, *good, reason, p.postings[i].account ^= 3);
        REFUSES(m, *good, reason, p.postings[i].kind ^= 7);
        REFUSES(m, *good, reason, p.postings[i].currency = EUR);
        REFUSES(m, *good, reason, p.postings[i].amount++);
    }
    REFUSES(m, *good, reason, p.draft.postings_count--);
    REFUSES(m, *good, reason, p.draft.postings_count++);
}

/* Account 1 has an open bet of 50.00 at 2.10 on selection 1 of market 1, and 50.00 left. */
static void open_with_bet(struct maker *m)
{
    maker_open(m);
    struct parts bet = parts_bet(m, 1, 1, "b");
    maker_accept(m, &bet);
}

static void accept_result(struct maker *m, struct leg_result result)
{
    struct parts parts = parts_result(m, 1, result);
    maker_accept(m, &parts);
}

static void accept_settle(struct maker *m)
{
    struct parts parts = parts_settle(m, 0);
    maker_accept(m, &parts);
}

static void accept_reverse(struct maker *m)
{
    struct parts parts = parts_reverse(m, 0);
    maker_accept(m, &parts);
}

static int64_t available(const struct maker *m)
{
    return shard_state_account(m->state, (struct account_ref){1})->available;
}

TEST(shard_settle, a_settlement_is_checked_whole)
{
    struct maker m;
    open_with_bet(&m);
    struct parts early = parts_settle(&m, 0);
    maker_refuse(&m, &early, IN_FORCE);
    accept_result(&m, LEG_HALF_WON);
    struct parts good = parts_settle(&m, 0);
    REFUSES(&m, good, "L7: there is no such bet", p.body.settle.bet_id++);
    REFUSES(&m, good, "L7: the bet is another account's", p.draft.account = 2);
    REFUSES(&m, good, "L7: the bet's records are a chain", p.body.settle.previous_seq++);
    REFUSES(&m, good, IN_FORCE, p.body.settle.result_seq--);
    REFUSES(&m, good, IN_FORCE, p.body.settle.result_version++);
    REFUSES(&m, good, OF_RESULTS, p.items.settled[0].win.won = 0);
    REFUSES(&m, good, OF_RESULTS, p.items.settled[0].win.known = 0);
    REFUSES(&m, good, OF_RESULTS, p.items.settled[0].market = 2);
    REFUSES(&m, good, OF_RESULTS, p.items.settled[0].flags = 0);
    REFUSES(&m, good, OF_RESULTS, p.items.settled[0].odds_numerator++);
    REFUSES(&m, good, OF_RESULTS, p.items.settled[0].odds_denominator--);
    REFUSES(&m, good, OF_RESULTS, p.items.settled[0].position = 1);
    REFUSES(&m, good, OF_RESULTS, p.draft.items_count = 0);
    REFUSES(&m, good, OF_RESULTS, p.draft.items_count = 2);
    REFUSES(&m, good, OF_THIS_BET, p.body.settle.stake++);
    REFUSES(&m, good, OF_THIS_BET, p.body.settle.sizes = 1);
    REFUSES(&m, good, OF_THIS_BET, p.body.settle.flags = BET_FREE);
    REFUSES(&m, good, OF_THIS_BET, p.body.settle.rounding = ROUND_HALF_UP);
    REFUSES(&m, good, OF_THIS_BET, p.body.settle.currency = EUR);
    REFUSES(&m, good, OF_THIS_BET, p.body.settle.settlement = 0);
    REFUSES(&m, good, OF_THIS_BET, p.body.settle.settlement = 2);
    REFUSES(&m, good, "L7: the payout follows from stake, odds and factors",
            p.body.settle.payout++);
    REFUSES(&m, good, "L7: the payout follows from stake, odds and factors",
            p.body.settle.token_back = 1);
    REFUSES(&m, good, "L4: the balance is the fold", p.body.settle.balance_after--);
    refuses_other_postings(&m, &good, "L4: the postings are those of the payout");
    maker_accept(&m, &good);
    assert_int_equal(available(&m), 5000 + 7750); /* half back, half at 2.10 */
    maker_done(&m);
}

TEST(shard_settle, settling_twice_pays_once)
{
    struct maker m;
    open_with_bet(&m);
    accept_result(&m, LEG_WON);
    accept_settle(&m);
    struct parts again = parts_settle(&m, 0);
    maker_refuse(&m, &again, "L7: settling twice pays once");
    assert_int_equal(available(&m), 5000 + 10500);
    assert_int_equal(shard_state_house(m.state, 0)->result, 5000 - 10500);
    assert_int_equal(shard_state_house(m.state, 0)->stakes, 0);
    maker_done(&m);
}

TEST(shard_settle, a_bet_without_a_word_in_the_result_stays_open)
{
    struct maker m;
    open_with_bet(&m);
    struct parts result = parts_result(&m, 1, LEG_WON);
    result.items.results[1] = (struct record_selection_result){0};
    maker_accept(&m, &result);
    struct parts settle = parts_settle(&m, 0);
    maker_refuse(&m, &settle, IN_FORCE);
    maker_done(&m);
}

TEST(shard_settle, pending_and_unaccepted_bets_are_not_settled)
{
    struct maker m;
    maker_open(&m);
    struct parts bet = parts_pending(&m, 1, 1, "b");
    maker_accept(&m, &bet);
    accept_result(&m, LEG_WON);
    struct parts settle = parts_settle(&m, 0);
    maker_refuse(&m, &settle, "L7: settling twice pays once");
    struct parts release = parts_release(&m, 0, BET_MARKET_CLOSED);
    maker_accept(&m, &release);
    settle = parts_settle(&m, 0);
    maker_refuse(&m, &settle, "L7: settling twice pays once");
    struct parts reverse = parts_reverse(&m, 0);
    maker_refuse(&m, &reverse, "L7: only a settlement is reversed");
    maker_done(&m);
}

TEST(shard_reverse, a_reversal_is_checked_whole)
{
    struct maker m;
    open_with_bet(&m);
    struct parts early = parts_reverse(&m, 0);
    maker_refuse(&m, &early, "L7: only a settlement is reversed");
    accept_result(&m, LEG_WON);
    accept_settle(&m);
    struct parts same_result = parts_reverse(&m, 0);
    maker_refuse(&m, &same_result, "L7: a reversal follows from a newer result");
    accept_result(&m, LEG_LOST);
    struct parts good = parts_reverse(&m, 0);
    REFUSES(&m, good, "L7: there is no such bet", p.body.reverse.bet_id--);
    REFUSES(&m, good, "L7: the bet is another account's", p.draft.account = 2);
    REFUSES(&m, good, "L7: the bet's records are a chain", p.body.reverse.previous_seq--);
    REFUSES(&m, good, "L7: a reversal names the settlement in force",
            p.body.reverse.reverses_seq--);
    REFUSES(&m, good, "L7: a reversal names the settlement in force", p.body.reverse.payout--);
    REFUSES(&m, good, "L7: a reversal follows from a newer result", p.body.reverse.result_seq--);
    REFUSES(&m, good, "L7: a reversal follows from a newer result",
            p.body.reverse.result_version++);
    REFUSES(&m, good, "L4: an account has one currency", p.body.reverse.currency = EUR);
    REFUSES(&m, good, "L4: the balance is the fold", p.body.reverse.balance_after++);
    refuses_other_postings(&m, &good, "L4: a reversal undoes the settlement");
    maker_accept(&m, &good);
    assert_int_equal(available(&m), 5000);
    assert_int_equal(shard_state_bet(m.state, 0)->state, BET_STATE_OPEN);
    maker_done(&m);
}

TEST(shard_reverse, a_newer_result_that_says_the_same_reverses_nothing)
{
    struct maker m;
    open_with_bet(&m);
    accept_result(&m, LEG_WON);
    accept_settle(&m);
    accept_result(&m, LEG_WON);
    struct parts reverse = parts_reverse(&m, 0);
    maker_refuse(&m, &reverse, "L7: the newer result is another one");
    maker_done(&m);
}

TEST(shard_reverse, a_correction_may_take_a_balance_below_zero)
{
    struct maker m;
    open_with_bet(&m);
    accept_result(&m, LEG_WON);
    accept_settle(&m);
    struct parts out = parts_withdrawal(&m, 1, 15500, "w");
    maker_accept(&m, &out);
    accept_result(&m, LEG_LOST);
    accept_reverse(&m);
    assert_int_equal(available(&m), -10500);
    accept_settle(&m);
    assert_int_equal(shard_state_bet(m.state, 0)->settlement, 2);
    assert_int_equal(available(&m), -10500);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

TEST(shard_adjustment, brings_what_is_below_zero_to_zero_and_no_further)
{
    struct maker m;
    open_with_bet(&m);
    struct parts none = parts_adjustment(&m, 1, LEDGER_AVAILABLE);
    maker_refuse(&m, &none, "L4: what is below zero is written off, and no more");
    accept_result(&m, LEG_WON);
    accept_settle(&m);
    struct parts out = parts_withdrawal(&m, 1, 15500, "w");
    maker_accept(&m, &out);
    accept_result(&m, LEG_LOST);
    accept_reverse(&m);
    struct parts desk = parts_promotion(&m, 1, MONEY_WRITE_OFF, 500, "off");
    REFUSES(&m, desk, "L4: what is below zero is written off, and no more",
            p.body.money.amount = 10501;
            p.body.money.balance_after = 1; p.postings[0].amount = 10501;
            p.postings[1].amount = -10501);
    maker_accept(&m, &desk);
    assert_int_equal(available(&m), -10000);
    struct parts good = parts_adjustment(&m, 1, LEDGER_AVAILABLE);
#define DUE "L4: what is below zero is written off, and no more"
    REFUSES(&m, good, DUE, p.body.adjustment.amount--);
    REFUSES(&m, good, DUE, p.body.adjustment.amount++);
    REFUSES(&m, good, DUE, p.body.adjustment.previous_seq--);
    REFUSES(&m, good, DUE, p.body.adjustment.before_seq++);
    REFUSES(&m, good, DUE, p.body.adjustment.balance_after++);
    REFUSES(&m, good, DUE, p.body.adjustment.currency = EUR);
    REFUSES(&m, good, DUE, p.body.adjustment.kind = LEDGER_BONUS);
#undef DUE
    REFUSES(&m, good, "no such balance is written off", p.body.adjustment.kind = LEDGER_HELD);
    REFUSES(&m, good, "the account is unknown", p.draft.account = 9);
    refuses_other_postings(&m, &good, "L4: the postings are those of the movement");
    maker_accept(&m, &good);
    assert_int_equal(available(&m), 0);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

/* A token that came back with a void bet was taken away, and then the bet has lost after all. */
TEST(shard_adjustment, promotional_money_may_be_below_zero_until_it_is_written_off)
{
    struct maker m;
    maker_open(&m);
    struct parts grant = parts_promotion(&m, 1, MONEY_GRANT_FREE, 5000, "grant");
    maker_accept(&m, &grant);
    struct parts bet = parts_bet(&m, 1, 1, "bet");
    bet.body.bet.flags = BET_FREE;
    bet.body.bet.promo_stake = 5000;
    bet.body.bet.balance_after = 10000;
    bet.body.bet.potential_return -= 5000;
    bet.postings[0].kind = LEDGER_FREE;
    maker_accept(&m, &bet);
    accept_result(&m, LEG_VOID);
    accept_settle(&m);
    struct parts forfeit = parts_promotion(&m, 1, MONEY_FORFEIT_FREE, 5000, "forfeit");
    maker_accept(&m, &forfeit);
    accept_result(&m, LEG_LOST);
    accept_reverse(&m);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->free, -5000);
    assert_int_equal(shard_state_check(m.state), 0);
    accept_settle(&m);
    struct parts adjustment = parts_adjustment(&m, 1, LEDGER_FREE);
    maker_accept(&m, &adjustment);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->free, 0);
    assert_int_equal(shard_state_house(m.state, 0)->promo, 0);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

/* Won, taken back to unknown, void, lost: each correction is a reversal and a new settlement. */
TEST(shard_reverse, a_bet_may_be_corrected_again_and_again)
{
    struct maker m;
    open_with_bet(&m);
    accept_result(&m, LEG_WON);
    accept_settle(&m);
    struct parts unknown = parts_result(&m, 1, LEG_WON);
    for (int i = 0; i < 3; i++)
        unknown.items.results[i] = (struct record_selection_result){0};
    maker_accept(&m, &unknown);
    accept_reverse(&m);
    assert_int_equal(shard_state_account(m.state, (struct account_ref){1})->bets_open, 1);
    accept_result(&m, LEG_VOID);
    accept_settle(&m);
    assert_int_equal(available(&m), 10000);
    accept_result(&m, LEG_LOST);
    accept_reverse(&m);
    accept_settle(&m);
    assert_int_equal(available(&m), 5000);
    assert_int_equal(shard_state_bet(m.state, 0)->settlement, 3);
    assert_int_equal(shard_state_counts(m.state)->settlements_reversed, 2);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}
