/* bet_link_wire.h - the messages between a front in a process of its own and the book's process,
 * byte by byte (docs/PROTOCOL.md, "Fronts apart").
 *
 * A batch is what one turn had to say: messages, one after another, carried as one binary message
 * of a WebSocket, which keeps bounds and order. A message is a head of 8 bytes, a body that its
 * type fixes, and a tail. Numbers are little-endian; structs are read and written by memcpy. Both
 * ends may be of different builds: format says which words they have in common. What comes in is
 * hostile: bet_link_next() answers -ERR_FORMAT for whatever is not exactly what is written here.
 * Pure. Thread: any. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "roles/bet/bet_port.h"

#define BET_LINK_SUBPROTOCOL "overround-bets.1"
#define BET_LINK_FORMAT      1

/* Limits: a longer message is refused; a batch ends behind the message that passes BATCH_BYTES. */
#define BET_LINK_BATCH_BYTES     ((size_t)64 * 1024)
#define BET_LINK_QUESTION_MAX    ((size_t)80 * 1024) /* sub, key, words, personal, bet id */
#define BET_LINK_ANSWER_MAX      (BET_READ_BYTES_MAX + 1024)
#define BET_LINK_MESSAGE_MAX     (BET_LINK_ANSWER_MAX + 128)
#define BET_LINK_BATCH_BYTES_MAX (BET_LINK_BATCH_BYTES + BET_LINK_MESSAGE_MAX)
#define BET_LINK_CELLS           65536 /* of users that are there: see BET_LINK_USERS */
#define BET_LINK_OP_BYTES_MAX    16

enum bet_link_type {
    BET_LINK_HELLO = 1, /* front: its first message */
    BET_LINK_WELCOME,   /* book: its answer; nothing else comes before these two */
    BET_LINK_STATE,     /* book: whether bets are taken has changed */
    BET_LINK_QUESTION,  /* front */
    BET_LINK_ANSWER,    /* book */
    BET_LINK_USERS,     /* front: a cell of users has sockets now, or none any more */
    BET_LINK_OWN,       /* book: what a user's own sockets are told */
};

struct bet_link_hello {
    uint16_t format;
    uint16_t reserved;    /* 0 */
    uint32_t places;      /* questions under way at most; their places are below it */
    uint64_t hash_key[2]; /* a user's cell is siphash128 of the id under it, its low word modulo
                             BET_LINK_CELLS */
};

struct bet_link_welcome {
    uint16_t format;
    uint8_t takes_bets;
    uint8_t reserved; /* 0 */
    uint16_t shard;
    uint16_t shards; /* of the book; 0: it has one */
};

struct bet_link_state {
    uint8_t takes_bets;
    uint8_t reserved[7]; /* 0 */
};

/* The tail: sub, key, words, personal, bet id, one after the other. */
struct bet_link_question {
    uint64_t tag; /* comes back with the answer */
    int64_t exp_s, nbf_s, iat_s;
    uint32_t roles;
    uint8_t call, transport;
    uint8_t has_claims; /* 0: what is above, and the sub, are 0 */
    uint8_t sub_bytes;
    uint32_t words_bytes;
    uint16_t key_bytes, personal_bytes;
    uint16_t bet_id_bytes;
    uint16_t reserved[3]; /* 0 */
};

/* The tail: the body. */
struct bet_link_answer {
    uint64_t tag;
    uint16_t status;
    uint8_t replayed;
    uint8_t reserved; /* 0 */
    uint32_t retry_after_s;
};

struct bet_link_users {
    uint32_t cell;
    uint32_t there; /* 1 or 0 */
};

/* The tail: user id, op, object. */
struct bet_link_own {
    uint16_t user_bytes;
    uint16_t op_bytes;
    uint32_t object_bytes;
};

static_assert(sizeof(struct bet_link_hello) == 24, "no padding");
static_assert(sizeof(struct bet_link_welcome) == 8, "no padding");
static_assert(sizeof(struct bet_link_state) == 8, "no padding");
static_assert(sizeof(struct bet_link_question) == 56, "no padding");
static_assert(sizeof(struct bet_link_answer) == 16, "no padding");
static_assert(sizeof(struct bet_link_users) == 8, "no padding");
static_assert(sizeof(struct bet_link_own) == 8, "no padding");

/* A message, taken apart; `tail` points into what it was read from. */
struct bet_link_message {
    enum bet_link_type type;
    union {
        struct bet_link_hello hello;
        struct bet_link_welcome welcome;
        struct bet_link_state state;
        struct bet_link_question question;
        struct bet_link_answer answer;
        struct bet_link_users users;
        struct bet_link_own own;
    };
    struct slice tail;
};

/* The next message of a batch; *batch becomes what is behind it. 1: there is one; 0: the batch is
 * at its end; -ERR_FORMAT. */
int bet_link_next(struct slice *batch, struct bet_link_message *ret);
/* Appends it. False, and nothing was written, when it does not fit. The lengths within must be
 * those of the tail. */
bool bet_link_put(struct buf *out, const struct bet_link_message *message);

/* The same for what has parts; texts are borrowed for the call. */
bool bet_link_put_question(struct buf *out, uint64_t tag, const struct bet_question *question);
bool bet_link_put_answer(struct buf *out, uint64_t tag, const struct bet_service_answer *answer);
bool bet_link_put_own(struct buf *out, struct slice user_id, struct slice op, struct slice object);

/* What a message BET_LINK_QUESTION asks. `claims` is the caller's memory for those of the question,
 * which borrows it and the message. */
void bet_link_question_of(const struct bet_link_message *message, struct jwt_claims *claims,
                          struct bet_question *ret);
/* What a message BET_LINK_OWN says; borrowed. */
struct bet_link_own_parts {
    struct slice user_id, op, object;
};
struct bet_link_own_parts bet_link_own_of(const struct bet_link_message *message);
