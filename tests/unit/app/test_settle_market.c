/* test_settle_market.c - what a restart finds left to settle (L7). Every test ends with the sums
 * and a refold. */
#include <stdio.h>

#include "test.h"

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
