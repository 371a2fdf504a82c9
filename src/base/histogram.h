/* histogram.h - how often each value occurred, in fixed memory, to within 1/64 (1.6 %) of any
 * value: log-linear buckets, 64 to each power of two, in the manner of HdrHistogram. The unit
 * is the caller's (latencies: microseconds or nanoseconds, said in the variable's name).
 * Thread: any (one user). */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS (59 * 64)

/* 30 KB; all zeros is an empty one. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count; /* of all records */
    uint64_t sum;   /* of all values; wraps */
    uint64_t max;   /* exact */
};

void histogram_reset(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value);
/* Records the same value `times` times. */
void histogram_record_times(struct histogram *histogram, uint64_t value, uint64_t times);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The smallest value v, rounded up to its bucket's end (at most max), such that `permyriad`
 * ten-thousandths of all records (0 .. 10000; 9999 is p99.99) are not above v. 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, int permyriad);
/* Records above `value`, counted to within the bucket of `value`. */
uint64_t histogram_count_above(const struct histogram *histogram, uint64_t value);
