/* test_utf8.c - base/utf8.h. */
#include "test.h"

#include "base/utf8.h"

TEST(utf8, accepts_every_code_point_and_refuses_its_cut_forms)
{
    for (uint32_t code = 0; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 7) {
        if (code >= 0xD800 && code <= 0xDFFF)
            continue;
        char text[4];
        size_t bytes = utf8_put(text, code);
        assert_int_equal(utf8_sequence_bytes(text, text + bytes), bytes);
        for (size_t cut = 0; cut < bytes; cut++)
            assert_int_equal(utf8_sequence_bytes(text, text + cut), 0);
    }
}

TEST(utf8, refuses_what_table_3_7_leaves_out)
{
    static const char *const bad[] = {
        "\x80",             /* a continuation alone */
        "\xBF",             /* */
        "\xC0\xAF",         /* overlong slash */
        "\xC1\xBF",         /* overlong DEL */
        "\xC2\x41",         /* no continuation */
        "\xE0\x80\xAF",     /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xED\xA0\x80",     /* U+D800 */
        "\xED\xBF\xBF",     /* U+DFFF */
        "\xE1\x80\x41",     /* third byte wrong */
        "\xF0\x80\x80\xAF", /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xF4\x90\x80\x80", /* U+110000 */
        "\xF5\x80\x80\x80", /* */
        "\xFE",             /* */
        "\xFF",             /* */
        "ab\xC3",           /* cut at the end */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(utf8_is_valid(slice_text(bad[i])));
    assert_true(utf8_is_valid(SLICE("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80")));
    assert_true(utf8_is_valid(SLICE_NONE));
}
