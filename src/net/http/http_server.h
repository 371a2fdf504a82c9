/* http_server.h - an HTTP/1.1 server on one loop: listeners, keep-alive, pipelining, drain.
 *
 * All requests that one read brings are dispatched in that turn, up to http_pipeline_max of a
 * connection; answers may be given at once or in any later turn and in any order, and go out in
 * the order of the requests, with one write per connection and turn.
 * Broken, slow or oversized requests are answered here (RFC 9457) and never reach a handler:
 * 400 MALFORMED_REQUEST, 408 REQUEST_TIMEOUT, 413 BODY_TOO_LARGE, 414 TARGET_TOO_LONG,
 * 417 EXPECTATION_FAILED, 431 HEAD_TOO_LARGE, 501 NOT_IMPLEMENTED, 505 VERSION_NOT_SUPPORTED,
 * 503 TOO_MANY_CONNECTIONS, 400 TLS_REQUIRED. See http_request.h, http_reply.h, http_stream.h,
 * http_upgrade.h.
 * Thread: the loop's, all of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/http/http_request.h"
#include "net/loop/loop.h"
#include "net/stream/net_address.h"
#include "net/stream/net_limits.h"

#define HTTP_LISTENERS_MAX 8

struct http_server;
struct ws_deflate_stats;

enum http_body_mode {
    HTTP_BODY_WHOLE = 0, /* on_request comes when the body is complete */
    HTTP_BODY_STREAM,    /* on_request comes at once; see http_request_stream_body() */
};

struct http_body_plan {
    enum http_body_mode mode; /* HTTP_BODY_WHOLE unless changed */
    uint64_t bytes_max;       /* limits.http_body_bytes_max unless changed; beyond it: 413. For
                                 HTTP_BODY_WHOLE cut at what receive_bytes_max leaves. */
};

/* One per listener, copied by http_server_listen(). */
struct http_handlers {
    void *owner; /* borrowed until http_server_free() */
    /* The head of a request with a body is complete: decides how the body is to be taken. Must
     * not answer. NULL: the plan as it is. */
    void (*on_head)(void *owner, const struct http_request *request, struct http_body_plan *plan);
    /* A request is complete (or its head, in streaming mode). The request and all its slices are
     * borrowed for the call: copy what is needed later. Must be answered exactly once, now or
     * later, by http_reply*(), http_stream_begin() or http_upgrade_websocket(). */
    void (*on_request)(void *owner, struct http_request *request);
};

struct tls_server;
struct net_range;

/* How a listener listens. */
struct http_listening {
    struct net_address address;
    struct tls_server *tls;          /* NULL: plain; borrowed until http_server_free() */
    const struct net_range *proxies; /* borrowed as long; see listener.h */
    size_t proxies_count;
    bool shares;   /* see listener.h */
    int inherited; /* a listening socket of another process (listener_adopt), taken; 0: none */
};

/* `limits` is copied; http_pipeline_max above HTTP_PIPELINE_SLOTS and the fixed sizes of
 * http_parse.h are cut. Takes slabs of connections as they are needed, up to connections_max.
 * -ERR_MEMORY, -ERR_LIMIT. The caller owns *ret_server. */
int http_server_new(struct loop *loop, const struct net_limits *limits,
                    struct http_server **ret_server);
/* WebSockets opened from now on may have their messages compressed (net/ws/ws_deflate.h). Once.
 * -ERR_MEMORY. */
int http_server_offer_deflate(struct http_server *server);
/* What was compressed; NULL: it is not offered. Borrowed. */
const struct ws_deflate_stats *http_server_deflate_stats(const struct http_server *server);
/* fn(owner) is told after each read that has brought something, before a request of it reaches a
 * handler, so that what others have shown its sender can be looked up first. It may answer what is
 * under way. One only. */
void http_server_at_receive(struct http_server *server, void (*fn)(void *owner), void *owner);
/* Closes everything at once; handlers learn of open streams and WebSockets by on_closed inside
 * this call. Not from a callback of the server. Accepts NULL. */
void http_server_free(struct http_server *server);

/* Listens; with port 0 the kernel chooses, see *ret_bound (may be NULL). Several listeners with
 * different handlers are allowed. -ERR_NETWORK (in use, no right), -ERR_LIMIT. */
int http_server_listen(struct http_server *server, const struct net_address *address,
                       const struct http_handlers *handlers, struct net_address *ret_bound);
/* The same with TLS, or behind proxies. Plain HTTP on a TLS port is answered with 400 TLS_REQUIRED,
 * in the clear, and closed. */
int http_server_listen_as(struct http_server *server, const struct http_listening *how,
                          const struct http_handlers *handlers, struct net_address *ret_bound);

/* The socket of the listener that was made as number `index`; borrowed. -1: there is none. */
int http_server_listening_fd(const struct http_server *server, int index);
/* No more accepts: who connects waits in the kernel, if another process has the sockets too. From
 * now on answers say Connection: close. http_server_drain() should follow. */
void http_server_stop_listening(struct http_server *server);
/* Graceful end: no more accepts; idle connections close; requests in flight are finished and
 * answered with Connection: close; WebSockets are closed with 1001, streams are ended. What is
 * open after deadline_ms is cut. on_drained(owner) runs once, from the loop, when nothing is
 * open. Once only. */
void http_server_drain(struct http_server *server, int64_t deadline_ms,
                       void (*on_drained)(void *owner), void *owner);
bool http_server_is_draining(const struct http_server *server);

/* Borrowed; they change as the loop runs. */
const struct net_stats *http_server_stats(const struct http_server *server);
