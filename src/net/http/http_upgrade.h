/* http_upgrade.h - from a request to a WebSocket (RFC 6455 section 4.2). Thread: the loop's. */
#pragma once

#include "net/http/http_request.h"
#include "net/ws/ws_conn.h"

enum http_upgrade_outcome {
    HTTP_UPGRADE_DONE = 0,
    HTTP_UPGRADE_REFUSED, /* answered: 400 BAD_HANDSHAKE, 426 UPGRADE_REQUIRED (other version), 400
                             STREAM_PIPELINED (an earlier request is not answered yet) */
};

/* Whether the request asks for a WebSocket at all (Upgrade: websocket); else serve it otherwise. */
bool http_upgrade_is_asked(const struct http_request *request);
/* Walks the subprotocols that the client offers, in its order: begin with *cursor = 0; false at the
 * end. */
bool http_upgrade_subprotocol(const struct http_request *request, size_t *cursor,
                              struct slice *ret_protocol);
/* Whether this one is among them. */
bool http_upgrade_offers(const struct http_request *request, struct slice protocol);

/* Answers 101 with `subprotocol` (one of those offered, or empty) and turns the connection into a
 * WebSocket. `callbacks` and `owner` are borrowed until on_closed. Only inside on_request.
 * *ret_ws is written on HTTP_UPGRADE_DONE; callbacks never run inside this call. */
enum http_upgrade_outcome http_upgrade_websocket(struct http_request *request,
                                                 struct slice subprotocol,
                                                 const struct ws_callbacks *callbacks, void *owner,
                                                 struct ws_handle *ret_ws);
