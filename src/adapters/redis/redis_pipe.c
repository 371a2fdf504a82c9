/* redis_pipe.c - contract in redis_pipe.h. */
#include "adapters/redis/redis_pipe.h"

#include <stdlib.h>

#include "base/error.h"

static struct redis_question *waiting_new(uint32_t capacity)
{
    return calloc(capacity, sizeof(struct redis_question));
}

int redis_pipe_init(struct redis_pipe *pipe, uint32_t capacity)
{
    *pipe = (struct redis_pipe){.capacity = capacity};
    pipe->waiting = waiting_new(capacity);
    return pipe->waiting == NULL ? -ERR_MEMORY : 0;
}

void redis_pipe_done(struct redis_pipe *pipe)
{
    free(pipe->waiting);
    if (pipe->reader != NULL)
        redisReaderFree(pipe->reader);
    *pipe = (struct redis_pipe){.capacity = 0};
}

bool redis_pipe_expect(struct redis_pipe *pipe, const struct redis_question *question)
{
    if (redis_pipe_is_full(pipe))
        return false;
    pipe->waiting[(pipe->first + pipe->count++) % pipe->capacity] = *question;
    return true;
}

int64_t redis_pipe_waits_since_us(const struct redis_pipe *pipe)
{
    return pipe->count == 0 ? INT64_MAX : pipe->waiting[pipe->first].asked_us;
}

static struct redis_question take_first(struct redis_pipe *pipe)
{
    struct redis_question question = pipe->waiting[pipe->first];
    pipe->first = (pipe->first + 1) % pipe->capacity;
    pipe->count--;
    return question;
}

static int give(struct redis_pipe *pipe, const redisReply *reply)
{
    if (pipe->push != NULL && slice_is(redis_text(redis_element(reply, 0)), "message")) {
        pipe->push(pipe->push_owner, redis_text(redis_element(reply, 2)));
        return 0;
    }
    if (pipe->count == 0)
        return -ERR_FORMAT;
    struct redis_question question = take_first(pipe);
    question.answer(question.owner, question.word, reply);
    return 0;
}

int redis_pipe_take(struct redis_pipe *pipe, struct slice bytes)
{
    if (pipe->reader == NULL)
        pipe->reader = redisReaderCreate();
    if (pipe->reader == NULL)
        return -ERR_MEMORY;
    if (redisReaderFeed(pipe->reader, bytes.at, bytes.bytes) != REDIS_OK)
        return -ERR_MEMORY;
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(pipe->reader, &reply) != REDIS_OK)
            return -ERR_FORMAT;
        if (reply == NULL)
            return 0;
        int error = give(pipe, reply);
        freeReplyObject(reply);
        TRY(error);
    }
}

void redis_pipe_lose(struct redis_pipe *pipe)
{
    if (pipe->reader != NULL)
        redisReaderFree(pipe->reader);
    pipe->reader = NULL;
    for (uint32_t due = pipe->count; due > 0; due--) {
        struct redis_question question = take_first(pipe);
        question.answer(question.owner, question.word, NULL);
    }
}
