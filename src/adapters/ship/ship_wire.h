/* ship_wire.h - the messages of log shipping, byte by byte (docs/PROTOCOL.md, "Log shipping").
 *
 * A message is a head of 16 bytes, a body that its type fixes and, of some types, a tail of bytes.
 * Numbers are little-endian; structs are read and written by memcpy. Whatever carries messages
 * keeps their bounds and their order. Everything that comes in is hostile: ship_decode() answers
 * -ERR_FORMAT for whatever is not exactly one message, with its checksum right and every length in
 * its bounds. Pure. Thread: any. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "crypto/sha256.h"
#include "ports/ledger_log.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is memcpy of the structs");

#define SHIP_SUBPROTOCOL "overround-ship.1"
#define SHIP_MAGIC       UINT32_C(0x5052564F) /* "OVRP" */
#define SHIP_FORMAT      1
#define SHIP_SLOT_BYTES  64 /* of the file of personal keys: crypto/personal.h */

/* Limits. A longer message, or one that says more, is refused and counted. */
#define SHIP_RECORDS_BYTES_MAX LEDGER_APPEND_BYTES_MAX
#define SHIP_RECORDS_MAX       65536
#define SHIP_KEYS_BYTES_MAX    65536
#define SHIP_TEXT_BYTES_MAX    200
#define SHIP_MESSAGE_BYTES_MAX (SHIP_RECORDS_BYTES_MAX + 128)

enum ship_type {
    SHIP_HELLO = 1, /* standby: what I have */
    SHIP_WELCOME,   /* primary: it is the begin of mine; groups follow from its end on */
    SHIP_PROBE,     /* primary: which record have you got there? */
    SHIP_PROBED,    /* standby: this one */
    SHIP_GROUP,     /* primary: durable records */
    SHIP_ACK,       /* standby: durable here, up to this record */
    SHIP_BEAT,      /* primary: I live, and this is where I am */
    SHIP_REFUSED,   /* either: no, and why; the last message */
    SHIP_KEYS,      /* primary: slots of the file of personal keys */
    SHIP_FENCE,     /* whoever was promoted, to the old primary: I write now; its first message */
};

/* X(name, number, text): why a message or a peer is refused. Numbers are for ever. */
#define SHIP_REFUSAL_LIST(X)                                                                       \
    X(SHIP_FENCED, 1, "a writer with a higher epoch has taken over")                               \
    X(SHIP_OTHER_LOG, 2, "it is another log")                                                      \
    X(SHIP_DIVERGED, 3, "the logs part at this record")                                            \
    X(SHIP_AHEAD, 4, "the standby has records that the primary has not")                           \
    X(SHIP_BUSY, 5, "another standby is attached")                                                 \
    X(SHIP_OFF, 6, "this server ships no log")                                                     \
    X(SHIP_KEYS_DIFFER, 7, "the secrets under keys/ are not the primary's")                        \
    X(SHIP_BAD_MESSAGE, 8, "a message was malformed or out of place")                              \
    X(SHIP_BAD_RECORD, 9, "a record contradicts the fold")                                         \
    X(SHIP_NOT_HIGHER, 10, "the epoch is not higher")                                              \
    X(SHIP_FAILED, 11, "an own log or disk failed")                                                \
    X(SHIP_LATER_START, 12, "the standby has followed a later start of this primary")

#define SHIP_REFUSAL_ENUM(name, number, text) name = (number),
enum ship_refusal { SHIP_REFUSAL_LIST(SHIP_REFUSAL_ENUM) };
#undef SHIP_REFUSAL_ENUM

/* An epoch's high half counts takeovers, its low half starts. Only a higher term fences: a higher
 * start of the same term is the same primary's, or that of a copy of its folder. */
#define SHIP_TERM_SHIFT 32

static inline uint64_t ship_term(uint64_t epoch)
{
    return epoch >> SHIP_TERM_SHIFT;
}

/* What a takeover takes: above all that the old primary can reach by starting again. */
static inline uint64_t ship_next_term(uint64_t newest)
{
    return (ship_term(newest) + 1) << SHIP_TERM_SHIFT;
}

/* For logs; never NULL. */
const char *ship_refusal_text(uint16_t refusal);

struct ship_head {
    uint32_t magic;
    uint16_t type;
    uint16_t format;
    uint32_t bytes; /* of the whole message */
    uint32_t crc;   /* CRC-32C of the 12 bytes before and of all that follows */
};

/* Which keys a data folder has: the first bytes of hashes of them; zeros: not told. */
struct ship_keys_id {
    uint8_t secrets[8];  /* of local tokens and of the personal keys */
    uint8_t head_key[8]; /* the public key of signed heads */
};

struct ship_hello {
    uint64_t creation; /* id of the standby's log; 0: it has none yet */
    uint64_t epoch;    /* the newest that it followed or took */
    uint64_t tail;     /* its last durable record; 0: none */
    uint32_t shard;
    uint32_t reserved;          /* 0 */
    uint8_t leaf[SHA256_BYTES]; /* leaf hash (L8) of that record; zeros for none */
    struct ship_keys_id keys;
};

struct ship_welcome {
    uint64_t creation;
    uint64_t epoch;         /* the writer's: all groups of this session have it */
    uint64_t tail;          /* its last durable record */
    uint64_t odds_position; /* of the newest price */
    uint32_t shard;
    uint32_t odds_epoch;
};

struct ship_probe {
    uint64_t seq;
};

struct ship_probed {
    uint64_t seq;
    uint8_t leaf[SHA256_BYTES];
};

struct ship_group {
    uint64_t epoch;
    uint64_t seq_first;
    uint32_t count; /* of records, at least 1 */
    uint32_t bytes; /* of the records, which follow */
};

struct ship_ack {
    uint64_t epoch;
    uint64_t seq;
};

struct ship_beat {
    uint64_t epoch;
    uint64_t tail;
    uint64_t odds_position;
    uint32_t odds_epoch;
    uint32_t reserved; /* 0 */
};

struct ship_refused {
    uint64_t epoch; /* FENCED: the higher one */
    uint64_t seq;   /* DIVERGED, AHEAD: the first record that is not alike */
    uint16_t refusal;
    uint16_t text_bytes; /* of a text for people, which follows */
    uint32_t reserved;   /* 0 */
};

struct ship_keys {
    uint64_t offset;   /* in the file; offset and bytes are multiples of SHIP_SLOT_BYTES */
    uint32_t bytes;    /* which follow, at least one slot */
    uint32_t reserved; /* 0 */
};

struct ship_fence {
    uint64_t creation;
    uint64_t epoch; /* the new writer's */
    uint64_t seq;   /* the last record that it took over */
};

static_assert(sizeof(struct ship_head) == 16, "head");
static_assert(sizeof(struct ship_hello) == 80, "no padding");
static_assert(sizeof(struct ship_welcome) == 40, "no padding");
static_assert(sizeof(struct ship_probed) == 40, "no padding");
static_assert(sizeof(struct ship_group) == 24, "no padding");
static_assert(sizeof(struct ship_beat) == 32, "no padding");
static_assert(sizeof(struct ship_refused) == 24, "no padding");
static_assert(sizeof(struct ship_keys) == 16, "no padding");
static_assert(sizeof(struct ship_fence) == 24, "no padding");

/* A message, taken apart. `tail` (records, text, slots) points into what was decoded. */
struct ship_message {
    enum ship_type type;
    union {
        struct ship_hello hello;
        struct ship_welcome welcome;
        struct ship_probe probe;
        struct ship_probed probed;
        struct ship_group group;
        struct ship_ack ack;
        struct ship_beat beat;
        struct ship_refused refused;
        struct ship_keys keys;
        struct ship_fence fence;
    };
    struct slice tail;
};

/* 0 or -ERR_FORMAT. Of a group it is also checked that its records are whole, `count` of them, and
 * numbered without a gap from seq_first on. */
int ship_decode(struct slice bytes, struct ship_message *ret);
/* Appends the message; its lengths are set from `tail`. False when it did not fit. */
bool ship_encode(struct buf *out, const struct ship_message *message);
