/* uof_backoff.h - how long until the next attempt to connect: twice as long each time, up to a
 * bound, and drawn from the upper half, so that many who lost one broker do not come back at one
 * moment. Pure. Thread: one user. */
#pragma once

#include "base/prng.h"

struct uof_backoff {
    int64_t us_min, us_max;
    int64_t next_us; /* 0: us_min */
    struct prng random;
};

static inline void uof_backoff_reset(struct uof_backoff *backoff)
{
    backoff->next_us = 0;
}

static inline int64_t uof_backoff_us(struct uof_backoff *backoff)
{
    int64_t us = backoff->next_us == 0 ? backoff->us_min : backoff->next_us;
    backoff->next_us = us * 2 < backoff->us_max ? us * 2 : backoff->us_max;
    return us / 2 + (int64_t)prng_below(&backoff->random, (uint64_t)(us - us / 2) + 1);
}
