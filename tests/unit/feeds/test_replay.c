/* test_replay.c - reading recordings and pacing them. */
#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "feeds/replay/replay_file.h"
#include "feeds/replay/replay_format.h"
#include "feeds/replay/replay_pace.h"
#include "test.h"

/* --- files --- */

struct bytes {
    char *at;
    size_t count;
};

static const char *temporary(const char *suffix)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "/tmp/overround-replay-%ld%s", (long)getpid(), suffix);
    return path;
}

static const char *write_file(const char *suffix, const void *at, size_t count)
{
    const char *path = temporary(suffix);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(at, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
    return path;
}

static struct bytes pack(const char *suffix, const char *text, size_t count)
{
    struct bytes packed = {malloc(count + 1024), count + 1024};
    assert_non_null(packed.at);
    if (strcmp(suffix, ".gz") == 0) {
        z_stream gz = {.next_in = (Bytef *)(uintptr_t)text,
                       .avail_in = (uInt)count,
                       .next_out = (Bytef *)packed.at,
                       .avail_out = (uInt)packed.count};
        assert_int_equal(deflateInit2(&gz, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&gz, Z_FINISH), Z_STREAM_END);
        packed.count -= gz.avail_out;
        (void)deflateEnd(&gz);
    } else if (strcmp(suffix, ".bz2") == 0) {
        unsigned bytes = (unsigned)packed.count;
        assert_int_equal(BZ2_bzBuffToBuffCompress(packed.at, &bytes, (char *)(uintptr_t)text,
                                                  (unsigned)count, 1, 0, 0),
                         BZ_OK);
        packed.count = bytes;
    } else {
        size_t bytes = 0;
        assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text,
                                                 count, (uint8_t *)packed.at, &bytes, packed.count),
                         LZMA_OK);
        packed.count = bytes;
    }
    return packed;
}

static void expect_lines(const char *path, const char *const *lines, size_t count)
{
    struct replay_file *file;
    struct slice line;
    assert_int_equal(replay_file_open(path, &file), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(replay_file_next(file, &line), 1);
        assert_true(slice_is(line, lines[i]));
    }
    assert_int_equal(replay_file_next(file, &line), 0);
    assert_int_equal(replay_file_next(file, &line), 0);
    assert_string_equal(replay_file_error(file), "");
    replay_file_close(file);
}

/* Reads to the end; answers how it ended. */
static int read_all(const char *path, size_t *ret_lines, char *error, size_t error_bytes)
{
    struct replay_file *file;
    struct slice line;
    int result;
    *ret_lines = 0;
    assert_int_equal(replay_file_open(path, &file), 0);
    while ((result = replay_file_next(file, &line)) == 1)
        (*ret_lines)++;
    assert_int_equal(replay_file_next(file, &line), result);
    (void)snprintf(error, error_bytes, "%s", replay_file_error(file));
    replay_file_close(file);
    return result;
}

static const char *const suffixes[] = {".gz", ".bz2", ".xz"};

TEST(replay_file, strips_line_ends_and_skips_blank_lines)
{
    static const char text[] = "one\r\n\n  \ttwo\n \t \r\n\rthree\rx\n\r\nlast";
    static const char *const lines[] = {"one", "  \ttwo", "\rthree\rx", "last"};
    const char *path = write_file(".json", text, sizeof text - 1);
    expect_lines(path, lines, 4);
    path = write_file(".json", "", 0);
    expect_lines(path, NULL, 0);
    (void)unlink(path);
}

TEST(replay_file, unpacks_by_suffix_also_several_members)
{
    static const char *const lines[] = {"one", "two three", "four"};
    for (size_t i = 0; i < 3; i++) {
        struct bytes first = pack(suffixes[i], "one\ntwo ", 8);
        struct bytes second = pack(suffixes[i], "three\r\nfour", 11);
        char both[4096];
        memcpy(both, first.at, first.count);
        memcpy(both + first.count, second.at, second.count);
        const char *path = write_file(suffixes[i], both, first.count + second.count);
        expect_lines(path, lines, 3);
        (void)unlink(path);
        free(first.at);
        free(second.at);
    }
}

TEST(replay_file, says_where_a_packed_file_is_truncated_or_damaged)
{
    enum { TEXT = 300000 };
    char *text = malloc(TEXT);
    assert_non_null(text);
    uint32_t mix = 1; /* hardly packable, so that there is a middle to damage */
    for (size_t i = 0; i < TEXT; i++) {
        mix = mix * 1664525u + 1013904223u;
        text[i] = i % 100 == 99 ? '\n' : (char)('a' + (mix >> 24) % 26);
    }
    for (size_t i = 0; i < 3; i++) {
        char error[512];
        size_t lines;
        struct bytes packed = pack(suffixes[i], text, TEXT);
        const char *path = write_file(suffixes[i], packed.at, packed.count);
        assert_int_equal(read_all(path, &lines, error, sizeof error), 0);
        assert_int_equal(lines, TEXT / 100);

        path = write_file(suffixes[i], packed.at, packed.count - 5);
        assert_int_equal(read_all(path, &lines, error, sizeof error), -ERR_CORRUPT);
        assert_non_null(strstr(error, "truncated"));
        assert_non_null(strstr(error, path));

        packed.at[packed.count / 2] ^= 0x55;
        path = write_file(suffixes[i], packed.at, packed.count);
        assert_int_equal(read_all(path, &lines, error, sizeof error), -ERR_CORRUPT);
        assert_non_null(strstr(error, "damaged"));

        path = write_file(suffixes[i], "", 0);
        assert_int_equal(read_all(path, &lines, error, sizeof error), -ERR_CORRUPT);
        assert_non_null(strstr(error, "truncated"));

        path = write_file(suffixes[i], "{\"op\":\"mcm\"}\n", 13);
        assert_int_equal(read_all(path, &lines, error, sizeof error), -ERR_CORRUPT);
        (void)unlink(path);
        free(packed.at);
    }
    free(text);
}

TEST(replay_file, takes_lines_of_4_mib_and_no_longer_ones)
{
    char error[512];
    size_t lines;
    size_t bytes = (size_t)REPLAY_LINE_BYTES_MAX + 4;
    char *text = malloc(bytes);
    assert_non_null(text);
    memset(text, 'x', bytes);
    memcpy(text + bytes - 4, "\r\nx\n", 4);
    const char *path = write_file(".txt", text, bytes);
    assert_int_equal(read_all(path, &lines, error, sizeof error), 0);
    assert_int_equal(lines, 2);
    text[bytes - 4] = 'x'; /* one byte more before the line end */
    path = write_file(".txt", text, bytes);
    assert_int_equal(read_all(path, &lines, error, sizeof error), -ERR_LIMIT);
    assert_non_null(strstr(error, "4 MiB"));
    (void)unlink(path);
    free(text);
}

TEST(replay_file, many_lines_pass_through_the_buffer)
{
    char error[512];
    size_t lines;
    size_t bytes = 12u << 20;
    char *text = malloc(bytes);
    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++)
        text[i] = i % 1021 == 1020 ? '\n' : 'y';
    struct bytes packed = pack(".gz", text, bytes);
    const char *path = write_file(".gz", packed.at, packed.count);
    assert_int_equal(read_all(path, &lines, error, sizeof error), 0);
    assert_int_equal(lines, (bytes + 1020) / 1021);
    (void)unlink(path);
    free(packed.at);
    free(text);
}

TEST(replay_file, reads_standard_input)
{
    static const char *const lines[] = {"from", "stdin"};
    const char *path = write_file(".in", "from\nstdin\n", 11);
    int saved = dup(STDIN_FILENO);
    int fd = open(path, O_RDONLY);
    assert_true(saved >= 0);
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    expect_lines("-", lines, 2);
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    (void)close(fd);
    (void)close(saved);
    (void)unlink(path);
}

TEST(replay_file, a_missing_file_and_a_folder_are_errors)
{
    struct replay_file *file;
    char error[512];
    size_t lines;
    assert_int_equal(replay_file_open(temporary(".missing"), &file), -ERR_NOT_FOUND);
    assert_int_equal(read_all("/tmp", &lines, error, sizeof error), -ERR_IO);
    assert_true(strlen(error) > 0);
}

/* --- formats --- */

TEST(replay_format, knows_its_formats)
{
    enum replay_format format;
    assert_int_equal(replay_format_parse(SLICE("betfair"), &format), 0);
    assert_int_equal(format, REPLAY_BETFAIR);
    assert_int_equal(replay_format_parse(SLICE("uof"), &format), 0);
    assert_int_equal(format, REPLAY_UOF);
    assert_int_equal(replay_format_parse(SLICE("json"), &format), 0);
    assert_int_equal(format, REPLAY_JSON);
    assert_int_equal(replay_format_parse(SLICE("csv"), &format), -ERR_CONFIG);
}

TEST(replay_format, peeks_the_publish_time)
{
    static const struct {
        const char *line;
        bool has;
        int64_t pt;
    } rows[] = {
        {"{\"op\":\"mcm\",\"clk\":\"1\",\"pt\":1577499783086,\"mc\":[", true, 1577499783086},
        {"{\"mc\":[{\"id\":\"1.1\",\"pt\":7}],\"pt\":8.0}", true, 8},
        {"{\"op\":\"mcm\",\"status\":503}", false, 0},
        {"{\"pt\":null}", false, 0},
        {"{\"pt\":\"9\"}", false, 0},
        {"[1]", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t pt = 0;
        assert_int_equal(replay_format_pt(REPLAY_BETFAIR, slice_text(rows[i].line), &pt),
                         rows[i].has);
        assert_int_equal(pt, rows[i].pt);
    }
}

/* --- pace --- */

TEST(replay_pace, reads_speeds)
{
    uint32_t speed = 7;
    assert_int_equal(replay_speed_parse(SLICE("max"), &speed), 0);
    assert_int_equal(speed, REPLAY_SPEED_MAX);
    assert_int_equal(replay_speed_parse(SLICE("1"), &speed), 0);
    assert_int_equal(speed, 1000);
    assert_int_equal(replay_speed_parse(SLICE("0.25"), &speed), 0);
    assert_int_equal(speed, 250);
    assert_int_equal(replay_speed_parse(SLICE("3600"), &speed), 0);
    assert_int_equal(speed, 3600000);
    static const char *const bad[] = {"", "0", "-1", "x", "1x", "0.0001", "1000001", "1e99"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(replay_speed_parse(slice_text(bad[i]), &speed), -ERR_CONFIG);
    assert_int_equal(speed, 3600000);
}

static struct monotonic at(int64_t us)
{
    return (struct monotonic){us};
}

TEST(replay_pace, a_line_is_due_by_its_distance_and_the_speed)
{
    struct replay_pace pace;
    struct monotonic until = {0};
    replay_pace_init(&pace, 2000, at(1000000));
    replay_pace_line(&pace, true, 50000);
    assert_int_equal(replay_pace_next(&pace, at(1000000), &until), REPLAY_SEND_LINE);
    replay_pace_sent(&pace, at(1000000));
    replay_pace_line(&pace, true, 51000);
    assert_int_equal(replay_pace_next(&pace, at(1000000), &until), REPLAY_WAIT);
    assert_int_equal(until.us, 1500000);
    assert_int_equal(replay_pace_next(&pace, at(1500000), &until), REPLAY_SEND_LINE);
    /* Sent late: the next one is not late as well. */
    replay_pace_sent(&pace, at(1600000));
    replay_pace_line(&pace, true, 51300);
    assert_int_equal(replay_pace_next(&pace, at(1600000), &until), REPLAY_WAIT);
    assert_int_equal(until.us, 1650000);
}

TEST(replay_pace, times_that_stand_still_fall_or_are_missing_do_not_delay)
{
    struct replay_pace pace;
    struct monotonic until = {0};
    replay_pace_init(&pace, 1000, at(0));
    replay_pace_line(&pace, true, 9000);
    replay_pace_line(&pace, true, 9500);
    replay_pace_line(&pace, true, 9500);
    assert_int_equal(pace.due.us, 500000);
    replay_pace_line(&pace, false, 0);
    assert_int_equal(pace.due.us, 500000);
    replay_pace_line(&pace, true, 100); /* the recording begins again */
    assert_int_equal(pace.due.us, 500000);
    replay_pace_line(&pace, true, 200);
    assert_int_equal(pace.due.us, 600000);
    replay_pace_file(&pace); /* another file, years later */
    replay_pace_line(&pace, true, INT64_C(99999999999));
    assert_int_equal(pace.due.us, 600000);
    assert_int_equal(replay_pace_next(&pace, at(600000), &until), REPLAY_SEND_LINE);
}

TEST(replay_pace, a_quiet_recording_sends_a_heartbeat_a_second)
{
    struct replay_pace pace;
    struct monotonic until = {0};
    int64_t now = 0;
    int heartbeats = 0;
    replay_pace_init(&pace, 1000, at(now));
    replay_pace_line(&pace, true, 0);
    replay_pace_sent(&pace, at(now));
    replay_pace_line(&pace, true, 4500);
    for (;;) {
        enum replay_step step = replay_pace_next(&pace, at(now), &until);
        if (step == REPLAY_SEND_LINE)
            break;
        if (step == REPLAY_SEND_HEARTBEAT) {
            heartbeats++;
            replay_pace_sent(&pace, at(now));
        } else {
            assert_true(until.us > now);
            now = until.us;
        }
    }
    assert_int_equal(now, 4500000);
    assert_int_equal(heartbeats, 4);
}

TEST(replay_pace, at_full_speed_everything_is_due)
{
    struct replay_pace pace;
    struct monotonic until = {0};
    replay_pace_init(&pace, REPLAY_SPEED_MAX, at(0));
    replay_pace_line(&pace, true, 0);
    replay_pace_line(&pace, true, INT64_C(999999999999));
    assert_int_equal(replay_pace_next(&pace, at(0), &until), REPLAY_SEND_LINE);
}

TEST(replay_pace, absurd_times_do_not_overflow)
{
    struct replay_pace pace;
    struct monotonic until = {0};
    replay_pace_init(&pace, 1, at(1000));
    replay_pace_line(&pace, true, INT64_MIN);
    replay_pace_line(&pace, true, INT64_MAX);
    assert_int_equal(pace.due.us, INT64_MAX);
    assert_int_equal(replay_pace_next(&pace, at(2000), &until), REPLAY_WAIT);
    assert_int_equal(until.us, 1001000);
}
