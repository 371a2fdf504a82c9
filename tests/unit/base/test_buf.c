/* test_buf.c - base/buf.h. */
#include "test.h"

#include "base/buf.h"

TEST(buf, writes_numbers_at_both_ends_of_the_range)
{
    char memory[64];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_i64(&buf, INT64_MIN);
    buf_put_char(&buf, ' ');
    buf_put_u64(&buf, UINT64_MAX);
    assert_true(slice_is(buf_slice(&buf), "-9223372036854775808 18446744073709551615"));
}

TEST(buf, past_its_end_nothing_is_written_and_overflow_stays)
{
    char memory[4];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_text(&buf, "abc");
    buf_put_text(&buf, "de");
    assert_true(buf.overflow);
    buf_put_text(&buf, "f");
    assert_int_equal(buf.bytes, 3);
}

TEST(buf, printf_that_does_not_fit_overflows)
{
    char memory[4];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_printf(&buf, "%d", 12345);
    assert_true(buf.overflow);
    assert_int_equal(buf.bytes, 0);
}
