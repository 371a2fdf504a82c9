/* replay_pace.c - contract in replay_pace.h. Due times are reckoned from an anchor and not from
 * line to line, so roundings and delays of sending do not add up. */
#include "feeds/replay/replay_pace.h"

#include "base/decimal.h"
#include "base/error.h"

#define SPEED_SCALE 3

int replay_speed_parse(struct slice text, uint32_t *ret_speed_milli)
{
    struct decimal value;
    int64_t milli;
    if (slice_is(text, "max")) {
        *ret_speed_milli = REPLAY_SPEED_MAX;
        return 0;
    }
    if (decimal_parse(text, &value) < 0 || decimal_rescale(value, SPEED_SCALE, &milli) < 0)
        return -ERR_CONFIG;
    if (milli <= 0 || milli > REPLAY_SPEED_MILLI_MAX)
        return -ERR_CONFIG;
    *ret_speed_milli = (uint32_t)milli;
    return 0;
}

void replay_pace_init(struct replay_pace *pace, uint32_t speed_milli, struct monotonic now)
{
    *pace = (struct replay_pace){.speed_milli = speed_milli, .due = now, .sent = now};
}

void replay_pace_file(struct replay_pace *pace)
{
    pace->anchored = false;
}

void replay_pace_line(struct replay_pace *pace, bool has_pt, int64_t pt_ms)
{
    if (!has_pt || pace->speed_milli == REPLAY_SPEED_MAX)
        return;
    if (!pace->anchored || pt_ms < pace->last_pt_ms) {
        pace->anchored = true;
        pace->anchor_pt_ms = pt_ms;
        pace->anchor = pace->due;
    }
    pace->last_pt_ms = pt_ms;
    __int128 recorded_us = ((__int128)pt_ms - pace->anchor_pt_ms) * US_PER_MS;
    __int128 due = pace->anchor.us + recorded_us * 1000 / pace->speed_milli;
    pace->due.us = due > INT64_MAX ? INT64_MAX : (int64_t)due;
}

enum replay_step replay_pace_next(const struct replay_pace *pace, struct monotonic now,
                                  struct monotonic *ret_until)
{
    int64_t heartbeat = pace->sent.us + REPLAY_HEARTBEAT_US;
    if (pace->speed_milli == REPLAY_SPEED_MAX || pace->due.us <= now.us)
        return REPLAY_SEND_LINE;
    if (heartbeat <= now.us)
        return REPLAY_SEND_HEARTBEAT;
    ret_until->us = pace->due.us < heartbeat ? pace->due.us : heartbeat;
    return REPLAY_WAIT;
}

void replay_pace_sent(struct replay_pace *pace, struct monotonic now)
{
    pace->sent = now;
}
