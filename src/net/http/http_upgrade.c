/* http_upgrade.c - contract in http_upgrade.h. */
#include "net/http/http_upgrade.h"

#include <string.h>

#include "base/assert.h"
#include "net/http/http_conn.h"
#include "net/http/http_reply.h"
#include "net/ws/ws_deflate.h"
#include "net/ws/ws_handshake.h"

bool http_upgrade_is_asked(const struct http_request *request)
{
    return request->head->upgrade &&
           http_head_has_token(request->head, SLICE("upgrade"), SLICE("websocket"));
}

/* *cursor is the header's number * 2^16 + the offset in its value. */
bool http_upgrade_subprotocol(const struct http_request *request, size_t *cursor,
                              struct slice *ret_protocol)
{
    const struct http_head *head = request->head;
    size_t offset = *cursor & 0xffff;
    for (size_t i = *cursor >> 16; i < head->headers_count; i++, offset = 0) {
        struct slice list = head->headers[i].value;
        if (!http_text_equal(head->headers[i].name, SLICE("sec-websocket-protocol")))
            continue;
        while (offset < list.bytes && strchr(", \t", list.at[offset]) != NULL)
            offset++;
        size_t end = offset;
        while (end < list.bytes && strchr(", \t", list.at[end]) == NULL)
            end++;
        if (end == offset)
            continue;
        *ret_protocol = slice_of(list.at + offset, end - offset);
        *cursor = i << 16 | end;
        return true;
    }
    return false;
}

bool http_upgrade_offers(const struct http_request *request, struct slice protocol)
{
    size_t cursor = 0;
    struct slice offered;
    while (http_upgrade_subprotocol(request, &cursor, &offered))
        if (slice_equal(offered, protocol))
            return true;
    return false;
}

static enum http_upgrade_outcome refuse(struct http_request *request,
                                        enum ws_handshake_outcome outcome)
{
    if (outcome == WS_HANDSHAKE_BAD_VERSION)
        http_reply_problem_with(request->reply_to, 426, "UPGRADE_REQUIRED", SLICE_NONE,
                                SLICE("Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"));
    else
        http_reply_problem(request->reply_to, 400, "BAD_HANDSHAKE", SLICE_NONE);
    return HTTP_UPGRADE_REFUSED;
}

static bool send_answer(struct conn *conn, struct slice key, struct slice subprotocol,
                        enum ws_deflate_offer deflate)
{
    char accept[WS_ACCEPT_BYTES];
    ws_handshake_accept(key, accept);
    bool sent = conn_send(conn, SLICE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                      "Connection: Upgrade\r\nSec-WebSocket-Accept: ")) &&
                conn_send(conn, slice_of(accept, sizeof accept));
    if (sent && subprotocol.bytes > 0)
        sent =
            conn_send(conn, SLICE("\r\nSec-WebSocket-Protocol: ")) && conn_send(conn, subprotocol);
    if (sent && deflate != WS_DEFLATE_NONE)
        sent = conn_send(conn, SLICE("\r\nSec-WebSocket-Extensions: " WS_DEFLATE_ANSWER));
    if (sent && deflate == WS_DEFLATE_WINDOW)
        sent = conn_send(conn, SLICE(WS_DEFLATE_ANSWER_WINDOW));
    return sent && conn_send(conn, SLICE("\r\n\r\n"));
}

enum http_upgrade_outcome http_upgrade_websocket(struct http_request *request,
                                                 struct slice subprotocol,
                                                 const struct ws_callbacks *callbacks, void *owner,
                                                 struct ws_handle *ret_ws)
{
    struct slice key;
    enum ws_handshake_outcome outcome = ws_handshake_check(request->head, &key);
    if (outcome != WS_HANDSHAKE_OK)
        return refuse(request, outcome);
    struct conn *conn = http_conn_find(request->reply_to);
    if (conn == NULL) /* closed by its own handler */
        return HTTP_UPGRADE_REFUSED;
    struct http_conn *http = http_conn_of(conn);
    if (request->reply_to.request_no != http->first_no || http->phase == HTTP_PHASE_STREAM) {
        http_reply_problem(request->reply_to, 400, "STREAM_PIPELINED", SLICE_NONE);
        return HTTP_UPGRADE_REFUSED;
    }
    ASSERT(http_conn_pending(http) == 1);
    net_count(&conn_pool_stats(conn_pool_of(conn))->replies, 1);
    struct ws_deflate *deflate = http->server->deflate;
    enum ws_deflate_offer offer =
        deflate != NULL ? ws_deflate_offered(request->head) : WS_DEFLATE_NONE;
    if (!send_answer(conn, key, subprotocol, offer))
        return HTTP_UPGRADE_REFUSED;
    bool draining = http->server->draining;
    *ret_ws = ws_conn_begin(conn, false, offer != WS_DEFLATE_NONE ? deflate : NULL, callbacks,
                            owner); /* http is gone from here on */
    if (draining)
        ws_conn_close(*ret_ws, WS_CLOSE_GOING_AWAY, SLICE("drain"));
    return HTTP_UPGRADE_DONE;
}
