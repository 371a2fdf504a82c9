/* http_server.c - contract in http_server.h. */
#include "net/http/http_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/http/http_conn.h"
#include "net/ws/ws_conn.h"
#include "net/ws/ws_deflate.h"

/* Sent without a Date: the connection has no state yet. */
#define TOO_MANY_BODY                                                                              \
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"                  \
    "\"code\":\"TOO_MANY_CONNECTIONS\"}"
static const char too_many[] =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    "Content-Type: application/problem+json\r\nContent-Length: 95\r\n\r\n" TOO_MANY_BODY;
_Static_assert(sizeof TOO_MANY_BODY - 1 == 95, "as Content-Length says");

/* To somebody who speaks HTTP where TLS is due. */
#define NOT_TLS_BODY                                                                               \
    "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"                          \
    "\"code\":\"TLS_REQUIRED\",\"detail\":\"This port speaks TLS: use https:// or wss://\"}"
static const char not_tls[] =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
    "Content-Type: application/problem+json\r\nContent-Length: 135\r\n\r\n" NOT_TLS_BODY;
_Static_assert(sizeof NOT_TLS_BODY - 1 == 135, "as Content-Length says");

static void on_drain_deadline(void *owner);
static void look_drained(void *owner);

int http_server_new(struct loop *loop, const struct net_limits *limits,
                    struct http_server **ret_server)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return -ERR_MEMORY;
    server->loop = loop;
    server->date_second = -1;
    memcpy(server->ok_lines, HTTP_OK_LINE, HTTP_OK_BYTES);
    timer_init(&server->drain_timer, on_drain_deadline, server);
    int result = conn_pool_new(loop, limits, &server->pool);
    if (result == 0)
        result = loop_at_turn_end(loop, LOOP_STAGE_CLOSE, look_drained, server);
    if (result < 0) {
        conn_pool_free(server->pool);
        free(server);
        return result;
    }
    *ret_server = server;
    return 0;
}

int http_server_offer_deflate(struct http_server *server)
{
    ASSERT(server->deflate == NULL);
    return ws_deflate_new(conn_pool_limits(server->pool)->ws_message_bytes_max, &server->deflate);
}

const struct ws_deflate_stats *http_server_deflate_stats(const struct http_server *server)
{
    return server->deflate == NULL ? NULL : ws_deflate_stats(server->deflate);
}

void http_server_at_receive(struct http_server *server, void (*fn)(void *owner), void *owner)
{
    conn_pool_at_receive(server->pool, fn, owner);
}

static void close_listeners(struct http_server *server)
{
    for (int i = 0; i < server->listeners_count; i++)
        listener_close(&server->listeners[i]);
    server->listeners_count = 0;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    close_listeners(server);
    loop_timer_cancel(server->loop, &server->drain_timer);
    loop_remove_hook(server->loop, look_drained, server);
    conn_pool_free(server->pool);
    ws_deflate_free(server->deflate);
    free(server);
}

static void on_accept(void *owner, struct listener *listener, struct conn *conn)
{
    struct http_server *server = owner;
    http_conn_begin(conn, server, &server->handlers[listener - server->listeners]);
}

int http_server_listen(struct http_server *server, const struct net_address *address,
                       const struct http_handlers *handlers, struct net_address *ret_bound)
{
    const struct http_listening how = {.address = *address};
    return http_server_listen_as(server, &how, handlers, ret_bound);
}

int http_server_listen_as(struct http_server *server, const struct http_listening *how,
                          const struct http_handlers *handlers, struct net_address *ret_bound)
{
    ASSERT(handlers->on_request != NULL);
    ASSERT(!server->draining);
    if (server->listeners_count == HTTP_LISTENERS_MAX)
        return -ERR_LIMIT;
    struct listener *listener = &server->listeners[server->listeners_count];
    *listener = (struct listener){
        .callbacks = &http_conn_callbacks,
        .on_accept = on_accept,
        .owner = server,
        .refusal = slice_of(too_many, sizeof too_many - 1),
        .tls = how->tls,
        .not_tls = slice_of(not_tls, sizeof not_tls - 1),
        .proxies = how->proxies,
        .proxies_count = how->proxies_count,
        .shares = how->shares,
    };
    server->handlers[server->listeners_count] = *handlers;
    struct net_address bound;
    TRY(how->inherited > 0 ? listener_adopt(listener, server->pool, how->inherited, &bound)
                           : listener_open(listener, server->pool, &how->address, &bound));
    server->listeners_count++;
    if (ret_bound != NULL)
        *ret_bound = bound;
    return 0;
}

int http_server_listening_fd(const struct http_server *server, int index)
{
    return index < server->listeners_count ? server->listeners[index].source.fd : -1;
}

/* ---- drain ---- */

void http_server_stop_listening(struct http_server *server)
{
    server->leaving = true;
    close_listeners(server);
}

static void drain_one(struct conn *conn, void *owner)
{
    (void)owner;
    if (conn_callbacks(conn) != &http_conn_callbacks) {
        struct ws_handle ws = {conn_pool_of(conn), conn_handle_of(conn)};
        ws_conn_close(ws, WS_CLOSE_GOING_AWAY, SLICE("drain"));
        return;
    }
    struct http_conn *http = http_conn_of(conn);
    if (!http->streaming) {
        http_conn_drain(conn);
        return;
    }
    /* Its writer learns of it by on_closed; what is queued still goes out, with its proper end. */
    if (http->stream_chunked)
        (void)conn_send(conn, SLICE("0\r\n\r\n"));
    conn_finish(conn, CONN_CLOSE_DRAIN);
}

static void on_drain_deadline(void *owner)
{
    struct http_server *server = owner;
    conn_pool_close_all(server->pool);
}

/* After the pool's own hook of this stage, so that all on_closed have run. */
static void look_drained(void *owner)
{
    struct http_server *server = owner;
    if (server->on_drained == NULL || conn_pool_stats(server->pool)->connections > 0)
        return;
    void (*on_drained)(void *owner) = server->on_drained;
    server->on_drained = NULL;
    loop_timer_cancel(server->loop, &server->drain_timer);
    on_drained(server->drained_owner);
}

void http_server_drain(struct http_server *server, int64_t deadline_ms,
                       void (*on_drained)(void *owner), void *owner)
{
    ASSERT(!server->draining);
    server->draining = server->leaving = true;
    server->on_drained = on_drained;
    server->drained_owner = owner;
    close_listeners(server);
    conn_pool_each(server->pool, drain_one, NULL);
    struct monotonic due = {loop_now(server->loop).us + deadline_ms * US_PER_MS};
    loop_timer_set(server->loop, &server->drain_timer, due);
    loop_turn_again(server->loop);
}

bool http_server_is_draining(const struct http_server *server)
{
    return server->draining;
}

const struct net_stats *http_server_stats(const struct http_server *server)
{
    return conn_pool_stats(server->pool);
}
