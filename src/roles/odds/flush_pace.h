/* flush_pace.h - when waiting price changes go out: at once while there is little to do, together
 * while there is much.
 *
 * A send costs the same whatever it carries (bench/README.md), so under load the lever is fewer and
 * fuller sends: one for each client and flush. After a flush that took `cost` and handed over
 * `changes`, the next one begins no sooner than cost * (1 - 1/changes) after its end, and never
 * later than rest_us_max. So
 *   - who comes after a pause, or alone, never waits: the interval is zero;
 *   - the more changes meet in a flush, the nearer its share of the time comes to one half, and
 *     what a change waits is never more than what the sends themselves cost;
 *   - a flush to few clients is followed by no wait worth a timer: rests below FLUSH_REST_US_MIN
 *     are none.
 * Pure: time comes in as an argument, microseconds of one monotonic clock. Thread: any (one user).
 */
#pragma once

#include <stdint.h>

#define FLUSH_REST_US_MIN 250

struct flush_pace {
    int64_t rest_us_max; /* 0: never rest */
    int64_t rest_us;     /* after the newest flush */
    int64_t due_us;      /* no flush before */
};

void flush_pace_init(struct flush_pace *pace, int64_t rest_us_max);
/* A flush of `changes` (1 or more) began and ended at these times. */
void flush_pace_flushed(struct flush_pace *pace, int64_t begin_us, int64_t end_us,
                        uint64_t changes);
/* What a change that comes now has to wait for at most; 0: it goes out in its turn. */
int64_t flush_pace_wait_us(const struct flush_pace *pace, int64_t now_us);
