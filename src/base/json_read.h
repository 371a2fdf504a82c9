/* json_read.h - a strict pull reader for one complete JSON text (RFC 8259), for the hot paths.
 *
 * No allocation: keys and strings are slices of the input, or of the caller's scratch buffer
 * when they hold escapes. Strict: UTF-8 is checked, duplicate handling is the caller's, no
 * comments, no trailing commas, no NaN, one value and white space only after it. Depth is
 * limited to JSON_DEPTH_MAX. The first error is kept and makes every later call answer
 * false, so a caller may read on and look at the error once, at json_end().
 *
 *   struct json_reader r;
 *   json_begin(&r, text, scratch, sizeof scratch);
 *   json_object_begin(&r);
 *   while (json_object_next(&r, &key)) {
 *       if (slice_is(key, "stake")) json_number(&r, &stake); else json_skip(&r);
 *   }
 *   if (json_end(&r) < 0) refuse();
 *
 * Every value must be consumed by exactly one call: a second one, or none before the next
 * member is asked for, is an error like any other. Thread: any (one reader). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define JSON_DEPTH_MAX 32

enum json_kind {
    JSON_INVALID = 0,
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY,
};

struct json_reader {
    const char *at;
    const char *end;
    const char *begin;
    char *scratch; /* borrowed; unescaped strings are written here, one after another */
    size_t scratch_bytes;
    size_t scratch_used;
    int depth;
    bool failed;
    bool first;         /* no element of the innermost container was read yet */
    bool value_due;     /* the next call must consume a value */
    uint64_t is_object; /* bit d: the container at depth d is an object */
};

/* Begins to read `text`, which is borrowed until json_end. `scratch` may be NULL, 0: then a
 * string with an escape is an error. A string with escapes needs as much free scratch as it
 * has bytes in the text, so scratch of the text's size is always enough. json_skip and
 * json_raw need none. */
void json_begin(struct json_reader *reader, struct slice text, char *scratch, size_t scratch_bytes);

/* The kind of the next value, without consuming it; JSON_INVALID on error. */
enum json_kind json_peek(struct json_reader *reader);

/* Enters an object / array; false when the next value is of another kind (an error). */
bool json_object_begin(struct json_reader *reader);
bool json_array_begin(struct json_reader *reader);

/* Moves to the next member / element; false at the end (which leaves the container) or on
 * error. *ret_key is written on true only. */
bool json_object_next(struct json_reader *reader, struct slice *ret_key);
bool json_array_next(struct json_reader *reader);

/* Each consumes one value and answers false, with the error kept, when it is of another kind.
 * A number is answered as its digits, exactly as written; see decimal.h for exact values. */
bool json_string(struct json_reader *reader, struct slice *ret_text);
bool json_number(struct json_reader *reader, struct slice *ret_digits);
bool json_bool(struct json_reader *reader, bool *ret_value);
bool json_null(struct json_reader *reader);
/* A number without fraction and exponent that fits; "5.0" is accepted as 5 (feeds send it). */
bool json_i64(struct json_reader *reader, int64_t *ret_value);

/* Consumes the next value whatever it is; json_raw also answers its text. */
bool json_skip(struct json_reader *reader);
bool json_raw(struct json_reader *reader, struct slice *ret_text);

/* Makes the reader fail, for a rule of the caller's. */
void json_fail(struct json_reader *reader);

/* 0 when the whole text was one value and no call failed, otherwise -ERR_FORMAT. */
int json_end(struct json_reader *reader);
