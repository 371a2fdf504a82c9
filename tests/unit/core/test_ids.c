/* test_ids.c - bet ids (core/ids.h; DESIGN 6.9). */
#include "test.h"

#include "base/prng.h"
#include "core/ids.h"

#define NOON_MS (BET_ID_EPOCH_MS + 1000000)

static struct instant at_ms(int64_t ms)
{
    return (struct instant){ms * US_PER_MS};
}

TEST(bet_id, is_made_of_time_shard_and_counter)
{
    struct bet_id first = bet_id_next((struct bet_id){0}, at_ms(NOON_MS), 5);
    assert_int_equal(first.n >> 22, 1000000);
    assert_int_equal(first.n >> 12 & 1023, 5);
    assert_int_equal(bet_id_shard(first), 5);
    assert_int_equal(first.n & 4095, 0);
    struct bet_id second = bet_id_next(first, (struct instant){NOON_MS * US_PER_MS + 999}, 5);
    assert_int_equal(second.n, first.n + 1);
    struct bet_id later = bet_id_next(second, at_ms(NOON_MS + 1), 5);
    assert_int_equal(later.n, first.n + (1 << 22));
}

TEST(bet_id, names_its_millisecond)
{
    struct bet_id id =
        bet_id_next((struct bet_id){0}, (struct instant){NOON_MS * US_PER_MS + 7}, 5);
    assert_int_equal(bet_id_instant(id).us, NOON_MS * US_PER_MS);
    assert_int_equal(bet_id_instant(bet_id_next(id, at_ms(NOON_MS), 5)).us, NOON_MS * US_PER_MS);
}

TEST(bet_id, goes_on_when_the_clock_stands_still_or_goes_back)
{
    struct bet_id last = bet_id_next((struct bet_id){0}, at_ms(NOON_MS), 1023);
    for (int i = 0; i < 10000; i++) {
        struct bet_id next = bet_id_next(last, at_ms(NOON_MS - i % 3), 1023);
        assert_true(next.n > last.n);
        assert_int_equal(next.n >> 12 & 1023, 1023); /* the counter never runs into the shard */
        last = next;
    }
    /* 10,001 ids are 2 whole milliseconds of 4,096 and a rest. */
    assert_int_equal(last.n >> 22, 1000002);
    assert_int_equal(last.n & 4095, 10000 - 2 * 4096);
}

TEST(bet_id, follows_an_id_of_another_shard)
{
    struct bet_id last = bet_id_next((struct bet_id){0}, at_ms(NOON_MS), 7);
    struct bet_id lower = bet_id_next(last, at_ms(NOON_MS), 3);
    assert_true(lower.n > last.n);
    assert_int_equal(lower.n >> 12 & 1023, 3);
    struct bet_id higher = bet_id_next(last, at_ms(NOON_MS), 9);
    assert_true(higher.n > last.n);
    assert_int_equal(higher.n >> 12 & 1023, 9);
}

TEST(bet_id, none_is_never_an_id)
{
    assert_int_equal(bet_id_next((struct bet_id){0}, at_ms(BET_ID_EPOCH_MS), 0).n, 1);
    assert_int_equal(bet_id_next((struct bet_id){0}, at_ms(0), 0).n, 1);
    assert_int_equal(bet_id_next((struct bet_id){0}, (struct instant){INT64_MIN}, 0).n, 1);
}

TEST(bet_id, rises_whatever_the_clock_does)
{
    struct prng prng;
    prng_seed(&prng, 9);
    struct bet_id last = {0};
    for (int i = 0; i < 100000; i++) {
        int64_t jump = (int64_t)prng_below(&prng, 5000);
        uint32_t shard = (uint32_t)prng_below(&prng, i % 2 ? 2 : BET_ID_SHARDS_MAX);
        struct bet_id next = bet_id_next(last, at_ms(NOON_MS + jump), shard);
        assert_true(next.n > last.n);
        assert_int_equal(next.n >> 12 & 1023, shard);
        last = next;
    }
}

TEST(bet_id, stops_at_a_mistake)
{
    int64_t last_ms = BET_ID_EPOCH_MS + (INT64_C(1) << 41) - 1;
    struct bet_id highest = {INT64_MAX};
    assert_int_equal(bet_id_next((struct bet_id){0}, at_ms(last_ms), 0).n >> 22,
                     (INT64_C(1) << 41) - 1);
    assert_int_equal(bet_id_next((struct bet_id){INT64_MAX - 1}, at_ms(NOON_MS), 1023).n,
                     INT64_MAX);
    expect_assert_failure(bet_id_next((struct bet_id){0}, at_ms(last_ms + 1), 0));
    expect_assert_failure(bet_id_next((struct bet_id){0}, at_ms(NOON_MS), BET_ID_SHARDS_MAX));
    expect_assert_failure(bet_id_next(highest, at_ms(NOON_MS), 0));
    expect_assert_failure(bet_id_next((struct bet_id){UINT64_MAX}, at_ms(NOON_MS), 0));
}
