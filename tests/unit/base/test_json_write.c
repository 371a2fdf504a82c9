/* test_json_write.c - base/json_write.h. */
#include "test.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/prng.h"

TEST(json_write, places_the_commas)
{
    char memory[256];
    struct buf buf = buf_over(memory, sizeof memory);
    struct json_writer w = json_write_begin(&buf);
    json_write_object_open(&w);
    json_write_key(&w, "stake");
    json_write_decimal(&w, 5000, 2);
    json_write_key(&w, "legs");
    json_write_array_open(&w);
    json_write_object_open(&w);
    json_write_object_close(&w);
    json_write_array_open(&w);
    json_write_array_close(&w);
    json_write_i64(&w, -1);
    json_write_u64(&w, UINT64_MAX);
    json_write_array_close(&w);
    json_write_key(&w, "id");
    json_write_text(&w, SLICE("a\"b"));
    json_write_key_text(&w, SLICE("n\n"));
    json_write_null(&w);
    json_write_key(&w, "live");
    json_write_bool(&w, true);
    json_write_key(&w, "raw");
    json_write_raw(&w, SLICE("{\"x\":1}"));
    json_write_object_close(&w);
    assert_false(buf.overflow);
    assert_true(slice_is(buf_slice(&buf),
                         "{\"stake\":50.00,\"legs\":[{},[],-1,18446744073709551615],"
                         "\"id\":\"a\\\"b\",\"n\\n\":null,\"live\":true,\"raw\":{\"x\":1}}"));
}

TEST(json_write, escapes_what_must_be_and_replaces_what_is_no_text)
{
    static const struct {
        struct slice text;
        const char *json;
    } rows[] = {
        {SLICE(""), "\"\""},
        {SLICE("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {SLICE("\0\x1F\x7F"), "\"\\u0000\\u001f\\u007f\""},
        {SLICE("</script>"), "\"\\u003c/script>\""},
        {SLICE("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\""},
        {SLICE("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"), "\"\\u2028\\u2029\xE2\x80\xAA\""},
        {SLICE("a\xFF\xC3"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {SLICE("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char memory[64];
        struct buf buf = buf_over(memory, sizeof memory);
        json_write_string(&buf, rows[i].text);
        if (!slice_is(buf_slice(&buf), rows[i].json))
            fail_msg("row %zu: %.*s", i, SLICE_ARG(buf_slice(&buf)));
    }
}

TEST(json_write, of_any_bytes_is_read_back_by_our_reader)
{
    struct prng prng;
    prng_seed(&prng, 3);
    for (int round = 0; round < 2000; round++) {
        char input[40], json[300], scratch[300];
        size_t bytes = prng_below(&prng, sizeof input);
        for (size_t i = 0; i < bytes; i++)
            input[i] = (char)prng_below(&prng, round % 2 ? 256 : 128);
        struct buf buf = buf_over(json, sizeof json);
        json_write_string(&buf, (struct slice){input, bytes});
        struct json_reader r;
        struct slice back;
        json_begin(&r, buf_slice(&buf), scratch, sizeof scratch);
        assert_true(json_string(&r, &back));
        assert_int_equal(json_end(&r), 0);
        if (round % 2 == 0) /* ASCII comes back as it was */
            assert_true(slice_equal(back, (struct slice){input, bytes}));
    }
}

/* Eight characters are looked at together: what becomes of one may not depend on where it stands.
 */
TEST(json_write, treats_a_character_alike_at_every_place)
{
    for (int c = 0; c < 0x80; c++)
        for (size_t place = 0; place < 20; place++) {
            char text[20], wanted[64], memory[64];
            struct buf whole = buf_over(memory, sizeof memory);
            struct buf parts = buf_over(wanted, sizeof wanted);
            memset(text, 'x', sizeof text);
            text[place] = (char)c;
            json_write_string(&whole, slice_of(text, sizeof text));
            buf_put_char(&parts, '"');
            for (size_t i = 0; i < sizeof text; i++) {
                char one[16];
                struct buf single = buf_over(one, sizeof one);
                json_write_string(&single, slice_of(text + i, 1));
                buf_put(&parts, one + 1, single.bytes - 2);
            }
            buf_put_char(&parts, '"');
            assert_int_equal(whole.bytes, parts.bytes);
            assert_memory_equal(memory, wanted, parts.bytes);
        }
}

TEST(json_write, that_does_not_fit_overflows)
{
    char memory[6];
    struct buf buf = buf_over(memory, sizeof memory);
    json_write_string(&buf, SLICE("abcde"));
    assert_true(buf.overflow);
}
