/* mcm_message.h - one message of the Betfair Exchange Stream, decoded but not yet applied.
 *
 * Source: FORMATS part 1. A message is decoded whole into these flat arrays
 * before anything of it is applied, so that a malformed one has no partial effect. Memory is
 * taken once, for the limits below, and touched only as far as messages need it. Slices point
 * into the line or into the message's own scratch: they live until the next decode.
 * Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"

/* Limits of one message; beyond them it is refused whole with -ERR_LIMIT. An image of 200
 * markets was 608,459 bytes with 14,000 ladder rows (FORMATS 1.1). */
#define MCM_LINE_BYTES_MAX      (4u << 20)
#define MCM_MARKETS_MAX         8192u
#define MCM_RUNNER_DEFS_MAX     65536u
#define MCM_RUNNER_CHANGES_MAX  65536u
#define MCM_ROWS_MAX            524288u
#define MCM_MARKET_ID_BYTES_MAX 32u

enum mcm_op {
    MCM_OP_OTHER = 0, /* connection, status, ocm, ccm, heartbeat, and what we do not know */
    MCM_OP_MCM,
};

enum mcm_change_type { MCM_UPDATE = 0, MCM_SUB_IMAGE, MCM_RESUB_DELTA, MCM_HEARTBEAT };
enum mcm_segment { MCM_WHOLE = 0, MCM_SEG_START, MCM_SEG, MCM_SEG_END };

/* The ladders that bear on the price; trd, spb and spl are checked for their shape and left. */
enum ladder_kind {
    LADDER_ATB = 0, /* keyed by price, full depth */
    LADDER_ATL,
    LADDER_BATB, /* keyed by level, 0 = best */
    LADDER_BATL,
    LADDER_BDATB, /* with virtual bets */
    LADDER_BDATL,
};
#define LADDERS_COUNT     6
#define LADDER_LEVELS_MAX 16 /* the stream offers at most 10 */

struct mcm_row {
    int32_t price_milli;
    uint32_t size_cents; /* rounded up, cut at UINT32_MAX; 0 removes the key */
    uint8_t ladder;      /* enum ladder_kind */
    uint8_t level;       /* of level ladders */
};

struct mcm_runner_change {
    int64_t id;
    int32_t hc_milli;
    bool has_ltp;
    int32_t ltp_milli; /* 0 = unknown ("NaN") */
    uint32_t rows_first;
    uint32_t rows_count;
};

enum mcm_runner_status {
    MCM_RUNNER_UNKNOWN = 0, /* a word of a later version: neither bettable nor settled */
    MCM_RUNNER_ACTIVE,
    MCM_RUNNER_WINNER,
    MCM_RUNNER_LOSER,
    MCM_RUNNER_REMOVED, /* also REMOVED_VACANT */
    MCM_RUNNER_HIDDEN,
    MCM_RUNNER_PLACED,
};

struct mcm_runner_def {
    int64_t id;
    int32_t hc_milli;
    int64_t sort_priority;
    enum mcm_runner_status status;
    int32_t adjustment_milli; /* percent; 0: none, or not understood */
    struct slice name;        /* historic files only */
};

enum mcm_market_status {
    MCM_MARKET_UNKNOWN = 0, /* a word of a later version: as SUSPENDED */
    MCM_MARKET_INACTIVE,
    MCM_MARKET_OPEN,
    MCM_MARKET_SUSPENDED,
    MCM_MARKET_CLOSED,
};

enum mcm_betting {
    MCM_BETTING_OTHER = 0, /* LINE, RANGE, unknown: the price is not odds */
    MCM_BETTING_ODDS,
    MCM_BETTING_ASIAN, /* odds, but the runner flags do not say what is paid (1.7 trap 2) */
};

struct mcm_definition {
    enum mcm_market_status status;
    enum mcm_betting betting;
    bool each_way;          /* marketType EACH_WAY or an eachWayDivisor */
    int32_t each_way_milli; /* the divisor; 0: none */
    int64_t winners;        /* numberOfWinners: places of an each-way market, and in racing */
    bool in_play;
    int64_t bet_delay_s; /* 0 .. MCM_BET_DELAY_S_MAX */
    uint64_t version;
    struct instant market_time;  /* us = 0: absent or not understood */
    struct instant settled_time; /* us = 0: absent or not understood */
    struct slice event_id;
    struct slice event_type_id;
    struct slice event_name; /* historic files only, as name */
    struct slice name;
    struct slice market_type; /* may be absent */
    uint32_t runners_first;
    uint32_t runners_count;
};
#define MCM_BET_DELAY_S_MAX 3600

struct mcm_market_change {
    struct slice id;
    bool image;
    bool has_definition;
    struct mcm_definition definition;
    uint32_t changes_first;
    uint32_t changes_count;
};

struct mcm_message {
    enum mcm_op op;
    enum mcm_change_type change_type;
    enum mcm_segment segment;
    bool has_id;
    int64_t id; /* of the subscription */
    bool has_pt;
    int64_t pt_ms;
    bool late;                     /* status 503 */
    struct slice clk, initial_clk; /* empty: absent or null */
    uint32_t markets_count, runner_defs_count, changes_count, rows_count;
    struct mcm_market_change *markets; /* owned, as the rest */
    struct mcm_runner_def *runner_defs;
    struct mcm_runner_change *changes;
    struct mcm_row *rows;
    char *scratch; /* MCM_LINE_BYTES_MAX: unescaped strings are never longer than the line */
};

/* 0 or -ERR_MEMORY. The caller owns *ret and ends it with mcm_message_free (accepts NULL). */
int mcm_message_new(struct mcm_message **ret);
void mcm_message_free(struct mcm_message *message);

/* Decodes a line without its line end. 0; -ERR_FORMAT: not JSON, no object, no `op`, or, in an
 * mcm, a field of a wrong type or out of range; -ERR_LIMIT: one of the limits above. Afterwards
 * the message is whole on 0 and undefined otherwise. Unknown fields are ignored, null is
 * absent, and a repeated field counts as its last. Borrows the line until the next decode. */
int mcm_decode(struct mcm_message *message, struct slice line);
