/* flush_pace.h - when waiting price changes go out: at once while there is little to do, together
 * while there is much.
 *
 * A send costs the same whatever it carries (bench/README.md), so under load the lever is fewer and
 * fuller sends: one for each client and flush. A flush is sent in slices, between which the loop
 * does other things (net/stream/push_slice.h), and ends before the next one begins. When its
 * sends, which cost `cost` together, have handed over `changes`, the next one begins no sooner than
 * cost * (2 - 1/changes) after its begin, and no later than rest_us_max after its end. So
 *   - who comes after a pause, or alone, never waits: the interval is zero;
 *   - the more changes meet in a flush, the nearer its share of the time comes to one half, and
 *     what a change waits is never more than what the sends themselves cost;
 *   - changes that come one soon after another, when little is going on, share a flush: it is
 *     begun with the first, and the next ones join it while most of its sends are still to come;
 *   - a flush to few clients is followed by no wait worth a timer: rests below FLUSH_REST_US_MIN
 *     are none.
 * Pure: time comes in as an argument, microseconds of one monotonic clock. Thread: any (one user).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FLUSH_REST_US_MIN 250
/* Changes of one flush from which on no more join it. */
#define FLUSH_JOIN_CHANGES 8
/* Nor when one part in so many of its sends is done. */
#define FLUSH_JOIN_SHARE 4

struct flush_pace {
    int64_t rest_us_max; /* 0: never rest */
    int64_t rest_us;     /* after the newest flush */
    int64_t due_us;      /* no flush before */
};

void flush_pace_init(struct flush_pace *pace, int64_t rest_us_max);
/* A flush from its first hand-over to its last send, and what of that time it took itself. */
struct flush_span {
    int64_t begin_us, end_us;
    int64_t cost_us;
};
/* The flush of `changes` (1 or more) is over. */
void flush_pace_flushed(struct flush_pace *pace, const struct flush_span *span, uint64_t changes);
/* Whether what has come since may join the flush under way, which has handed over `changes` and
 * done `sent` of `sends`. Who was sent to before is sent to once more. */
bool flush_pace_may_join(uint64_t changes, uint64_t sent, uint64_t sends);
/* What a change that comes now has to wait for at most; 0: it goes out in its turn. */
int64_t flush_pace_wait_us(const struct flush_pace *pace, int64_t now_us);
