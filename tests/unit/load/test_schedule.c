/* test_schedule.c - when the requests of an open-loop run are due. */
#include "load/load_schedule.h"
#include "test.h"

static const struct load_schedule even = {.begin = {1000}, .rate = 3, .burst = 1};

TEST(schedule, spaces_requests_evenly_without_drifting)
{
    assert_int_equal(load_schedule_due(&even, 0).us, 1000);
    assert_int_equal(load_schedule_due(&even, 1).us, 1000 + 333333);
    assert_int_equal(load_schedule_due(&even, 2).us, 1000 + 666666);
    /* A year later it is still exact: gaps of 333,333 us would be 31 s early. */
    assert_int_equal(load_schedule_due(&even, 3 * UINT64_C(31536000)).us,
                     1000 + INT64_C(31536000) * US_PER_SECOND);
}

TEST(schedule, makes_the_requests_of_a_burst_due_together_at_the_same_mean_rate)
{
    struct load_schedule bursts = {.begin = {0}, .rate = 1000, .burst = 10};
    for (uint64_t n = 0; n < 10; n++)
        assert_int_equal(load_schedule_due(&bursts, n).us, 0);
    assert_int_equal(load_schedule_due(&bursts, 10).us, 10000);
    assert_int_equal(load_schedule_due(&bursts, 1000).us, US_PER_SECOND);
}

TEST(schedule, counts_exactly_the_requests_whose_time_has_come)
{
    static const struct load_schedule rows[] = {
        {{500}, 1, 1},    {{500}, 3, 1},          {{500}, 7, 4},       {{500}, 999, 1},
        {{500}, 1000, 3}, {{500}, 1000000, 1},    {{500}, 3000000, 5}, {{500}, 123457, 100},
        {{0}, 60000, 1},  {{0}, LOAD_RATE_MAX, 1}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct load_schedule *schedule = &rows[r];
        for (uint64_t n = 0; n < 3000; n++) {
            struct monotonic due = load_schedule_due(schedule, n);
            uint64_t at = load_schedule_count(schedule, due);
            uint64_t before = load_schedule_count(schedule, (struct monotonic){due.us - 1});
            assert_true(at > n);
            assert_true(before <= n);
            assert_true(load_schedule_due(schedule, at).us > due.us);
        }
    }
}

TEST(schedule, has_nothing_due_before_its_beginning)
{
    assert_int_equal(load_schedule_count(&even, (struct monotonic){999}), 0);
    assert_int_equal(load_schedule_count(&even, (struct monotonic){1000}), 1);
}

TEST(schedule, draws_poisson_gaps_with_the_mean_and_the_spread_asked_for)
{
    struct prng prng;
    prng_seed(&prng, 7);
    enum { DRAWS = 200000, MEAN = 1000 };
    int64_t sum = 0, longer = 0;
    for (int i = 0; i < DRAWS; i++) {
        int64_t gap = load_schedule_poisson_us(&prng, MEAN);
        assert_in_range(gap, 0, 20 * MEAN);
        sum += gap;
        longer += gap > MEAN;
    }
    assert_in_range(sum / DRAWS, 985, 1015);
    /* e^-1 of an exponential lies above its mean; of a constant, none. */
    assert_in_range(longer * 1000 / DRAWS, 360, 376);
}
