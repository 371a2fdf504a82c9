/* test_rate_limit.c - token buckets of many keys in few slots. */
#include "roles/shared/rate_limit.h"

#include "base/buf.h"
#include "test.h"

static struct rate_limit *make(uint32_t burst, uint32_t keys_max)
{
    struct rate_limit *limit = NULL;
    const struct rate_limit_options options = {
        .burst = burst, .interval_us = US_PER_SECOND, .keys_max = keys_max, .hash_key = {1, 2}};
    assert_int_equal(rate_limit_new(&options, &limit), 0);
    return limit;
}

static int64_t take(struct rate_limit *limit, const char *key, int64_t us)
{
    return rate_limit_take(limit, slice_text(key), (struct monotonic){us});
}

TEST(rate_limit, lets_a_burst_through_and_then_one_an_interval)
{
    struct rate_limit *limit = make(3, 64);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(limit, "ann", 1000), 0);
    assert_int_equal(take(limit, "ann", 1000), US_PER_SECOND);
    assert_int_equal(take(limit, "ann", 1000 + US_PER_SECOND / 4), US_PER_SECOND * 3 / 4);
    assert_int_equal(take(limit, "ann", 1000 + US_PER_SECOND), 0);
    assert_int_equal(take(limit, "ann", 1000 + US_PER_SECOND), US_PER_SECOND);
    assert_int_equal(rate_limit_refused(limit), 3);
    rate_limit_free(limit);
}

TEST(rate_limit, a_refusal_costs_no_token)
{
    struct rate_limit *limit = make(1, 64);
    assert_int_equal(take(limit, "ann", 0), 0);
    for (int i = 0; i < 100; i++)
        assert_true(take(limit, "ann", 1) > 0);
    assert_int_equal(take(limit, "ann", US_PER_SECOND), 0);
    rate_limit_free(limit);
}

TEST(rate_limit, keys_do_not_touch_each_other)
{
    struct rate_limit *limit = make(1, 64);
    assert_int_equal(take(limit, "ann", 0), 0);
    assert_int_equal(take(limit, "bob", 0), 0);
    assert_true(take(limit, "ann", 0) > 0);
    assert_true(take(limit, "bob", 0) > 0);
    rate_limit_free(limit);
}

TEST(rate_limit, never_saves_up_more_than_the_burst)
{
    struct rate_limit *limit = make(2, 64);
    assert_int_equal(take(limit, "ann", 0), 0);
    int64_t later = 1000 * US_PER_SECOND;
    assert_int_equal(take(limit, "ann", later), 0);
    assert_int_equal(take(limit, "ann", later), 0);
    assert_true(take(limit, "ann", later) > 0);
    rate_limit_free(limit);
}

TEST(rate_limit, with_more_active_keys_than_slots_newcomers_get_in_and_it_is_counted)
{
    struct rate_limit *limit = make(1, RATE_LIMIT_WAYS);
    for (uint32_t i = 0; i < 4 * RATE_LIMIT_WAYS; i++) {
        char memory[16];
        struct buf key = buf_over(memory, sizeof memory);
        buf_put_u64(&key, i);
        assert_int_equal(rate_limit_take(limit, buf_slice(&key), (struct monotonic){i}), 0);
    }
    assert_int_equal(*rate_limit_forgotten(limit), 3 * RATE_LIMIT_WAYS);
    rate_limit_free(limit);
}
