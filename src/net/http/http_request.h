/* http_request.h - one request as a handler sees it. Everything is borrowed for the call of the
 * handler. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/http/http_parse.h"
#include "net/stream/conn_handle.h"
#include "net/stream/net_address.h"

struct http_server;
struct http_carried;

/* The right to answer one request, exactly once. A value: copy it, keep it as long as needed. When
 * the connection is gone, answering does nothing (and is counted). */
struct http_reply_to {
    struct http_server *server;
    struct conn_handle conn;
    uint32_t request_no;          /* of its connection */
    struct http_carried *carried; /* it came by no connection (http_carried.h): there is no server,
                                     and the numbers above are the carrier's own; else NULL */
};

struct http_request {
    const struct http_head *head; /* method, headers .. */
    enum http_method method;
    struct slice path;  /* percent-encoded, see http_url.h */
    struct slice query; /* without '?' */
    struct slice body;  /* whole; empty in streaming mode */
    struct net_address client;
    struct http_reply_to reply_to;
};

/* The first header of that lower-case name ("authorization"); at == NULL when it is not there. */
static inline struct slice http_request_header(const struct http_request *request,
                                               const char *lower_name)
{
    return http_head_find(request->head, slice_text(lower_name));
}

/* How a streamed body arrives. Every callback may answer the request. on_body's piece is borrowed.
 * Exactly one of on_end and on_abort is called, last; on_abort: the connection broke, the body was
 * malformed, too large or too slow, or the answer was given before the end (the rest of the body is
 * then not read, and the connection ends). on_end may come while paused. After on_abort an answer
 * is a no-op. */
struct http_body_sink {
    void (*on_body)(void *owner, struct http_reply_to to, struct slice piece);
    void (*on_end)(void *owner, struct http_reply_to to);
    void (*on_abort)(void *owner, struct http_reply_to to);
};

/* Takes the body of a request whose plan said HTTP_BODY_STREAM; only inside its on_request, where
 * the other choice is to answer at once. `sink` and `owner` are borrowed until on_end / on_abort.
 */
void http_request_stream_body(struct http_request *request, const struct http_body_sink *sink,
                              void *owner);
/* Stops / goes on with on_body (back-pressure reaches the client through TCP). At most one more
 * piece comes after a pause. No-ops when the connection is gone. Pieces never arrive inside
 * http_request_resume_body(). */
void http_request_pause_body(struct http_reply_to to);
void http_request_resume_body(struct http_reply_to to);
/* Whether an answer would still be sent. */
bool http_request_is_open(struct http_reply_to to);
