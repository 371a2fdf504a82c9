/* http_stream.c - contract in http_stream.h. */
#include "net/http/http_stream.h"

#include "base/assert.h"
#include "net/http/http_conn.h"
#include "net/http/http_reply.h"

#define SLOT(number)     ((number) % HTTP_PIPELINE_SLOTS)
#define CHUNK_LINE_BYTES 20
#define HEAD_BYTES_MAX   512

bool http_stream_begin(struct http_request *request, struct slice content_type,
                       struct slice headers, const struct http_stream_callbacks *callbacks,
                       void *owner)
{
    struct conn *conn = http_conn_find(request->reply_to);
    if (conn == NULL)
        return true; /* gone: writes will say so */
    struct http_conn *http = http_conn_of(conn);
    uint32_t number = request->reply_to.request_no;
    if (number != http->first_no || http->phase == HTTP_PHASE_STREAM) {
        http_reply_problem(request->reply_to, 400, "STREAM_PIPELINED", SLICE_NONE);
        return false;
    }
    uint8_t *flags = &http->flags[SLOT(number)];
    ASSERT((*flags & HTTP_SLOT_ANSWERED) == 0);
    if ((*flags & HTTP_SLOT_HEAD) != 0) {
        http_reply(request->reply_to, 200, content_type, headers, SLICE_NONE);
        return false;
    }
    *flags |= HTTP_SLOT_ANSWERED;
    http->streaming = true;
    http->stream_chunked = (*flags & HTTP_SLOT_VERSION0) == 0;
    http->stream = callbacks;
    http->stream_owner = owner;
    conn_keep_short(conn);
    char text[HEAD_BYTES_MAX];
    struct buf buf = buf_over(text, sizeof text);
    http_reply_put_head(&buf, http->server, 200, (*flags & HTTP_SLOT_CLOSE) != 0);
    buf_put_text(&buf, "Content-Type: ");
    buf_put_slice(&buf, content_type);
    buf_put_text(&buf, http->stream_chunked ? "\r\nTransfer-Encoding: chunked\r\n" : "\r\n");
    ASSERT(!buf.overflow);
    net_count(&conn_pool_stats(http->server->pool)->replies, 1);
    (void)(conn_send(conn, buf_slice(&buf)) && conn_send(conn, headers) &&
           conn_send(conn, SLICE("\r\n"))); /* a failure closes it, and on_closed tells */
    return true;
}

static struct conn *open_stream(struct http_reply_to to)
{
    struct conn *conn = http_conn_find(to);
    if (conn == NULL)
        return NULL;
    const struct http_conn *http = http_conn_of(conn);
    return http->streaming && to.request_no == http->first_no ? conn : NULL;
}

/* Whether `bytes` more may be queued; closes the connection when not. */
static bool has_room(struct conn *conn, size_t bytes)
{
    size_t max = conn_pool_limits(conn_pool_of(conn))->outbox_bytes_max;
    size_t queued = conn_queued_bytes(conn);
    if (bytes <= max && queued <= max - bytes)
        return true;
    net_stats_hit(conn_pool_stats(conn_pool_of(conn)), NET_LIMIT_outbox_bytes_max);
    conn_close(conn, CONN_CLOSE_OUTBOX_FULL);
    return false;
}

static bool put_chunk_line(struct conn *conn, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    char line[CHUNK_LINE_BYTES];
    size_t at = sizeof line;
    line[--at] = '\n';
    line[--at] = '\r';
    for (; bytes > 0; bytes >>= 4)
        line[--at] = digits[bytes & 15];
    return conn_push(conn, slice_of(line + at, sizeof line - at));
}

static enum send_outcome write_piece(struct http_reply_to to, struct slice piece,
                                     struct shared_bytes *shared)
{
    struct conn *conn = open_stream(to);
    if (conn == NULL)
        return SEND_GONE;
    if (piece.bytes == 0) /* an empty chunk would be the end */
        return SEND_OK;
    struct http_conn *http = http_conn_of(conn);
    if (!has_room(conn, piece.bytes))
        return SEND_FULL;
    bool sent = !http->stream_chunked || put_chunk_line(conn, piece.bytes);
    sent = sent && (shared != NULL ? conn_push_shared(conn, shared) : conn_push(conn, piece));
    sent = sent && (!http->stream_chunked || conn_push(conn, SLICE("\r\n")));
    return sent ? conn_lag(conn, false, &http->stream_lagging) : SEND_FULL;
}

enum send_outcome http_stream_write(struct http_reply_to to, struct slice piece)
{
    return write_piece(to, piece, NULL);
}

enum send_outcome http_stream_write_shared(struct http_reply_to to, struct shared_bytes *piece)
{
    return write_piece(to, shared_bytes_slice(piece), piece);
}

size_t http_stream_queued_bytes(struct http_reply_to to)
{
    struct conn *conn = open_stream(to);
    return conn != NULL ? conn_queued_bytes(conn) : 0;
}

void http_stream_end(struct http_reply_to to)
{
    struct conn *conn = open_stream(to);
    if (conn == NULL)
        return;
    struct http_conn *http = http_conn_of(conn);
    http->streaming = false;
    http->stream = NULL;
    if (http->server->leaving) {
        http->flags[SLOT(http->first_no)] |= HTTP_SLOT_CLOSE;
        http->close_reason = CONN_CLOSE_DRAIN;
    }
    if (http->stream_chunked && !conn_send(conn, SLICE("0\r\n\r\n")))
        return;
    http_conn_advance(conn);
}
