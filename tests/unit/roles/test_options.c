/* test_options.c - where a value comes from, and that nothing unknown is passed over. */
#include "cli/options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static const struct option_spec specs[] = {{"config", NULL},
                                           {"listen", "here"},
                                           {"log-level", "info"},
                                           {"number", "7"},
                                           {"book", option_list}};
static const char *const known[] = {"book", "config", "listen", "log-level", "number", "speed"};

static struct options options;
static char why_text[512];

/* Arguments and variables end with NULL. */
static int read_all(char *const *argv, char *const *environment, bool arguments)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    struct buf why = buf_over(why_text, sizeof why_text - 1);
    const struct options_input input = {argc, argv, specs, 5, known, 6, environment, arguments};
    int result = options_read(&input, &options, &why);
    why_text[why.bytes] = '\0';
    return result;
}

#define TEXTS(...) ((char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

TEST(options, both_forms_and_the_fallback)
{
    assert_int_equal(read_all(TEXTS("--listen", "there"), TEXTS(), false), 0);
    assert_string_equal(options_text(&options, "listen"), "there");
    assert_string_equal(options_text(&options, "log-level"), "info");
    assert_int_equal(read_all(TEXTS("--listen=a=b"), TEXTS(), false), 0);
    assert_string_equal(options_text(&options, "listen"), "a=b");
    assert_null(options_text(&options, "config"));
}

TEST(options, what_is_unknown_is_named)
{
    static const struct {
        char *argument, *variable;
        const char *named;
    } rows[] = {
        {"--dance", NULL, "--dance"},
        {"--dance=1", NULL, "--dance"},
        {"-x", NULL, "-x"},
        {"file", NULL, "file"},
        {"--listen", NULL, "--listen"},
        {"--number=1", "OVERROUND_DANCE=1", "OVERROUND_DANCE"},
        {"--speed=1", NULL, "--speed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(read_all(TEXTS(rows[i].argument), TEXTS(rows[i].variable), false) < 0);
        if (strstr(why_text, rows[i].named) == NULL)
            fail_msg("%s: %s", rows[i].argument, why_text);
    }
}

TEST(options, an_option_is_no_value_and_comes_once)
{
    assert_true(read_all(TEXTS("--listen", "--number", "1"), TEXTS(), false) < 0);
    assert_non_null(strstr(why_text, "--listen"));
    assert_true(read_all(TEXTS("--listen", "a", "--listen", "b"), TEXTS(), false) < 0);
}

TEST(options, variables_of_other_programs_and_commands_are_passed_over)
{
    assert_int_equal(read_all(TEXTS(),
                              TEXTS("PATH=/bin", "OVERROUND_BINARY=x", "OVERROUND_SPEED=2",
                                    "OVERROUND_LOG_LEVEL=warn"),
                              false),
                     0);
    assert_string_equal(options_text(&options, "log-level"), "warn");
}

static char path[64];

static char *file_with(const char *text)
{
    (void)snprintf(path, sizeof path, "/tmp/overround-options-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

TEST(options, the_line_goes_before_the_environment_and_that_before_the_file)
{
    char *file = file_with("# a comment\n\nlisten = file\r\n  number =  3  \nlog-level=file\n"
                           "speed = 2\n");
    assert_int_equal(read_all(TEXTS("--config", file, "--listen", "line"),
                              TEXTS("OVERROUND_LISTEN=env", "OVERROUND_NUMBER=5"), false),
                     0);
    assert_string_equal(options_text(&options, "listen"), "line");
    assert_string_equal(options_text(&options, "number"), "5");
    assert_string_equal(options_text(&options, "log-level"), "file");
    unlink(file);
}

TEST(options, a_bad_line_of_the_file_is_named_with_its_number)
{
    static const struct {
        const char *text, *named;
    } rows[] = {
        {"listen = a\ndance = 1\n", ":2: unknown key dance"},
        {"listen = a\nlisten = b\n", ":2: given twice: listen"},
        {"{\"listen\": 1}\n", ":1: no `key = value`"},
        {"config = x\n", ":1: unknown key config"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *file = file_with(rows[i].text);
        assert_true(read_all(TEXTS("--config", file), TEXTS(), false) < 0);
        if (strstr(why_text, rows[i].named) == NULL)
            fail_msg("%s: %s", rows[i].text, why_text);
        unlink(file);
    }
    assert_true(read_all(TEXTS("--config", "/nowhere/at/all"), TEXTS(), false) < 0);
    assert_non_null(strstr(why_text, "/nowhere/at/all"));
}

TEST(options, arguments_keep_their_order_where_they_are_allowed)
{
    assert_int_equal(read_all(TEXTS("replay", "--listen", "x", "a", "-"), TEXTS(), true), 0);
    assert_int_equal(options.arguments_count, 3);
    assert_string_equal(options.arguments[0], "replay");
    assert_string_equal(options.arguments[2], "-");
}

TEST(options, a_number_is_within_its_range)
{
    static const struct {
        char *text;
        bool good;
    } rows[] = {{"1", true},   {"10", true},  {"0", false}, {"11", false},
                {"-1", false}, {"1x", false}, {"", false},  {"99999999999999999999", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = 0;
        struct buf why = buf_over(why_text, sizeof why_text);
        assert_int_equal(read_all(TEXTS("--number", rows[i].text), TEXTS(), false), 0);
        assert_int_equal(
            options_number(&options, "number", (struct number_range){1, 10}, &value, &why) == 0,
            rows[i].good);
    }
}

TEST(options, a_list_holds_as_much_as_its_limit_says)
{
    static char value[OPTIONS_LIST_BYTES_MAX / 16];
    char *argv[2 * 17 + 1] = {NULL};
    memset(value, 'x', sizeof value - 1);
    for (size_t i = 0; i < 16; i++) {
        argv[2 * i] = "--book";
        argv[2 * i + 1] = value;
    }
    assert_int_equal(read_all(argv, TEXTS(), false), 0);
    assert_int_equal(strlen(options_text(&options, "book")), OPTIONS_LIST_BYTES_MAX - 1);
    argv[32] = "--book";
    argv[33] = "y";
    assert_true(read_all(argv, TEXTS(), false) < 0);
}

TEST(options, a_number_may_be_below_nothing_where_its_range_is)
{
    static const struct {
        char *text;
        bool good;
        int64_t value;
    } rows[] = {{"-5", true, -5},  {"5", true, 5},    {"-0", true, 0},
                {"-6", false, 9},  {"6", false, 9},   {"-", false, 9},
                {"--1", false, 9}, {"-1-", false, 9}, {"+1", false, 9}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char given[32];
        int64_t value = 9;
        struct buf why = buf_over(why_text, sizeof why_text);
        (void)snprintf(given, sizeof given, "--number=%s", rows[i].text);
        assert_int_equal(read_all(TEXTS(given), TEXTS(), false), 0);
        assert_int_equal(
            options_number(&options, "number", (struct number_range){-5, 5}, &value, &why) == 0,
            rows[i].good);
        assert_int_equal(value, rows[i].value);
    }
}
