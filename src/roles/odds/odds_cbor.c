/* odds_cbor.c - contract in odds_cbor.h. Numbers in comments are sections of RFC 8949. */
#include "roles/odds/odds_cbor.h"

#include <string.h>

#include "base/assert.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/rfc3339.h"
#include "net/ws/ws_frame.h"

#define ODDS_PLACES    4 /* of `odds`: counted in ten-thousandths */
#define WORD_BYTES_MAX 16

/* Major types and bytes (3.1, 3.2, 3.3, 3.4). */
enum major { UNSIGNED = 0, NEGATIVE = 1, TEXT = 3, ARRAY = 4, TAG = 6 };
#define ARRAY_OPEN       0x9f
#define MAP_OPEN         0xbf
#define CLOSE            0xff
#define FALSE_BYTE       0xf4
#define TRUE_BYTE        0xf5
#define NULL_BYTE        0xf6
#define DECIMAL_FRACTION 4

/* How the value of a member may be written shorter. */
enum shape { PLAIN = 0, WORD, ODDS, TIME, NUMERAL };

struct cbor_key {
    const char *name;
    enum shape shape;
};

struct writer {
    struct json_reader reader;
    struct buf *out;
};

static const char *const keys[] = {
#define KEY(number, name) [number] = (name),
    ODDS_CBOR_KEY_LIST(KEY)
#undef KEY
};
static const char *const words[] = {
#define WORD_OF(number, name) [number] = (name),
    ODDS_CBOR_WORD_LIST(WORD_OF)
#undef WORD_OF
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The text's number, or `count`. The lists are short and the likely ones stand first. */
static size_t find(const char *const *list, size_t count, struct slice text)
{
    size_t i = 0;
    while (i < count && !slice_is(text, list[i]))
        i++;
    return i;
}

static enum shape shape_of(struct slice key)
{
    static const struct cbor_key shapes[] = {
        {"op", WORD},         {"status", WORD},     {"odds", ODDS},  {"feed_ts", TIME},
        {"updated_at", TIME}, {"start_time", TIME}, {"id", NUMERAL}, {"event_id", NUMERAL}};
    for (size_t i = 0; i < COUNT(shapes); i++)
        if (slice_is(key, shapes[i].name))
            return shapes[i].shape;
    return PLAIN;
}

/* ---- heads (3) ---- */

static void put_head(struct buf *out, enum major major, uint64_t value)
{
    unsigned char bytes[9];
    size_t extra = value < 24 ? 0 : value <= 0xff ? 1 : value <= 0xffff ? 2 : 4;
    if (value > UINT32_MAX)
        extra = 8;
    unsigned info = extra == 0 ? (unsigned)value : extra == 1 ? 24 : extra == 2 ? 25 : 26;
    if (extra == 8)
        info = 27;
    bytes[0] = (unsigned char)((unsigned)major << 5 | info);
    for (size_t i = 0; i < extra; i++)
        bytes[1 + i] = (unsigned char)(value >> 8 * (extra - 1 - i));
    buf_put(out, bytes, 1 + extra);
}

static void put_number(struct buf *out, int64_t value)
{
    if (value >= 0)
        put_head(out, UNSIGNED, (uint64_t)value);
    else
        put_head(out, NEGATIVE, (uint64_t)(-(value + 1)));
}

static void put_text(struct buf *out, struct slice text)
{
    put_head(out, TEXT, text.bytes);
    buf_put_slice(out, text);
}

/* ---- values ---- */

/* An exact decimal: a whole number, or [exponent, mantissa] under tag 4 (3.4.4). */
static bool put_decimal(struct buf *out, struct slice digits, enum shape shape)
{
    struct decimal value;
    int64_t scaled;
    if (decimal_parse(digits, &value) < 0)
        return false;
    if (shape == ODDS && decimal_rescale(value, ODDS_PLACES, &scaled) == 0) {
        put_number(out, scaled);
    } else if (value.scale == 0) {
        put_number(out, value.mantissa);
    } else {
        put_head(out, TAG, DECIMAL_FRACTION);
        put_head(out, ARRAY, 2);
        put_number(out, -value.scale);
        put_number(out, value.mantissa);
    }
    return true;
}

/* "17" is the number 17, "017" and "x" are not: only what comes back the same. */
static bool is_numeral(struct slice text, int64_t *ret)
{
    int64_t value = 0;
    if (text.bytes == 0 || text.bytes > 15 || (text.at[0] == '0' && text.bytes > 1))
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = value * 10 + (text.at[i] - '0');
    }
    *ret = value;
    return true;
}

static void put_string(struct buf *out, struct slice text, enum shape shape)
{
    struct instant instant;
    int64_t number;
    size_t word = shape == WORD ? find(words, COUNT(words), text) : COUNT(words);
    if (word < COUNT(words))
        put_head(out, UNSIGNED, word);
    else if (shape == TIME && rfc3339_parse(text, &instant) == 0)
        put_number(out, instant.us);
    else if (shape == NUMERAL && is_numeral(text, &number))
        put_number(out, number);
    else
        put_text(out, text);
}

static bool put_scalar(struct writer *writer, enum json_kind kind, enum shape shape)
{
    struct slice text;
    bool value = false;
    switch (kind) {
    case JSON_NULL:
        buf_put_char(writer->out, (char)NULL_BYTE);
        return json_null(&writer->reader);
    case JSON_FALSE:
    case JSON_TRUE:
        buf_put_char(writer->out, (char)(kind == JSON_TRUE ? TRUE_BYTE : FALSE_BYTE));
        return json_bool(&writer->reader, &value);
    case JSON_NUMBER:
        return json_number(&writer->reader, &text) && put_decimal(writer->out, text, shape);
    case JSON_STRING:
        if (!json_string(&writer->reader, &text))
            return false;
        put_string(writer->out, text, shape);
        return true;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_INVALID:
        break;
    }
    return false;
}

/* Walks the value without recursion: `is_map` has a bit for each open container. */
struct nest {
    uint64_t is_map;
    unsigned depth;
};

/* Opens a container, or writes a scalar. */
static bool put_value(struct writer *writer, struct nest *nest, enum shape shape)
{
    enum json_kind kind = json_peek(&writer->reader);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return put_scalar(writer, kind, shape);
    bool map = kind == JSON_OBJECT;
    bool opened = map ? json_object_begin(&writer->reader) : json_array_begin(&writer->reader);
    if (!opened)
        return false;
    buf_put_char(writer->out, (char)(map ? MAP_OPEN : ARRAY_OPEN));
    nest->is_map = nest->is_map << 1 | (map ? 1 : 0);
    nest->depth++;
    return true;
}

/* Moves to the next value of the innermost container; false when it has none: it is closed. */
static bool next_value(struct writer *writer, const struct nest *nest, enum shape *ret_shape)
{
    struct slice key;
    *ret_shape = PLAIN;
    if ((nest->is_map & 1) == 0)
        return json_array_next(&writer->reader);
    if (!json_object_next(&writer->reader, &key))
        return false;
    size_t number = find(keys, COUNT(keys), key);
    if (number < COUNT(keys))
        put_head(writer->out, UNSIGNED, number);
    else
        put_text(writer->out, key);
    *ret_shape = shape_of(key);
    return true;
}

int odds_cbor_write(struct buf *out, struct slice json, struct buf scratch)
{
    struct writer writer = {.out = out};
    struct nest nest = {0, 0};
    enum shape shape;
    json_begin(&writer.reader, json, scratch.at, scratch.capacity);
    bool going = put_value(&writer, &nest, PLAIN);
    while (going && nest.depth > 0) {
        if (next_value(&writer, &nest, &shape)) {
            going = put_value(&writer, &nest, shape);
        } else {
            buf_put_char(out, (char)CLOSE);
            nest.is_map >>= 1;
            nest.depth--;
        }
    }
    int result = json_end(&writer.reader);
    if (out->overflow)
        return -ERR_LIMIT;
    return going ? result : -ERR_FORMAT;
}

/* ---- frames ---- */

/* One frame's text, behind room for its header; then the header directly before it. */
static bool put_frame(struct buf *out, struct slice json, struct buf scratch)
{
    char header[WS_HEADER_BYTES_MAX];
    size_t begin = out->bytes;
    if (buf_reserve(out, WS_HEADER_BYTES_MAX) == NULL || odds_cbor_write(out, json, scratch) < 0)
        return false;
    size_t bytes = out->bytes - begin - WS_HEADER_BYTES_MAX;
    size_t header_bytes = ws_frame_header(header, WS_OPCODE_BINARY, bytes, NULL);
    memmove(out->at + begin + header_bytes, out->at + begin + WS_HEADER_BYTES_MAX, bytes);
    memcpy(out->at + begin, header, header_bytes);
    out->bytes = begin + header_bytes + bytes;
    return true;
}

static struct shared_bytes *make_frames(const struct shared_bytes *frames, struct buf scratch)
{
    size_t half = scratch.capacity / 2;
    struct buf out = buf_over(scratch.at, half);
    struct slice rest = shared_bytes_slice(frames), text;
    struct shared_bytes *made;
    while (rest.bytes > 0) {
        (void)ws_frame_cut(&rest, &text);
        if (!put_frame(&out, text, buf_over(scratch.at + half, half)))
            return NULL;
    }
    return shared_bytes_copy(buf_slice(&out), &made) == 0 ? made : NULL;
}

struct shared_bytes *odds_cbor_frames(struct shared_bytes *frames, struct buf scratch)
{
    struct shared_bytes **place = &frames->forms[SHARED_BINARY];
    if (*place != NULL)
        return *place;
    *place = make_frames(frames, scratch);
    if (*place != NULL && frames->forms[SHARED_PACKED] == frames)
        shared_bytes_keep_plain(*place); /* what must not be compressed stays so */
    return *place;
}
