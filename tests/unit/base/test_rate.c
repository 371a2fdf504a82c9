/* test_rate.c - base/rate.h. */
#include "base/rate.h"
#include "test.h"

TEST(rate, lets_a_burst_pass_and_then_one_after_each_interval)
{
    struct rate rate = {.interval_us = 100, .burst = 3};
    for (int i = 0; i < 3; i++)
        assert_int_equal(rate_take(&rate, 1000), 0);
    assert_int_equal(rate_take(&rate, 1000), 100);
    assert_int_equal(rate_take(&rate, 1060), 40);
    assert_int_equal(rate_take(&rate, 1100), 0);
    assert_int_equal(rate_take(&rate, 1100), 100);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rate_take(&rate, 5000), 0); /* it fills, and no further */
    assert_int_equal(rate_take(&rate, 5000), 100);
}

TEST(rate, of_nothing_lets_nothing_pass)
{
    struct rate rate = {.interval_us = 0, .burst = 1};
    assert_int_equal(rate_take(&rate, 1000), -1);
}
