/* json_write.c - contract in json_write.h. */
#include "base/json_write.h"

#include "base/decimal.h"
#include "base/utf8.h"

/* The letter of a two-character escape, or 0. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '<';
}

static void put_escape(struct buf *buf, unsigned code_unit)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[6] = {
        '\\',
        'u',
        digits[code_unit >> 12 & 15],
        digits[code_unit >> 8 & 15],
        digits[code_unit >> 4 & 15],
        digits[code_unit & 15],
    };
    buf_put(buf, escape, sizeof escape);
}

/* U+2028 and U+2029 end a line in JavaScript before 2019 but not in JSON. */
static bool is_line_separator(const char *at, size_t bytes)
{
    return bytes == 3 && memcmp(at, "\xE2\x80", 2) == 0 && ((unsigned char)at[2] & 0xFE) == 0xA8;
}

/* Writes the character at `at`, which is_plain is not. Answers the bytes it took. */
static size_t put_special(struct buf *buf, const char *at, const char *end)
{
    unsigned char c = (unsigned char)*at;
    size_t bytes = utf8_sequence_bytes(at, end);
    if (bytes == 0) {
        buf_put_text(buf, "\xEF\xBF\xBD");
        return 1;
    }
    if (is_line_separator(at, bytes)) {
        put_escape(buf, 0x2000u | ((unsigned char)at[2] & 0x3F));
    } else if (bytes > 1) {
        buf_put(buf, at, bytes);
    } else if (short_escape(c) != 0) {
        buf_put_char(buf, '\\');
        buf_put_char(buf, short_escape(c));
    } else {
        put_escape(buf, c);
    }
    return bytes;
}

/* The end of the plain characters that text begins with; eight at a time while all of them are:
 * each of the terms sets the highest bit of some byte where there is one of its kind (and perhaps
 * of others beside it, which are then looked at singly). */
static const char *skip_plain(const char *at, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (; end - at >= 8; at += 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        uint64_t quotes = eight ^ ones * '"', slashes = eight ^ ones * '\\';
        uint64_t deletes = eight ^ ones * 0x7f, brackets = eight ^ ones * '<';
        uint64_t found = eight | (eight - ones * ' ') | (quotes - ones) | (slashes - ones) |
                         (deletes - ones) | (brackets - ones);
        if ((found & ones << 7) != 0)
            break;
    }
    while (at < end && is_plain((unsigned char)*at))
        at++;
    return at;
}

void json_write_string(struct buf *buf, struct slice text)
{
    const char *at = text.at;
    const char *end = text.bytes == 0 ? at : at + text.bytes; /* empty: perhaps of NULL */
    buf_put_char(buf, '"');
    while (at < end) {
        const char *plain = at;
        at = skip_plain(at, end);
        buf_put(buf, plain, (size_t)(at - plain));
        if (at < end)
            at += put_special(buf, at, end);
    }
    buf_put_char(buf, '"');
}

/* Before each key and each value; after a key there is no comma. */
static void element(struct json_writer *writer)
{
    if (writer->comma)
        buf_put_char(writer->buf, ',');
    writer->comma = true;
}

static void open_with(struct json_writer *writer, char c)
{
    element(writer);
    buf_put_char(writer->buf, c);
    writer->comma = false;
}

static void close_with(struct json_writer *writer, char c)
{
    buf_put_char(writer->buf, c);
    writer->comma = true;
}

void json_write_object_open(struct json_writer *writer)
{
    open_with(writer, '{');
}

void json_write_object_close(struct json_writer *writer)
{
    close_with(writer, '}');
}

void json_write_array_open(struct json_writer *writer)
{
    open_with(writer, '[');
}

void json_write_array_close(struct json_writer *writer)
{
    close_with(writer, ']');
}

void json_write_key_text(struct json_writer *writer, struct slice key)
{
    element(writer);
    json_write_string(writer->buf, key);
    buf_put_char(writer->buf, ':');
    writer->comma = false;
}

void json_write_key(struct json_writer *writer, const char *key)
{
    json_write_key_text(writer, slice_text(key));
}

void json_write_text(struct json_writer *writer, struct slice text)
{
    element(writer);
    json_write_string(writer->buf, text);
}

void json_write_i64(struct json_writer *writer, int64_t value)
{
    element(writer);
    buf_put_i64(writer->buf, value);
}

void json_write_u64(struct json_writer *writer, uint64_t value)
{
    element(writer);
    buf_put_u64(writer->buf, value);
}

void json_write_decimal(struct json_writer *writer, int64_t mantissa, int scale)
{
    element(writer);
    decimal_write(writer->buf, mantissa, scale);
}

void json_write_bool(struct json_writer *writer, bool value)
{
    json_write_raw(writer, value ? SLICE("true") : SLICE("false"));
}

void json_write_null(struct json_writer *writer)
{
    json_write_raw(writer, SLICE("null"));
}

void json_write_raw(struct json_writer *writer, struct slice json)
{
    element(writer);
    buf_put_slice(writer->buf, json);
}
