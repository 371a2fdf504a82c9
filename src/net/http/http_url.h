/* http_url.h - paths and queries: strict percent-decoding (RFC 3986 section 2.1) and parameter
 * lookup. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

/* Decodes %XX (and '+' as a space when plus_is_space) of `text` into memory[0..capacity).
 * -ERR_FORMAT: a bad escape, %00, or the result is not UTF-8; -ERR_LIMIT: does not fit. A text
 * without escapes is answered as it stands, without a copy. */
int http_url_decode(struct slice text, bool plus_is_space, struct buf *memory,
                    struct slice *ret_text);

/* The first value of `name` in "a=1&b=2", still encoded; false when it is not there. A name
 * without '=' has the empty value. */
bool http_url_query(struct slice query, const char *name, struct slice *ret_value);
/* The same, decoded ('+' is a space) into `memory`. 0; -ERR_NOT_FOUND; -ERR_FORMAT, -ERR_LIMIT. */
int http_url_query_text(struct slice query, const char *name, struct buf *memory,
                        struct slice *ret_value);
