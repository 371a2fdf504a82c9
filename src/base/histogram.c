/* histogram.c - contract in histogram.h.
 * Values below 64 have a bucket each. Above, a value with its highest bit at e >= 6 falls into
 * one of 64 buckets of width 2^(e-6). */
#include "base/histogram.h"

#include <string.h>

#include "base/assert.h"

#define LINEAR_BITS 6
#define LINEAR      (1 << LINEAR_BITS)

_Static_assert(HISTOGRAM_BUCKETS == (64 - LINEAR_BITS + 1) * LINEAR, "a row for each exponent");

static unsigned bucket_of(uint64_t value)
{
    if (value < LINEAR)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - LINEAR_BITS;
    return shift * LINEAR + (unsigned)(value >> shift);
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < 2 * LINEAR)
        return bucket;
    unsigned shift = bucket / LINEAR - 1;
    uint64_t first = (uint64_t)(bucket % LINEAR + LINEAR) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram_record_times(histogram, value, 1);
}

void histogram_record_times(struct histogram *histogram, uint64_t value, uint64_t times)
{
    if (times == 0)
        return;
    histogram->counts[bucket_of(value)] += times;
    histogram->count += times;
    histogram->sum += value * times;
    if (value > histogram->max)
        histogram->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
}

uint64_t histogram_percentile(const struct histogram *histogram, int permyriad)
{
    ASSERT(permyriad >= 0);
    ASSERT(permyriad <= 10000);
    if (histogram->count == 0)
        return 0;
    unsigned __int128 product = (unsigned __int128)histogram->count * (unsigned)permyriad;
    uint64_t wanted = (uint64_t)((product + 9999) / 10000);
    uint64_t seen = 0;
    if (wanted == 0)
        wanted = 1; /* the least of all */
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted)
            return bucket_end(i) < histogram->max ? bucket_end(i) : histogram->max;
    }
    return histogram->max;
}

uint64_t histogram_count_above(const struct histogram *histogram, uint64_t value)
{
    uint64_t above = 0;
    for (unsigned i = bucket_of(value) + 1; i < HISTOGRAM_BUCKETS; i++)
        above += histogram->counts[i];
    return above;
}
