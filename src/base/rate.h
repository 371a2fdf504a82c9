/* rate.h - how often something may be done: one token bucket, kept as the instant at which it is
 * full again (GCRA). For many of them by key see roles/shared/rate_limit.h. Thread: one. */
#pragma once

#include <stdint.h>

struct rate {
    int64_t interval_us; /* one more after each; 0: never */
    int64_t burst;       /* so many at once; >= 1 */
    int64_t full_us;     /* begins as 0: full */
};

/* Takes one. 0 when there was one; else the microseconds until there is; -1: never. */
static inline int64_t rate_take(struct rate *rate, int64_t now_us)
{
    int64_t full_us = rate->full_us > now_us ? rate->full_us : now_us;
    if (rate->interval_us == 0)
        return -1;
    int64_t wait_us = full_us + rate->interval_us - rate->burst * rate->interval_us - now_us;
    if (wait_us > 0)
        return wait_us;
    rate->full_us = full_us + rate->interval_us;
    return 0;
}
