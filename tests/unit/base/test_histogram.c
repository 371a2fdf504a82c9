/* test_histogram.c - base/histogram.h against the sorted list of values. */
#include "test.h"

#include <stdlib.h>

#include "base/histogram.h"
#include "base/prng.h"

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

TEST(histogram, is_exact_below_128)
{
    static struct histogram h;
    histogram_reset(&h);
    for (uint64_t v = 0; v < 100; v++)
        histogram_record(&h, v);
    assert_int_equal(histogram_percentile(&h, 0), 0);
    assert_int_equal(histogram_percentile(&h, 5000), 49);
    assert_int_equal(histogram_percentile(&h, 9900), 98);
    assert_int_equal(histogram_percentile(&h, 9901), 99);
    assert_int_equal(histogram_percentile(&h, 10000), 99);
    assert_int_equal(histogram_count_above(&h, 89), 10);
}

TEST(histogram, gives_percentiles_within_a_64th)
{
    enum { COUNT = 20000 };
    static struct histogram h;
    static uint64_t values[COUNT];
    histogram_reset(&h);
    struct prng prng;
    prng_seed(&prng, 9);
    for (int i = 0; i < COUNT; i++) {
        values[i] = prng_next(&prng) >> prng_below(&prng, 64);
        histogram_record(&h, values[i]);
    }
    qsort(values, COUNT, sizeof values[0], by_value);
    for (int permyriad = 1; permyriad <= 10000; permyriad += 7) {
        uint64_t rank = ((uint64_t)permyriad * COUNT + 9999) / 10000;
        uint64_t exact = values[rank - 1];
        uint64_t told = histogram_percentile(&h, permyriad);
        assert_true(told >= exact);
        assert_true(told - exact <= exact / 64);
    }
    assert_true(h.max == values[COUNT - 1]);
    assert_true(histogram_percentile(&h, 10000) == h.max);
}

TEST(histogram, takes_the_largest_values)
{
    static struct histogram h;
    histogram_reset(&h);
    histogram_record(&h, UINT64_MAX);
    assert_true(histogram_percentile(&h, 5000) == UINT64_MAX);
    histogram_record_times(&h, 5, 3);
    assert_int_equal(h.count, 4);
    assert_int_equal(histogram_percentile(&h, 7500), 5);
}

TEST(histogram, merged_is_the_same_as_recorded_in_one)
{
    static struct histogram a, b, both;
    histogram_reset(&a);
    histogram_reset(&b);
    histogram_reset(&both);
    for (uint64_t v = 1; v < 1000000; v = v * 3 / 2 + 1) {
        histogram_record(v % 2 ? &a : &b, v);
        histogram_record(&both, v);
    }
    histogram_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof a);
}

TEST(histogram, empty_answers_zero)
{
    static struct histogram h;
    histogram_reset(&h);
    assert_int_equal(histogram_percentile(&h, 9900), 0);
    assert_int_equal(h.max, 0);
}
