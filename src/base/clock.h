/* clock.h - the system's clocks, in microseconds, for the edges of the program. What decides is
 * given its time (instant.h), and what a loop runs has loop_now(). Thread: any. */
#pragma once

#include <time.h>

#include "base/instant.h"

/* CLOCK_MONOTONIC or CLOCK_REALTIME, for which it cannot fail. */
static inline int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}
