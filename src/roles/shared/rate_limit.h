/* rate_limit.h - how often each of many (users, addresses) may ask: a token bucket each, in fixed
 * memory.
 *
 * A bucket is one instant, the time at which it is full again (GCRA), so an untouched bucket needs
 * no memory. Keys are hashed under a secret, into sets of RATE_LIMIT_WAYS slots; a set whose slots
 * are all in use forgets the bucket that is nearest to full, which is counted: a newcomer is never
 * refused for the sake of others. Owned by one loop; allocates at _new only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"

#define RATE_LIMIT_WAYS 8

struct rate_limit;

struct rate_limit_options {
    uint32_t burst;       /* so many at once; >= 1 */
    int64_t interval_us;  /* one more after each; > 0 */
    uint32_t keys_max;    /* slots; rounded up to a power of two */
    uint64_t hash_key[2]; /* secret */
};

/* 0 or -ERR_MEMORY. */
int rate_limit_new(const struct rate_limit_options *options, struct rate_limit **ret_limit);
void rate_limit_free(struct rate_limit *limit); /* accepts NULL */

/* Takes one token of the key's bucket. 0 when there was one, else the microseconds (> 0) until
 * there is. */
int64_t rate_limit_take(struct rate_limit *limit, struct slice key, struct monotonic now);

/* Refused so far. */
uint64_t rate_limit_refused(const struct rate_limit *limit);
/* Buckets forgotten while they were not full (keys_max); borrowed, always current, for /metrics. */
const uint64_t *rate_limit_forgotten(const struct rate_limit *limit);
