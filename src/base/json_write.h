/* json_write.h - a writer of JSON (RFC 8259) into a struct buf; it places the commas.
 *
 *   struct json_writer w = json_write_begin(&buf);
 *   json_write_object_open(&w);
 *   json_write_key(&w, "stake");
 *   json_write_decimal(&w, 5000, 2);            {"stake":50.00
 *   json_write_object_close(&w);
 *
 * The result is one valid text when the calls are balanced and each key has one value; the
 * writer does not check that (the tests of its users do). What did not fit shows in
 * buf->overflow, and what was written is then to be thrown away. Thread: any (one writer). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct json_writer {
    struct buf *buf; /* borrowed */
    bool comma;      /* the next key or element needs a comma before it */
};

/* Writes `text` as a JSON string with its quotes. Any bytes may come in: what is not
 * well-formed UTF-8 is written as U+FFFD, one for each byte. Also escaped are U+007F and
 * U+2028/2029 and `<`, so that the text may stand inside a script element. */
void json_write_string(struct buf *buf, struct slice text);

static inline struct json_writer json_write_begin(struct buf *buf)
{
    return (struct json_writer){buf, false};
}

/* Begin and end an object or an array, as a value or as the whole text. */
void json_write_object_open(struct json_writer *writer);
void json_write_object_close(struct json_writer *writer);
void json_write_array_open(struct json_writer *writer);
void json_write_array_close(struct json_writer *writer);

/* The key of the next member: a name of ours, or any bytes. */
void json_write_key(struct json_writer *writer, const char *key);
void json_write_key_text(struct json_writer *writer, struct slice key);

/* Values. */
void json_write_text(struct json_writer *writer, struct slice text);
void json_write_i64(struct json_writer *writer, int64_t value);
void json_write_u64(struct json_writer *writer, uint64_t value);
/* mantissa / 10^scale, as decimal_write. */
void json_write_decimal(struct json_writer *writer, int64_t mantissa, int scale);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
/* One JSON value that is already text; trusted as it is. */
void json_write_raw(struct json_writer *writer, struct slice json);
