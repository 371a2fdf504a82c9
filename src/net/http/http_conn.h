/* http_conn.h - the inside of the HTTP server: one connection's requests and answers. Only for
 * the http_*.c files of the server. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http/http_body.h"
#include "net/http/http_parse.h"
#include "net/http/http_request.h"
#include "net/http/http_server.h"
#include "net/http/http_stream.h"
#include "net/stream/conn.h"
#include "net/stream/listener.h"

#define HTTP_PIPELINE_SLOTS 64 /* a power of two */
#define HTTP_OK_LINE        "HTTP/1.1 200 OK\r\n"
#define HTTP_OK_BYTES       (sizeof HTTP_OK_LINE - 1)
#define HTTP_DATE_BYTES     37 /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */

enum http_phase {
    HTTP_PHASE_HEAD = 0, /* waiting for a request, or in its head */
    HTTP_PHASE_WHOLE,    /* gathering a body */
    HTTP_PHASE_STREAM,   /* handing a body on */
    HTTP_PHASE_STOPPED,  /* no more requests of this connection */
};

enum http_wait { /* which deadline is set */
                 HTTP_WAIT_NONE = 0,
                 HTTP_WAIT_IDLE,
                 HTTP_WAIT_HEAD,
                 HTTP_WAIT_WHOLE,
                 HTTP_WAIT_STREAM,
};

/* Flags of a request that is not answered yet. */
#define HTTP_SLOT_HEAD     1 /* a HEAD: no body in the answer */
#define HTTP_SLOT_CLOSE    2 /* the connection ends after this answer */
#define HTTP_SLOT_VERSION0 4 /* HTTP/1.0 */
#define HTTP_SLOT_ANSWERED 8 /* the answer is held until its turn */

struct http_conn {
    struct http_server *server;
    const struct http_handlers *handlers;
    uint8_t phase, wait;
    uint8_t close_reason; /* enum conn_close, when a slot has HTTP_SLOT_CLOSE */
    bool partial;         /* phase HEAD: some bytes of a head are here */
    bool continue_due;    /* 100 Continue, when earlier requests are answered */
    bool streaming;       /* the first unanswered request is answered piece by piece */
    bool stream_chunked, stream_lagging;
    bool body_paused;
    bool peer_ended;
    struct http_scan scan;
    struct http_body body;
    struct http_whole whole;
    uint32_t head_bytes;
    uint64_t body_bytes, body_bytes_max; /* received so far (streams), allowed */
    int64_t body_begin_us;
    const struct http_body_sink *sink; /* NULL: the streamed body is dropped */
    void *sink_owner;
    const struct http_stream_callbacks *stream;
    void *stream_owner;
    uint32_t first_no, next_no; /* requests not answered: first_no .. next_no - 1 */
    struct shared_bytes *held[HTTP_PIPELINE_SLOTS]; /* owned; answers that wait, or NULL */
    uint8_t flags[HTTP_PIPELINE_SLOTS];
};

_Static_assert(sizeof(struct http_conn) <= CONN_STATE_BYTES, "fits the connection's state");

struct http_server {
    struct loop *loop;
    struct conn_pool *pool;     /* owned */
    struct ws_deflate *deflate; /* owned; NULL: not offered */
    struct listener listeners[HTTP_LISTENERS_MAX];
    struct http_handlers handlers[HTTP_LISTENERS_MAX];
    int listeners_count;
    bool leaving;  /* each answer is its connection's last */
    bool draining; /* and connections without a request are closed */
    struct timer drain_timer;
    void (*on_drained)(void *owner);
    void *drained_owner;
    int64_t date_second;
    char ok_lines[HTTP_OK_BYTES + HTTP_DATE_BYTES]; /* how nearly every answer begins */
    struct http_head head;                          /* of the request being handled */
};

extern const struct conn_callbacks http_conn_callbacks;

/* The state of a connection that still speaks HTTP. */
static inline struct http_conn *http_conn_of(struct conn *conn)
{
    return conn_state(conn);
}

static inline uint32_t http_conn_pending(const struct http_conn *http)
{
    return http->next_no - http->first_no;
}

/* Begins the HTTP state of an accepted connection. */
void http_conn_begin(struct conn *conn, struct http_server *server,
                     const struct http_handlers *handlers);
/* The connection of an answer and its state, or NULL when it is gone (also when it has become a
 * WebSocket). */
struct conn *http_conn_find(struct http_reply_to to);
/* The first pending request is answered completely: sends what is held behind it, ends the
 * connection when that was asked, goes on reading. */
void http_conn_advance(struct conn *conn);
/* Reads on when it had stopped for a reason that is over. */
void http_conn_go_on(struct conn *conn);
/* Drain: closes when nothing is in flight. */
void http_conn_drain(struct conn *conn);
/* Status line and the headers of every answer. */
void http_reply_put_head(struct buf *buf, struct http_server *server, int status, bool close);
