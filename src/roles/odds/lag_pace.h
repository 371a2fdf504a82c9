/* lag_pace.h - how often a client that did not keep up is told the newest (P3).
 *
 * Who lags is sent nothing until what waits for it has drained, so what it gets next is the newest.
 * But a client that takes less than a channel brings would then get some old changes, lag, drain,
 * and so on: what it sees is always about as old as a queue is long. So a client that was late is
 * told one newest state of each market an interval, which leaves its queue empty:
 *   late   the interval is LAG_PACE_US_MIN, or twice what it was, up to its limit;
 *   calm   after a time without being late it is half of that, in the end zero: every change again.
 * Each return to zero is a trial. One that fails soon doubles the time to the next, from
 * LAG_CALM_US_MIN to LAG_CALM_US_MAX, so that a crowd that is slow for hours does not fill all its
 * queues every second; one that lasts as long as it took halves it. Clients with different `spread`
 * try at different times.
 * Pure: microseconds of one monotonic clock. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LAG_PACE_US_MIN 50000
#define LAG_CALM_US_MIN 1000000
#define LAG_CALM_US_MAX 32000000
/* Who drains after so long was late, whatever was seen of it before. */
#define LAG_LATE_US 100000

struct lag_pace {
    int64_t judge_us;    /* the interval is not shortened before; at zero: since when it is */
    int32_t interval_us; /* 0: every change */
    int32_t calm_us;     /* how long it must have been calm; 0: it was never late */
    uint8_t spread;      /* of 256: so much longer is it waited */
};

/* A client that was never late; `spread` is its share of 256, for example of its slot. */
void lag_pace_init(struct lag_pace *pace, uint8_t spread);

/* It was late, and has drained. Answers whether the interval is another one now. */
bool lag_pace_late(struct lag_pace *pace, int64_t interval_us_max, int64_t now_us);
/* It has been sent all that it was owed. The same answer. */
bool lag_pace_calm(struct lag_pace *pace, int64_t now_us);
