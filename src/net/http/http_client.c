/* http_client.c - contract in http_client.h. */
#include "net/http/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/http/http_body.h"
#include "net/stream/conn.h"
#include "net/ws/ws_handshake.h"

#define SLOT(number) ((number) % HTTP_CLIENT_PIPELINE_MAX)

struct http_client {
    struct conn_pool *pool; /* owned */
    struct tls_client *tls; /* borrowed; NULL: plain */
    struct http_head head;  /* of the answer being handled */
};

struct client_conn {
    struct http_client *client;
    const struct http_client_callbacks *callbacks; /* NULL: opening a WebSocket */
    void *owner;
    struct http_scan scan;
    struct http_body body;
    struct http_whole whole;
    uint32_t head_bytes;
    bool in_body;
    bool uploading;
    bool lagging;
    uint32_t first_no, next_no; /* requests without an answer */
    uint64_t tags[HTTP_CLIENT_PIPELINE_MAX];
    uint8_t is_head[HTTP_CLIENT_PIPELINE_MAX];
    /* opening a WebSocket */
    void (*on_open)(void *owner, struct ws_handle ws);
    void (*on_refused)(void *owner, int status);
    const struct ws_callbacks *ws_callbacks;
    struct shared_bytes *offered; /* owned */
    char key[WS_KEY_BYTES];
    int refused_status;
};

_Static_assert(sizeof(struct client_conn) <= CONN_STATE_BYTES, "fits the connection's state");

static const struct conn_callbacks client_callbacks;

static void forget(struct conn *conn, enum conn_close reason)
{
    (void)conn;
    (void)reason;
}

/* Of a connection that nobody has yet. */
static const struct conn_callbacks connecting_callbacks = {.on_closed = forget};

int http_client_new(struct loop *loop, const struct net_limits *limits,
                    struct http_client **ret_client)
{
    struct http_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return -ERR_MEMORY;
    int result = conn_pool_new(loop, limits, &client->pool);
    if (result < 0) {
        free(client);
        return result;
    }
    *ret_client = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    conn_pool_free(client->pool);
    free(client);
}

const struct net_stats *http_client_stats(const struct http_client *client)
{
    return conn_pool_stats(client->pool);
}

static struct client_conn *state_of(struct conn *conn)
{
    return conn_state(conn);
}

static struct conn *find(struct http_client_handle handle)
{
    struct conn *conn = conn_pool_find(handle.client->pool, handle.conn);
    return conn != NULL && conn_callbacks(conn) == &client_callbacks ? conn : NULL;
}

static const struct net_limits *limits_of(const struct client_conn *state)
{
    return conn_pool_limits(state->client->pool);
}

void http_client_use_tls(struct http_client *client, struct tls_client *tls)
{
    client->tls = tls;
}

static int begin_connect(struct http_client *client, const struct net_address *address,
                         struct conn **ret_conn)
{
    TRY(conn_connect(client->pool, address, &connecting_callbacks, ret_conn));
    int result = client->tls != NULL ? conn_connect_tls(*ret_conn, client->tls) : 0;
    if (result < 0)
        conn_close(*ret_conn, CONN_CLOSE_CONNECT_FAILED); /* its owner never knew of it */
    else
        conn_set_callbacks(*ret_conn, &client_callbacks);
    return result;
}

int http_client_connect(struct http_client *client, const struct net_address *address,
                        const struct http_client_callbacks *callbacks, void *owner,
                        struct http_client_handle *ret_handle)
{
    struct conn *conn;
    TRY(begin_connect(client, address, &conn));
    struct client_conn *state = state_of(conn);
    state->client = client;
    state->callbacks = callbacks;
    state->owner = owner;
    *ret_handle = (struct http_client_handle){client, conn_handle_of(conn)};
    return 0;
}

/* ---- requests ---- */

static uint32_t pending(const struct client_conn *state)
{
    return state->next_no - state->first_no;
}

static bool has_room(struct conn *conn, size_t bytes)
{
    size_t max = conn_pool_limits(conn_pool_of(conn))->outbox_bytes_max;
    size_t queued = conn_queued_bytes(conn);
    if (bytes <= max && queued <= max - bytes)
        return true;
    net_stats_hit(conn_pool_stats(conn_pool_of(conn)), NET_LIMIT_outbox_bytes_max);
    return false;
}

static enum send_outcome after_send(struct conn *conn)
{
    struct client_conn *state = state_of(conn);
    if (!conn_is_open(conn))
        return SEND_GONE;
    size_t high = limits_of(state)->outbox_high_bytes;
    if (conn_queued_bytes(conn) <= high)
        return SEND_OK;
    if (!state->lagging) {
        state->lagging = true;
        conn_notify_drained(conn, high / 2);
    }
    return SEND_LAGGING;
}

static void note_request(struct conn *conn, bool is_head, uint64_t tag)
{
    struct client_conn *state = state_of(conn);
    uint32_t number = state->next_no++;
    state->tags[SLOT(number)] = tag;
    state->is_head[SLOT(number)] = is_head;
    net_count(&conn_pool_stats(conn_pool_of(conn))->requests, 1);
    conn_set_deadline(conn, limits_of(state)->http_idle_ms_max);
}

/* A failed conn_send() has closed the connection, so the ones after it need no check. */
static void put(struct conn *conn, struct slice bytes)
{
    (void)conn_send(conn, bytes);
}

static void put_host(struct conn *conn, struct slice host)
{
    char text[NET_ADDRESS_TEXT_MAX];
    struct buf buf = buf_over(text, sizeof text);
    put(conn, SLICE(" HTTP/1.1\r\nHost: "));
    if (host.bytes == 0) {
        net_address_write(&buf, conn_peer(conn));
        host = buf_slice(&buf);
    }
    put(conn, host);
    put(conn, SLICE("\r\n"));
}

static void put_length(struct conn *conn, const struct http_client_request *request)
{
    char text[64];
    struct buf buf = buf_over(text, sizeof text);
    if (request->chunked) {
        put(conn, SLICE("Transfer-Encoding: chunked\r\n"));
    } else if (request->body.bytes > 0 || slice_is(request->method, "POST") ||
               slice_is(request->method, "PUT")) {
        buf_put_text(&buf, "Content-Length: ");
        buf_put_u64(&buf, request->body.bytes);
        buf_put_text(&buf, "\r\n");
        put(conn, buf_slice(&buf));
    }
}

enum send_outcome http_client_send(struct http_client_handle handle,
                                   const struct http_client_request *request)
{
    struct conn *conn = find(handle);
    if (conn == NULL)
        return SEND_GONE;
    struct client_conn *state = state_of(conn);
    ASSERT(!request->chunked || request->body.bytes == 0);
    size_t bytes = request->method.bytes + request->target.bytes + request->headers.bytes +
                   request->body.bytes + 256;
    if (state->uploading || pending(state) == HTTP_CLIENT_PIPELINE_MAX || !has_room(conn, bytes))
        return SEND_FULL;
    put(conn, request->method);
    put(conn, SLICE(" "));
    put(conn, request->target);
    put_host(conn, request->host);
    put_length(conn, request);
    put(conn, request->headers);
    put(conn, SLICE("\r\n"));
    put(conn, request->body);
    state->uploading = request->chunked;
    note_request(conn, slice_is(request->method, "HEAD"), request->tag);
    return after_send(conn);
}

enum send_outcome http_client_send_raw(struct http_client_handle handle, struct slice bytes,
                                       bool is_head, uint64_t tag)
{
    struct conn *conn = find(handle);
    if (conn == NULL)
        return SEND_GONE;
    const struct client_conn *state = state_of(conn);
    if (state->uploading || pending(state) == HTTP_CLIENT_PIPELINE_MAX ||
        !has_room(conn, bytes.bytes))
        return SEND_FULL;
    put(conn, bytes);
    note_request(conn, is_head, tag);
    return after_send(conn);
}

enum send_outcome http_client_upload(struct http_client_handle handle, struct slice piece)
{
    struct conn *conn = find(handle);
    if (conn == NULL || !state_of(conn)->uploading)
        return SEND_GONE;
    if (piece.bytes == 0) /* an empty chunk would be the end */
        return SEND_OK;
    if (!has_room(conn, piece.bytes + 32))
        return SEND_FULL;
    char line[32];
    struct buf buf = buf_over(line, sizeof line);
    buf_printf(&buf, "%zx\r\n", piece.bytes);
    put(conn, buf_slice(&buf));
    put(conn, piece);
    put(conn, SLICE("\r\n"));
    conn_set_deadline(conn, limits_of(state_of(conn))->http_idle_ms_max);
    return after_send(conn);
}

void http_client_upload_end(struct http_client_handle handle)
{
    struct conn *conn = find(handle);
    if (conn == NULL || !state_of(conn)->uploading)
        return;
    state_of(conn)->uploading = false;
    put(conn, SLICE("0\r\n\r\n"));
}

size_t http_client_queued_bytes(struct http_client_handle handle)
{
    struct conn *conn = find(handle);
    return conn != NULL ? conn_queued_bytes(conn) : 0;
}

void http_client_close(struct http_client_handle handle)
{
    struct conn *conn = find(handle);
    if (conn != NULL)
        conn_close(conn, CONN_CLOSE_DONE);
}

/* ---- answers ---- */

static bool is_client(const struct conn *conn)
{
    return conn_is_open(conn) && conn_callbacks(conn) == &client_callbacks;
}

static size_t refuse(struct conn *conn, size_t bytes)
{
    conn_close(conn, CONN_CLOSE_PROTOCOL);
    return bytes;
}

static void give_answer(struct conn *conn, struct slice body)
{
    struct client_conn *state = state_of(conn);
    const struct http_head *head = &state->client->head;
    uint64_t tag = state->tags[SLOT(state->first_no)];
    bool last = !head->keep_alive;
    struct http_answer answer = {head, head->status, body};
    state->first_no++;
    net_count(&conn_pool_stats(conn_pool_of(conn))->replies, 1);
    if (pending(state) > 0)
        conn_set_deadline(conn, limits_of(state)->http_idle_ms_max);
    else
        conn_clear_deadline(conn);
    if (last)
        conn_finish(conn, CONN_CLOSE_PEER);
    state->callbacks->on_answer(state->owner, tag, &answer);
}

static size_t take_body(struct conn *conn, char *at, size_t bytes, bool parsed)
{
    struct client_conn *state = state_of(conn);
    char *body = at + state->head_bytes;
    enum http_body_event event =
        http_whole_take(&state->whole, &state->body, body, bytes - state->head_bytes,
                        limits_of(state)->http_body_bytes_max);
    switch (event) {
    case HTTP_BODY_MORE:
        return 0;
    case HTTP_BODY_PIECE:
        net_stats_hit(conn_pool_stats(conn_pool_of(conn)), NET_LIMIT_http_body_bytes_max);
        return refuse(conn, bytes);
    case HTTP_BODY_BAD:
        return refuse(conn, bytes);
    case HTTP_BODY_END:
        break;
    }
    if (!parsed) { /* the place was used for other connections since */
        enum http_outcome outcome =
            http_parse_response(slice_of(at, state->head_bytes), &state->client->head);
        ASSERT(outcome == HTTP_OK); /* it was, when it came */
    }
    size_t used = state->head_bytes + state->whole.used;
    state->in_body = false;
    give_answer(conn, slice_of(body, state->whole.bytes));
    return used;
}

static void open_websocket(struct conn *conn)
{
    struct client_conn *state = state_of(conn);
    const struct http_head *head = &state->client->head;
    struct slice offered = state->offered != NULL ? shared_bytes_slice(state->offered) : SLICE_NONE;
    if (!ws_handshake_is_accepted(head, slice_of(state->key, sizeof state->key), offered)) {
        state->refused_status = head->status == 101 ? 0 : head->status;
        conn_close(conn, CONN_CLOSE_PROTOCOL);
        return;
    }
    void (*on_open)(void *owner, struct ws_handle ws) = state->on_open;
    void *owner = state->owner;
    shared_bytes_give(state->offered);
    struct ws_handle ws = ws_conn_begin(conn, true, NULL, state->ws_callbacks, owner);
    on_open(owner, ws); /* state is gone */
}

static bool has_no_body(const struct client_conn *state)
{
    int status = state->client->head.status;
    return state->is_head[SLOT(state->first_no)] || status == 204 || status == 304;
}

static size_t take_head(struct conn *conn, char *at, size_t bytes)
{
    struct client_conn *state = state_of(conn);
    struct http_head *head = &state->client->head;
    size_t head_bytes;
    enum http_outcome outcome = http_parse_scan(&state->scan, at, bytes, &head_bytes);
    if (outcome == HTTP_MORE)
        return 0;
    state->scan = (struct http_scan){0};
    if (outcome == HTTP_OK)
        outcome = http_parse_response(slice_of(at, head_bytes), head);
    if (outcome != HTTP_OK)
        return refuse(conn, bytes);
    if (state->callbacks == NULL) {
        open_websocket(conn);
        return head_bytes;
    }
    if (pending(state) == 0 || head->status == 101)
        return refuse(conn, bytes); /* nobody asked */
    if (head->status < 200)
        return head_bytes;
    state->head_bytes = (uint32_t)head_bytes;
    state->whole = (struct http_whole){0};
    if (has_no_body(state)) {
        give_answer(conn, SLICE_NONE);
        return head_bytes;
    }
    if (!head->chunked && head->content_length == HTTP_LENGTH_UNKNOWN)
        return refuse(conn, bytes);
    http_body_begin(&state->body, head);
    state->in_body = true;
    return take_body(conn, at, bytes, true);
}

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    size_t used = 0;
    while (used < bytes && is_client(conn)) {
        size_t taken = state_of(conn)->in_body ? take_body(conn, at + used, bytes - used, false)
                                               : take_head(conn, at + used, bytes - used);
        if (taken == 0)
            break;
        used += taken;
    }
    return used;
}

/* ---- other events ---- */

static void on_connected(struct conn *conn)
{
    struct client_conn *state = state_of(conn);
    if (state->callbacks != NULL && state->callbacks->on_connected != NULL)
        state->callbacks->on_connected(
            state->owner, (struct http_client_handle){state->client, conn_handle_of(conn)});
}

static void on_end(struct conn *conn)
{
    conn_close(conn, CONN_CLOSE_PEER);
}

static void on_drained(struct conn *conn)
{
    struct client_conn *state = state_of(conn);
    state->lagging = false;
    if (state->callbacks != NULL && state->callbacks->on_drained != NULL)
        state->callbacks->on_drained(
            state->owner, (struct http_client_handle){state->client, conn_handle_of(conn)});
}

static void on_deadline(struct conn *conn)
{
    net_stats_hit(conn_pool_stats(conn_pool_of(conn)), NET_LIMIT_http_idle_ms_max);
    conn_close(conn, CONN_CLOSE_IDLE);
}

static void on_closed(struct conn *conn, enum conn_close reason)
{
    struct client_conn *state = state_of(conn);
    if (state->callbacks == NULL) {
        shared_bytes_give(state->offered);
        state->on_refused(state->owner, state->refused_status);
        return;
    }
    state->callbacks->on_closed(state->owner, reason, pending(state));
}

static const struct conn_callbacks client_callbacks = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_connected = on_connected,
    .on_closed = on_closed,
};

/* ---- WebSocket ---- */

static void put_handshake(struct conn *conn, const struct http_client_ws *ws)
{
    put(conn, SLICE("GET "));
    put(conn, ws->target);
    put_host(conn, SLICE_NONE);
    put(conn, SLICE("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: "));
    put(conn, slice_of(state_of(conn)->key, WS_KEY_BYTES));
    if (ws->subprotocol.bytes > 0) {
        put(conn, SLICE("\r\nSec-WebSocket-Protocol: "));
        put(conn, ws->subprotocol);
    }
    put(conn, SLICE("\r\n"));
    put(conn, ws->headers);
    put(conn, SLICE("\r\n"));
}

int http_client_open_websocket(struct http_client *client, const struct net_address *address,
                               const struct http_client_ws *ws)
{
    uint8_t nonce[16];
    struct shared_bytes *offered = NULL;
    struct conn *conn;
    if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return -ERR_IO;
    if (ws->subprotocol.bytes > 0)
        TRY(shared_bytes_copy(ws->subprotocol, &offered));
    int result = begin_connect(client, address, &conn);
    if (result < 0) {
        shared_bytes_give(offered);
        return result;
    }
    struct client_conn *state = state_of(conn);
    state->client = client;
    state->owner = ws->owner;
    state->on_open = ws->on_open;
    state->on_refused = ws->on_refused;
    state->ws_callbacks = ws->callbacks;
    state->offered = offered;
    ws_handshake_key(nonce, state->key);
    put_handshake(conn, ws);
    conn_set_deadline(conn, limits_of(state)->http_header_ms_max);
    return 0;
}
