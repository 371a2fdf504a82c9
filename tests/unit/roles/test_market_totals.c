/* test_market_totals.c - roles/analytics/market_totals.h and roles/notification/notice.h. */
#include <stdio.h>
#include <string.h>

#include "test.h"

#include "base/error.h"
#include "roles/analytics/market_totals.h"
#include "roles/notification/notice.h"

#define COMMON "\"bet_id\":\"7\",\"user_id\":\"ann\",\"currency\":\"GBP\",\"market_id\":\"m1\""
#define SINGLE COMMON ",\"event_no\":1,\"legs_count\":1"

static struct market_totals *totals;
static char text[4096];

static void begin(void)
{
    static const uint64_t key[2] = {1, 2};
    assert_int_equal(market_totals_new(key, &totals), 0);
}

static int take(int32_t partition, const char *seq, const char *value)
{
    const struct event event = {.key = SLICE("e1"),
                                .seq = slice_text(seq),
                                .value = slice_text(value),
                                .partition = partition};
    return market_totals_take(totals, &event);
}

static int add_line(void *owner, struct slice line)
{
    size_t bytes = strlen(text);
    (void)owner;
    assert_true(bytes + line.bytes < sizeof text);
    memcpy(text + bytes, line.at, line.bytes);
    text[bytes + line.bytes] = '\0';
    return 0;
}

static const char *lines_of(int32_t partition)
{
    text[0] = '\0';
    assert_int_equal(market_totals_write(totals, partition, add_line, NULL), 0);
    return text;
}

static void has(int32_t partition, const char *line)
{
    if (strstr(lines_of(partition), line) == NULL)
        fail_msg("no %s in %s", line, text);
}

TEST(market_totals, adds_up_what_was_staked_and_paid)
{
    begin();
    assert_int_equal(take(3, "0-1", "{\"type\":\"placed\"," SINGLE ",\"stake\":5.00}"),
                     TOTALS_COUNTED);
    assert_int_equal(take(3, "0-2", "{\"type\":\"placed\"," SINGLE ",\"stake\":2.50}"),
                     TOTALS_COUNTED);
    assert_int_equal(take(3, "0-3", "{\"type\":\"settled\"," SINGLE ",\"delta\":10.00}"),
                     TOTALS_COUNTED);
    assert_int_equal(take(3, "0-4", "{\"type\":\"reversed\"," SINGLE ",\"delta\":-10.00}"),
                     TOTALS_COUNTED);
    assert_int_equal(take(3, "0-5", "{\"type\":\"cash_out\"," SINGLE ",\"delta\":1.25}"),
                     TOTALS_COUNTED);
    has(3, "{\"market_id\":\"m1\",\"currency\":\"GBP\",\"placed\":2,\"settled\":0,"
           "\"cashed_out\":1,\"stake\":7.50,\"payout\":1.25}\n");
    assert_string_equal(lines_of(2), "");
    market_totals_free(totals);
}

TEST(market_totals, counts_no_repeat)
{
    begin();
    const char *placed = "{\"type\":\"placed\"," SINGLE ",\"stake\":5.00}";
    assert_int_equal(take(3, "0-7", placed), TOTALS_COUNTED);
    assert_int_equal(take(3, "0-7", placed), TOTALS_REPEAT);
    assert_int_equal(take(3, "0-6", placed), TOTALS_REPEAT);
    assert_int_equal(take(3, "1-6", placed), TOTALS_COUNTED); /* of another shard */
    has(3, "\"placed\":2,");
    market_totals_free(totals);
}

TEST(market_totals, counts_a_bet_of_several_legs_once)
{
    begin();
    assert_int_equal(take(3, "0-7",
                          "{\"type\":\"placed\"," COMMON
                          ",\"event_no\":1,\"legs_count\":2,\"stake\":5.00}"),
                     TOTALS_COUNTED);
    assert_int_equal(take(4, "0-7",
                          "{\"type\":\"placed\"," COMMON
                          ",\"event_no\":2,\"legs_count\":2,\"stake\":5.00}"),
                     TOTALS_PASSED);
    has(3, "{\"market_id\":\"multiples\",\"currency\":\"GBP\",\"placed\":1,");
    assert_null(strstr(lines_of(4), "market_id"));
    market_totals_free(totals);
}

TEST(market_totals, is_the_same_after_it_was_written_and_read)
{
    char before[sizeof text];
    begin();
    (void)take(3, "0-7", "{\"type\":\"placed\"," SINGLE ",\"stake\":5.00}");
    (void)take(3, "0-8", "{\"type\":\"pending\"," SINGLE ",\"stake\":5.00}");
    (void)memcpy(before, lines_of(3), sizeof before);
    market_totals_forget(totals);
    assert_string_equal(lines_of(3), "");
    for (char *at = before; *at != '\0'; at = strchr(at, '\n') + 1)
        assert_int_equal(market_totals_read(totals, 3, slice_of(at, strcspn(at, "\n"))), 0);
    assert_string_equal(lines_of(3), before);
    assert_int_equal(take(3, "0-8", "{\"type\":\"placed\"," SINGLE ",\"stake\":5.00}"),
                     TOTALS_REPEAT);
    market_totals_free(totals);
}

TEST(market_totals, refuses_what_is_no_message)
{
    static const char *const values[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"type\":\"placed\"," SINGLE "}",
        "{\"type\":\"placed\"," SINGLE ",\"stake\":5.001}",
        "{\"type\":\"placed\",\"currency\":\"XXQ\",\"legs_count\":1,\"stake\":1.00}",
    };
    begin();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(take(3, "0-1", values[i]), -ERR_FORMAT);
    assert_int_equal(take(3, "x", "{\"type\":\"placed\"," SINGLE ",\"stake\":5.00}"), -ERR_FORMAT);
    assert_int_equal(market_totals_read(totals, 3, SLICE("{\"market_id\":\"m1\"}")), -ERR_FORMAT);
    assert_null(strstr(lines_of(3), "market_id"));
    market_totals_free(totals);
}

static int notice(const char *value)
{
    static char memory[NOTICE_BYTES_MAX];
    struct buf to = buf_over(memory, sizeof memory - 1);
    const struct event event = {.seq = SLICE("0-9"), .value = slice_text(value)};
    struct slice customer = SLICE_NONE;
    int result = notice_of(&event, &to, &customer);
    (void)snprintf(text, sizeof text, "%.*s", SLICE_ARG(buf_slice(&to)));
    return result;
}

TEST(notice, says_what_a_bet_came_to)
{
    assert_int_equal(notice("{\"type\":\"settled\"," SINGLE
                            ",\"outcome\":\"WON\",\"payout\":10.00,\"legs\":[{\"odds\":2}]}"),
                     NOTICE_MADE);
    assert_string_equal(text, "{\"notice\":\"settled\",\"seq\":\"0-9\",\"bet_id\":\"7\","
                              "\"user_id\":\"ann\",\"outcome\":\"WON\",\"payout\":10.00,"
                              "\"currency\":\"GBP\"}");
}

TEST(notice, is_made_once_for_each_bet_and_not_of_its_placement)
{
    assert_int_equal(notice("{\"type\":\"placed\"," SINGLE "}"), NOTICE_NONE);
    assert_int_equal(notice("{\"type\":\"settled\"," COMMON ",\"event_no\":2}"), NOTICE_NONE);
    assert_int_equal(notice("{\"type\":\"settled\"," COMMON "}"), -ERR_FORMAT);
    assert_int_equal(notice("null"), -ERR_FORMAT);
}
