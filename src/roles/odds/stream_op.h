/* stream_op.h - what a client asks for on a WebSocket, decoded strictly (CONTRACT, "WebSocket"):
 * a member that the op does not have, one that comes twice, or a wrong type is malformed.
 * Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "roles/odds/market_index.h"

#define STREAM_OP_CHANNELS_MAX 64
#define STREAM_OP_ID_BYTES_MAX 64

enum stream_op_kind {
    STREAM_SUBSCRIBE = 1,
    STREAM_UNSUBSCRIBE,
    STREAM_RESUME,
    STREAM_PLACE_BET,
    STREAM_ACCEPT_OFFER,
    STREAM_DECLINE_OFFER,
    STREAM_PING,
};

struct stream_op {
    enum stream_op_kind kind;
    struct slice channels[STREAM_OP_CHANNELS_MAX];
    size_t channels_count;
    int64_t conflate_ms; /* 0: every change */
    bool has_versions;   /* RESUME: "have" was there */
    struct slice have;   /* its text, an object; see stream_op_numbers() */
    struct slice sid;    /* RESUME: the stream that the numbers in `seq` are of; empty: none */
    struct slice seq;    /* text of {"channel":N}; empty: none */
    struct slice id;     /* PLACE_BET, .._OFFER: correlates; may be empty */
    struct slice key;    /* PLACE_BET: idempotency key; may be empty */
    struct slice bet;    /* PLACE_BET: text of the object */
    struct slice bet_id; /* .._OFFER: of the bet that waits */
    struct slice offer;  /* .._OFFER: text of the object that names it */
};

enum stream_op_outcome {
    STREAM_OP_OK = 0,
    STREAM_OP_MALFORMED, /* no JSON, no object, or not as above */
    STREAM_OP_UNKNOWN,   /* well-formed, with an op that we do not know */
    STREAM_OP_CHANNELS,  /* more channels than STREAM_OP_CHANNELS_MAX */
};

/* `scratch` (as large as the text) holds what was escaped. Slices are of both. */
enum stream_op_outcome stream_op_decode(struct slice text, char *scratch, size_t scratch_bytes,
                                        struct stream_op *ret);

/* Walks an object of numbers: {"name":N, ..}. Calls for each; false when malformed: a value that is
 * no whole number from 0 to 2^53. What was called for before the fault stays called. */
bool stream_op_numbers(struct slice object, struct buf *scratch,
                       void (*call)(void *owner, struct slice name, uint64_t number), void *owner);

/* "market:ID", "event:ID" or "sport:NAME" with an id of 1 to the kind's greatest length. */
bool stream_op_channel(struct slice name, enum group_kind *ret_kind, struct slice *ret_id);
#define STREAM_CHANNEL_BYTES_MAX (7 + MARKET_ID_BYTES_MAX)
