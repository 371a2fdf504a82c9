/* ws_conn.c - contract in ws_conn.h. */
#include "net/ws/ws_conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/stream/conn.h"
#include "net/ws/ws_deflate.h"
#include "net/ws/ws_probe.h"

#define CLOSE_REASON_BYTES_MAX (WS_CONTROL_BYTES_MAX - 2)

struct ws_conn {
    struct ws_reader reader;
    const struct ws_callbacks *callbacks;
    void *owner;
    struct ws_deflate *deflate; /* NULL: not agreed */
    int64_t heard_us;           /* the last byte from the peer */
    uint16_t code;              /* for on_closed; 0 = none yet */
    bool is_client;
    bool close_sent;
    bool ping_sent; /* and nothing heard since */
    bool lagging;
    struct ws_probe probe;
};

_Static_assert(sizeof(struct ws_conn) <= CONN_STATE_BYTES, "fits the connection's state");

static const struct conn_callbacks ws_conn_callbacks;

static struct ws_conn *ws_of(struct conn *conn)
{
    return conn_state(conn);
}

static struct conn *find(struct ws_handle ws)
{
    struct conn *conn = conn_pool_find(ws.pool, ws.conn);
    return conn != NULL && conn_callbacks(conn) == &ws_conn_callbacks ? conn : NULL;
}

/* An open WebSocket whose closing handshake has not begun. */
static struct conn *find_open(struct ws_handle ws)
{
    struct conn *conn = find(ws);
    return conn != NULL && !ws_of(conn)->close_sent ? conn : NULL;
}

static struct ws_handle handle_of(struct conn *conn)
{
    return (struct ws_handle){conn_pool_of(conn), conn_handle_of(conn)};
}

/* ---- sending ---- */

/* Masks must not be guessable by whoever chooses the payload (RFC 6455 section 5.3). */
static void choose_mask(uint8_t mask[4])
{
    if (getrandom(mask, 4, 0) != 4)
        memset(mask, 0x5a, 4); /* cannot happen for 4 bytes; a fixed mask is still valid */
}

static bool send_masked(struct conn *conn, enum ws_opcode opcode, struct slice payload)
{
    uint8_t mask[4];
    char header[WS_HEADER_BYTES_MAX];
    struct shared_bytes *frame;
    choose_mask(mask);
    size_t header_bytes = ws_frame_header(header, opcode, payload.bytes, mask);
    if (shared_bytes_new(header_bytes + payload.bytes, &frame) < 0) {
        conn_close(conn, CONN_CLOSE_OUTBOX_FULL);
        return false;
    }
    memcpy(frame->at, header, header_bytes);
    if (payload.bytes > 0)
        memcpy(frame->at + header_bytes, payload.at, payload.bytes);
    ws_frame_mask(frame->at + header_bytes, payload.bytes, mask, 0);
    bool sent = conn_send_shared(conn, frame);
    shared_bytes_give(frame);
    return sent;
}

static bool send_frame(struct conn *conn, enum ws_opcode opcode, struct slice payload)
{
    if (ws_of(conn)->is_client)
        return send_masked(conn, opcode, payload);
    char header[WS_HEADER_BYTES_MAX];
    size_t header_bytes = ws_frame_header(header, opcode, payload.bytes, NULL);
    return conn_send(conn, slice_of(header, header_bytes)) && conn_send(conn, payload);
}

/* Sends our close frame once, with what we will tell the owner. */
static void send_close(struct conn *conn, uint16_t code, struct slice reason)
{
    struct ws_conn *ws = ws_of(conn);
    char payload[WS_CONTROL_BYTES_MAX];
    size_t bytes = 0;
    ws->close_sent = true;
    if (ws->code == 0)
        ws->code = code;
    if (code != WS_CLOSE_NO_STATUS) {
        payload[0] = (char)(code >> 8);
        payload[1] = (char)code;
        size_t reason_bytes =
            reason.bytes < CLOSE_REASON_BYTES_MAX ? reason.bytes : CLOSE_REASON_BYTES_MAX;
        if (reason_bytes > 0)
            memcpy(payload + 2, reason.at, reason_bytes);
        bytes = 2 + reason_bytes;
    }
    (void)send_frame(conn, WS_OPCODE_CLOSE, slice_of(payload, bytes)); /* fails when closed */
}

/* The peer broke the protocol, or is too slow: say so and end. */
static void fail(struct conn *conn, uint16_t code, enum conn_close reason)
{
    if (!ws_of(conn)->close_sent)
        send_close(conn, code, SLICE_NONE);
    conn_finish(conn, reason);
}

static bool has_room(struct conn *conn, size_t bytes)
{
    const struct net_limits *limits = conn_pool_limits(conn_pool_of(conn));
    size_t queued = conn_queued_bytes(conn);
    if (bytes <= limits->outbox_bytes_max && queued <= limits->outbox_bytes_max - bytes)
        return true;
    net_stats_hit(conn_pool_stats(conn_pool_of(conn)), NET_LIMIT_outbox_bytes_max);
    fail(conn, WS_CLOSE_TRY_LATER, CONN_CLOSE_OUTBOX_FULL);
    return false;
}

static enum send_outcome after_send(struct conn *conn, bool sent)
{
    struct net_stats *stats = conn_pool_stats(conn_pool_of(conn));
    const struct net_limits *limits = conn_pool_limits(conn_pool_of(conn));
    if (!sent)
        return SEND_FULL;
    net_count(&stats->ws_messages_out, 1);
    bool late = ws_probe_is_late(&ws_of(conn)->probe, limits->ws_probe_ms_max * US_PER_MS,
                                 loop_now(conn_pool_loop(conn_pool_of(conn))).us);
    if (late)
        net_stats_hit(stats, NET_LIMIT_ws_probe_ms_max);
    return conn_lag(conn, late, &ws_of(conn)->lagging);
}

static enum send_outcome send_message(struct ws_handle ws, enum ws_opcode opcode,
                                      struct slice payload)
{
    struct conn *conn = find_open(ws);
    if (conn == NULL)
        return SEND_GONE;
    if (!has_room(conn, payload.bytes + WS_HEADER_BYTES_MAX))
        return SEND_FULL;
    return after_send(conn, send_frame(conn, opcode, payload));
}

enum send_outcome ws_conn_send_text(struct ws_handle ws, struct slice text)
{
    return send_message(ws, WS_OPCODE_TEXT, text);
}

enum send_outcome ws_conn_send_binary(struct ws_handle ws, struct slice bytes)
{
    return send_message(ws, WS_OPCODE_BINARY, bytes);
}

/* With a ping behind it where it is time for one. */
static bool push(struct conn *conn, struct shared_bytes *frame)
{
    struct net_stats *stats = conn_pool_stats(conn_pool_of(conn));
    char ping[WS_HEADER_BYTES_MAX];
    if (!conn_push_shared(conn, frame))
        return false;
    if (!ws_probe_pushed(&ws_of(conn)->probe, frame->bytes,
                         conn_pool_limits(conn_pool_of(conn))->ws_probe_bytes))
        return true;
    net_stats_hit(stats, NET_LIMIT_ws_probe_bytes);
    return conn_push(conn, slice_of(ping, ws_frame_header(ping, WS_OPCODE_PING, 0, NULL)));
}

enum send_outcome ws_conn_send_shared(struct ws_handle ws, struct shared_bytes *frame)
{
    struct conn *conn = find_open(ws);
    if (conn == NULL)
        return SEND_GONE;
    ASSERT(!ws_of(conn)->is_client); /* shared frames have no mask */
    if (ws_of(conn)->deflate != NULL)
        frame = ws_deflate_frames(ws_of(conn)->deflate, frame);
    if (!has_room(conn, frame->bytes))
        return SEND_FULL;
    if (conn_queued_bytes(conn) == 0)
        ws_probe_left(&ws_of(conn)->probe, loop_now(conn_pool_loop(ws.pool)).us);
    return after_send(conn, push(conn, frame));
}

void ws_conn_prefetch(struct ws_handle ws)
{
    conn_pool_prefetch(ws.pool, ws.conn);
}

size_t ws_conn_queued_bytes(struct ws_handle ws)
{
    struct conn *conn = find(ws);
    return conn != NULL ? conn_queued_bytes(conn) : 0;
}

bool ws_conn_is_open(struct ws_handle ws)
{
    return find_open(ws) != NULL;
}

void ws_conn_close(struct ws_handle ws, uint16_t code, struct slice reason)
{
    struct conn *conn = find_open(ws);
    if (conn == NULL)
        return;
    send_close(conn, code, reason);
    conn_resume(conn); /* its answer must be read */
    conn_set_deadline(conn, conn_pool_limits(ws.pool)->ws_close_ms_max);
}

void ws_conn_pause(struct ws_handle ws)
{
    struct conn *conn = find_open(ws);
    if (conn != NULL)
        conn_pause(conn);
}

void ws_conn_resume(struct ws_handle ws)
{
    struct conn *conn = find_open(ws);
    if (conn == NULL)
        return;
    ws_of(conn)->heard_us = loop_now(conn_pool_loop(ws.pool)).us;
    conn_resume(conn);
}

/* ---- receiving ---- */

static void on_close_frame(struct conn *conn, uint16_t code)
{
    struct ws_conn *ws = ws_of(conn);
    bool ours_first = ws->close_sent;
    if (!ours_first) {
        ws->code = code;
        send_close(conn, code, SLICE_NONE); /* the same code back (5.5.1) */
    }
    conn_finish(conn, ours_first ? CONN_CLOSE_DONE : CONN_CLOSE_PEER);
}

static void fail_too_big(struct conn *conn)
{
    net_stats_hit(conn_pool_stats(conn_pool_of(conn)), NET_LIMIT_ws_message_bytes_max);
    fail(conn, WS_CLOSE_TOO_BIG, CONN_CLOSE_PROTOCOL);
}

/* False: it was not to be had, and the connection is being closed. */
static bool unpack(struct conn *conn, enum ws_event event, struct slice *payload)
{
    int result = ws_deflate_unpack(ws_of(conn)->deflate, *payload, payload);
    if (result == 0 && event == WS_EVENT_TEXT && !ws_utf8_is_text(*payload))
        result = -ERR_FORMAT;
    if (result == -ERR_LIMIT)
        fail_too_big(conn);
    else if (result < 0)
        fail(conn, WS_CLOSE_BAD_TEXT, CONN_CLOSE_PROTOCOL);
    return result == 0;
}

static void on_message(struct conn *conn, enum ws_event event, const struct ws_message *message)
{
    struct ws_conn *ws = ws_of(conn);
    struct slice payload = message->payload;
    net_count(&conn_pool_stats(conn_pool_of(conn))->ws_messages_in, 1);
    if (ws->close_sent) /* we have taken our leave */
        return;
    if (message->packed && !unpack(conn, event, &payload))
        return;
    if (event == WS_EVENT_TEXT)
        ws->callbacks->on_text(ws->owner, handle_of(conn), payload);
    else if (ws->callbacks->on_binary != NULL)
        ws->callbacks->on_binary(ws->owner, handle_of(conn), payload);
    else
        fail(conn, WS_CLOSE_UNSUPPORTED, CONN_CLOSE_PROTOCOL);
}

static void on_ping(struct conn *conn, struct slice payload)
{
    /* A peer that floods us with pings and does not read must not make the queue grow. */
    if (!ws_of(conn)->close_sent && has_room(conn, payload.bytes + WS_HEADER_BYTES_MAX))
        (void)send_frame(conn, WS_OPCODE_PONG, payload); /* fails when closed */
}

static void on_event(struct conn *conn, enum ws_event event, const struct ws_message *message)
{
    switch (event) {
    case WS_EVENT_MORE:
        break;
    case WS_EVENT_PONG: /* on_bytes has noted the sign of life */
        ws_probe_answered(&ws_of(conn)->probe, ws_of(conn)->heard_us);
        break;
    case WS_EVENT_TEXT:
    case WS_EVENT_BINARY:
        on_message(conn, event, message);
        break;
    case WS_EVENT_PING:
        on_ping(conn, message->payload);
        break;
    case WS_EVENT_CLOSE:
        on_close_frame(conn, message->code);
        break;
    case WS_EVENT_BAD:
        if (message->code == WS_CLOSE_TOO_BIG)
            fail_too_big(conn);
        else
            fail(conn, message->code, CONN_CLOSE_PROTOCOL);
        break;
    }
}

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    struct ws_conn *ws = ws_of(conn);
    size_t used = 0;
    ws->heard_us = loop_now(conn_pool_loop(conn_pool_of(conn))).us;
    ws->ping_sent = false;
    while (conn_is_open(conn) && !conn_is_paused(conn)) {
        struct ws_message message;
        size_t taken;
        enum ws_event event =
            ws_reader_next(&ws->reader, at + used, bytes - used, &taken, &message);
        used += taken;
        on_event(conn, event, &message);
        if (event == WS_EVENT_MORE || event == WS_EVENT_BAD || event == WS_EVENT_CLOSE)
            break;
    }
    return used;
}

/* ---- other events ---- */

static void on_end(struct conn *conn)
{
    conn_close(conn, CONN_CLOSE_PEER); /* a close frame should have come: the code stays 1006 */
}

static void on_drained(struct conn *conn)
{
    struct ws_conn *ws = ws_of(conn);
    ws->lagging = false;
    if (ws->callbacks->on_drained != NULL && !ws->close_sent)
        ws->callbacks->on_drained(ws->owner, handle_of(conn));
}

static void on_deadline(struct conn *conn)
{
    struct ws_conn *ws = ws_of(conn);
    struct conn_pool *pool = conn_pool_of(conn);
    const struct net_limits *limits = conn_pool_limits(pool);
    if (ws->close_sent) {
        net_stats_hit(conn_pool_stats(pool), NET_LIMIT_ws_close_ms_max);
        conn_close(conn, CONN_CLOSE_NO_CLOSE_FRAME);
        return;
    }
    int64_t silent_ms = (loop_now(conn_pool_loop(pool)).us - ws->heard_us) / US_PER_MS;
    if (conn_is_paused(conn) || silent_ms < limits->ws_ping_ms) {
        /* While we do not read, we cannot know. */
        conn_set_deadline(conn, conn_is_paused(conn) ? limits->ws_ping_ms
                                                     : limits->ws_ping_ms - silent_ms);
        return;
    }
    if (ws->ping_sent) {
        net_stats_hit(conn_pool_stats(pool), NET_LIMIT_ws_pong_ms_max);
        conn_close(conn, CONN_CLOSE_NO_PONG);
        return;
    }
    ws->ping_sent = true;
    net_stats_hit(conn_pool_stats(pool), NET_LIMIT_ws_ping_ms);
    if (send_frame(conn, WS_OPCODE_PING, SLICE_NONE))
        conn_set_deadline(conn, limits->ws_pong_ms_max);
}

static void on_closed(struct conn *conn, enum conn_close reason)
{
    (void)reason;
    struct ws_conn *ws = ws_of(conn);
    net_count_off(&conn_pool_stats(conn_pool_of(conn))->ws_open, 1);
    ws_reader_done(&ws->reader);
    ws->callbacks->on_closed(ws->owner, handle_of(conn),
                             ws->code != 0 ? ws->code : WS_CLOSE_ABNORMAL);
}

static const struct conn_callbacks ws_conn_callbacks = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

struct ws_handle ws_conn_begin(struct conn *conn, bool is_client, struct ws_deflate *deflate,
                               const struct ws_callbacks *callbacks, void *owner)
{
    struct conn_pool *pool = conn_pool_of(conn);
    const struct net_limits *limits = conn_pool_limits(pool);
    struct ws_conn *ws = ws_of(conn);
    *ws = (struct ws_conn){
        .callbacks = callbacks,
        .owner = owner,
        .deflate = deflate,
        .is_client = is_client,
        .heard_us = loop_now(conn_pool_loop(pool)).us,
    };
    ws_reader_init(&ws->reader, !is_client, limits->ws_message_bytes_max);
    ws->reader.may_pack = deflate != NULL;
    conn_keep_short(conn);
    conn_set_callbacks(conn, &ws_conn_callbacks);
    conn_set_deadline(conn, limits->ws_ping_ms);
    struct net_stats *stats = conn_pool_stats(pool);
    net_count(&stats->upgrades, 1);
    net_count(&stats->ws_open, 1);
    return handle_of(conn);
}
