/* load_schedule.h - when each request of an open-loop run is due, whatever the server does. Pure.
 *
 * Latency is measured from these moments, so a request that had to wait behind a slow one counts
 * with its wait (no coordinated omission). Thread: any. */
#pragma once

#include <stdint.h>

#include "base/instant.h"
#include "base/prng.h"

#define LOAD_RATE_MAX 10000000 /* requests a second */

struct load_schedule {
    struct monotonic begin;
    uint64_t rate;  /* requests a second, 1 .. LOAD_RATE_MAX */
    uint32_t burst; /* requests that are due at one moment; 1: evenly spaced */
};

/* When request number `n` (0 first) is due; bursts keep the mean rate. */
struct monotonic load_schedule_due(const struct load_schedule *schedule, uint64_t n);
/* How many requests are due by `now`. */
uint64_t load_schedule_count(const struct load_schedule *schedule, struct monotonic now);

/* The gap to the next arrival of a Poisson process with this mean; at most 20 times the mean. */
int64_t load_schedule_poisson_us(struct prng *prng, int64_t mean_us);
