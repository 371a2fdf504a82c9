/* test_book.c - the book as a whole on fake ports: what is answered, and when. */
#include <stdio.h>

#include "test.h"

#include "app/book_copy.h"
#include "app/commit.h"
#include "app/refold.h"
#include "book_fixture.h"

#define SETUP()                                                                                    \
    struct fixture f;                                                                              \
    fixture_begin(&f)

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

static void open_and_fund(struct fixture *f)
{
    fixture_market(f, MARKET_ACTIVE, 210, 300);
    assert_int_equal(fixture_deposit(f, "ann", "d1", 10000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->balance, 10000);
}

/* As fixture_restart, on a log that stays as it is. */
static void drop_and_start(struct fixture *f)
{
    f->keep_log = true;
    fixture_restart(f);
    f->keep_log = false;
}

TEST(book, answers_a_bet_only_after_it_is_durable)
{
    SETUP();
    open_and_fund(&f);
    f.log.hold = true;
    int before = f.answers;
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before); /* L2 */
    f.log.hold = false;
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before + 1);
    assert_int_equal(f.outcome, BET_PLACED);
    assert_int_equal(f.balance, 9000);
    TEARDOWN();
}

TEST(book, one_key_has_one_verdict_before_and_after_it_is_durable_and_after_a_restart)
{
    SETUP();
    open_and_fund(&f);
    f.log.hold = true;
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 1000), REQUEST_TAKEN); /* waits too */
    f.log.hold = false;
    int before = f.answers;
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before + 2);
    assert_true(f.replayed);
    uint64_t seq = f.seq, bet_id = f.bet_id;
    fixture_bet(&f, "k1", "a", 210, 1000); /* read from the log */
    fixture_turn(&f, 1000);
    assert_true(f.replayed && f.seq == seq && f.bet_id == bet_id);
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 999), REQUEST_CONFLICT);
    fixture_restart(&f);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    assert_true(f.replayed && f.seq == seq && f.bet_id == bet_id && f.balance == 9000);
    assert_int_equal(fixture_available(&f, "ann"), 9000);
    TEARDOWN();
}

TEST(book, refusals_are_verdicts_too)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 211, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_ODDS_CHANGED);
    fixture_market(&f, MARKET_ACTIVE, 220, 300); /* now it would pass */
    fixture_bet(&f, "k1", "a", 211, 1000);
    fixture_turn(&f, 1000);
    assert_true(f.replayed);
    assert_int_equal(f.outcome, BET_ODDS_CHANGED);
    TEARDOWN();
}

TEST(book, a_market_nobody_knows_is_suspended_and_fills_no_table)
{
    SETUP();
    assert_int_equal(fixture_deposit(&f, "ann", "d1", 10000), REQUEST_TAKEN);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_MARKET_SUSPENDED);
    assert_int_equal(shard_state_markets_count(book_state(f.book)), 0);
    TEARDOWN();
}

TEST(book, no_bet_on_a_silent_providers_prices_and_a_byte_brings_them_back)
{
    SETUP();
    open_and_fund(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 300);
    f.now.us += 5 * US_PER_SECOND; /* P2: last byte + 5 s still holds */
    book_begin_turn(f.book, f.wall, f.now);
    fixture_bet(&f, "k1", "a", 210, 100);
    fixture_turn(&f, 0);
    assert_int_equal(f.outcome, BET_PLACED);
    f.now.us += 1;
    book_begin_turn(f.book, f.wall, f.now); /* no end_turn between: nobody wrote "suspended" */
    fixture_bet(&f, "k2", "a", 210, 100);
    fixture_turn(&f, 0);
    assert_int_equal(f.outcome, BET_MARKET_SUSPENDED);
    assert_int_equal(f.store->ops->get(f.store, SLICE("m1"))->status, MARKET_SUSPENDED_STATUS);
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->alive(sink, SLICE("p"));
    fixture_turn(&f, 0);
    assert_int_equal(f.store->ops->get(f.store, SLICE("m1"))->status, MARKET_ACTIVE);
    TEARDOWN();
}

TEST(book, prices_that_were_ended_stay_suspended_whatever_the_feed_says)
{
    SETUP();
    open_and_fund(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 300);
    book_end_prices(f.book);
    assert_false(book_prices_ended(f.book)); /* nobody was told yet */
    fixture_bet(&f, "k1", "a", 210, 100);    /* but nothing can be bet on, at once */
    fixture_turn(&f, 0);
    assert_int_equal(f.outcome, BET_MARKET_SUSPENDED);
    assert_true(book_prices_ended(f.book));
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->alive(sink, SLICE("p"));
    sink->ops->late(sink, SLICE("p"), false);
    fixture_market(&f, MARKET_ACTIVE, 220, 300);
    fixture_turn(&f, 0);
    assert_int_equal(f.store->ops->get(f.store, SLICE("m1"))->status, MARKET_SUSPENDED_STATUS);
    fixture_bet(&f, "k2", "a", 220, 100);
    fixture_turn(&f, 0);
    assert_int_equal(f.outcome, BET_MARKET_SUSPENDED);
    TEARDOWN();
}

TEST(book, a_provider_that_says_it_is_late_takes_no_bets)
{
    SETUP();
    open_and_fund(&f);
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->late(sink, SLICE("p"), true);
    fixture_bet(&f, "k1", "a", 210, 100);
    fixture_turn(&f, 0);
    assert_int_equal(f.outcome, BET_MARKET_SUSPENDED);
    sink->ops->late(sink, SLICE("p"), false);
    fixture_turn(&f, 0);
    fixture_bet(&f, "k2", "a", 210, 100);
    fixture_turn(&f, 0);
    assert_int_equal(f.outcome, BET_PLACED);
    TEARDOWN();
}

TEST(book, settles_every_bet_once_and_a_repeated_result_changes_nothing)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_bet(&f, "k2", "b", 300, 1000);
    fixture_market(&f, MARKET_CLOSED_STATUS, 0, 0);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 8000 + 2100);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_result(&f, 2, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 8000 + 2100);
    assert_int_equal(book_stats(f.book)->settled, 2);
    TEARDOWN();
}

TEST(book, a_corrected_result_is_a_reversal_and_a_new_settlement)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    uint64_t bet = f.bet_id;
    fixture_result(&f, 10, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    fixture_result(&f, 9, LEG_LOST, LEG_WON); /* a lower version does nothing (L7) */
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 9000 + 2100);
    fixture_result(&f, 11, LEG_LOST, LEG_WON);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 9000);
    fixture_result(&f, 12, LEG_VOID, LEG_VOID);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    assert_int_equal(fixture_history(&f, bet), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    const uint16_t story[] = {RECORD_BET,    RECORD_SETTLE,  RECORD_REVERSE,
                              RECORD_SETTLE, RECORD_REVERSE, RECORD_SETTLE};
    assert_int_equal(f.history_count, 6);
    assert_memory_equal(f.history_types, story, sizeof story);
    TEARDOWN();
}

TEST(book, a_correction_may_take_a_customer_below_zero_but_a_bet_may_not)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 210, 10000);
    fixture_turn(&f, 1000);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 21000);
    struct money_request out = {SLICE("ann"), SLICE("w1"), MONEY_WITHDRAWAL, {20000, {826}},
                                {7, 7},       SLICE_NONE,  SLICE_NONE};
    book_move_money(f.book, &out, fixture_answer, fixture_cookie(&f));
    fixture_turn(&f, 1000);
    fixture_result(&f, 2, LEG_LOST, LEG_WON);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), -20000);
    TEARDOWN();
}

TEST(book, settlement_goes_on_after_a_crash_at_any_turn_and_pays_once)
{
    for (int crash_after = 0; crash_after < 12; crash_after++) {
        SETUP();
        open_and_fund(&f);
        char key[8] = "k00";
        for (int i = 0; i < 40; i++) {
            key[1] = (char)('0' + i / 10), key[2] = (char)('0' + i % 10);
            fixture_bet(&f, key, i % 2 ? "a" : "b", i % 2 ? 210 : 300, 100);
        }
        fixture_turn(&f, 1000);
        fixture_result(&f, 1, LEG_WON, LEG_LOST);
        for (int i = 0; i < crash_after; i++) /* 8 records a turn */
            fixture_turn(&f, 1000);
        f.log.hold = true;
        fixture_turn(&f, 1000); /* what is under way now is lost */
        fixture_restart(&f);
        for (int i = 0; i < 12; i++)
            fixture_turn(&f, 1000);
        if (crash_after == 0) /* the result itself was lost: the feed says it again */
            fixture_market(&f, MARKET_CLOSED_STATUS, 0, 0),
                fixture_result(&f, 1, LEG_WON, LEG_LOST);
        for (int i = 0; i < 12; i++)
            fixture_turn(&f, 1000);
        assert_int_equal(fixture_available(&f, "ann"), 10000 - 4000 + 20 * 210);
        TEARDOWN();
    }
}

TEST(book, a_huge_settlement_leaves_room_for_bets_while_the_disk_is_behind)
{
    SETUP();
    open_and_fund(&f);
    char key[16];
    for (int i = 0; i < 9000; i++) {
        snprintf(key, sizeof key, "h%d", i);
        assert_int_equal(fixture_bet(&f, key, "a", 210, 1), REQUEST_TAKEN);
        if (i % 500 == 0)
            fixture_turn(&f, 10);
    }
    fixture_turn(&f, 10);
    fixture_result(&f, 1, LEG_LOST, LEG_WON);
    fixture_turn(&f, 10);
    f.log.hold = true;
    for (int i = 0; i < 9000 / 8; i++)
        fixture_turn(&f, 10);
    struct book_settlement row[2];
    assert_int_equal(book_settlements(f.book, row, 2), 1);
    assert_true(slice_is(row[0].market_id, "m1") && slice_is(row[0].event_id, "e1"));
    assert_int_equal(row[0].bets, 9000);
    assert_int_equal(row[0].bets_left, 9000 - book_stats(f.book)->settled);
    assert_int_equal(book_stats(f.book)->settle_bets_left, row[0].bets_left);
    assert_true(book_due_us(f.book) != 0);         /* no turn after turn until the disk answers */
    for (int i = 0; i < COMMIT_RECORDS_MAX; i++) { /* refused: a record all the same */
        snprintf(key, sizeof key, "r%d", i);
        assert_int_equal(fixture_bet(&f, key, "a", 999, 1), REQUEST_TAKEN);
    }
    f.log.hold = false;
    for (int i = 0; i < 2 * 9000 / 8; i++)
        fixture_turn(&f, 10);
    assert_int_equal(book_stats(f.book)->settled, 9000);
    assert_int_equal(book_settlements(f.book, row, 2), 0);
    assert_int_equal(book_stats(f.book)->settle_bets_left, 0);
    TEARDOWN();
}

TEST(book, makes_no_group_that_is_larger_than_the_log_takes)
{
    SETUP();
    char key[16];
    open_and_fund(&f);
    f.log.port.append_bytes_max = LEDGER_APPEND_BYTES_MIN;
    fixture_restart(&f);
    f.log.hold = true;
    for (int i = 0; i < COMMIT_RECORDS_MAX; i++) {
        snprintf(key, sizeof key, "r%d", i);
        assert_int_equal(fixture_bet(&f, key, "a", 999, 1), REQUEST_TAKEN);
    }
    f.log.hold = false;
    for (int i = 0; i < 20; i++)
        fixture_turn(&f, 10);
    assert_false(book_stopped(f.book));
    assert_in_range(f.log.largest, LEDGER_APPEND_BYTES_MIN * 9 / 10, LEDGER_APPEND_BYTES_MIN);
    TEARDOWN();
}

TEST(book, a_delayed_bet_is_held_then_placed)
{
    SETUP();
    open_and_fund(&f);
    fixture_market_in_play(&f, 210, 300, 5 * US_PER_SECOND);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING);
    assert_int_equal(fixture_held(&f, "ann"), 1000);
    assert_int_equal(fixture_available(&f, "ann"), 9000);
    fixture_market_in_play(&f, 215, 300, 5 * US_PER_SECOND);
    fixture_turn(&f, 4 * US_PER_SECOND);
    assert_int_equal(fixture_held(&f, "ann"), 1000);
    fixture_market_in_play(&f, 215, 300, 5 * US_PER_SECOND);
    fixture_turn(&f, 1 * US_PER_SECOND);
    assert_int_equal(fixture_held(&f, "ann"), 0);
    fixture_bet(&f, "k1", "a", 210, 1000); /* the replay tells the final verdict */
    fixture_turn(&f, 1000);
    assert_true(f.replayed);
    assert_int_equal(f.type, RECORD_RELEASE);
    assert_int_equal(f.outcome, BET_PLACED);
    TEARDOWN();
}

TEST(book, a_suspension_during_the_delay_refuses_and_returns_the_stake)
{
    SETUP();
    open_and_fund(&f);
    fixture_market_in_play(&f, 210, 300, 5 * US_PER_SECOND);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    fixture_market(&f, MARKET_SUSPENDED_STATUS, 210, 300);
    fixture_turn(&f, 5 * US_PER_SECOND);
    assert_int_equal(fixture_held(&f, "ann"), 0);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    TEARDOWN();
}

TEST(book, a_pending_bet_is_decided_after_a_restart_against_the_state_then)
{
    SETUP();
    open_and_fund(&f);
    fixture_market_in_play(&f, 210, 300, 5 * US_PER_SECOND);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    fixture_restart(&f); /* no prices yet: not accepted */
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_held(&f, "ann"), 0);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    TEARDOWN();
}

TEST(book, no_more_bets_wait_for_their_delay_than_pending_max)
{
    SETUP();
    open_and_fund(&f);
    fixture_market_in_play(&f, 210, 300, 5 * US_PER_SECOND);
    const char *keys[] = {"k1", "k2", "k3", "k4", "k5"};
    for (int i = 0; i < 5; i++) {
        fixture_bet(&f, keys[i], "a", 210, 100);
        fixture_turn(&f, 10);
        assert_int_equal(f.outcome, i < 4 ? BET_PENDING : BET_MARKET_SUSPENDED);
    }
    TEARDOWN();
}

TEST(book, a_traders_hold_stops_bets_and_outlives_a_restart)
{
    SETUP();
    open_and_fund(&f);
    assert_int_equal(fixture_hold(&f, true), REQUEST_TAKEN);
    fixture_bet(&f, "k1", "a", 210, 100);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_MARKET_SUSPENDED);
    fixture_restart(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 300); /* the feed's word does not lift it */
    fixture_bet(&f, "k2", "a", 210, 100);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_MARKET_SUSPENDED);
    fixture_hold(&f, false);
    fixture_bet(&f, "k3", "a", 210, 100);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PLACED);
    TEARDOWN();
}

TEST(book, a_market_with_a_result_is_not_reopened_by_a_replayed_feed)
{
    SETUP();
    open_and_fund(&f);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    fixture_restart(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 300);
    fixture_bet(&f, "k1", "a", 210, 100); /* past-posting (G-17) */
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_MARKET_CLOSED);
    TEARDOWN();
}

TEST(book, when_the_log_fails_nobody_is_told_yes_and_odds_go_on)
{
    SETUP();
    open_and_fund(&f);
    f.log.fail_next = true;
    int before = f.answers;
    fixture_bet(&f, "k1", "a", 210, 100);
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before + 1);
    assert_true(f.failed);
    assert_int_equal(f.stopped, 1);
    assert_true(book_stopped(f.book));
    assert_int_equal(fixture_bet(&f, "k2", "a", 210, 100), REQUEST_STOPPED);
    uint64_t changes = f.market_changes;
    fixture_market(&f, MARKET_ACTIVE, 250, 300); /* S1: the odds path goes on */
    assert_int_equal(f.market_changes, changes + 1);
    fixture_restart(&f);
    assert_int_equal(fixture_available(&f, "ann"), 10000); /* the lost bet never was */
    TEARDOWN();
}

TEST(book, what_a_full_log_refuses_is_given_again_until_it_is_taken)
{
    SETUP();
    open_and_fund(&f);
    f.log.full = true;
    int before = f.answers;
    fixture_bet(&f, "k1", "a", 210, 100);
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before); /* L2: it is not durable */
    assert_false(book_stopped(f.book));
    assert_true(book_waits_for_space(f.book));
    assert_true(book_due_us(f.book) >= 0); /* it comes back without being asked */
    assert_int_equal(f.log.refusals, 1);
    fixture_turn(&f, 1000);
    assert_int_equal(f.log.refusals, 1);  /* not at every turn */
    fixture_bet(&f, "k1", "a", 210, 100); /* the same key waits for the same bet */
    fixture_turn(&f, COMMIT_AGAIN_US);
    assert_int_equal(f.log.refusals, 2);
    assert_int_equal(f.answers, before);
    f.log.full = false;
    fixture_turn(&f, COMMIT_AGAIN_US);
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before + 2);
    assert_int_equal(f.outcome, BET_PLACED);
    assert_false(book_waits_for_space(f.book));
    fixture_restart(&f);
    assert_int_equal(fixture_available(&f, "ann"), 9900); /* once */
    TEARDOWN();
}

TEST(book, a_ledger_that_is_full_takes_no_bets_and_still_settles)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 210, 100);
    fixture_turn(&f, 1000);
    f.log.trouble = LEDGER_FULL;
    assert_false(book_takes_bets(f.book));
    assert_int_equal(fixture_bet(&f, "k2", "a", 210, 100), REQUEST_FULL);
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 100), REQUEST_TAKEN); /* its verdict */
    assert_int_equal(book_stats(f.book)->ledger_full, 1);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 10110);
    f.log.trouble = LEDGER_WELL;
    assert_true(book_takes_bets(f.book));
    assert_int_equal(fixture_bet(&f, "k2", "a", 210, 100), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    TEARDOWN();
}

TEST(book, a_ledger_that_stalls_refuses_bets_at_once_and_prices_go_on)
{
    SETUP();
    open_and_fund(&f);
    f.log.trouble = LEDGER_STALLED;
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 100), REQUEST_STALLED);
    assert_int_equal(book_stats(f.book)->ledger_stalled, 1);
    uint64_t changes = f.market_changes;
    fixture_market(&f, MARKET_ACTIVE, 250, 300);
    assert_int_equal(f.market_changes, changes + 1);
    f.log.trouble = LEDGER_WELL;
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 100), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    TEARDOWN();
}

TEST(book, a_stalled_disk_stops_clients_before_it_could_lose_a_fence)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k0", "a", 210, 1);
    fixture_turn(&f, 10);
    f.log.hold = true;
    enum request_outcome outcome = REQUEST_TAKEN;
    char key[16];
    for (int i = 0; i < 19000 && outcome == REQUEST_TAKEN; i++) {
        snprintf(key, sizeof key, "s%d", i);
        outcome = fixture_bet(&f, key, "a", 999, 1); /* refused: a record all the same */
        if (i % 1000 == 0)
            fixture_turn(&f, 10);
    }
    assert_int_equal(outcome, REQUEST_BUSY);
    assert_string_equal(book_busy_limit(f.book), "commit_group");
    assert_true(book_feed_ready(f.book));
    fixture_market(&f, MARKET_SUSPENDED_STATUS, 210, 300);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    f.log.hold = false;
    for (int i = 0; i < 20; i++)
        fixture_turn(&f, 10);
    assert_int_equal(fixture_available(&f, "ann"), 10000 + 1); /* 1 at 2.10 pays 2.1: 2 */
    TEARDOWN();
}

TEST(book, a_clock_set_back_never_makes_record_time_fall)
{
    SETUP();
    open_and_fund(&f);
    f.wall.us -= 3600 * US_PER_SECOND;
    fixture_market_in_play(&f, 210, 300, US_PER_SECOND);
    fixture_bet(&f, "k1", "a", 210, 100);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING);
    fixture_turn(&f, 2 * US_PER_SECOND); /* the delay is monotonic time */
    assert_int_equal(fixture_held(&f, "ann"), 0);
    TEARDOWN(); /* the check refolds: L1 */
}

TEST(book, deposits_and_withdrawals_are_idempotent_and_bounded)
{
    SETUP();
    open_and_fund(&f);
    fixture_deposit(&f, "ann", "d1", 10000);
    fixture_turn(&f, 10);
    assert_true(f.replayed);
    assert_int_equal(fixture_available(&f, "ann"), 10000);
    fixture_deposit(&f, "ann", "d2", INT64_C(10000001));
    fixture_turn(&f, 10);
    assert_int_equal(f.outcome, BET_AMOUNT_LIMIT);
    struct money_request out = {SLICE("ann"), SLICE("w1"), MONEY_WITHDRAWAL, {10001, {826}},
                                {7, 7},       SLICE_NONE,  SLICE_NONE};
    book_move_money(f.book, &out, fixture_answer, fixture_cookie(&f));
    fixture_turn(&f, 10);
    assert_int_equal(f.outcome, BET_INSUFFICIENT_BALANCE);
    out = (struct money_request){SLICE("ann"), SLICE("w2"), MONEY_WITHDRAWAL, {100, {978}},
                                 {7, 7},       SLICE_NONE,  SLICE_NONE};
    book_move_money(f.book, &out, fixture_answer, fixture_cookie(&f));
    fixture_turn(&f, 10);
    assert_int_equal(f.outcome, BET_CURRENCY_MISMATCH);
    TEARDOWN();
}

TEST(book, an_ended_market_leaves_the_store_after_a_while)
{
    SETUP();
    open_and_fund(&f);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(f.store->ops->count(f.store), 1);
    fixture_turn(&f, 601 * US_PER_SECOND);
    assert_int_equal(f.store->ops->count(f.store), 0);
    assert_int_equal(f.removed, 1);
    TEARDOWN();
}

TEST(book, a_full_table_is_an_answer_with_its_name)
{
    SETUP();
    open_and_fund(&f);
    enum request_outcome outcome = REQUEST_TAKEN;
    char user[16];
    for (int i = 0; i < 1000 && outcome == REQUEST_TAKEN; i++) {
        snprintf(user, sizeof user, "u%d", i);
        outcome = fixture_deposit(&f, user, "d", 100);
        fixture_turn(&f, 10);
    }
    assert_int_equal(outcome, REQUEST_BUSY);
    assert_string_equal(book_busy_limit(f.book), "accounts_max");
    TEARDOWN();
}

TEST(book, versions_rise_also_where_the_odds_log_is_new)
{
    SETUP();
    open_and_fund(&f);
    fixture_restart(&f);
    fixture_market(&f, MARKET_ACTIVE, 200, 300);
    uint64_t before = f.store->ops->get(f.store, SLICE("m1"))->odds_version;
    f.odds_log.epoch = 0; /* another machine goes on with this ledger */
    fixture_restart(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 300);
    assert_true(f.store->ops->get(f.store, SLICE("m1"))->odds_version > before); /* P1 */
    TEARDOWN();
}

TEST(book, a_market_that_left_and_comes_back_goes_on_with_its_versions)
{
    SETUP();
    open_and_fund(&f);
    fixture_market(&f, MARKET_ACTIVE, 220, 300);
    fixture_market(&f, MARKET_ACTIVE, 230, 300);
    uint64_t before = f.store->ops->get(f.store, SLICE("m1"))->odds_version;
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->removed(sink, SLICE("p"), SLICE("m1"));
    assert_null(f.store->ops->get(f.store, SLICE("m1")));
    fixture_market(&f, MARKET_ACTIVE, 210, 300); /* the feed takes the removal back */
    assert_true(f.store->ops->get(f.store, SLICE("m1"))->odds_version > before + 1); /* P1 */
    TEARDOWN();
}

TEST(book, a_full_table_stops_no_result_no_payout_and_no_hold)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 210, 1000);
    enum request_outcome outcome = REQUEST_TAKEN;
    char user[16];
    for (int i = 0; i < 1000 && outcome == REQUEST_TAKEN; i++) {
        snprintf(user, sizeof user, "u%d", i);
        outcome = fixture_deposit(&f, user, "d", 100);
        fixture_turn(&f, 10);
    }
    assert_string_equal(book_busy_limit(f.book), "accounts_max");
    assert_int_equal(fixture_hold(&f, true), REQUEST_TAKEN);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 9000 + 2100);
    TEARDOWN();
}

TEST(book, a_price_that_was_not_logged_is_logged_before_it_is_offered)
{
    SETUP();
    open_and_fund(&f);
    f.odds_log.fail = true;
    fixture_market(&f, MARKET_ACTIVE, 220, 300);
    assert_int_equal(f.store->ops->get(f.store, SLICE("m1"))->status, MARKET_SUSPENDED_STATUS);
    f.odds_log.fail = false;
    fixture_market(&f, MARKET_ACTIVE, 220, 310); /* "a" does not change, but nobody logged it */
    fixture_bet(&f, "k1", "a", 220, 100);
    fixture_turn(&f, 10);
    assert_int_equal(f.outcome, BET_PLACED);
    const struct odds_log_change *last = &f.odds_log.changes[f.odds_log.position - 1].change;
    assert_int_equal(last->selections_count, 2);
    TEARDOWN();
}

/* ---- a second copy (ports/ledger_log.h, confirmed()) ---- */

TEST(book, paused_it_takes_nothing_answers_who_waits_and_keeps_what_it_recorded)
{
    SETUP();
    open_and_fund(&f);
    f.log.hold = true;
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    int before = f.answers;
    book_pause(f.book, "standby_away");
    assert_int_equal(f.answers, before + 1);
    assert_true(f.failed); /* 503: nobody knows */
    assert_int_equal(fixture_bet(&f, "k2", "a", 210, 1000), REQUEST_BUSY);
    assert_string_equal(book_busy_limit(f.book), "standby_away");
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 1000), REQUEST_BUSY); /* its verdict too */
    assert_int_equal(fixture_deposit(&f, "ann", "d9", 100), REQUEST_BUSY);
    assert_int_equal(fixture_hold(&f, true), REQUEST_BUSY);
    assert_int_equal(book_when_durable(f.book, fixture_answer, fixture_cookie(&f)), REQUEST_BUSY);
    fixture_market(&f, MARKET_SUSPENDED_STATUS, 0, 0); /* prices and fences go on */
    fixture_turn(&f, 1000);
    assert_false(book_stopped(f.book));
    f.log.hold = false;
    fixture_turn(&f, 1000);
    book_pause(f.book, NULL);
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_true(f.replayed && !f.failed && f.outcome == BET_PLACED);
    assert_int_equal(fixture_available(&f, "ann"), 9000);
    TEARDOWN();
}

TEST(book, tells_nothing_from_before_its_start_that_is_not_confirmed)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    uint64_t bet_id = f.bet_id;
    f.log.unconfirmed = true;
    f.log.hold = true;
    drop_and_start(&f);
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 1000), REQUEST_BUSY);
    assert_string_equal(book_busy_limit(f.book), "unconfirmed");
    assert_int_equal(fixture_history(&f, bet_id), REQUEST_BUSY);
    int before = f.answers;
    assert_int_equal(book_when_durable(f.book, fixture_answer, fixture_cookie(&f)), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before);
    f.log.hold = false; /* the record of the start is confirmed, and all below it */
    fixture_turn(&f, 1000);
    assert_int_equal(f.answers, before + 1);
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_true(f.replayed && f.bet_id == bet_id);
    TEARDOWN();
}

TEST(book, goes_on_from_a_state_that_was_kept_warm)
{
    SETUP();
    open_and_fund(&f);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    struct refold_source source = {.log = &f.log.port};
    struct refold_end end;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(f.book)), &f.warm), 0);
    source.seq_last = shard_state_seq(book_state(f.book)) - 1; /* a record behind the log */
    assert_int_equal(refold(&source, f.warm, NULL, NULL, &end), 0);
    fixture_restart(&f);
    assert_null(f.warm); /* taken */
    assert_int_equal(fixture_available(&f, "ann"), 9000);
    fixture_bet(&f, "k1", "a", 210, 1000);
    fixture_turn(&f, 1000);
    assert_true(f.replayed);
    fixture_check(&f);
    TEARDOWN();
}
