/* redis_pipe.h - the answers of one Redis connection, matched with what was asked, in order.
 *
 * Bytes come in, whoever asked is told; no socket and no clock. Replies are parsed by hiredis. On a
 * connection that subscribes, messages come in between and go to `push`. How many questions wait
 * is bounded; a further one is refused and the caller keeps it (S2). Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include "base/slice.h"

/* `reply` is borrowed for the call; NULL: the connection was lost, and whether the server did what
 * was asked is not known. */
typedef void (*redis_answer_fn)(void *owner, uint64_t word, const redisReply *reply);
/* A message of a channel; the payload is borrowed for the call. */
typedef void (*redis_push_fn)(void *owner, struct slice payload);

struct redis_question {
    redis_answer_fn answer;
    void *owner;
    uint64_t word;
    int64_t asked_us;
};

struct redis_pipe {
    struct redis_question *waiting; /* owned; a ring */
    uint32_t capacity, first, count;
    redisReader *reader; /* owned; NULL until bytes come */
    redis_push_fn push;  /* NULL: nothing is subscribed to */
    void *push_owner;
};

/* For `capacity` questions at once. 0 or -ERR_MEMORY; redis_pipe_done() is due all the same. */
int redis_pipe_init(struct redis_pipe *pipe, uint32_t capacity);
void redis_pipe_done(struct redis_pipe *pipe);

/* One more answer is due. False: as many as may wait already. */
bool redis_pipe_expect(struct redis_pipe *pipe, const struct redis_question *question);
static inline bool redis_pipe_is_full(const struct redis_pipe *pipe)
{
    return pipe->count == pipe->capacity;
}
/* Since when the oldest question waits; INT64_MAX: none does. */
int64_t redis_pipe_waits_since_us(const struct redis_pipe *pipe);

/* Calls whoever these bytes answer. They may ask more. -ERR_FORMAT: the peer does not speak the
 * protocol, or answers what was not asked; -ERR_MEMORY. Then the connection is to be ended. */
int redis_pipe_take(struct redis_pipe *pipe, struct slice bytes);
/* The connection is gone: all that wait are told so, and the next bytes begin anew. */
void redis_pipe_lose(struct redis_pipe *pipe);

/* ---- what replies say ---- */

static inline struct slice redis_text(const redisReply *reply)
{
    bool is_text =
        reply != NULL && (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS ||
                          reply->type == REDIS_REPLY_ERROR);
    return is_text ? slice_of(reply->str, (size_t)reply->len) : SLICE_NONE;
}

static inline bool redis_is_error(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR;
}

/* The n-th element of an array; NULL: there is none. */
static inline const redisReply *redis_element(const redisReply *reply, size_t n)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY && n < reply->elements
               ? reply->element[n]
               : NULL;
}
