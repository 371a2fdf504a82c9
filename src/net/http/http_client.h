/* http_client.h - a small HTTP/1.1 client on a loop, for our own tools (load, feed replay) and for
 * HTTP between our processes. TLS after http_client_use_tls(). No redirects, no proxies.
 *
 * A client holds many connections; each sends requests (pipelined up to HTTP_CLIENT_PIPELINE_MAX)
 * and gets their answers in order. Answers are parsed as strictly as requests, and one without
 * Content-Length or chunks, which would end only with the connection, is refused. Thread: the
 * loop's. Callbacks never run inside a call. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/http/http_parse.h"
#include "net/loop/loop.h"
#include "net/stream/net_address.h"
#include "net/stream/net_limits.h"
#include "net/stream/send_outcome.h"
#include "net/ws/ws_conn.h"

#define HTTP_CLIENT_PIPELINE_MAX 64 /* requests of one connection without an answer */

struct http_client;

struct http_client_handle {
    struct http_client *client;
    struct conn_handle conn;
};

struct http_answer {
    const struct http_head *head;
    int status;
    struct slice body; /* whole, at most http_body_bytes_max of the limits */
};

struct http_client_callbacks {
    /* The connection stands (TLS: the handshake is done). May be NULL. */
    void (*on_connected)(void *owner, struct http_client_handle handle);
    /* The answer to the oldest request that has none yet; `tag` is that request's. Borrowed. */
    void (*on_answer)(void *owner, uint64_t tag, const struct http_answer *answer);
    /* The upload or the request queue has room again after SEND_LAGGING. May be NULL. */
    void (*on_drained)(void *owner, struct http_client_handle handle);
    /* Exactly once, last. Requests without an answer get none: `unanswered` of them. */
    void (*on_closed)(void *owner, enum conn_close reason, uint32_t unanswered);
};

/* `limits` (copied): connections_max, http_body_bytes_max, outbox_*, write_stall_ms_max and
 * http_idle_ms_max (silence with an answer outstanding) apply. */
int http_client_new(struct loop *loop, const struct net_limits *limits,
                    struct http_client **ret_client);
/* Closes all; on_closed runs inside this call. Accepts NULL. */
void http_client_free(struct http_client *client);

struct tls_client;
/* Connections from now on speak TLS; NULL: plain again. Borrowed until http_client_free(). */
void http_client_use_tls(struct http_client *client, struct tls_client *tls);

/* Begins to connect. -ERR_LIMIT (connections_max), -ERR_NETWORK (no socket). Requests may be queued
 * at once. `callbacks` and `owner` are borrowed until on_closed. */
int http_client_connect(struct http_client *client, const struct net_address *address,
                        const struct http_client_callbacks *callbacks, void *owner,
                        struct http_client_handle *ret_handle);

struct http_client_request {
    struct slice method;
    struct slice target;
    struct slice host;    /* empty: the address */
    struct slice headers; /* complete lines with CRLF */
    struct slice body;
    bool chunked; /* the body follows by http_client_upload() */
    uint64_t tag; /* comes back with the answer */
};

/* Queues a request; everything is copied. SEND_FULL: HTTP_CLIENT_PIPELINE_MAX are outstanding, or
 * an upload is not ended, or the outbox is full; nothing was queued and the connection goes on. */
enum send_outcome http_client_send(struct http_client_handle handle,
                                   const struct http_client_request *request);
/* A request that the caller has already encoded, complete; `is_head` when it is a HEAD. */
enum send_outcome http_client_send_raw(struct http_client_handle handle, struct slice bytes,
                                       bool is_head, uint64_t tag);
/* A piece of a chunked body; SEND_LAGGING asks to wait for on_drained. */
enum send_outcome http_client_upload(struct http_client_handle handle, struct slice piece);
void http_client_upload_end(struct http_client_handle handle);
size_t http_client_queued_bytes(struct http_client_handle handle);
void http_client_close(struct http_client_handle handle);

/* Connects and opens a WebSocket on `target`; the first callback is on_open or on_closed. */
struct http_client_ws {
    struct slice target;
    struct slice headers;     /* complete lines with CRLF */
    struct slice subprotocol; /* offered, one or several with commas between, or empty */
    void (*on_open)(void *owner, struct ws_handle ws);
    /* The handshake failed (status 0: no answer, or a wrong one). Instead of on_open; last. */
    void (*on_refused)(void *owner, int status);
    const struct ws_callbacks *callbacks; /* after on_open; borrowed until on_closed */
    void *owner;
};
int http_client_open_websocket(struct http_client *client, const struct net_address *address,
                               const struct http_client_ws *ws);

/* Counters; requests and replies count what was sent and answered. */
const struct net_stats *http_client_stats(const struct http_client *client);
