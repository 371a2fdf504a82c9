/* test_ship_lag.c - adapters/ship/ship_lag.h: never too low, and exact while little waits. */
#include "test.h"

#include "adapters/ship/ship_lag.h"

static struct ship_lag lag;

TEST(ship_lag, is_exact_while_few_groups_wait)
{
    ship_lag_begin(&lag, 10, 1000);
    ship_lag_append(&lag, 12, 200, 2000);
    ship_lag_append(&lag, 15, 300, 3000);
    assert_int_equal(ship_lag_bytes(&lag, 10), 500);
    assert_int_equal(ship_lag_us(&lag, 10, 3500), 1500);
    ship_lag_acked(&lag, 12);
    assert_int_equal(ship_lag_bytes(&lag, 12), 300);
    assert_int_equal(ship_lag_us(&lag, 12, 3500), 500);
    ship_lag_acked(&lag, 15);
    assert_int_equal(ship_lag_bytes(&lag, 15), 0);
    assert_int_equal(ship_lag_us(&lag, 15, 3500), 0);
}

TEST(ship_lag, counts_from_the_begin_for_what_is_older)
{
    ship_lag_begin(&lag, 1000, 1000);
    ship_lag_append(&lag, 1010, 1000, 5000); /* 100 bytes each */
    assert_int_equal(ship_lag_bytes(&lag, 900), 100 * 100 + 1000);
    assert_int_equal(ship_lag_us(&lag, 900, 6000), 5000);
}

TEST(ship_lag, keeps_its_size_and_is_never_too_low)
{
    const uint64_t groups = 10000;
    ship_lag_begin(&lag, 0, 0);
    for (uint64_t i = 1; i <= groups; i++)
        ship_lag_append(&lag, i, 10, (int64_t)i);
    for (uint64_t acked = 0; acked < groups; acked += 7) {
        ship_lag_acked(&lag, acked);
        uint64_t bytes = ship_lag_bytes(&lag, acked);
        int64_t us = ship_lag_us(&lag, acked, (int64_t)groups);
        assert_true(bytes >= (groups - acked) * 10 && bytes <= (groups - acked + 64) * 10);
        assert_true(us >= (int64_t)(groups - acked - 1) && us <= (int64_t)(groups - acked + 64));
    }
}
