/* signed_client.h - the port of requests to a service that wants each signed with AWS's Signature
 * Version 4: one service, one request at a time, over a connection that is kept.
 *
 * What came of a request is told apart, since it may have changed something there: it was answered,
 * it was certainly not sent, or nobody knows. An implementation may send a request twice where a
 * kept connection ends under it; whoever asks for a change makes it one that can be told again.
 * Neither keys nor bodies are ever in a text for a log.
 *
 * Blocks: for threads that may wait. Thread: one at a time, but for leave(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define SIGNED_ANSWER_BYTES_MAX (4 * 1024 * 1024) /* of a body: a longer one counts as lost */
#define SIGNED_HEADERS_MAX      8
#define SIGNED_PROBLEM_BYTES    256

enum signed_fate {
    SIGNED_ANSWERED = 0,
    SIGNED_UNSENT, /* no connection, or the client was left */
    SIGNED_LOST,   /* sent, and no whole answer */
};

/* Borrowed for the call; "" where there is none. */
struct signed_keys {
    const char *id, *secret, *token;
};

struct signed_request {
    const char *headers[SIGNED_HEADERS_MAX]; /* "Name: value", each signed; NULL: no more */
    struct slice body;                       /* sent by POST to the service's root */
};

struct signed_answer {
    int status;
    struct slice body; /* borrowed until the next request */
};

struct signed_client;

struct signed_client_ops {
    /* *ret_answer after SIGNED_ANSWERED. */
    enum signed_fate (*post)(struct signed_client *client, const struct signed_keys *keys,
                             const struct signed_request *request,
                             struct signed_answer *ret_answer);
    /* Waits without the processor, at most so long; false: the client was left. */
    bool (*pause)(struct signed_client *client, int64_t us);
    /* From any thread: what waits ends soon, and nothing is begun any more. */
    void (*leave)(struct signed_client *client);
    /* Of the newest request that was not answered; "" before. Borrowed until the next. */
    const char *(*problem)(const struct signed_client *client);
    void (*free)(struct signed_client *client);
};

struct signed_client {
    const struct signed_client_ops *ops;
};
