/* odds_cbor.h - the messages of the stream in CBOR (RFC 8949), for clients that ask for it by the
 * subprotocol ODDS_CBOR_PROTOCOL: the same messages with the same numbers, in less than half of the
 * bytes. The form is a rewriting of the JSON, so nothing can be in one and not in the other; how
 * each member is written stands in docs/PROTOCOL.md, "The binary form". Pure. Thread: any. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "net/stream/shared_bytes.h"

#define ODDS_CBOR_PROTOCOL "overround.cbor.v1"

/* Keys and words that have a number, for ever: new ones are added at the end. */
#define ODDS_CBOR_KEY_LIST(X)                                                                      \
    X(0, "op")                                                                                     \
    X(1, "channel")                                                                                \
    X(2, "seq")                                                                                    \
    X(3, "market_id")                                                                              \
    X(4, "odds_version")                                                                           \
    X(5, "status")                                                                                 \
    X(6, "selections")                                                                             \
    X(7, "id")                                                                                     \
    X(8, "odds")                                                                                   \
    X(9, "feed_ts")                                                                                \
    X(10, "updated_at")                                                                            \
    X(11, "name")                                                                                  \
    X(12, "markets")                                                                               \
    X(13, "event_id")                                                                              \
    X(14, "event_name")                                                                            \
    X(15, "sport")                                                                                 \
    X(16, "kind")                                                                                  \
    X(17, "in_play")                                                                               \
    X(18, "bet_delay_ms")                                                                          \
    X(19, "start_time")                                                                            \
    X(20, "sid")                                                                                   \
    X(21, "changes")                                                                               \
    X(22, "partial")                                                                               \
    X(23, "more")                                                                                  \
    X(24, "odds_exact")                                                                            \
    X(25, "market")                                                                                \
    X(26, "balance")                                                                               \
    X(27, "currency")                                                                              \
    X(28, "ledger_seq")                                                                            \
    X(29, "bet")                                                                                   \
    X(30, "bet_id")                                                                                \
    X(31, "code")                                                                                  \
    X(32, "stake")                                                                                 \
    X(33, "legs")                                                                                  \
    X(34, "selection_id")                                                                          \
    X(35, "after_ms")

#define ODDS_CBOR_WORD_LIST(X)                                                                     \
    X(0, "active")                                                                                 \
    X(1, "suspended")                                                                              \
    X(2, "closed")                                                                                 \
    X(3, "settled")                                                                                \
    X(4, "cancelled")                                                                              \
    X(5, "delta")                                                                                  \
    X(6, "snapshot")                                                                               \
    X(7, "image")                                                                                  \
    X(8, "removed")                                                                                \
    X(9, "skipped")                                                                                \
    X(10, "resumed")                                                                               \
    X(11, "bet")                                                                                   \
    X(12, "bet_update")                                                                            \
    X(13, "balance")                                                                               \
    X(14, "error")                                                                                 \
    X(15, "pong")                                                                                  \
    X(16, "receipt")                                                                               \
    X(17, "unsubscribed")                                                                          \
    X(18, "reconnect")

/* Appends the JSON text as CBOR. `scratch` is for texts with escapes, as large as the longest of
 * them. 0; -ERR_FORMAT (no JSON); -ERR_LIMIT (`out` or scratch is too small). */
int odds_cbor_write(struct buf *out, struct slice json, struct buf scratch);

/* The same whole text frames of a server as binary frames; made once and kept with `frames`.
 * Borrowed: it lives as long as they. Half of `scratch` must hold all of it; NULL: it did not, or
 * no memory. */
struct shared_bytes *odds_cbor_frames(struct shared_bytes *frames, struct buf scratch);
