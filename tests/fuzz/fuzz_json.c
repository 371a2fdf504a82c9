/* fuzz_json.c - base/json_read.h, decimal.h and json_write.h on any bytes.
 * Properties: skipping accepts exactly what reading by structure accepts; every number that is
 * accepted is one for decimal.h too, and exact; every string can be written and read back; the
 * raw text of the value is accepted again; what the reader has built up can be written by
 * the writer and gives the same structure. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/utf8.h"

#define INPUT_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

/* Big enough for every byte as \u00XX, twice over. */
static char scratch[INPUT_BYTES_MAX], again_scratch[8 * INPUT_BYTES_MAX];
static char written[8 * INPUT_BYTES_MAX];

static void check_string(struct slice text)
{
    static char json[8 * INPUT_BYTES_MAX], unescaped[8 * INPUT_BYTES_MAX];
    struct buf buf = buf_over(json, sizeof json);
    struct json_reader reader;
    struct slice back;
    ASSERT(utf8_is_valid(text));
    json_write_string(&buf, text);
    ASSERT(!buf.overflow);
    json_begin(&reader, buf_slice(&buf), unescaped, sizeof unescaped);
    ASSERT(json_string(&reader, &back));
    ASSERT(json_end(&reader) == 0);
    ASSERT(slice_equal(back, text));
}

static void check_number(struct slice digits)
{
    struct decimal value, back;
    struct json_reader reader;
    int64_t whole, rescaled;
    int result = decimal_parse(digits, &value);
    ASSERT(result == 0 || result == -ERR_LIMIT);
    json_begin(&reader, digits, NULL, 0);
    bool is_whole = json_i64(&reader, &whole);
    if (result < 0)
        return;
    char memory[32];
    struct buf text = buf_over(memory, sizeof memory);
    decimal_write(&text, value.mantissa, value.scale);
    ASSERT(!text.overflow);
    ASSERT(decimal_parse(buf_slice(&text), &back) == 0);
    ASSERT(back.mantissa == value.mantissa);
    ASSERT(back.scale == value.scale);
    if (is_whole) {
        ASSERT(decimal_rescale(value, 0, &rescaled) == 0);
        ASSERT(rescaled == whole);
    }
}

/* Reads any value by its structure and writes it again. Depth is limited by the reader. */
static void walk(struct json_reader *reader, struct json_writer *writer)
{
    struct slice text;
    bool value;
    switch (json_peek(reader)) {
    case JSON_OBJECT:
        json_write_object_open(writer);
        (void)json_object_begin(reader);
        while (json_object_next(reader, &text)) {
            check_string(text);
            json_write_key_text(writer, text);
            walk(reader, writer);
        }
        json_write_object_close(writer);
        return;
    case JSON_ARRAY:
        json_write_array_open(writer);
        (void)json_array_begin(reader);
        while (json_array_next(reader))
            walk(reader, writer);
        json_write_array_close(writer);
        return;
    case JSON_STRING:
        if (json_string(reader, &text)) {
            check_string(text);
            json_write_text(writer, text);
        }
        return;
    case JSON_NUMBER:
        if (json_number(reader, &text)) {
            check_number(text);
            json_write_raw(writer, text);
        }
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        if (json_bool(reader, &value))
            json_write_bool(writer, value);
        return;
    case JSON_NULL:
        if (json_null(reader))
            json_write_null(writer);
        return;
    case JSON_INVALID:
        json_fail(reader);
        return;
    }
}

/* Reads and writes `text`; what was written is at `to`. */
static bool rewrite(struct slice text, char *unescaped, size_t unescaped_bytes, struct buf *to)
{
    struct json_reader reader;
    struct json_writer writer = json_write_begin(to);
    json_begin(&reader, text, unescaped, unescaped_bytes);
    walk(&reader, &writer);
    return json_end(&reader) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    static char once_more[8 * INPUT_BYTES_MAX];
    struct slice text = slice_of(at, bytes);
    struct json_reader reader;
    struct slice raw;
    if (bytes > INPUT_BYTES_MAX)
        return 0;
    json_begin(&reader, text, NULL, 0);
    (void)json_skip(&reader);
    bool skipped = json_end(&reader) == 0;

    struct buf first = buf_over(written, sizeof written);
    bool walked = rewrite(text, scratch, sizeof scratch, &first);
    ASSERT(skipped == walked);
    if (!walked)
        return 0;

    /* Written once, it stays as it is. */
    struct buf second = buf_over(once_more, sizeof once_more);
    ASSERT(!first.overflow);
    ASSERT(rewrite(buf_slice(&first), again_scratch, sizeof again_scratch, &second));
    ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));

    json_begin(&reader, text, NULL, 0);
    ASSERT(json_raw(&reader, &raw));
    ASSERT(json_end(&reader) == 0);
    json_begin(&reader, raw, NULL, 0);
    ASSERT(json_skip(&reader));
    ASSERT(json_end(&reader) == 0);
    return 0;
}
