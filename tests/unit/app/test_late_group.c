/* test_late_group.c - app/late_group.c: what could not be written while its prices held is decided
 * again, and told to nobody as it was (L6). */
#include "follow_fixture.h"

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

static void follow(struct fixture *f, const union written *w)
{
    book_follow_price(f->book, &w->image);
    world.as_of_us = f->now.us;
}

static void ask(struct fixture *f, const char *key)
{
    assert_int_equal(fixture_bet(f, key, "a", A_PRICE, 1000), REQUEST_TAKEN);
}

static uint8_t state_of(struct fixture *f, uint32_t bet)
{
    return (uint8_t)shard_state_bet(book_state(f->book), bet)->state;
}

TEST(late_group, a_bet_is_to_be_written_while_its_price_holds)
{
    struct fixture f;
    begin(&f);
    world.as_of_us = f.now.us - 1000;
    int64_t until_us = world.as_of_us + LAG;
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    assert_int_equal(f.log.until_us, until_us);
    assert_int_equal(fixture_deposit(&f, "ann", "d2", 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.log.until_us, 0); /* of money there is no price */
    TEARDOWN();
}

TEST(late_group, a_bet_that_was_late_is_decided_again_and_placed_where_the_price_still_is)
{
    struct fixture f;
    begin(&f);
    f.log.late_next = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING); /* never told as placed */
    assert_int_equal(fixture_available(&f, "ann"), 99000);
    assert_int_equal(book_stats(f.book)->bets_late, 1);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    assert_int_equal(fixture_held(&f, "ann"), 0);
    TEARDOWN();
}

TEST(late_group, a_bet_that_was_late_is_refused_where_the_price_is_another)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000); /* it is under way */
    union written lower = written(VERSION + 1, 150);
    follow(&f, &lower);
    f.log.hold = false;
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED);
    assert_int_equal(fixture_available(&f, "ann"), 100000);
    assert_int_equal(fixture_history(&f, f.bet_id), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.history_outcome, BET_ODDS_CHANGED);
    TEARDOWN();
}

TEST(late_group, what_stands_behind_it_in_other_groups_is_chained_anew)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    ask(&f, "k2"); /* in the next group, as what follows */
    assert_int_equal(fixture_deposit(&f, "bob", "d1", 500), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_hold(&f, true), REQUEST_TAKEN);
    f.log.hold = false;
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED); /* stopped meanwhile */
    assert_int_equal(state_of(&f, 1), BET_STATE_OPEN);         /* in time, and before the fence */
    assert_int_equal(fixture_available(&f, "bob"), 500);
    assert_int_equal(fixture_available(&f, "ann"), 99000);
    TEARDOWN();
}

TEST(late_group, a_group_whose_time_has_passed_before_it_is_given_to_the_log_is_decided_again)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    ask(&f, "k2");
    fixture_turn(&f, LAG + 2000);
    union written lower = written(VERSION + 1, 150);
    follow(&f, &lower);
    f.log.hold = false;
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN); /* this log does not ask */
    assert_int_equal(state_of(&f, 1), BET_STATE_NOT_ACCEPTED);
    TEARDOWN();
}

TEST(late_group, a_release_that_was_late_stays_while_its_price_is_the_newest)
{
    struct fixture f;
    begin(&f);
    f.log.late_next = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000); /* pending, and released in this turn or the next */
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(f.stopped, 0);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    TEARDOWN();
}

TEST(late_group, a_bet_that_a_result_counts_on_stops_the_book_and_a_start_knows_none_of_it)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    f.log.hold = false;
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    assert_int_equal(f.stopped, 1);
    assert_true(f.failed);
    fixture_restart(&f);
    assert_int_equal(shard_state_bets_count(book_state(f.book)), 0);
    assert_int_equal(fixture_available(&f, "ann"), 100000);
    TEARDOWN();
}
