/* ws_handshake.h - the opening handshake (RFC 6455 section 4). Pure. Thread: any. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "net/http/http_parse.h"

#define WS_KEY_BYTES    24 /* 16 bytes in base64 */
#define WS_ACCEPT_BYTES 28 /* a SHA-1 in base64 */

enum ws_handshake_outcome {
    WS_HANDSHAKE_OK = 0,
    WS_HANDSHAKE_BAD,         /* 400 */
    WS_HANDSHAKE_BAD_VERSION, /* 426 with Sec-WebSocket-Version: 13 */
};

/* Checks a request (section 4.2.1); *ret_key points into the head. */
enum ws_handshake_outcome ws_handshake_check(const struct http_head *head, struct slice *ret_key);
/* The Sec-WebSocket-Accept value of a key (section 4.2.2, 5.4). */
void ws_handshake_accept(struct slice key, char ret_accept[WS_ACCEPT_BYTES]);
/* A key from 16 bytes, for a client. */
void ws_handshake_key(const uint8_t bytes[16], char ret_key[WS_KEY_BYTES]);
/* Whether a response (section 4.1) accepts `key` and chooses no extension and no subprotocol but
 * one of `offered`, a comma-separated list (or none). */
bool ws_handshake_is_accepted(const struct http_head *head, struct slice key, struct slice offered);
