/* feed_intake.h - POST /v1/feed/{format}: a provider's messages, one a line, as they come.
 *
 * A body is streamed, chunked or not, and may go on for days. Each line goes to the format's feed
 * source, which is one for all requests: the end of a request is no disconnect of the provider
 * (its lease ends by silence only, P2). The work of a loop turn is bounded by
 * FEED_TURN_US_MAX; what is left waits, the body is paused, and TCP tells the sender (P3).
 * The answer's `session` is another one in another process, which knows no market until it is sent
 * whole: a feed that sees it change sends all of them again.
 * Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/book.h"
#include "base/metrics.h"
#include "net/http/http_request.h"
#include "net/loop/loop.h"
#include "ports/feed_source.h"

#define FEED_LINE_BYTES_MAX (4 * 1024 * 1024) /* a longer line: 413 FEED_LINE_TOO_LONG */
#define FEED_INTAKES_MAX    16                /* requests at once; a further one: 503 */
#define FEED_TURN_US_MAX    2000              /* of one turn, all intakes together */

/* A format's name in the path and its decoder; both borrowed for the life of the intake. */
struct feed_format {
    const char *name; /* "betfair" */
    struct feed_source *source;
};

struct feed_intake;

/* Borrowed until feed_intake_free. */
struct feed_intake_parts {
    struct loop *loop;
    const struct book *book; /* asked whether it can take a message */
    const struct feed_format *formats;
    size_t formats_count;
};

/* Registers a turn-end hook of stage WORK: to be made before whoever ends the book's turn. 0,
 * -ERR_MEMORY, -ERR_LIMIT. */
int feed_intake_new(const struct feed_intake_parts *parts, struct feed_intake **ret_intake);
/* After the HTTP server. Accepts NULL. */
void feed_intake_free(struct feed_intake *intake);

/* Takes the body of a request whose plan was HTTP_BODY_STREAM. False: no such format, nothing
 * was answered. */
bool feed_intake_serve(struct feed_intake *intake, struct slice format,
                       struct http_request *request);

/* Another process takes over: bodies that go on are answered with 503 RESTARTING after the lines
 * that are here, and so is every further request. */
void feed_intake_end(struct feed_intake *intake);

/* 0 or -ERR_LIMIT. */
int feed_intake_register_metrics(struct feed_intake *intake, struct metrics *metrics);
