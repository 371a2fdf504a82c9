/* test_json_read.c - base/json_read.h: what is accepted, what is refused, and the values. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json_read.h"

/* Reads any value by its structure, with the typed calls only. */
static void walk(struct json_reader *r)
{
    struct slice text;
    bool value;
    switch (json_peek(r)) {
    case JSON_OBJECT:
        json_object_begin(r);
        while (json_object_next(r, &text))
            walk(r);
        return;
    case JSON_ARRAY:
        json_array_begin(r);
        while (json_array_next(r))
            walk(r);
        return;
    case JSON_STRING:
        json_string(r, &text);
        return;
    case JSON_NUMBER:
        json_number(r, &text);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        json_bool(r, &value);
        return;
    case JSON_NULL:
        json_null(r);
        return;
    case JSON_INVALID:
        json_fail(r);
        return;
    }
}

/* In a heap block of its exact size, so that the address sanitizer sees a read past the end. */
static bool accepted(struct slice text, bool by_structure)
{
    char *copy = malloc(text.bytes + 1);
    assert_non_null(copy);
    memcpy(copy, text.at, text.bytes);
    copy = realloc(copy, text.bytes == 0 ? 1 : text.bytes);
    char scratch[1024];
    struct json_reader r;
    json_begin(&r, (struct slice){copy, text.bytes}, scratch, sizeof scratch);
    if (by_structure)
        walk(&r);
    else
        json_skip(&r);
    bool ok = json_end(&r) == 0;
    free(copy);
    return ok;
}

static void expect(struct slice text, bool ok)
{
    if (accepted(text, false) != ok)
        fail_msg("skip, expected %d: %.*s", ok, SLICE_ARG(text));
    if (accepted(text, true) != ok)
        fail_msg("walk, expected %d: %.*s", ok, SLICE_ARG(text));
}

TEST(json_read, accepts_what_rfc_8259_allows)
{
    static const char *const good[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.5e-7",
        "-12.50",
        "1E5",
        "\"\"",
        "{}",
        "[]",
        " \t\r\n[ 1 , 2 ]\n ",
        "{\"a\":{\"b\":[{},[],null]}}",
        "{\"a\":1,\"a\":2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
        "\"\xC3\xA9 \xF0\x9F\x98\x80\"",
        "\"\x7F\"",
        "{\"\":0}",
        "[[[[[[]]]]]]",
        "\"12345678901234567\\n12345678\"",
        "\"\\u0000\"",
        "[1,\"a\",true,null,{\"k\":[]}]",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect(slice_text(good[i]), true);
}

TEST(json_read, refuses_everything_else)
{
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "nulL",
        "truefalse",
        "True",
        "1 2",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "{,}",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "[",
        "]",
        "{",
        "}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "01",
        "-",
        "-a",
        "+1",
        ".5",
        "1.",
        "1.e1",
        "1e",
        "1e+",
        "0x1",
        "1_0",
        "NaN",
        "Infinity",
        "-Infinity",
        "'a'",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\uD800\"",
        "\"\\uDC00\"",
        "\"\\uD800x\"",
        "\"\\uD800\\n\"",
        "\"\\uD800\\u0041\"",
        "\"\\uD800\\uD800\"",
        "\"\\uDBFF\\uE000\"",
        "\"\t\"",
        "\"\n\"",
        "\"\x1F\"",
        "\"\xC0\xAF\"",
        "\"\xED\xA0\x80\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\x80\"",
        "\"\xE2\x82\"",
        "\"\xE2\x82",
        "\xEF\xBB\xBF{}",
        "/**/1",
        "1//",
        "[1]x",
        "\"a\"\"b\"",
        "[\"abcdefgh\x01ijkl\"]",
        "\f1",
        "\v1",
        "{\"a\":1}}",
        "[1]]",
        "tru",
        "t",
        "f",
        "n",
        "-01",
        "{\"\\uD800\":1}",
        "1e5.5",
        "--1",
        "1-",
        "[1.]",
        "\"\\U0041\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(slice_text(bad[i]), false);
    expect(SLICE("\"a\0b\""), false);
    expect(SLICE("1\0"), false);
    expect(SLICE("\0"), false);
}

TEST(json_read, limits_the_depth)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        expect((struct slice){text, 2 * (size_t)depth}, depth <= JSON_DEPTH_MAX);
    }
}

TEST(json_read, finds_a_special_byte_at_every_place)
{
    for (size_t length = 1; length < 40; length++) {
        for (size_t place = 1; place < length; place++) {
            char text[64];
            memset(text, 'a', sizeof text);
            text[0] = text[length] = '"';
            expect((struct slice){text, length + 1}, true);
            text[place] = '\x1F';
            expect((struct slice){text, length + 1}, false);
            text[place] = '\xFF';
            expect((struct slice){text, length + 1}, false);
            text[place] = '"';
            expect((struct slice){text, length + 1}, false);
            text[place] = '\x7F';
            expect((struct slice){text, length + 1}, true);
        }
    }
}

TEST(json_read, reads_a_bet_slip)
{
    const struct slice text =
        SLICE("{\"idempotency_key\":\"k\\u00e91\", \"stake\": 12.50,"
              "\"live\":true,\"legs\":[{\"market_id\":\"m1\",\"odds_version\":7.0},"
              "{\"odds_version\":-9}],\"x\":{\"y\":[1,\"\\n\"]},\"n\":null}");
    char scratch[64];
    struct json_reader r;
    struct slice key, id = SLICE_NONE, stake = SLICE_NONE, raw = SLICE_NONE;
    int64_t versions[2] = {0}, count = 0;
    bool live = false;
    json_begin(&r, text, scratch, sizeof scratch);
    assert_true(json_object_begin(&r));
    while (json_object_next(&r, &key)) {
        if (slice_is(key, "idempotency_key")) {
            json_string(&r, &id);
        } else if (slice_is(key, "stake")) {
            json_number(&r, &stake);
        } else if (slice_is(key, "live")) {
            json_bool(&r, &live);
        } else if (slice_is(key, "x")) {
            json_raw(&r, &raw);
        } else if (slice_is(key, "legs")) {
            json_array_begin(&r);
            while (json_array_next(&r)) {
                json_object_begin(&r);
                while (json_object_next(&r, &key))
                    if (slice_is(key, "odds_version"))
                        json_i64(&r, &versions[count++]);
                    else
                        json_skip(&r);
            }
        } else {
            json_null(&r);
        }
    }
    assert_int_equal(json_end(&r), 0);
    assert_true(slice_is(id, "k\xC3\xA9"
                             "1"));
    assert_true(slice_is(stake, "12.50"));
    assert_true(slice_is(raw, "{\"y\":[1,\"\\n\"]}"));
    assert_true(live);
    assert_int_equal(count, 2);
    assert_int_equal(versions[0], 7);
    assert_int_equal(versions[1], -9);
}

TEST(json_read, unescapes_into_scratch_and_refuses_when_it_is_full)
{
    char scratch[12];
    struct json_reader r;
    struct slice a, b;
    json_begin(&r, SLICE("[\"\\ud83d\\ude00\",\"plain\"]"), scratch, sizeof scratch);
    assert_true(json_array_begin(&r));
    assert_true(json_array_next(&r));
    assert_true(json_string(&r, &a));
    assert_true(json_array_next(&r));
    assert_true(json_string(&r, &b));
    assert_false(json_array_next(&r));
    assert_int_equal(json_end(&r), 0);
    assert_true(slice_is(a, "\xF0\x9F\x98\x80"));
    assert_true(slice_is(b, "plain"));

    json_begin(&r, SLICE("\"123456789012\\n\""), scratch, sizeof scratch);
    assert_false(json_string(&r, &a));
    assert_int_equal(json_end(&r), -ERR_FORMAT);
    json_begin(&r, SLICE("\"\\n\""), NULL, 0);
    assert_false(json_string(&r, &a));
}

TEST(json_read, reads_integers_that_fit)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"5.0", true, 5},
        {"-5.000", true, -5},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999999", false, 0},
        {"5.5", false, 0},
        {"5.01", false, 0},
        {"1e3", false, 0},
        {"1.0e0", false, 0},
        {"\"5\"", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_reader r;
        int64_t value = 77;
        json_begin(&r, slice_text(rows[i].text), NULL, 0);
        if (json_i64(&r, &value) != rows[i].ok)
            fail_msg("%s", rows[i].text);
        assert_true(value == (rows[i].ok ? rows[i].value : 77));
        assert_int_equal(json_end(&r), rows[i].ok ? 0 : -ERR_FORMAT);
    }
}

TEST(json_read, keeps_the_first_error)
{
    struct json_reader r;
    struct slice text;
    bool value;
    json_begin(&r, SLICE("[1,true]"), NULL, 0);
    assert_true(json_array_begin(&r));
    assert_true(json_array_next(&r));
    assert_false(json_string(&r, &text)); /* another kind */
    assert_false(json_array_next(&r));
    assert_false(json_bool(&r, &value));
    assert_false(json_object_begin(&r));
    assert_false(json_skip(&r));
    assert_false(json_raw(&r, &text));
    assert_int_equal(json_peek(&r), JSON_INVALID);
    assert_int_equal(json_end(&r), -ERR_FORMAT);
}

TEST(json_read, fails_when_a_value_is_left_or_read_twice)
{
    struct json_reader r;
    struct slice key;
    json_begin(&r, SLICE("{\"a\":}"), NULL, 0);
    assert_true(json_object_begin(&r));
    assert_true(json_object_next(&r, &key));
    assert_false(json_object_next(&r, &key));
    assert_int_equal(json_end(&r), -ERR_FORMAT);

    json_begin(&r, SLICE("1 2"), NULL, 0);
    assert_true(json_skip(&r));
    assert_false(json_skip(&r));
    assert_int_equal(json_end(&r), -ERR_FORMAT);

    json_begin(&r, SLICE("[1]"), NULL, 0);
    assert_true(json_array_begin(&r));
    assert_false(json_skip(&r)); /* before json_array_next */
    assert_int_equal(json_end(&r), -ERR_FORMAT);

    json_begin(&r, SLICE("[1]"), NULL, 0);
    assert_true(json_array_begin(&r));
    assert_int_equal(json_end(&r), -ERR_FORMAT); /* not all was read */

    json_begin(&r, SLICE("[1]"), NULL, 0);
    assert_true(json_skip(&r));
    json_fail(&r); /* a rule of the caller's */
    assert_int_equal(json_end(&r), -ERR_FORMAT);
}
