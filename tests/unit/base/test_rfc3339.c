/* test_rfc3339.c - base/rfc3339.h. */
#include "test.h"

#include <stdio.h>

#include "base/error.h"
#include "base/prng.h"
#include "base/rfc3339.h"

static void expect_text(int64_t us, const char *text)
{
    char memory[40] = {0};
    struct buf buf = buf_over(memory, sizeof memory);
    rfc3339_write(&buf, (struct instant){us});
    assert_string_equal(memory, text);
    struct instant back = {-1};
    assert_int_equal(rfc3339_parse(slice_text(text), &back), 0);
    assert_true(back.us == us);
}

TEST(rfc3339, writes_and_reads_known_instants)
{
    expect_text(0, "1970-01-01T00:00:00.000000Z");
    expect_text(1795342459123456, "2026-11-22T10:14:19.123456Z");
    expect_text(INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z");
    expect_text(INT64_C(951868799999999), "2000-02-29T23:59:59.999999Z");
    expect_text(INT64_C(1709164800000000), "2024-02-29T00:00:00.000000Z");
    expect_text(INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z");
    expect_text(INT64_C(4107542399000000), "2100-02-28T23:59:59.000000Z");
    expect_text(INT64_C(1000000000000000), "2001-09-09T01:46:40.000000Z");
    expect_text(INT64_C(2147483648000000), "2038-01-19T03:14:08.000000Z");
    expect_text(RFC3339_US_MAX, "9999-12-31T23:59:59.999999Z");
}

/* An independent calendar: day after day with the month lengths written out. */
TEST(rfc3339, follows_the_calendar_day_by_day_to_9999)
{
    int year = 1970, month = 1, day = 1;
    for (int64_t days = 0; year < 10000; days++) {
        char text[40], memory[40] = {0};
        snprintf(text, sizeof text, "%04d-%02d-%02dT12:00:00.000Z", year, month, day);
        struct buf buf = buf_over(memory, sizeof memory);
        struct instant noon = {(days * 86400 + 43200) * US_PER_SECOND}, back;
        rfc3339_write_ms(&buf, noon);
        assert_string_equal(memory, text);
        assert_int_equal(rfc3339_parse(slice_text(text), &back), 0);
        assert_true(back.us == noon.us);
        int length = month == 2 ? (year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) ? 29 : 28)
                     : month == 4 || month == 6 || month == 9 || month == 11 ? 30
                                                                             : 31;
        if (++day > length) {
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
}

TEST(rfc3339, reads_offsets_and_fractions)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},           {"1970-01-01T00:00:01.5Z", 1500000},
        {"1970-01-01T00:00:00.000001999Z", 1}, {"1970-01-01T00:00:00.123456789Z", 123456},
        {"1970-01-01T02:30:00+02:30", 0},      {"1969-12-31T19:00:00-05:00", 0},
        {"1970-01-01T00:00:00-00:00", 0},      {"1970-01-01T00:00:00-23:59", 86340000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instant instant = {-1};
        if (rfc3339_parse(slice_text(rows[i].text), &instant) != 0 || instant.us != rows[i].us)
            fail_msg("%s", rows[i].text);
    }
}

TEST(rfc3339, refuses_everything_else)
{
    static const char *const bad[] = {
        "",
        "2026-11-22",
        "2026-11-22T10:14:19",
        "2026-11-22 10:14:19Z",
        "2026-11-22t10:14:19Z",
        "2026-11-22T10:14:19z",
        "2026-11-22T10:14:19.Z",
        "2026-11-22T10:14:19.1234567890Z",
        "2026-11-22T10:14:19,5Z",
        "2026-11-22T10:14:19ZZ",
        "2026-11-22T10:14:19Z ",
        " 2026-11-22T10:14:19Z",
        "2026-11-22T10:14Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T23:60:00Z",
        "2016-12-31T23:59:60Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
        "2026-11-22T10:14:19+0200",
        "2026-11-22T10:14:19+24:00",
        "2026-11-22T10:14:19+02:60",
        "2026-11-22T10:14:19+02",
        "2026-11-22T10:14:19 02:00",
        "2026-1-22T10:14:19Z",
        "+026-11-22T10:14:19Z",
        "2026-11-22T-1:14:19Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct instant instant = {77};
        if (rfc3339_parse(slice_text(bad[i]), &instant) != -ERR_FORMAT)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(instant.us, 77);
    }
}

TEST(rfc3339, does_not_write_an_instant_out_of_range)
{
    static const int64_t bad[] = {-1, INT64_MIN, RFC3339_US_MAX + 1, INT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char memory[40];
        struct buf buf = buf_over(memory, sizeof memory);
        rfc3339_write(&buf, (struct instant){bad[i]});
        assert_true(buf.overflow);
        assert_int_equal(buf.bytes, 0);
    }
}
