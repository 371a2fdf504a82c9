/* http_reply.c - contract in http_reply.h. */
#include "net/http/http_reply.h"

#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/utf8.h"
#include "net/http/http_carried.h"
#include "net/http/http_conn.h"

#define HEAD_BYTES_MAX    2048 /* with the caller's header lines */
#define PROBLEM_BYTES_MAX 1024
#define DETAIL_BYTES_MAX  512
#define SLOT(number)      ((number) % HTTP_PIPELINE_SLOTS)
#define NOSNIFF_LINE      "X-Content-Type-Options: nosniff\r\n"

const char *http_reply_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

/* The status line of a 200, and "Date: Sun, 06 Nov 1994 08:49:37 GMT": written once a second; names
 * do not follow the locale. Without the date when the clock shows none that can be written. */
static struct slice ok_lines(struct http_server *server)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t second = loop_wall(server->loop).us / US_PER_SECOND;
    if (second != server->date_second) {
        time_t time = (time_t)second;
        struct tm tm;
        if (gmtime_r(&time, &tm) == NULL)
            return SLICE(HTTP_OK_LINE);
        char text[64];
        struct buf buf = buf_over(text, sizeof text);
        buf_printf(&buf, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
                   tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
        if (buf.overflow || buf.bytes != HTTP_DATE_BYTES)
            return SLICE(HTTP_OK_LINE); /* a clock beyond the year 9999 */
        memcpy(server->ok_lines + HTTP_OK_BYTES, text, HTTP_DATE_BYTES);
        server->date_second = second;
    }
    return slice_of(server->ok_lines, sizeof server->ok_lines);
}

/* Status line, Date and Connection. */
static void put_first_lines(struct buf *buf, struct http_server *server, int status, bool close)
{
    struct slice ok = ok_lines(server);
    if (status == 200) { /* nearly all of them */
        buf_put_slice(buf, ok);
    } else {
        buf_put_slice(buf, SLICE("HTTP/1.1 "));
        buf_put_u64(buf, (uint64_t)status);
        buf_put_char(buf, ' ');
        buf_put_text(buf, http_reply_reason(status));
        buf_put_slice(buf, SLICE("\r\n"));
        buf_put_slice(buf, slice_skip(ok, HTTP_OK_BYTES));
    }
    if (close)
        buf_put_slice(buf, SLICE("Connection: close\r\n"));
}

void http_reply_put_head(struct buf *buf, struct http_server *server, int status, bool close)
{
    put_first_lines(buf, server, status, close);
    buf_put_slice(buf, SLICE(NOSNIFF_LINE));
}

static void put_entity_lines(struct buf *buf, int status, struct slice content_type, size_t bytes)
{
    if (content_type.bytes > 0) {
        buf_put_slice(buf, SLICE("Content-Type: "));
        buf_put_slice(buf, content_type);
        buf_put_slice(buf, SLICE("\r\n"));
    }
    if (status == 204 || status == 304) /* RFC 9110 sections 15.3.5, 15.4.5 */
        return;
    buf_put_slice(buf, SLICE("Content-Length: "));
    buf_put_u64(buf, bytes);
    buf_put_slice(buf, SLICE("\r\n"));
}

/* The pieces of an answer in their order. */
struct answer {
    struct slice head, body;
    struct shared_bytes *shared; /* the owner of body, or NULL */
};

/* It is not its turn: kept in one piece until the answers before it are given. */
static void hold(struct conn *conn, uint32_t number, const struct answer *answer)
{
    struct http_conn *http = http_conn_of(conn);
    size_t bytes = answer->head.bytes + answer->body.bytes;
    struct shared_bytes *held;
    if (!conn_pool_hold(http->server->pool, bytes)) {
        conn_close(conn, CONN_CLOSE_OUTBOX_FULL);
        return;
    }
    if (shared_bytes_new(bytes, &held) < 0) {
        conn_pool_release(http->server->pool, bytes);
        conn_close(conn, CONN_CLOSE_OUTBOX_FULL);
        return;
    }
    struct buf buf = buf_over(held->at, bytes);
    buf_put_slice(&buf, answer->head);
    buf_put_slice(&buf, answer->body);
    ASSERT(!buf.overflow);
    http->held[SLOT(number)] = held;
}

static void send_now(struct conn *conn, const struct answer *answer)
{
    bool sent = conn_send(conn, answer->head);
    if (sent && answer->shared != NULL && answer->body.bytes > 0)
        sent = conn_send_shared(conn, answer->shared);
    else if (sent)
        sent = conn_send(conn, answer->body);
    if (sent)
        http_conn_advance(conn);
}

static void give(struct conn *conn, uint32_t number, const struct answer *answer)
{
    if (number == http_conn_of(conn)->first_no)
        send_now(conn, answer);
    else
        hold(conn, number, answer);
}

/* Checks that the answer is due, and decides whether it is the connection's last. */
static struct conn *begin_answer(struct http_reply_to to, bool *ret_close)
{
    struct net_stats *stats = conn_pool_stats(to.server->pool);
    struct conn *conn = http_conn_find(to);
    net_count(&stats->replies, 1);
    if (conn == NULL) {
        net_count(&stats->replies_late, 1);
        return NULL;
    }
    struct http_conn *http = http_conn_of(conn);
    ASSERT(to.request_no - http->first_no < http_conn_pending(http)); /* once per request */
    uint8_t *flags = &http->flags[SLOT(to.request_no)];
    ASSERT((*flags & HTTP_SLOT_ANSWERED) == 0);
    bool newest = to.request_no == http->next_no - 1;
    /* Answered before its body was here: what follows on the wire is of no use. */
    if (newest && http->phase == HTTP_PHASE_STREAM) {
        *flags |= HTTP_SLOT_CLOSE;
        http->close_reason = CONN_CLOSE_DONE;
        http->phase = HTTP_PHASE_STOPPED;
    }
    if (newest && http->server->leaving && http->phase == HTTP_PHASE_HEAD && !http->partial) {
        *flags |= HTTP_SLOT_CLOSE;
        http->close_reason = CONN_CLOSE_DRAIN;
        http->phase = HTTP_PHASE_STOPPED;
    }
    *flags |= HTTP_SLOT_ANSWERED;
    *ret_close = (*flags & HTTP_SLOT_CLOSE) != 0;
    return conn;
}

static void answer_with(struct http_reply_to to, int status, struct slice content_type,
                        struct slice headers, struct answer *answer)
{
    bool close;
    struct conn *conn = begin_answer(to, &close);
    if (conn == NULL)
        return;
    struct http_conn *http = http_conn_of(conn);
    char head[HEAD_BYTES_MAX];
    struct buf buf = buf_over(head, sizeof head);
    http_reply_put_head(&buf, to.server, status, close);
    put_entity_lines(&buf, status, content_type, answer->body.bytes);
    buf_put_slice(&buf, headers);
    buf_put_slice(&buf, SLICE("\r\n"));
    ASSERT(!buf.overflow); /* content types and header lines are ours */
    answer->head = buf_slice(&buf);
    if ((http->flags[SLOT(to.request_no)] & HTTP_SLOT_HEAD) != 0 || status == 204 || status == 304)
        answer->body = SLICE_NONE;
    give(conn, to.request_no, answer);
}

static bool refuse_large(struct http_reply_to to, size_t bytes)
{
    if (bytes <= conn_pool_limits(to.server->pool)->reply_bytes_max)
        return false;
    net_stats_hit(conn_pool_stats(to.server->pool), NET_LIMIT_reply_bytes_max);
    http_reply_problem(to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    return true;
}

void http_reply(struct http_reply_to to, int status, struct slice content_type,
                struct slice headers, struct slice body)
{
    struct answer answer = {.body = body};
    if (to.carried != NULL)
        to.carried->reply(to.carried, to,
                          &(struct http_carried_answer){status, content_type, headers, body});
    else if (!refuse_large(to, body.bytes))
        answer_with(to, status, content_type, headers, &answer);
}

void http_reply_put_page(struct buf *buf, struct slice content_type, struct slice headers,
                         size_t body_bytes)
{
    buf_put_slice(buf, SLICE(NOSNIFF_LINE));
    put_entity_lines(buf, 200, content_type, body_bytes);
    buf_put_slice(buf, headers);
    buf_put_slice(buf, SLICE("\r\n"));
}

void http_reply_page(struct http_reply_to to, struct shared_bytes *page, size_t head_bytes)
{
    char lines[HTTP_OK_BYTES + HTTP_DATE_BYTES + sizeof "Connection: close\r\n"];
    struct buf buf = buf_over(lines, sizeof lines);
    struct answer answer = {.body = shared_bytes_slice(page), .shared = page};
    bool close;
    ASSERT(to.carried == NULL); /* pages are of listeners alone */
    if (refuse_large(to, page->bytes))
        return;
    struct conn *conn = begin_answer(to, &close);
    if (conn == NULL)
        return;
    put_first_lines(&buf, to.server, 200, close);
    ASSERT(!buf.overflow);
    answer.head = buf_slice(&buf);
    if ((http_conn_of(conn)->flags[SLOT(to.request_no)] & HTTP_SLOT_HEAD) != 0) {
        answer.body.bytes = head_bytes;
        answer.shared = NULL;
    }
    give(conn, to.request_no, &answer);
}

/* ---- problems ---- */

static void put_json_char(struct buf *buf, char c)
{
    static const char digits[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        buf_put_char(buf, '\\');
        buf_put_char(buf, c);
    } else if ((unsigned char)c < 0x20) {
        char escape[6] = {'\\', 'u', '0', '0', digits[(unsigned char)c >> 4], digits[c & 15]};
        buf_put(buf, escape, sizeof escape);
    } else {
        buf_put_char(buf, c);
    }
}

/* The inside of a JSON string (RFC 8259 section 7); bad UTF-8 becomes '?'. */
static void put_json(struct buf *buf, struct slice text)
{
    if (text.bytes == 0) /* its pointer may be NULL */
        return;
    const char *end = text.at + text.bytes;
    for (const char *at = text.at; at < end;) {
        size_t bytes = utf8_sequence_bytes(at, end);
        if (bytes > 1)
            buf_put(buf, at, bytes);
        else
            put_json_char(buf, bytes == 1 ? *at : '?');
        at += bytes > 0 ? bytes : 1;
    }
}

void http_reply_problem_with(struct http_reply_to to, int status, const char *code,
                             struct slice detail, struct slice headers)
{
    /* An escaped byte takes at most six; a cut inside a sequence shows as '?'. */
    char text[PROBLEM_BYTES_MAX + 6 * DETAIL_BYTES_MAX];
    struct buf buf = buf_over(text, sizeof text);
    if (detail.bytes > DETAIL_BYTES_MAX)
        detail.bytes = DETAIL_BYTES_MAX;
    buf_put_text(&buf, "{\"type\":\"about:blank\",\"title\":\"");
    buf_put_text(&buf, http_reply_reason(status));
    buf_put_text(&buf, "\",\"status\":");
    buf_put_i64(&buf, status);
    buf_put_text(&buf, ",\"code\":\"");
    put_json(&buf, slice_text(code));
    if (detail.bytes > 0) {
        buf_put_text(&buf, "\",\"detail\":\"");
        put_json(&buf, detail);
    }
    buf_put_text(&buf, "\"}");
    ASSERT(!buf.overflow);
    http_reply(to, status, SLICE("application/problem+json"), headers, buf_slice(&buf));
}

void http_reply_problem(struct http_reply_to to, int status, const char *code, struct slice detail)
{
    http_reply_problem_with(to, status, code, detail, SLICE_NONE);
}

void http_reply_not_allowed(struct http_reply_to to, const char *allow)
{
    char line[128];
    struct buf buf = buf_over(line, sizeof line);
    buf_put_text(&buf, "Allow: ");
    buf_put_text(&buf, allow);
    buf_put_text(&buf, "\r\n");
    ASSERT(!buf.overflow);
    http_reply_problem_with(to, 405, "METHOD_NOT_ALLOWED", SLICE_NONE, buf_slice(&buf));
}
