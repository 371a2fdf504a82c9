/* instant.h - points in time as values. Rules take them as arguments and never ask a clock.
 *
 * Wall time is microseconds since 1970-01-01T00:00:00Z without leap seconds; monotonic time
 * is microseconds since an arbitrary start and is used for every interval that decides
 * something (leases, delays, limits). The two are different types so that the compiler
 * refuses to mix them. Thread: any. */
#pragma once

#include <stdint.h>

struct instant {
    int64_t us;
};

struct monotonic {
    int64_t us;
};

#define US_PER_MS     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
