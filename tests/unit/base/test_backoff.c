/* test_backoff.c - base/backoff.h. */
#include "test.h"

#include <stdbool.h>

#include "base/backoff.h"

static void assert_upper_half(int64_t drawn_us, int64_t us)
{
    assert_in_range(drawn_us, us / 2, us);
}

TEST(backoff, doubles_to_its_bound_and_begins_again)
{
    struct backoff backoff = backoff_begin(100, 900, 1);
    static const int64_t expected[] = {100, 200, 400, 800, 900, 900};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_upper_half(backoff_us(&backoff), expected[i]);
    backoff_reset(&backoff);
    assert_upper_half(backoff_us(&backoff), 100);
    assert_upper_half(backoff_us(&backoff), 200);
}

TEST(backoff, of_a_round_of_addresses_grows_once)
{
    struct backoff backoff = backoff_begin(100, 900, 2);
    for (int64_t us = 100; us <= 400; us *= 2) {
        for (int address = 1; address < 4; address++)
            assert_upper_half(backoff_same_us(&backoff), us);
        assert_upper_half(backoff_us(&backoff), us);
    }
}

TEST(backoff, draws_all_of_the_upper_half_and_nothing_else)
{
    struct backoff backoff = backoff_begin(100, 900, 3);
    bool drawn[101] = {false};
    for (int i = 0; i < 10000; i++) {
        int64_t us = backoff_same_us(&backoff);
        assert_in_range(us, 50, 100);
        drawn[us] = true;
    }
    for (int us = 50; us <= 100; us++)
        assert_true(drawn[us]);
}
