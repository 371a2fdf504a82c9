/* sha1.h - SHA-1, only for the WebSocket handshake (RFC 6455, 4.2.2), where it proves that a
 * server understood the request and protects nothing. For no other use. Thread: any. */
#pragma once

#include "base/slice.h"

#define SHA1_BYTES 20

/* 0, or -ERR_CRYPTO when the library was built without it. */
int sha1_digest(struct slice message, unsigned char ret_digest[SHA1_BYTES]);
