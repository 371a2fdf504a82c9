/* test_log.c - base/log.h. */
#include "test.h"

#include <unistd.h>

#include "base/log.h"

static const struct instant now = {1795342459123456};

static void format(char *memory, size_t bytes, const struct log_field *fields, uint32_t suppressed)
{
    struct buf buf = buf_over(memory, bytes - 1);
    const struct log_line line = {LOG_LEVEL_WARN, "feed", "gap", fields};
    log_format(&buf, &line, now, suppressed);
    assert_false(buf.overflow);
    memory[buf.bytes] = 0;
}

TEST(log, writes_one_line_of_fields)
{
    char memory[LOG_BYTES_MAX];
    const struct log_field fields[] = {LOG_TEXT("provider", SLICE("uof")),
                                       LOG_I64("from", -17),
                                       LOG_U64("to", UINT64_MAX),
                                       LOG_ERROR_CODE(-ERR_IO),
                                       {0}};
    format(memory, sizeof memory, fields, 0);
    assert_string_equal(memory, "2026-11-22T10:14:19.123456Z warn feed gap provider=uof from=-17 "
                                "to=18446744073709551615 error=\"input/output error\"\n");
}

TEST(log, does_not_let_a_value_look_like_a_field_or_a_line)
{
    char memory[LOG_BYTES_MAX];
    const struct log_field fields[] = {LOG_TEXT("a", SLICE("x level=error")),
                                       LOG_TEXT("b", SLICE("1\n2026 fake\x1B[2J")),
                                       LOG_TEXT("c", SLICE("")),
                                       LOG_TEXT("d", SLICE("x=y")),
                                       {0}};
    format(memory, sizeof memory, fields, 7);
    assert_string_equal(memory, "2026-11-22T10:14:19.123456Z warn feed gap a=\"x level=error\" "
                                "b=\"1\\n2026 fake\\u001b[2J\" c=\"\" d=\"x=y\" suppressed=7\n");
}

TEST(log, leaves_out_fields_that_do_not_fit_and_says_so)
{
    char long_text[2000], memory[200];
    memset(long_text, 'x', sizeof long_text);
    const struct log_field fields[] = {
        LOG_TEXT("a", slice_of(long_text, sizeof long_text)), LOG_U64("b", 2), {0}};
    format(memory, sizeof memory, fields, UINT32_MAX);
    assert_string_equal(memory, "2026-11-22T10:14:19.123456Z warn feed gap b=2 cut=1 "
                                "suppressed=4294967295\n");
}

TEST(log, lets_a_site_write_a_burst_and_then_one_a_second)
{
    struct log_site site = {0};
    uint32_t suppressed = 99;
    struct monotonic at = {1000 * US_PER_SECOND};
    for (int i = 0; i < LOG_BURST; i++) {
        assert_true(log_site_admit(&site, at, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    for (int i = 0; i < 5; i++)
        assert_false(log_site_admit(&site, at, &suppressed));
    at.us += US_PER_SECOND;
    assert_true(log_site_admit(&site, at, &suppressed));
    assert_int_equal(suppressed, 5);
    assert_false(log_site_admit(&site, at, &suppressed));
    at.us += 3600 * US_PER_SECOND; /* a long silence gives back a burst and no more */
    for (int i = 0; i < LOG_BURST; i++)
        assert_true(log_site_admit(&site, at, &suppressed));
    assert_false(log_site_admit(&site, at, &suppressed));
}

TEST(log, writes_to_its_output_from_its_level_up)
{
    int ends[2];
    char text[LOG_BYTES_MAX] = {0};
    assert_int_equal(pipe(ends), 0);
    log_set_output(ends[1]);
    log_info("role", "begin");
    log_debug("role", "not written");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("role", "not written", LOG_U64("n", 1));
    log_set_level(LOG_LEVEL_INFO);
    log_error("role", "end", LOG_U64("n", 1));
    log_set_output(STDERR_FILENO);
    close(ends[1]);
    size_t bytes = 0;
    for (ssize_t got = 1; got > 0; bytes += (size_t)got)
        got = read(ends[0], text + bytes, sizeof text - 1 - bytes);
    close(ends[0]);
    char *second = strchr(text, '\n');
    assert_non_null(second);
    assert_memory_equal(text + 27, " info role begin\n", 17);
    assert_string_equal(second + 1 + 27, " error role end n=1\n");
}

TEST(log, knows_its_levels_by_name)
{
    enum log_level level = LOG_LEVEL_DEBUG;
    assert_true(log_level_parse(SLICE("error"), &level));
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_false(log_level_parse(SLICE("Error"), &level));
}
