/* test_settle_queue.c - which market's bets come next, and how many are left. */
#include "test.h"

#include "app/settle_queue.h"

#define MARKETS 8

#define SETUP()                                                                                    \
    struct settle_queue *q;                                                                        \
    assert_int_equal(settle_queue_new(MARKETS, &q), 0)

#define TEARDOWN() settle_queue_free(q)

/* Market `ref` has the bets 1000 * ref + n .. 1000 * ref + 1. */
static void put(struct settle_queue *q, uint32_t ref, uint32_t bets)
{
    settle_queue_put(q, (struct market_ref){ref}, bets == 0 ? LEG_NONE : 1000 * ref + bets, bets);
}

/* Settles the next bet; which. */
static uint32_t settle(struct settle_queue *q)
{
    uint32_t bet = settle_queue_leg(q);
    assert_int_equal(bet / 1000, settle_queue_market(q).n);
    settle_queue_looked(q, bet % 1000 == 1 ? LEG_NONE : bet - 1, SETTLE_LOOKS_PER_RECORD, true);
    return bet;
}

TEST(settle_queue, a_small_market_waits_for_a_slice_of_a_large_one_only)
{
    SETUP();
    put(q, 1, 900);
    put(q, 2, 3);
    int before = 0;
    while (settle_queue_market(q).n == 1)
        settle(q), before++;
    assert_int_equal(before, 32);
    for (uint32_t bet = 2003; bet > 2000; bet--)
        assert_int_equal(settle(q), bet);
    assert_int_equal(settle(q), 1900 - 32); /* where it stood */
    TEARDOWN();
}

TEST(settle_queue, large_markets_take_turns_and_each_bet_comes_once)
{
    SETUP();
    uint32_t next[MARKETS + 1];
    for (uint32_t ref = 1; ref <= MARKETS; ref++)
        put(q, ref, 900), next[ref] = 1000 * ref + 900;
    for (int i = 0; i < 900 * MARKETS; i++) {
        uint32_t turn = (uint32_t)(i / 32) % MARKETS + 1;
        if (i < 896 * MARKETS) /* the last slices are shorter */
            assert_int_equal(settle_queue_market(q).n, turn);
        uint32_t ref = settle_queue_market(q).n;
        assert_int_equal(settle(q), next[ref]--);
        assert_int_equal(q->bets_left, 900 * MARKETS - 1 - i);
    }
    assert_int_equal(settle_queue_market(q).n, 0);
    assert_int_equal(q->count, 0);
    TEARDOWN();
}

TEST(settle_queue, a_market_that_is_queued_again_begins_again_where_it_stands)
{
    SETUP();
    put(q, 1, 10);
    put(q, 2, 10);
    settle(q), settle(q);
    put(q, 1, 12);
    put(q, 2, 9);
    assert_int_equal(q->count, 2);
    assert_int_equal(q->bets, 21);
    assert_int_equal(q->bets_left, 21);
    for (int i = 0; i < 12; i++)
        assert_int_equal(settle(q), 1012 - i);
    assert_int_equal(settle(q), 2009);
    TEARDOWN();
}

TEST(settle_queue, bets_that_are_settled_already_are_walked_faster)
{
    SETUP();
    put(q, 1, 900);
    put(q, 2, 1);
    int looked = 0;
    for (uint32_t bet = 1900; settle_queue_market(q).n == 1; bet--, looked++)
        settle_queue_looked(q, bet - 1, 1, true);
    assert_int_equal(looked, SETTLE_SLICE_LOOKS);
    TEARDOWN();
}

TEST(settle_queue, what_is_left_is_nothing_at_the_end_whatever_was_counted)
{
    SETUP();
    put(q, 1, 2);
    settle_queue_looked(q, 1001, 1, false); /* a bet that was not accepted */
    assert_int_equal(q->bets_left, 2);
    settle_queue_looked(q, LEG_NONE, 1, true);
    assert_int_equal(q->bets_left, 0);
    put(q, 1, 1);
    for (int i = 0; i < 5; i++) /* more than was said */
        settle_queue_looked(q, 1001, 1, true);
    assert_int_equal(q->bets_left, 0);
    assert_int_equal(q->bets, 1); /* counted anew since it was empty */
    TEARDOWN();
}

TEST(settle_queue, a_market_without_bets_is_not_queued)
{
    SETUP();
    put(q, 3, 0);
    assert_int_equal(settle_queue_market(q).n, 0);
    assert_int_equal(q->bets, 0);
    TEARDOWN();
}
