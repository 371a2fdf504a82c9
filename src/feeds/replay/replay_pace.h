/* replay_pace.h - when a line of a recording is due. Pure: the caller brings the clock.
 *
 * The first line of a file is due at once; a line that was published d later, d / speed after
 * it. Publish times that stand still, fall or are missing make a line due with the one before.
 * While nothing is due for a second, a heartbeat line is, so that the receiver can tell a quiet
 * recording from a lost one (CONTRACT, `feed replay`).
 *
 *   replay_pace_init(&pace, speed, now);
 *   for each line: replay_pace_line(&pace, has_pt, pt_ms);
 *       while (replay_pace_next(&pace, now(), &until) != REPLAY_SEND_LINE)
 *           send a heartbeat and replay_pace_sent(), or wait until `until`;
 *       send the line; replay_pace_sent(&pace, now());
 * Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"

#define REPLAY_SPEED_MAX       0 /* as fast as the receiver takes it */
#define REPLAY_SPEED_MILLI_MAX 1000000000u
#define REPLAY_HEARTBEAT_US    US_PER_SECOND

struct replay_pace {
    uint32_t speed_milli;    /* 1000 = as recorded; REPLAY_SPEED_MAX */
    bool anchored;           /* the two below are set */
    int64_t anchor_pt_ms;    /* this publish time ... */
    struct monotonic anchor; /* ... is due then */
    int64_t last_pt_ms;
    struct monotonic due;  /* of the line that comes next */
    struct monotonic sent; /* when anything was last sent */
};

enum replay_step { REPLAY_SEND_LINE = 1, REPLAY_SEND_HEARTBEAT, REPLAY_WAIT };

/* "max", or a factor above 0 with at most 3 places ("1", "0.5", "60"). 0 or -ERR_CONFIG. */
int replay_speed_parse(struct slice text, uint32_t *ret_speed_milli);

void replay_pace_init(struct replay_pace *pace, uint32_t speed_milli, struct monotonic now);
/* Another file begins: its first line is due when the last one of the file before was. */
void replay_pace_file(struct replay_pace *pace);
/* The next line to send was published then. */
void replay_pace_line(struct replay_pace *pace, bool has_pt, int64_t pt_ms);
/* What to do now; *ret_until is written on REPLAY_WAIT. */
enum replay_step replay_pace_next(const struct replay_pace *pace, struct monotonic now,
                                  struct monotonic *ret_until);
void replay_pace_sent(struct replay_pace *pace, struct monotonic now);
