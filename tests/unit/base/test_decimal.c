/* test_decimal.c - base/decimal.h. */
#include "test.h"

#include "base/decimal.h"
#include "base/error.h"

TEST(decimal, reads_json_numbers_exactly)
{
    static const struct {
        const char *text;
        int result;
        int64_t mantissa;
        int scale;
    } rows[] = {
        {"0", 0, 0, 0},
        {"-0", 0, 0, 0},
        {"1", 0, 1, 0},
        {"-12.50", 0, -1250, 2},
        {"1e3", 0, 1000, 0},
        {"1E+3", 0, 1000, 0},
        {"1.5e1", 0, 15, 0},
        {"1.5e-3", 0, 15, 4},
        {"15e-1", 0, 15, 1},
        {"1200e-2", 0, 1200, 2},
        {"0.000000001", 0, 1, 9},
        {"0.0000000010", 0, 1, 9},
        {"1.00000000000000000000", 0, 1000000000, 9},
        {"0.0000000001", -ERR_LIMIT, 0, 0},
        {"1e-10", -ERR_LIMIT, 0, 0},
        {"10e-10", 0, 1, 9},
        {"9223372036854775807", 0, INT64_MAX, 0},
        {"-9223372036854775807", 0, -INT64_MAX, 0},
        {"9223372036854775808", -ERR_LIMIT, 0, 0},
        {"-9223372036854775808", -ERR_LIMIT, 0, 0},
        {"9223372036.854775807", 0, INT64_MAX, 9},
        {"9223372036.854775808", -ERR_LIMIT, 0, 0},
        {"1e18", 0, INT64_C(1000000000000000000), 0},
        {"1e19", -ERR_LIMIT, 0, 0},
        {"9e18", 0, INT64_C(9000000000000000000), 0},
        {"0e999999999999999999999999", 0, 0, 0},
        {"0e-999999999999999999999999", 0, 0, 9},
        {"1e999999999999999999999999", -ERR_LIMIT, 0, 0},
        {"1e-999999999999999999999999", -ERR_LIMIT, 0, 0},
        {"0.00000000000000000000005e23", 0, 5, 0},
        {"", -ERR_FORMAT, 0, 0},
        {"-", -ERR_FORMAT, 0, 0},
        {"+1", -ERR_FORMAT, 0, 0},
        {"01", -ERR_FORMAT, 0, 0},
        {"-01", -ERR_FORMAT, 0, 0},
        {"1.", -ERR_FORMAT, 0, 0},
        {".5", -ERR_FORMAT, 0, 0},
        {"1e", -ERR_FORMAT, 0, 0},
        {"1e+", -ERR_FORMAT, 0, 0},
        {"1e+-1", -ERR_FORMAT, 0, 0},
        {"1x", -ERR_FORMAT, 0, 0},
        {" 1", -ERR_FORMAT, 0, 0},
        {"1 ", -ERR_FORMAT, 0, 0},
        {"0x10", -ERR_FORMAT, 0, 0},
        {"NaN", -ERR_FORMAT, 0, 0},
        {"1,5", -ERR_FORMAT, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct decimal value = {77, 7};
        int result = decimal_parse(slice_text(rows[i].text), &value);
        if (result != rows[i].result)
            fail_msg("%s: %d", rows[i].text, result);
        assert_true(value.mantissa == (result == 0 ? rows[i].mantissa : 77));
        assert_int_equal(value.scale, result == 0 ? rows[i].scale : 7);
    }
}

TEST(decimal, reads_a_number_of_many_digits)
{
    static char text[70000];
    memset(text, '0', sizeof text);
    text[1] = '.';
    memcpy(text + 60000, "125e59999", 9); /* 0.000..125 times a power back to 1.25 */
    struct decimal value;
    assert_int_equal(decimal_parse((struct slice){text, 60009}, &value), 0);
    assert_true(value.mantissa == 125);
    assert_int_equal(value.scale, 2);
}

TEST(decimal, rescales_without_losing_a_digit)
{
    int64_t mantissa = 77;
    assert_int_equal(decimal_rescale((struct decimal){5, 0}, 2, &mantissa), 0);
    assert_true(mantissa == 500);
    assert_int_equal(decimal_rescale((struct decimal){-12500, 4}, 2, &mantissa), 0);
    assert_true(mantissa == -125);
    assert_int_equal(decimal_rescale((struct decimal){12501, 4}, 2, &mantissa), -ERR_LIMIT);
    assert_int_equal(decimal_rescale((struct decimal){INT64_MAX / 5, 0}, 1, &mantissa), -ERR_LIMIT);
    assert_int_equal(decimal_rescale((struct decimal){INT64_MIN, 0}, 1, &mantissa), -ERR_LIMIT);
    assert_true(mantissa == -125);
}

TEST(decimal, writes_exactly_as_many_places)
{
    static const struct {
        int64_t mantissa;
        int scale;
        const char *text;
    } rows[] = {
        {5000, 2, "50.00"},
        {0, 2, "0.00"},
        {-1, 2, "-0.01"},
        {7, 0, "7"},
        {0, 0, "0"},
        {INT64_MIN, 0, "-9223372036854775808"},
        {INT64_MIN, 2, "-92233720368547758.08"},
        {INT64_MAX, 18, "9.223372036854775807"},
        {-5, 18, "-0.000000000000000005"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char memory[32] = {0};
        struct buf buf = buf_over(memory, sizeof memory);
        decimal_write(&buf, rows[i].mantissa, rows[i].scale);
        assert_string_equal(memory, rows[i].text);
        assert_false(buf.overflow);
    }
}
