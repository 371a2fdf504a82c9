/* json_read.c - contract in json_read.h.
 * A string is scanned once: eight bytes at a time up to the next byte that means something
 * (quote, backslash, control, non-ASCII). Only strings with escapes are walked a second time,
 * to be unescaped; that pass relies on the first one having checked every escape. */
#include "base/json_read.h"

#include <endian.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/utf8.h"

/* One string as it stands between its quotes. */
struct quoted {
    struct slice raw;
    bool escaped;
};

_Static_assert(JSON_DEPTH_MAX < 64, "is_object has a bit for each depth");

static bool fail(struct json_reader *reader)
{
    reader->failed = true;
    reader->at = reader->end;
    return false;
}

static void skip_space(struct json_reader *reader)
{
    const char *at = reader->at;
    while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    reader->at = at;
}

void json_begin(struct json_reader *reader, struct slice text, char *scratch, size_t scratch_bytes)
{
    *reader = (struct json_reader){
        .at = text.at,
        .end = text.bytes == 0 ? text.at : text.at + text.bytes, /* empty: perhaps of NULL */
        .begin = text.at,
        .scratch = scratch,
        .scratch_bytes = scratch_bytes,
        .value_due = true,
    };
}

void json_fail(struct json_reader *reader)
{
    (void)fail(reader);
}

int json_end(struct json_reader *reader)
{
    if (reader->failed || reader->depth != 0 || reader->value_due)
        return -ERR_FORMAT;
    skip_space(reader);
    return reader->at == reader->end ? 0 : -ERR_FORMAT;
}

enum json_kind json_peek(struct json_reader *reader)
{
    if (reader->failed || !reader->value_due)
        return JSON_INVALID;
    skip_space(reader);
    if (reader->at == reader->end)
        return JSON_INVALID;
    switch (*reader->at) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    case '-':
        return JSON_NUMBER;
    default:
        return *reader->at >= '0' && *reader->at <= '9' ? JSON_NUMBER : JSON_INVALID;
    }
}

/* --- strings --- */

/* A bit in the high bit of each byte that is a quote, a backslash, a control or not ASCII.
 * Bits above the lowest one may be wrong (borrows), so only the lowest is used. */
static uint64_t special_bytes(uint64_t x)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quote = x ^ ones * '"';
    uint64_t backslash = x ^ ones * '\\';
    uint64_t hit = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                   ((x - ones * 0x20) & ~x) | x;
    return hit & ones * 0x80;
}

/* The first byte from `at` that is special, or one of the last seven before `end`. */
static const char *skip_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        uint64_t hit = special_bytes(le64toh(eight));
        if (hit != 0)
            return at + (__builtin_ctzll(hit) >> 3);
        at += 8;
    }
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four hex digits at `at` (which are there), or -1. */
static int32_t hex4(const char *at)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Reads a \uXXXX escape at `at`, with its second half when it is a surrogate pair. Answers its
 * bytes, or 0: a lone surrogate has no UTF-8, so it could not be handed on. */
static size_t unicode_escape(const char *at, const char *end, uint32_t *ret_code_point)
{
    if (end - at < 6)
        return 0;
    int32_t high = hex4(at + 2);
    if (high < 0 || (high >= 0xDC00 && high <= 0xDFFF))
        return 0;
    if (high < 0xD800 || high > 0xDBFF) {
        *ret_code_point = (uint32_t)high;
        return 6;
    }
    if (end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return 0;
    int32_t low = hex4(at + 8);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    *ret_code_point = 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    return 12;
}

/* The byte that a two-character escape stands for, or 0. */
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Bytes of the escape at `at`, or 0 when it is none. */
static size_t escape_bytes(const char *at, const char *end)
{
    uint32_t ignored;
    if (end - at < 2)
        return 0;
    if (at[1] == 'u')
        return unicode_escape(at, end, &ignored);
    return short_escape(at[1]) != 0 ? 2 : 0;
}

/* Consumes a string whose opening quote is next. */
static bool scan_string(struct json_reader *reader, struct quoted *ret)
{
    const char *begin = reader->at + 1;
    const char *at = begin;
    bool escaped = false;
    for (;;) {
        at = skip_plain(at, reader->end);
        if (at == reader->end)
            return fail(reader);
        unsigned char c = (unsigned char)*at;
        if (c == '"')
            break;
        size_t bytes = 1;
        if (c == '\\') {
            bytes = escape_bytes(at, reader->end);
            escaped = true;
        } else if (c >= 0x80) {
            bytes = utf8_sequence_bytes(at, reader->end);
        } else if (c < 0x20) {
            bytes = 0;
        }
        if (bytes == 0)
            return fail(reader);
        at += bytes;
    }
    *ret = (struct quoted){{begin, (size_t)(at - begin)}, escaped};
    reader->at = at + 1;
    return true;
}

/* Unescapes checked text into `to`, which has room for raw.bytes; an escape is never shorter
 * than what it stands for. */
static size_t unescape(struct slice raw, char *to)
{
    const char *at = raw.at;
    const char *end = raw.at + raw.bytes;
    size_t used = 0;
    while (at < end) {
        if (*at != '\\') {
            to[used++] = *at++;
        } else if (at[1] == 'u') {
            uint32_t code_point = 0;
            size_t bytes = unicode_escape(at, end, &code_point);
            ASSERT(bytes > 0); /* scan_string has accepted it */
            used += utf8_put(to + used, code_point);
            at += bytes;
        } else {
            to[used++] = short_escape(at[1]);
            at += 2;
        }
    }
    return used;
}

static bool decode(struct json_reader *reader, struct quoted quoted, struct slice *ret_text)
{
    if (!quoted.escaped) {
        *ret_text = quoted.raw;
        return true;
    }
    if (quoted.raw.bytes > reader->scratch_bytes - reader->scratch_used)
        return fail(reader);
    char *to = reader->scratch + reader->scratch_used;
    size_t bytes = unescape(quoted.raw, to);
    reader->scratch_used += bytes;
    *ret_text = (struct slice){to, bytes};
    return true;
}

/* --- other scalars --- */

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* The end of the digits from `at`, or NULL when there is not one. */
static const char *some_digits(const char *at, const char *end)
{
    const char *after = skip_digits(at, end);
    return after == at ? NULL : after;
}

static const char *integer_end(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    if (at < end && *at == '0')
        return at + 1; /* no leading zeros: a digit after it is refused by what follows */
    return some_digits(at, end);
}

static bool scan_number(struct json_reader *reader, struct slice *ret_digits)
{
    const char *begin = reader->at;
    const char *end = reader->end;
    const char *at = integer_end(begin, end);
    if (at != NULL && at < end && *at == '.')
        at = some_digits(at + 1, end);
    if (at != NULL && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = some_digits(at, end);
    }
    if (at == NULL)
        return fail(reader);
    *ret_digits = (struct slice){begin, (size_t)(at - begin)};
    reader->at = at;
    return true;
}

static bool scan_word(struct json_reader *reader, struct slice word)
{
    if (!slice_begins((struct slice){reader->at, (size_t)(reader->end - reader->at)}, word))
        return fail(reader);
    reader->at += word.bytes;
    return true;
}

/* Whether a value of this kind is next; it is then taken to be consumed. */
static bool take(struct json_reader *reader, enum json_kind kind)
{
    if (json_peek(reader) != kind)
        return fail(reader);
    reader->value_due = false;
    return true;
}

bool json_string(struct json_reader *reader, struct slice *ret_text)
{
    struct quoted quoted;
    return take(reader, JSON_STRING) && scan_string(reader, &quoted) &&
           decode(reader, quoted, ret_text);
}

bool json_number(struct json_reader *reader, struct slice *ret_digits)
{
    return take(reader, JSON_NUMBER) && scan_number(reader, ret_digits);
}

bool json_bool(struct json_reader *reader, bool *ret_value)
{
    bool value = json_peek(reader) == JSON_TRUE;
    if (!take(reader, value ? JSON_TRUE : JSON_FALSE))
        return false;
    if (!scan_word(reader, value ? SLICE("true") : SLICE("false")))
        return false;
    *ret_value = value;
    return true;
}

bool json_null(struct json_reader *reader)
{
    return take(reader, JSON_NULL) && scan_word(reader, SLICE("null"));
}

/* Whether nothing, or a fraction of zeros, is left of a number. */
static bool is_zero_fraction(struct slice rest)
{
    for (size_t i = 0; i < rest.bytes; i++)
        if (rest.at[i] != (i == 0 ? '.' : '0'))
            return false;
    return true;
}

bool json_i64(struct json_reader *reader, int64_t *ret_value)
{
    struct slice digits;
    if (!json_number(reader, &digits))
        return false;
    bool negative = digits.at[0] == '-';
    int64_t value = 0;
    size_t i = negative;
    for (; i < digits.bytes && digits.at[i] >= '0' && digits.at[i] <= '9'; i++) {
        int digit = digits.at[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return fail(reader);
    }
    if (!is_zero_fraction(slice_skip(digits, i)))
        return fail(reader);
    *ret_value = value;
    return true;
}

/* --- containers --- */

static bool enter(struct json_reader *reader, bool object)
{
    if (reader->depth == JSON_DEPTH_MAX)
        return fail(reader);
    uint64_t bit = UINT64_C(1) << reader->depth;
    reader->is_object = object ? reader->is_object | bit : reader->is_object & ~bit;
    reader->depth++;
    reader->first = true;
    reader->at++;
    return true;
}

static bool inside(const struct json_reader *reader, bool object)
{
    return !reader->failed && !reader->value_due && reader->depth > 0 &&
           (reader->is_object >> (reader->depth - 1) & 1) == object;
}

bool json_object_begin(struct json_reader *reader)
{
    return take(reader, JSON_OBJECT) && enter(reader, true);
}

bool json_array_begin(struct json_reader *reader)
{
    return take(reader, JSON_ARRAY) && enter(reader, false);
}

enum next { NEXT_NONE = 0, NEXT_ELEMENT, NEXT_FAILED };

/* Leaves the container at `close`, or consumes the comma before the next element. */
static enum next next_element(struct json_reader *reader, char close)
{
    skip_space(reader);
    if (reader->at == reader->end)
        return NEXT_FAILED;
    if (*reader->at == close) {
        reader->at++;
        reader->depth--;
        reader->first = false; /* of the outer container, which holds at least this one */
        return NEXT_NONE;
    }
    if (!reader->first) {
        if (*reader->at != ',')
            return NEXT_FAILED;
        reader->at++;
        skip_space(reader);
        if (reader->at == reader->end || *reader->at == close)
            return NEXT_FAILED;
    }
    reader->first = false;
    return NEXT_ELEMENT;
}

static bool next_key(struct json_reader *reader, struct quoted *ret_key)
{
    enum next next = inside(reader, true) ? next_element(reader, '}') : NEXT_FAILED;
    if (next == NEXT_NONE)
        return false;
    if (next == NEXT_FAILED || *reader->at != '"')
        return fail(reader);
    if (!scan_string(reader, ret_key))
        return false;
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != ':')
        return fail(reader);
    reader->at++;
    reader->value_due = true;
    return true;
}

bool json_object_next(struct json_reader *reader, struct slice *ret_key)
{
    struct quoted key;
    return next_key(reader, &key) && decode(reader, key, ret_key);
}

bool json_array_next(struct json_reader *reader)
{
    enum next next = inside(reader, false) ? next_element(reader, ']') : NEXT_FAILED;
    if (next == NEXT_FAILED)
        return fail(reader);
    reader->value_due = next == NEXT_ELEMENT;
    return next == NEXT_ELEMENT;
}

/* --- whole values --- */

/* Consumes a scalar, or enters a container. */
static bool skip_one(struct json_reader *reader)
{
    struct quoted quoted;
    struct slice digits;
    enum json_kind kind = json_peek(reader);
    if (!take(reader, kind))
        return false;
    switch (kind) {
    case JSON_NULL:
        return scan_word(reader, SLICE("null"));
    case JSON_FALSE:
        return scan_word(reader, SLICE("false"));
    case JSON_TRUE:
        return scan_word(reader, SLICE("true"));
    case JSON_NUMBER:
        return scan_number(reader, &digits);
    case JSON_STRING:
        return scan_string(reader, &quoted);
    case JSON_OBJECT:
        return enter(reader, true);
    case JSON_ARRAY:
        return enter(reader, false);
    case JSON_INVALID:
        break;
    }
    return fail(reader);
}

bool json_skip(struct json_reader *reader)
{
    struct quoted key;
    int depth = reader->depth;
    for (;;) {
        if (!skip_one(reader))
            return false;
        /* Go to the next value, which is outside of what was finished by the last one. */
        while (reader->depth > depth) {
            bool more = inside(reader, true) ? next_key(reader, &key) : json_array_next(reader);
            if (more)
                break;
            if (reader->failed)
                return false;
        }
        if (reader->depth == depth)
            return true;
    }
}

bool json_raw(struct json_reader *reader, struct slice *ret_text)
{
    if (json_peek(reader) == JSON_INVALID)
        return fail(reader);
    const char *begin = reader->at;
    if (!json_skip(reader))
        return false;
    *ret_text = (struct slice){begin, (size_t)(reader->at - begin)};
    return true;
}
