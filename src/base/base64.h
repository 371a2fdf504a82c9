/* base64.h - RFC 4648: base64url without padding (tokens), and standard base64 (the
 * WebSocket handshake). Thread: any. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

/* Bytes of base64url text for `bytes` of input. */
#define BASE64_URL_BYTES(bytes) (((bytes)*4 + 2) / 3)

/* base64url, no padding. */
void base64_write_url(struct buf *buf, struct slice input);
/* Standard alphabet with padding. */
void base64_write(struct buf *buf, struct slice input);

/* Appends what base64url `text` stands for. 0; -ERR_FORMAT for a foreign character, padding,
 * an impossible length, or trailing bits that are not zero (so each value has one text);
 * -ERR_LIMIT when it does not fit (overflow is then set). */
int base64_read_url(struct slice text, struct buf *ret);
/* The same of the standard alphabet, also without padding. */
int base64_read_bare(struct slice text, struct buf *ret);
