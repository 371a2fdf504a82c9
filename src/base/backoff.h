/* backoff.h - how long until the next attempt to connect: twice as long each time, up to a
 * bound, and drawn from the upper half, so that many clients of one server do not come at one
 * moment. Where there are several addresses a round over them is one time. Pure. Thread: one
 * user. */
#pragma once

#include "base/prng.h"

struct backoff {
    int64_t us_min, us_max;
    int64_t next_us; /* 0: us_min */
    struct prng random;
};

static inline struct backoff backoff_begin(int64_t us_min, int64_t us_max, uint64_t seed)
{
    struct backoff backoff = {.us_min = us_min, .us_max = us_max};
    prng_seed(&backoff.random, seed);
    return backoff;
}

static inline void backoff_reset(struct backoff *backoff)
{
    backoff->next_us = 0;
}

/* As long as the last time: until the next address of a round. */
static inline int64_t backoff_same_us(struct backoff *backoff)
{
    if (backoff->next_us == 0)
        backoff->next_us = backoff->us_min;
    int64_t half_us = backoff->next_us / 2;
    return half_us +
           (int64_t)prng_below(&backoff->random, (uint64_t)(backoff->next_us - half_us) + 1);
}

static inline int64_t backoff_us(struct backoff *backoff)
{
    int64_t us = backoff_same_us(backoff);
    backoff->next_us =
        backoff->next_us * 2 < backoff->us_max ? backoff->next_us * 2 : backoff->us_max;
    return us;
}
