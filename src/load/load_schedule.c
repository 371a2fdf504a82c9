/* load_schedule.c - contract in load_schedule.h. Integers throughout: after an hour at a million a
 * second a sum of rounded gaps would be off by seconds. */
#include "load/load_schedule.h"

#include <math.h>

#include "base/assert.h"

struct monotonic load_schedule_due(const struct load_schedule *schedule, uint64_t n)
{
    ASSERT(schedule->rate > 0 && schedule->rate <= LOAD_RATE_MAX);
    ASSERT(schedule->burst > 0);
    unsigned __int128 first = n - n % schedule->burst;
    uint64_t after_us = (uint64_t)(first * (uint64_t)US_PER_SECOND / schedule->rate);
    return (struct monotonic){schedule->begin.us + (int64_t)after_us};
}

uint64_t load_schedule_count(const struct load_schedule *schedule, struct monotonic now)
{
    if (now.us < schedule->begin.us)
        return 0;
    /* Request k is due once k * 10^6 < (passed + 1) * rate, as due times are rounded down. */
    unsigned __int128 passed = (unsigned __int128)(now.us - schedule->begin.us) + 1;
    uint64_t whole = (uint64_t)((passed * schedule->rate - 1) / (uint64_t)US_PER_SECOND);
    return (whole / schedule->burst + 1) * schedule->burst;
}

int64_t load_schedule_poisson_us(struct prng *prng, int64_t mean_us)
{
    ASSERT(mean_us > 0);
    /* In (0, 1]: the logarithm of 0 is none. */
    double uniform = ((double)(prng_next(prng) >> 11) + 1) / 9007199254740992.0;
    double gaps = -log(uniform);
    return (int64_t)((gaps < 20 ? gaps : 20) * (double)mean_us);
}
