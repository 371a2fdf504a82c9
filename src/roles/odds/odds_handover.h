/* odds_handover.h - what the streams of one process tell the process that takes over from it: the
 * stream id, how far each channel's messages are numbered, and which markets were shown. So a
 * client that comes back with its sid and seq goes on without a hole, and a market that no provider
 * offers again is told as removed. No price is in it (P2: the new process knows none).
 *
 * Format, all numbers little-endian: 1 byte version (1); 16 bytes sid, lower-case hexadecimal;
 * seq_floor 8; channels 4; markets 4; then each channel {seq 8, bytes of the name 1, name}; then
 * each market {odds_version 8, bytes of the ids 3 x 1: market, event, sport; the ids}.
 * Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define ODDS_HANDOVER_VERSION    1
#define ODDS_HANDOVER_SID_BYTES  16
#define ODDS_HANDOVER_HEAD_BYTES (1 + ODDS_HANDOVER_SID_BYTES + 8 + 4 + 4)
#define ODDS_HANDOVER_SEQ_MAX    (UINT64_C(1) << 53) /* numbers of JSON are exact up to it */

struct odds_handover_head {
    struct slice sid;
    uint64_t seq_floor;
    uint32_t channels, markets;
};

struct odds_handover_channel {
    uint64_t seq; /* of the newest message, 1 or more */
    struct slice name;
};

struct odds_handover_market {
    uint64_t version;
    struct slice id, event_id, sport; /* the last two may be empty */
};

/* Each appends its part; texts are within their bounds, which the caller has checked. */
void odds_handover_put_head(struct buf *out, const struct odds_handover_head *head);
void odds_handover_put_channel(struct buf *out, const struct odds_handover_channel *channel);
void odds_handover_put_market(struct buf *out, const struct odds_handover_market *market);

/* Each takes its part from the beginning of *bytes, and checks all of it; slices are of *bytes.
 * -ERR_FORMAT: it is none, or breaks a bound; -ERR_UNSUPPORTED: of another version. */
int odds_handover_take_head(struct slice *bytes, struct odds_handover_head *ret);
int odds_handover_take_channel(struct slice *bytes, struct odds_handover_channel *ret);
int odds_handover_take_market(struct slice *bytes, struct odds_handover_market *ret);
/* All of it, before any of it is used: the same answers. */
int odds_handover_check(struct slice bytes);
