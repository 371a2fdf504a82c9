/* test_http_url.c - net/http/http_url.h. */
#include "test.h"

#include "base/error.h"
#include "net/http/http_url.h"

static const struct {
    const char *text;
    bool plus;
    int result;
    const char *decoded;
} decodes[] = {
    {"plain", false, 0, "plain"},
    {"a%2Fb%20c", false, 0, "a/b c"},
    {"a+b", false, 0, "a+b"},
    {"a+b", true, 0, "a b"},
    {"%e2%82%ac", false, 0, "\xe2\x82\xac"},
    {"", false, 0, ""},
    {"%", false, -ERR_FORMAT, NULL},
    {"%2", false, -ERR_FORMAT, NULL},
    {"%2g", false, -ERR_FORMAT, NULL},
    {"%00", false, -ERR_FORMAT, NULL},
    {"%c3", false, -ERR_FORMAT, NULL},
    {"%ed%a0%80", false, -ERR_FORMAT, NULL},
    {"%41%41%41%41%41%41%41%41%41", false, -ERR_LIMIT, NULL},
};

TEST(http_url, decodes_strictly)
{
    for (size_t i = 0; i < sizeof decodes / sizeof decodes[0]; i++) {
        char memory[8];
        struct buf buf = buf_over(memory, sizeof memory);
        struct slice got;
        int result = http_url_decode(slice_text(decodes[i].text), decodes[i].plus, &buf, &got);
        if (result != decodes[i].result || (result == 0 && !slice_is(got, decodes[i].decoded)))
            fail_msg("%s: %d", decodes[i].text, result);
    }
}

TEST(http_url, finds_query_parameters)
{
    struct slice query = SLICE("a=1&bc=x%20y&d&a=2&=e"), value;
    char memory[16];
    struct buf buf = buf_over(memory, sizeof memory);
    assert_true(http_url_query(query, "a", &value));
    assert_true(slice_is(value, "1"));
    assert_true(http_url_query(query, "d", &value));
    assert_int_equal(value.bytes, 0);
    assert_false(http_url_query(query, "b", &value));
    assert_int_equal(http_url_query_text(query, "bc", &buf, &value), 0);
    assert_true(slice_is(value, "x y"));
    assert_int_equal(http_url_query_text(query, "z", &buf, &value), -ERR_NOT_FOUND);
}

TEST(http_url, decodes_an_id_with_every_kind_of_escape)
{
    char memory[64];
    struct buf decoded = buf_over(memory, sizeof memory);
    struct slice got;
    assert_int_equal(
        http_url_decode(SLICE("sr%3Amatch%3A1%2F2%2Fk%3D%C3%A4~"), true, &decoded, &got), 0);
    assert_true(slice_is(got, "sr:match:1/2/k=\xc3\xa4~"));
}
