/* test_odds_line.c - lines of the feed, as the naive book takes them. */
#include "naive/odds_feed.h"

#include "test.h"

static char memory[4096];
static struct settlement_order order;

static bool take(const char *text, struct odds_line *ret)
{
    struct buf selections = buf_over(memory, sizeof memory);
    *ret = (struct odds_line){.kind = ODDS_LINE_OTHER};
    return odds_line_read(slice_text(text), &selections, &order, ret);
}

TEST(odds_line, keeps_of_a_market_what_the_table_holds)
{
    struct odds_line line;
    assert_true(
        take("{\"selections\":[{\"id\":\"h\",\"name\":\"Home\",\"odds\":2.10,\"chances\":{}},"
             "{\"id\":\"a\"},{\"id\":\"r\",\"status\":\"removed\"}],\"market_id\":\"m\","
             "\"status\":\"active\",\"op\":\"market\",\"score\":[1,0]}",
             &line));
    assert_int_equal(line.kind, ODDS_LINE_MARKET);
    assert_string_equal(line.market, "m");
    assert_string_equal(line.status, "active");
    assert_string_equal(memory,
                        "[{\"id\":\"h\",\"name\":\"Home\",\"odds\":2.10,\"status\":\"active\"},"
                        "{\"id\":\"a\",\"name\":\"\",\"odds\":null,\"status\":\"suspended\"},"
                        "{\"id\":\"r\",\"name\":\"\",\"odds\":null,\"status\":\"removed\"}]");
}

TEST(odds_line, keeps_of_a_result_who_won)
{
    struct odds_line line;
    assert_true(take("{\"op\":\"result\",\"market_id\":\"m\",\"result_version\":1,\"selections\":["
                     "{\"selection_id\":\"h\",\"result\":\"WON\"},"
                     "{\"selection_id\":\"o\",\"result\":\"OPEN\"},"
                     "{\"selection_id\":\"a\",\"result\":\"VOID\",\"reason\":\"x\"}]}",
                     &line));
    assert_int_equal(line.kind, ODDS_LINE_RESULT);
    assert_string_equal(order.market, "m");
    assert_int_equal(order.count, 2);
    assert_string_equal(order.rows[0].selection, "h");
    assert_int_equal(order.rows[0].result, SLIP_WON);
    assert_int_equal(order.rows[1].result, SLIP_VOID);
}

TEST(odds_line, refuses_what_it_cannot_keep_whole)
{
    static const char *const rows[] = {
        "",
        "{}",
        "{\"op\":\"market\"}",
        "{\"op\":\"market\",\"market_id\":\"m\",\"status\":\"active\"}",
        "{\"op\":\"market\",\"market_id\":\"m\",\"status\":\"active\",\"selections\":[{}]}",
        "{\"op\":\"market\",\"market_id\":\"m\",\"status\":\"active\",\"selections\":"
        "[{\"id\":\"h\",\"odds\":0.5}]}",
        "{\"op\":\"market\",\"market_id\":\"a\\u0000\",\"status\":\"active\",\"selections\":[]}",
        "{\"op\":\"result\",\"market_id\":\"m\",\"selections\":[]}",
        "{\"op\":\"result\",\"market_id\":\"m\",\"selections\":"
        "[{\"selection_id\":\"h\",\"result\":\"HALF_WON\"}]}",
        "{\"op\":\"removed\"}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct odds_line line;
        assert_false(take(rows[i], &line));
    }
}

TEST(odds_line, reads_over_what_says_nothing_to_it)
{
    struct odds_line line;
    assert_true(take("{\"op\":\"heartbeat\"}", &line));
    assert_int_equal(line.kind, ODDS_LINE_OTHER);
    assert_true(take("{\"op\":\"removed\",\"market_id\":\"m\"}", &line));
    assert_string_equal(line.status, "closed");
}
