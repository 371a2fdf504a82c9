/* test_base64.c - base/base64.h. */
#include "test.h"

#include "base/base64.h"
#include "base/error.h"
#include "base/prng.h"

TEST(base64, writes_the_vectors_of_rfc_4648)
{
    static const struct {
        const char *text, *standard, *url;
    } rows[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xFB\xFF\xFE", "+//+", "-__-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char memory[32];
        struct buf buf = buf_over(memory, sizeof memory);
        base64_write(&buf, slice_text(rows[i].text));
        assert_true(slice_is(buf_slice(&buf), rows[i].standard));
        buf = buf_over(memory, sizeof memory);
        base64_write_url(&buf, slice_text(rows[i].text));
        assert_true(slice_is(buf_slice(&buf), rows[i].url));
        buf = buf_over(memory, sizeof memory);
        assert_int_equal(base64_read_url(slice_text(rows[i].url), &buf), 0);
        assert_true(slice_is(buf_slice(&buf), rows[i].text));
    }
}

TEST(base64, reads_back_what_it_wrote)
{
    struct prng prng;
    prng_seed(&prng, 5);
    for (size_t bytes = 0; bytes < 100; bytes++) {
        char input[100], text[200], back[100];
        for (size_t i = 0; i < bytes; i++)
            input[i] = (char)prng_next(&prng);
        struct buf encoded = buf_over(text, sizeof text), decoded = buf_over(back, sizeof back);
        base64_write_url(&encoded, (struct slice){input, bytes});
        assert_int_equal(encoded.bytes, BASE64_URL_BYTES(bytes));
        assert_int_equal(base64_read_url(buf_slice(&encoded), &decoded), 0);
        assert_true(slice_equal(buf_slice(&decoded), (struct slice){input, bytes}));
    }
}

TEST(base64, refuses_a_second_way_to_write_the_same_bytes)
{
    static const char *const bad[] = {"Z",     "Zg==",   "Zh",     "Zm9",    "Zm9vY",
                                      "Zm+v",  "Zm/v",   "Zm9v\n", " Zm9v",  "Zm 9",
                                      "Zm9v=", "Z\xFFg", "Zm9vYh", "Zm9vYmF"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char memory[32];
        struct buf buf = buf_over(memory, sizeof memory);
        if (base64_read_url(slice_text(bad[i]), &buf) != -ERR_FORMAT)
            fail_msg("accepted: %s", bad[i]);
    }
    char small[2];
    struct buf buf = buf_over(small, sizeof small);
    assert_int_equal(base64_read_url(SLICE("Zm9v"), &buf), -ERR_LIMIT);
}
