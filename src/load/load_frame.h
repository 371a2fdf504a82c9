/* load_frame.h - what the generator reads of the server's messages (CONTRACT, "WebSocket
 * /v1/stream"): one pass over one JSON text. It reads as a client would: what it does not know it
 * passes over; what is malformed it counts. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"

enum load_op {
    LOAD_OP_OTHER = 0,
    LOAD_OP_SNAPSHOT,
    LOAD_OP_DELTA,
    LOAD_OP_IMAGE,
    LOAD_OP_SKIPPED,
    LOAD_OP_REMOVED,
    LOAD_OP_BET,
    LOAD_OP_BET_UPDATE,
    LOAD_OP_BALANCE,
    LOAD_OP_ERROR,
    LOAD_OP_PONG,
};

/* Slices of the text; empty when the member is not there. Strings with escapes are left empty:
 * none that is looked at here has any. */
struct load_frame {
    enum load_op op;
    bool has_seq;
    uint64_t seq;
    struct slice channel;
    struct slice id;   /* place_bet's id */
    struct slice code; /* text: of an error or a problem; digits: of a bet */
    struct slice market_id, status;
    uint64_t odds_version;
    uint64_t changes;                              /* that were not sent */
    struct slice markets, market, selections, bet; /* raw JSON */
    struct instant stamp;    /* when the server took the change in; us = 0: not said */
    struct slice stamp_name; /* the member it was read from */
};

/* 0 or -ERR_FORMAT. */
int load_frame_read(struct slice text, struct load_frame *ret);

/* The text value of a member anywhere in a JSON text, for the code of a problem body: the first
 * `"name":"value"`; empty when there is none. */
struct slice load_frame_find_text(struct slice json, struct slice quoted_name);
