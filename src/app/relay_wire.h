/* relay_wire.h - the messages between the desk's process and another shard's, byte by byte
 * (docs/decisions/0016).
 *
 * Each is one binary message of a WebSocket, which keeps bounds and order: a head of 16 bytes, a
 * body that its type fixes, and a tail. Each end numbers its own from 1, so that one which is
 * missing, or comes twice, is seen. Numbers are little-endian; structs are read and written by
 * memcpy. What comes in is hostile: relay_wire_read() answers -ERR_FORMAT for whatever is not
 * exactly what is written here; the records of a word are for relay_word_read().
 * Pure. Thread: any. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ledger/relay_word.h"
#include "ledger/shard_types.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is memcpy of the structs");

#define RELAY_SUBPROTOCOL "overround-desk.1"
#define RELAY_FORMAT      1

enum relay_type {
    RELAY_HELLO = 1, /* shard: its first message */
    RELAY_WELCOME,   /* desk: its answer; nothing else comes before these two */
    RELAY_SAID,      /* desk: a word */
    RELAY_PASSED,    /* desk: up to there is no other */
    RELAY_HAVE,      /* shard: how far its log has them, durably */
    RELAY_ASK,       /* shard: may it take bets? */
    RELAY_GRANT,     /* desk: for so long behind the asking */
};

struct relay_head {
    uint32_t bytes; /* of the whole message, a multiple of 8 */
    uint16_t type;
    uint16_t reserved; /* 0 */
    uint64_t number;   /* of those that this end has sent over the link, from 1 */
};

struct relay_hello {
    uint16_t format;
    uint16_t shard;
    uint16_t shards;
    uint16_t desk_shard;      /* as desk_book_id; 0 without one */
    uint64_t have_seq;        /* of the desk's log: the last word that this log has taken */
    uint8_t book_id[16];      /* of this log */
    uint8_t desk_book_id[16]; /* of the desk's, as this log knows it; all 0: of no word yet */
};

struct relay_welcome {
    uint16_t format;
    uint16_t shard;
    uint16_t shards;
    uint16_t reserved;    /* 0 */
    uint64_t durable_seq; /* of the desk's log */
    uint8_t book_id[16];  /* of the desk's log */
};

/* The tail: its records. */
struct relay_said {
    uint64_t before_seq; /* of the SAID or PASSED before this one, or of the HELLO */
    uint64_t seq;        /* of the word's record; above before_seq */
};

struct relay_passed {
    uint64_t before_seq, seq; /* the same, without a word */
};

struct relay_have {
    uint64_t seq;
    uint32_t refused;  /* 1: the word of this very record was recorded as refused */
    uint32_t reserved; /* 0 */
};

struct relay_ask {
    int64_t asked_us;   /* by the shard's own clock; above 0, comes back with the GRANT */
    uint64_t bets_left; /* to be brought to their results there */
};

struct relay_grant {
    int64_t asked_us; /* whose asking it answers */
};

static_assert(sizeof(struct relay_head) == 16, "no padding");
static_assert(sizeof(struct relay_hello) == 48, "no padding");
static_assert(sizeof(struct relay_welcome) == 32, "no padding");
static_assert(sizeof(struct relay_said) == 16, "no padding");
static_assert(sizeof(struct relay_passed) == 16, "no padding");
static_assert(sizeof(struct relay_have) == 16, "no padding");
static_assert(sizeof(struct relay_ask) == 16, "no padding");
static_assert(sizeof(struct relay_grant) == 8, "no padding");

#define RELAY_MESSAGE_BYTES_MAX                                                                    \
    (sizeof(struct relay_head) + sizeof(struct relay_said) + RELAY_WORD_BYTES_MAX)
#define RELAY_SHORT_BYTES_MAX                                                                      \
    (sizeof(struct relay_head) + sizeof(struct relay_hello)) /* no SAID                            \
                                                              */

/* A message, taken apart; `tail` points into what it was read from. */
struct relay_message {
    enum relay_type type;
    uint64_t number;
    union {
        struct relay_hello hello;
        struct relay_welcome welcome;
        struct relay_said said;
        struct relay_passed passed;
        struct relay_have have;
        struct relay_ask ask;
        struct relay_grant grant;
    };
    struct slice tail; /* of SAID; 8-byte aligned where the message is */
};

/* 0 or -ERR_FORMAT. */
int relay_wire_read(struct slice bytes, struct relay_message *ret);
/* Appends it. False, and nothing was written, when it does not fit. */
bool relay_wire_put(struct buf *out, const struct relay_message *message);
