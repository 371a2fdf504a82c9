/* office_wire.h - the messages between a back-office in a process of its own and the process that
 * has the desk, byte by byte (docs/PROTOCOL.md, "Back-offices apart").
 *
 * A batch is what one turn had to say: messages, one after another, carried as one binary message
 * of a WebSocket, which keeps bounds and order. A message is a head of 8 bytes, a body that its
 * type fixes, and a tail. Numbers are little-endian; structs are read and written by memcpy. A
 * question is a request of the admin listener, with the claims that were checked where it came in;
 * an answer is what is answered to it. What comes in is hostile: office_wire_next() answers
 * -ERR_FORMAT for whatever is not exactly what is written here, so that no text of a message can
 * end a line of HTTP. Pure. Thread: any. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/jwt.h"
#include "net/http/http_carried.h"
#include "net/http/http_parse.h"

#define OFFICE_SUBPROTOCOL "overround-office.1"
#define OFFICE_FORMAT      1

/* Limits: a longer message is refused; a batch ends behind the message that passes BATCH_BYTES. */
#define OFFICE_BATCH_BYTES        ((size_t)64 * 1024)
#define OFFICE_BODY_MAX           ((size_t)256 * 1024) /* of a question: RESULT_BODY_BYTES_MAX */
#define OFFICE_KEY_MAX            ((size_t)1024)       /* of an Idempotency-Key */
#define OFFICE_QUESTION_MAX       (OFFICE_BODY_MAX + HTTP_TARGET_BYTES_MAX + OFFICE_KEY_MAX + 256)
#define OFFICE_TYPE_MAX           128                   /* of an answer: Content-Type */
#define OFFICE_HEADERS_MAX        1024                  /* header lines: http_reply() */
#define OFFICE_ANSWER_BODY_MAX    ((size_t)1024 * 1024) /* NODE_PAGE_BYTES_MAX */
#define OFFICE_ANSWER_MAX         (OFFICE_ANSWER_BODY_MAX + OFFICE_TYPE_MAX + OFFICE_HEADERS_MAX)
#define OFFICE_HEAD_MAX           128 /* head and body of a message */
#define OFFICE_QUESTION_BATCH_MAX (OFFICE_BATCH_BYTES + OFFICE_QUESTION_MAX + OFFICE_HEAD_MAX)
#define OFFICE_ANSWER_BATCH_MAX   (OFFICE_BATCH_BYTES + OFFICE_ANSWER_MAX + OFFICE_HEAD_MAX)

enum office_type {
    OFFICE_HELLO = 1, /* back-office: its first message */
    OFFICE_WELCOME,   /* desk: its answer; nothing else comes before these two */
    OFFICE_QUESTION,  /* back-office */
    OFFICE_ANSWER,    /* desk */
};

struct office_hello {
    uint16_t format;
    uint16_t reserved; /* 0 */
    uint32_t places;   /* questions under way at most */
};

struct office_welcome {
    uint16_t format;
    uint16_t reserved[3]; /* 0 */
};

/* The tail: sub, path, query, key, body, one after the other. */
struct office_asked {
    uint64_t tag; /* comes back with the answer */
    int64_t exp_s, nbf_s, iat_s;
    uint32_t roles;
    uint32_t body_bytes;
    uint16_t path_bytes, query_bytes; /* together below HTTP_TARGET_BYTES_MAX */
    uint16_t key_bytes;               /* 0: there was none, or more than one */
    uint8_t method;                   /* enum http_method: GET, HEAD, POST, PUT or DELETE */
    uint8_t sub_bytes;
};

/* The tail: type, headers, body. */
struct office_answered {
    uint64_t tag;
    uint32_t body_bytes;
    uint16_t status; /* 200 to 599 */
    uint16_t headers_bytes;
    uint8_t type_bytes;
    uint8_t reserved[7]; /* 0 */
};

static_assert(sizeof(struct office_hello) == 8, "no padding");
static_assert(sizeof(struct office_welcome) == 8, "no padding");
static_assert(sizeof(struct office_asked) == 48, "no padding");
static_assert(sizeof(struct office_answered) == 24, "no padding");

/* A message, taken apart; `tail` points into what it was read from. */
struct office_message {
    enum office_type type;
    union {
        struct office_hello hello;
        struct office_welcome welcome;
        struct office_asked asked;
        struct office_answered answered;
    };
    struct slice tail;
};

/* A request, as it is carried. */
struct office_question {
    enum http_method method;
    struct slice path, query; /* as they came */
    struct slice key;         /* of Idempotency-Key; empty: none */
    struct slice body;
    struct jwt_claims claims;
};

/* The next message of a batch; *batch becomes what is behind it. 1: there is one; 0: the batch is
 * at its end; -ERR_FORMAT. */
int office_wire_next(struct slice *batch, struct office_message *ret);
/* Appends it. False, and nothing was written, when it does not fit. The lengths within must be
 * those of the tail. */
bool office_wire_put(struct buf *out, const struct office_message *message);

/* Whether it may be a message: within the limits, and of bytes that HTTP has in their places. */
bool office_question_fits(const struct office_question *question);
bool office_answer_fits(const struct http_carried_answer *answer);
/* The same for what has parts; it must fit. False: there is no room in `out`. */
bool office_wire_put_question(struct buf *out, uint64_t tag,
                              const struct office_question *question);
bool office_wire_put_answer(struct buf *out, uint64_t tag,
                            const struct http_carried_answer *answer);

/* What a message OFFICE_QUESTION asks, and OFFICE_ANSWER says; its texts are borrowed of it. */
void office_question_of(const struct office_message *message, struct office_question *ret);
struct http_carried_answer office_answer_of(const struct office_message *message);
