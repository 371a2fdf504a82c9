/* http_conn.c - requests of one connection: from bytes to handlers. See http_conn.h.
 *
 * Requests are numbered; slot number % HTTP_PIPELINE_SLOTS holds what is known of one until it is
 * answered. Reading stops (and TCP tells the client) while too many are unanswered, too much
 * output waits, an answer is being streamed or a handler has paused the body. */
#include "net/http/http_conn.h"

#include <string.h>

#include "base/assert.h"
#include "base/cycles.h"
#include "net/http/http_reply.h"

#define SLOT(number) ((number) % HTTP_PIPELINE_SLOTS)

void http_conn_begin(struct conn *conn, struct http_server *server,
                     const struct http_handlers *handlers)
{
    struct http_conn *http = http_conn_of(conn);
    http->server = server;
    http->handlers = handlers;
    http->wait = HTTP_WAIT_IDLE;
    conn_set_deadline(conn, conn_pool_limits(server->pool)->http_idle_ms_max);
}

struct conn *http_conn_find(struct http_reply_to to)
{
    struct conn *conn = to.carried != NULL ? NULL : conn_pool_find(to.server->pool, to.conn);
    return conn != NULL && conn_callbacks(conn) == &http_conn_callbacks ? conn : NULL;
}

static struct http_reply_to reply_to_of(struct http_server *server, struct conn *conn,
                                        uint32_t request_no)
{
    return (struct http_reply_to){
        .server = server, .conn = conn_handle_of(conn), .request_no = request_no};
}

static const struct net_limits *limits_of(const struct http_conn *http)
{
    return conn_pool_limits(http->server->pool);
}

static struct net_stats *stats_of(const struct http_conn *http)
{
    return conn_pool_stats(http->server->pool);
}

/* Not closed, and not taken over by WebSocket: a handler may have done either. */
static bool is_http(const struct conn *conn)
{
    return conn_is_open(conn) && conn_callbacks(conn) == &http_conn_callbacks;
}

/* ---- flow ---- */

static size_t pipeline_max(const struct http_conn *http)
{
    size_t max = limits_of(http)->http_pipeline_max;
    return max < HTTP_PIPELINE_SLOTS ? max : HTTP_PIPELINE_SLOTS;
}

static bool output_is_high(const struct conn *conn)
{
    return conn_queued_bytes(conn) > conn_pool_limits(conn_pool_of(conn))->outbox_high_bytes;
}

static bool may_take(struct conn *conn)
{
    const struct http_conn *http = http_conn_of(conn);
    if (http->phase == HTTP_PHASE_STOPPED || http->streaming || http->body_paused)
        return false;
    /* The slot of a streamed body is taken already. */
    if (http->phase != HTTP_PHASE_STREAM && http_conn_pending(http) >= pipeline_max(http))
        return false;
    return !output_is_high(conn);
}

static void stop_reading(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    if (http_conn_pending(http) >= pipeline_max(http))
        net_stats_hit(stats_of(http), NET_LIMIT_http_pipeline_max);
    if (output_is_high(conn)) {
        net_stats_hit(stats_of(http), NET_LIMIT_outbox_high_bytes);
        conn_notify_drained(conn, limits_of(http)->outbox_high_bytes / 2);
    }
    conn_pause(conn);
}

static enum http_wait wait_wanted(struct conn *conn)
{
    const struct http_conn *http = http_conn_of(conn);
    if (conn_is_paused(conn) || http->body_paused)
        return HTTP_WAIT_NONE;
    switch ((enum http_phase)http->phase) {
    case HTTP_PHASE_HEAD:
        if (http->partial)
            return HTTP_WAIT_HEAD;
        return http_conn_pending(http) == 0 ? HTTP_WAIT_IDLE : HTTP_WAIT_NONE;
    case HTTP_PHASE_WHOLE:
        return HTTP_WAIT_WHOLE;
    case HTTP_PHASE_STREAM:
        return HTTP_WAIT_STREAM;
    case HTTP_PHASE_STOPPED:
        return HTTP_WAIT_NONE;
    }
    return HTTP_WAIT_NONE;
}

/* Head and body clocks run from their beginning; idle and stream clocks from the last sign of life.
 */
static void set_wait(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    const struct net_limits *limits = limits_of(http);
    enum http_wait wait = wait_wanted(conn);
    bool same = wait == http->wait;
    http->wait = (uint8_t)wait;
    switch (wait) {
    case HTTP_WAIT_NONE:
        conn_clear_deadline(conn);
        break;
    case HTTP_WAIT_IDLE:
        conn_set_deadline(conn, limits->http_idle_ms_max);
        break;
    case HTTP_WAIT_HEAD:
        if (!same)
            conn_set_deadline(conn, limits->http_header_ms_max);
        break;
    case HTTP_WAIT_WHOLE:
        if (!same)
            conn_set_deadline(conn, limits->http_body_grace_ms_max);
        break;
    case HTTP_WAIT_STREAM:
        conn_set_deadline(conn, limits->http_body_idle_ms_max);
        break;
    }
}

void http_conn_go_on(struct conn *conn)
{
    if (conn_is_paused(conn) && may_take(conn))
        conn_resume(conn);
    set_wait(conn);
}

/* ---- requests ---- */

static struct http_request request_of(struct conn *conn, const struct http_head *head)
{
    struct http_conn *http = http_conn_of(conn);
    return (struct http_request){
        .head = head,
        .method = head->method,
        .path = head->path,
        .query = head->query,
        .client = *conn_peer(conn),
        .reply_to = reply_to_of(http->server, conn, http->next_no),
    };
}

static uint32_t take_slot(struct http_conn *http, uint8_t flags)
{
    ASSERT(http_conn_pending(http) < HTTP_PIPELINE_SLOTS);
    uint32_t number = http->next_no++;
    ASSERT(http->held[SLOT(number)] == NULL);
    http->flags[SLOT(number)] = flags;
    return number;
}

/* Answers a request that never reaches a handler, and ends the connection after it: after most of
 * these mistakes nobody knows where the next request begins. */
static void refuse(struct conn *conn, int status, const char *code)
{
    struct http_conn *http = http_conn_of(conn);
    net_count(&stats_of(http)->bad_requests, 1);
    http->phase = HTTP_PHASE_STOPPED;
    http->partial = false;
    http->close_reason = status == 408 ? CONN_CLOSE_SLOW_REQUEST : CONN_CLOSE_PROTOCOL;
    if (http_conn_pending(http) >= HTTP_PIPELINE_SLOTS) {
        conn_close(conn, http->close_reason);
        return;
    }
    uint32_t number = take_slot(http, HTTP_SLOT_CLOSE);
    struct http_reply_to to = reply_to_of(http->server, conn, number);
    http_reply_problem(to, status, code, SLICE_NONE);
}

static void refuse_head(struct conn *conn, enum http_outcome outcome)
{
    struct net_stats *stats = stats_of(http_conn_of(conn));
    switch (outcome) {
    case HTTP_OK:
    case HTTP_MORE:
        ASSERT(false);
        break;
    case HTTP_BAD:
        refuse(conn, 400, "MALFORMED_REQUEST");
        break;
    case HTTP_TARGET_TOO_LONG:
        net_stats_hit(stats, NET_LIMIT_http_target_bytes_max);
        refuse(conn, 414, "TARGET_TOO_LONG");
        break;
    case HTTP_HEAD_TOO_LARGE:
        net_stats_hit(stats, NET_LIMIT_http_head_bytes_max);
        refuse(conn, 431, "HEAD_TOO_LARGE");
        break;
    case HTTP_TOO_MANY_HEADERS:
        net_stats_hit(stats, NET_LIMIT_http_headers_max);
        refuse(conn, 431, "HEAD_TOO_LARGE");
        break;
    case HTTP_CODING_UNKNOWN:
        refuse(conn, 501, "NOT_IMPLEMENTED");
        break;
    case HTTP_VERSION_UNKNOWN:
        refuse(conn, 505, "VERSION_NOT_SUPPORTED");
        break;
    case HTTP_BODY_TOO_LARGE:
        net_stats_hit(stats, NET_LIMIT_http_body_bytes_max);
        refuse(conn, 413, "BODY_TOO_LARGE");
        break;
    }
}

static void refuse_body_size(struct conn *conn)
{
    refuse_head(conn, HTTP_BODY_TOO_LARGE);
}

/* Takes the slot and calls the handler; afterwards the connection may be closed or a WebSocket. */
static void dispatch(struct conn *conn, struct http_request *request)
{
    struct http_conn *http = http_conn_of(conn);
    const struct http_head *head = request->head;
    uint8_t flags = 0;
    if (head->method == HTTP_HEAD)
        flags |= HTTP_SLOT_HEAD;
    if (head->minor == 0)
        flags |= HTTP_SLOT_VERSION0;
    if (!head->keep_alive) {
        flags |= HTTP_SLOT_CLOSE;
        http->close_reason = CONN_CLOSE_DONE;
    }
    if (http->phase != HTTP_PHASE_STREAM)
        http->phase = head->keep_alive ? HTTP_PHASE_HEAD : HTTP_PHASE_STOPPED;
    http->wait = HTTP_WAIT_NONE; /* this request's clock; the next one has its own */
    request->reply_to.request_no = take_slot(http, flags);
    net_count(&stats_of(http)->requests, 1);
    http->handlers->on_request(http->handlers->owner, request);
}

static void send_continue(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    http->continue_due = false;
    (void)conn_send(conn, SLICE("HTTP/1.1 100 Continue\r\n\r\n")); /* false: it is closed anyway */
}

/* An interim answer must not overtake the answers of earlier requests. A streamed body's own
 * request is pending already. */
static bool continue_may_go(const struct http_conn *http)
{
    return http_conn_pending(http) == (http->phase == HTTP_PHASE_STREAM ? 1 : 0);
}

/* ---- phases: each takes some bytes, 0 when it needs more ---- */

static size_t take_whole(struct conn *conn, char *at, size_t bytes, bool parsed)
{
    struct http_conn *http = http_conn_of(conn);
    char *body = at + http->head_bytes;
    enum http_body_event event = http_whole_take(&http->whole, &http->body, body,
                                                 bytes - http->head_bytes, http->body_bytes_max);
    switch (event) {
    case HTTP_BODY_MORE:
        return 0;
    case HTTP_BODY_PIECE:
        refuse_body_size(conn);
        return bytes;
    case HTTP_BODY_BAD:
        refuse_head(conn, HTTP_BAD);
        return bytes;
    case HTTP_BODY_END:
        break;
    }
    size_t used = http->head_bytes + http->whole.used;
    struct http_head *head = &http->server->head;
    if (!parsed) { /* other requests have used the place since */
        enum http_outcome outcome = http_parse_request(slice_of(at, http->head_bytes), head);
        ASSERT(outcome == HTTP_OK); /* it was, when it came */
    }
    http->continue_due = false;
    struct http_request request = request_of(conn, head);
    request.body = slice_of(body, http->whole.bytes);
    dispatch(conn, &request);
    return used;
}

static void end_stream_body(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    const struct http_body_sink *sink = http->sink;
    struct http_reply_to to = reply_to_of(http->server, conn, http->next_no - 1);
    bool close = (http->flags[SLOT(to.request_no)] & HTTP_SLOT_CLOSE) != 0;
    http->phase = close ? HTTP_PHASE_STOPPED : HTTP_PHASE_HEAD;
    http->sink = NULL;
    http->continue_due = false;
    if (sink != NULL)
        sink->on_end(http->sink_owner, to);
}

static void abort_stream_body(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    const struct http_body_sink *sink = http->sink;
    struct http_reply_to to = reply_to_of(http->server, conn, http->next_no - 1);
    http->sink = NULL;
    http->phase = HTTP_PHASE_STOPPED;
    if (sink != NULL)
        sink->on_abort(http->sink_owner, to);
}

/* A streamed body went wrong: its slot is answered here unless the handler has done it. The handler
 * learns of it by on_abort when the connection is closed. */
static void refuse_stream(struct conn *conn, int status, const char *code)
{
    struct http_conn *http = http_conn_of(conn);
    net_count(&stats_of(http)->bad_requests, 1);
    struct http_reply_to to = reply_to_of(http->server, conn, http->next_no - 1);
    http->phase = HTTP_PHASE_STOPPED;
    http->close_reason = status == 408 ? CONN_CLOSE_SLOW_REQUEST : CONN_CLOSE_PROTOCOL;
    http->flags[SLOT(to.request_no)] |= HTTP_SLOT_CLOSE;
    http_reply_problem(to, status, code, SLICE_NONE);
}

static size_t take_stream(struct conn *conn, char *at, size_t bytes)
{
    struct http_conn *http = http_conn_of(conn);
    struct slice input = slice_of(at, bytes), piece;
    enum http_body_event event = http_body_next(&http->body, &input, &piece);
    size_t used = bytes - input.bytes;
    switch (event) {
    case HTTP_BODY_MORE:
        break;
    case HTTP_BODY_PIECE:
        if (piece.bytes > http->body_bytes_max - http->body_bytes) {
            net_stats_hit(stats_of(http), NET_LIMIT_http_body_bytes_max);
            refuse_stream(conn, 413, "BODY_TOO_LARGE");
            return bytes;
        }
        http->body_bytes += piece.bytes;
        struct http_reply_to to = reply_to_of(http->server, conn, http->next_no - 1);
        if (http->sink != NULL)
            http->sink->on_body(http->sink_owner, to, piece);
        /* No byte may come any more that would bring us here again. */
        if (is_http(conn) && http->phase == HTTP_PHASE_STREAM && http_body_is_complete(&http->body))
            end_stream_body(conn);
        break;
    case HTTP_BODY_BAD:
        refuse_stream(conn, 400, "MALFORMED_REQUEST");
        return bytes;
    case HTTP_BODY_END:
        end_stream_body(conn);
        break;
    }
    return used;
}

static size_t begin_body(struct conn *conn, char *at, size_t bytes, struct http_request *request)
{
    struct http_conn *http = http_conn_of(conn);
    const struct http_head *head = request->head;
    const struct net_limits *limits = limits_of(http);
    struct http_body_plan plan = {HTTP_BODY_WHOLE, limits->http_body_bytes_max};
    if (http->handlers->on_head != NULL)
        http->handlers->on_head(http->handlers->owner, request, &plan);
    uint64_t room = limits->receive_bytes_max - HTTP_HEAD_BYTES_MAX;
    if (plan.mode == HTTP_BODY_WHOLE && plan.bytes_max > room)
        plan.bytes_max = room;
    if (!head->chunked && head->content_length > plan.bytes_max) {
        refuse_body_size(conn);
        return bytes;
    }
    http->body_bytes = 0;
    http->body_bytes_max = plan.bytes_max;
    http->body_begin_us = loop_now(http->server->loop).us;
    http->whole = (struct http_whole){0};
    http_body_begin(&http->body, head);
    bool wanted = head->expect_continue && head->minor == 1 && bytes == http->head_bytes;
    size_t used = 0;
    if (plan.mode == HTTP_BODY_WHOLE) {
        http->phase = HTTP_PHASE_WHOLE;
        used = take_whole(conn, at, bytes, true);
    } else {
        http->phase = HTTP_PHASE_STREAM;
        used = http->head_bytes;
        dispatch(conn, request);
    }
    /* The handler may have answered at once, so that the body need not be sent at all. */
    if (!wanted || !is_http(conn) || http->phase == HTTP_PHASE_STOPPED)
        return used;
    http->continue_due = true;
    if (continue_may_go(http))
        send_continue(conn);
    return used;
}

static size_t take_head(struct conn *conn, char *at, size_t bytes)
{
    struct http_conn *http = http_conn_of(conn);
    const struct net_limits *limits = limits_of(http);
    struct http_head *head = &http->server->head;
    size_t head_bytes = 0;
    enum cycles_stage before = cycles_enter(CYCLES_PARSE);
    enum http_outcome outcome = http_parse_scan(&http->scan, at, bytes, &head_bytes);
    bool whole = outcome == HTTP_OK && head_bytes <= limits->http_head_bytes_max;
    if (whole)
        outcome = http_parse_request(slice_of(at, head_bytes), head);
    (void)cycles_enter(before);
    if (!whole && (outcome == HTTP_MORE ? bytes : head_bytes) > limits->http_head_bytes_max)
        outcome = HTTP_HEAD_TOO_LARGE;
    if (outcome == HTTP_MORE) {
        http->partial = true;
        return 0;
    }
    http->partial = false;
    http->scan = (struct http_scan){0};
    if (outcome == HTTP_OK && head->target.bytes > limits->http_target_bytes_max)
        outcome = HTTP_TARGET_TOO_LONG;
    if (outcome == HTTP_OK && head->headers_count > limits->http_headers_max)
        outcome = HTTP_TOO_MANY_HEADERS;
    if (outcome != HTTP_OK) {
        refuse_head(conn, outcome);
        return bytes;
    }
    if (head->method == HTTP_METHOD_OTHER || head->expect_unknown) {
        bool expect = head->expect_unknown;
        refuse(conn, expect ? 417 : 501, expect ? "EXPECTATION_FAILED" : "NOT_IMPLEMENTED");
        return bytes;
    }
    struct http_request request = request_of(conn, head);
    http->head_bytes = (uint32_t)head_bytes;
    if (head->chunked || (head->content_length != HTTP_LENGTH_UNKNOWN && head->content_length > 0))
        return begin_body(conn, at, bytes, &request);
    dispatch(conn, &request);
    return head_bytes;
}

static size_t take_some(struct conn *conn, char *at, size_t bytes)
{
    switch ((enum http_phase)http_conn_of(conn)->phase) {
    case HTTP_PHASE_HEAD:
        return take_head(conn, at, bytes);
    case HTTP_PHASE_WHOLE:
        return take_whole(conn, at, bytes, false);
    case HTTP_PHASE_STREAM:
        return take_stream(conn, at, bytes);
    case HTTP_PHASE_STOPPED:
        break;
    }
    return 0;
}

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    size_t used = 0;
    while (used < bytes && may_take(conn)) {
        size_t taken = take_some(conn, at + used, bytes - used);
        used += taken;
        if (!is_http(conn))
            return used;
        if (taken == 0)
            break;
    }
    if (used < bytes && !may_take(conn))
        stop_reading(conn);
    set_wait(conn);
    return used;
}

/* ---- other events ---- */

static void on_end(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    http->peer_ended = true;
    if (http->streaming || http->phase == HTTP_PHASE_STREAM)
        conn_close(conn, CONN_CLOSE_PEER);
    else if (http_conn_pending(http) == 0)
        conn_finish(conn, CONN_CLOSE_PEER);
    else
        http->phase = HTTP_PHASE_STOPPED; /* it waits for its answers */
}

static void on_hangup(struct conn *conn)
{
    if (http_conn_of(conn)->streaming)
        conn_close(conn, CONN_CLOSE_PEER);
}

static void on_drained(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    if (http->streaming && http->stream_lagging) {
        struct http_reply_to to = reply_to_of(http->server, conn, http->first_no);
        http->stream_lagging = false;
        if (http->stream->on_drained != NULL)
            http->stream->on_drained(http->stream_owner, to);
        if (!is_http(conn))
            return;
    }
    http_conn_go_on(conn);
}

/* Whether a whole body comes at http_body_rate_min at least. */
static bool body_is_fast_enough(const struct http_conn *http)
{
    int64_t us = loop_now(http->server->loop).us - http->body_begin_us;
    uint64_t due = (uint64_t)(us / US_PER_MS) * limits_of(http)->http_body_rate_min / 1000;
    return http->whole.used >= due;
}

static void on_deadline(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    struct net_stats *stats = stats_of(http);
    enum http_wait wait = http->wait;
    http->wait = HTTP_WAIT_NONE;
    switch (wait) {
    case HTTP_WAIT_NONE:
        break;
    case HTTP_WAIT_IDLE:
        net_stats_hit(stats, NET_LIMIT_http_idle_ms_max);
        conn_close(conn, CONN_CLOSE_IDLE);
        break;
    case HTTP_WAIT_HEAD:
        net_stats_hit(stats, NET_LIMIT_http_header_ms_max);
        refuse(conn, 408, "REQUEST_TIMEOUT");
        break;
    case HTTP_WAIT_WHOLE:
        if (body_is_fast_enough(http)) {
            http->wait = HTTP_WAIT_WHOLE;
            conn_set_deadline(conn, 1000);
            break;
        }
        net_stats_hit(stats, NET_LIMIT_http_body_rate_min);
        refuse(conn, 408, "REQUEST_TIMEOUT");
        break;
    case HTTP_WAIT_STREAM:
        net_stats_hit(stats, NET_LIMIT_http_body_idle_ms_max);
        refuse_stream(conn, 408, "REQUEST_TIMEOUT");
        break;
    }
}

static void on_closed(struct conn *conn, enum conn_close reason)
{
    struct http_conn *http = http_conn_of(conn);
    struct http_server *server = http->server;
    for (size_t i = 0; i < HTTP_PIPELINE_SLOTS; i++) {
        if (http->held[i] == NULL)
            continue;
        conn_pool_release(server->pool, http->held[i]->bytes);
        shared_bytes_give(http->held[i]);
        http->held[i] = NULL;
    }
    if (http->sink != NULL)
        abort_stream_body(conn);
    if (http->streaming && http->stream->on_closed != NULL) {
        struct http_reply_to to = reply_to_of(server, conn, http->first_no);
        http->stream->on_closed(http->stream_owner, to, reason);
    }
}

const struct conn_callbacks http_conn_callbacks = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_hangup = on_hangup,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

/* ---- after answers ---- */

static bool send_held(struct conn *conn, uint32_t number)
{
    struct http_conn *http = http_conn_of(conn);
    struct shared_bytes *held = http->held[SLOT(number)];
    http->held[SLOT(number)] = NULL;
    conn_pool_release(http->server->pool, held->bytes);
    bool sent = conn_send_shared(conn, held);
    shared_bytes_give(held);
    return sent;
}

void http_conn_advance(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    for (;;) {
        bool close = (http->flags[SLOT(http->first_no)] & HTTP_SLOT_CLOSE) != 0;
        ASSERT(http_conn_pending(http) > 0);
        http->first_no++;
        if (close) {
            conn_finish(conn, http->close_reason);
            return;
        }
        if (http_conn_pending(http) == 0 || http->held[SLOT(http->first_no)] == NULL)
            break;
        if (!send_held(conn, http->first_no))
            return;
    }
    if (http->continue_due && continue_may_go(http))
        send_continue(conn);
    if (http->peer_ended && http_conn_pending(http) == 0) {
        conn_finish(conn, CONN_CLOSE_PEER);
        return;
    }
    if (http->server->draining)
        http_conn_drain(conn);
    if (conn_is_open(conn))
        http_conn_go_on(conn);
}

void http_conn_drain(struct conn *conn)
{
    struct http_conn *http = http_conn_of(conn);
    bool idle = http_conn_pending(http) == 0 && http->phase == HTTP_PHASE_HEAD && !http->partial;
    if (idle && !conn_is_paused(conn))
        conn_finish(conn, CONN_CLOSE_DRAIN);
}
