/* replay_format.h - what a recording's format means to the replay. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum replay_format { REPLAY_BETFAIR = 1, REPLAY_UOF, REPLAY_JSON };

/* "betfair", "uof", "json"; -ERR_CONFIG for any other word. */
int replay_format_parse(struct slice word, enum replay_format *ret);

/* The publish time of a line in ms since 1970, for pacing. False when it has none or is not
 * read as far as it: what a line is worth is the receiver's judgement. */
bool replay_format_pt(enum replay_format format, struct slice line, int64_t *ret_pt_ms);

/* Whether a message may stand on several lines, to be joined to one (replay_join.h). */
bool replay_format_joins(enum replay_format format);

/* A line that renews the provider's lease and says nothing else. It is no mcm, because an mcm
 * without status 503 would end a "prices are late" (FORMATS 1.8), and no alive, because that is of
 * one producer. No line end. */
struct slice replay_format_heartbeat(enum replay_format format);
