/* test_settle_market.c - how much of the book's time settling takes (P3), and what a restart finds
 * left to do (L7). Every test ends with the sums and a refold. */
#include <stdio.h>

#include "test.h"

#include "app/commit.h"
#include "book_fixture.h"

#define SETUP()                                                                                    \
    struct fixture f;                                                                              \
    fixture_begin_tuned(&f, tune)

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

static void tune(struct book_options *options)
{
    options->settle_per_turn_max = 64;
}

/* Ann's bets on the first selections of m1 and m2 in turn. */
static void place(struct fixture *f, int bets)
{
    char key[16];
    fixture_offer(f, &(struct fixture_offer){.market = "m1", .a = 210, .b = 300});
    fixture_offer(f, &(struct fixture_offer){.market = "m2", .event = "e2", .a = 210, .b = 300});
    fixture_deposit(f, "ann", "d1", bets);
    fixture_turn(f, 1000);
    for (int i = 0; i < bets; i++) {
        snprintf(key, sizeof key, "k%d", i);
        const struct fixture_ticket ticket = {.key = key,
                                              .stake = 1,
                                              .markets = {i % 2 == 0 ? "m1" : "m2"},
                                              .selections = {"a"},
                                              .odds = {210}};
        assert_int_equal(fixture_ticket(f, &ticket), REQUEST_TAKEN);
        if (i % 500 == 499)
            fixture_turn(f, 10);
    }
    fixture_turn(f, 10);
}

static uint64_t settled(struct fixture *f)
{
    return shard_state_counts(book_state(f->book))->bets_settled;
}

TEST(settle_market, a_restart_looks_only_at_what_a_crash_left_to_do)
{
    struct book_settlement row[2];
    SETUP();
    place(&f, 6000);
    fixture_result(&f, 1, LEG_LOST, LEG_WON);
    while (book_stats(f.book)->settle_backlog > 0)
        fixture_turn(&f, 10);
    assert_int_equal(settled(&f), 3000); /* m1's */
    fixture_restart(&f);
    assert_int_equal(book_stats(f.book)->settle_backlog, 0);
    assert_int_equal(book_settlements(f.book, row, 2), 0);
    fixture_result(&f, 2, LEG_WON, LEG_LOST); /* another word, of which most is still to do */
    fixture_turn(&f, 10);
    uint64_t reversed = shard_state_counts(book_state(f.book))->settlements_reversed;
    assert_true(reversed > 0 && reversed < 3000);
    fixture_restart(&f);
    assert_int_equal(book_settlements(f.book, row, 2), 1);
    assert_true(slice_is(row[0].market_id, "m1"));
    while (book_stats(f.book)->settle_backlog > 0)
        fixture_turn(&f, 10);
    assert_int_equal(shard_state_counts(book_state(f.book))->settlements_reversed, 3000);
    assert_int_equal(fixture_available(&f, "ann"), 3000 * 2);
    TEARDOWN();
}

/* Records of the group that is built while the disk works. */
static uint64_t records_beside(struct fixture *f)
{
    uint64_t before = shard_state_seq(book_state(f->book));
    for (int i = 0; i < 200; i++)
        fixture_turn(f, 10);
    return shard_state_seq(book_state(f->book)) - before;
}

TEST(settle_market, it_takes_less_of_a_group_when_a_customer_waits_for_it)
{
    SETUP();
    place(&f, 12000);
    f.log.hold = true;
    fixture_result(&f, 1, LEG_LOST, LEG_WON);
    fixture_turn(&f, 10); /* the first of them are under way */
    uint64_t alone = records_beside(&f);
    assert_in_range(alone, COMMIT_SPARE_RECORDS / 2, COMMIT_SPARE_RECORDS + 64);
    assert_true(book_due_us(f.book) != 0);
    f.log.hold = false;
    fixture_turn(&f, 10);
    f.log.hold = true;
    fixture_bet(&f, "waits", "a", 999, 1); /* refused: an answer all the same */
    f.log.hold = false;
    fixture_turn(&f, 10);
    f.log.hold = true;
    fixture_bet(&f, "waits too", "a", 999, 1);
    uint64_t beside = records_beside(&f);
    assert_in_range(beside, COMMIT_SHARED_RECORDS / 2, COMMIT_SHARED_RECORDS + 65);
    assert_true(book_due_us(f.book) != 0); /* the log's thread has the processor */
    f.log.hold = false;
    while (book_stats(f.book)->settle_backlog > 0)
        fixture_turn(&f, 10);
    assert_int_equal(settled(&f), 6000);
    TEARDOWN();
}
