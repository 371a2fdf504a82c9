/* odds_json.h - markets as the JSON of CONTRACT: whole ones and what changed, and the frames around
 * them. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "net/stream/shared_bytes.h"
#include "ports/odds_store.h"

/* More than any market takes: each byte of its texts may be escaped to 6. */
#define ODDS_JSON_MARKET_BYTES_MAX                                                                 \
    (8192 + (size_t)SELECTIONS_MAX * (6 * (SELECTION_ID_BYTES_MAX + NAME_BYTES_MAX) + 160))

/* The whole market as one object: {"market_id":..,"selections":[..],"updated_at":..}. */
void odds_json_market(struct buf *out, const struct odds_image *image);

/* The members that an answer to a stale read has besides: "stale":true,"age_ms":N. */
void odds_json_stale(struct buf *out, int64_t age_ms);

struct odds_json_change {
    const struct odds_image *image;
    const uint16_t *changed; /* indexes of selections */
    size_t changed_count;
    bool in_play_changed, bet_delay_changed, each_way_changed;
};

/* The members of a delta after "seq", without the braces: "market_id":..,"feed_ts":.. */
void odds_json_delta(struct buf *out, const struct odds_json_change *change);

/* The beginning of a message: {"op":OP,"channel":CHANNEL,"seq":N and no comma. seq 0: none. */
void odds_json_open(struct buf *out, const char *op, struct slice channel, uint64_t seq);

/* {"op":"skipped",..}: the changes of one market that the client was too slow for. */
void odds_json_skipped(struct buf *out, struct slice channel, uint64_t seq, struct slice market_id,
                       uint32_t changes);

/* One text frame of a WebSocket around a and b, to be shared. -ERR_MEMORY, -ERR_LIMIT. */
int odds_json_frame(struct slice a, struct slice b, struct shared_bytes **ret_frame);
/* The text inside such a frame. */
struct slice odds_json_frame_text(const struct shared_bytes *frame);
