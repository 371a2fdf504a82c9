/* test_bet_rows.c - ledger/bet_rows.h and projected_rows.h: what a log becomes in the tables, line
 * by line. */
#include "test.h"

#include <string.h>

#include "every_type.h"
#include "ledger/bet_rows.h"

#define LINES_BYTES_MAX 16384

static struct bet_rows *rows;
static struct buf lines;

/* The record made last has been applied: called before the next is. */
static void write_rows(struct maker *maker, const struct parts *parts)
{
    size_t count = 0;
    (void)parts;
    if (shard_state_seq(maker->state) == 0)
        return;
    const struct bet_row *row = bet_rows_after(rows, &maker->view, maker->state, &count);
    for (size_t i = 0; i < count; i++) {
        buf_put_u64(&lines, row[i].seq);
        buf_printf(&lines, " %s %u.%u %s %s %lld", row[i].record, row[i].record_no, row[i].leg_no,
                   row[i].status, row[i].result == NULL ? "-" : row[i].result,
                   (long long)row[i].stake);
        buf_printf(&lines, " %lld %lld%s\n", (long long)(row[i].paid ? row[i].payout : -1),
                   (long long)row[i].cashed_out, row[i].settled_us == 0 ? "" : " settled");
    }
}

TEST(bet_rows, tell_every_record_of_a_bet_in_its_order)
{
    static struct maker maker;
    static char memory[LINES_BYTES_MAX];
    const struct shard_limits limits = MAKER_LIMITS;
    lines = buf_over(memory, sizeof memory - 1);
    assert_int_equal(bet_rows_new(&limits, &rows), 0);
    every_type(&maker, write_rows);
    write_rows(&maker, NULL);
    memory[lines.bytes] = '\0';
    assert_string_equal(memory, "9 BET 0.1 PLACED - 5000 -1 0\n"
                                "10 BET 0.1 PENDING - 5000 -1 0\n"
                                "12 RELEASE 1.1 PLACED - 5000 -1 0\n"
                                "15 SETTLE 1.1 SETTLED DEAD_HEAT 5000 5125 0 settled\n"
                                "17 REVERSE 2.1 PLACED - 5000 -1 0\n"
                                "18 SETTLE 3.1 LOST LOST 5000 0 0 settled\n"
                                "20 BET 0.1 PLACED - 5000 -1 0\n"
                                "21 CASH_OUT 1.1 PLACED - 4600 -1 379\n"
                                "22 CASH_OUT 2.1 PLACED - 4600 -1 379\n"
                                "23 CASH_OUT 3.1 PLACED - 4500 -1 473\n"
                                "28 BET 0.1 PENDING - 5000 -1 0\n"
                                "29 REFERRAL 1.1 PENDING - 5000 -1 0\n"
                                "30 REFERRAL 2.1 PENDING - 4000 -1 0\n"
                                "32 REVERSE 4.1 PLACED - 5000 -1 0\n"
                                "33 SETTLE 5.1 WON WON 5000 10500 0 settled\n"
                                "36 REVERSE 6.1 PLACED - 5000 -1 0\n");
    bet_rows_free(rows);
    maker_done(&maker);
}

static const struct bet_row plain = {
    .shard = 3,
    .seq = 17,
    .bet_id = 9007199254740993,
    .record_no = 1,
    .leg_no = 2,
    .record = "SETTLE",
    .user_id = {"ann", sizeof("ann") - 1},
    .event_id = {"e1", sizeof("e1") - 1},
    .market_id = {"1.23", sizeof("1.23") - 1},
    .selection_id = {"42", sizeof("42") - 1},
    .odds = {21, 10},
    .currency = {GBP},
    .stake = 5000,
    .payout = 10500,
    .paid = true,
    .status = "WON",
    .result = "WON",
    .created_us = 1790000000000000,
    .settled_us = 1790000001500000,
    .recorded_us = 1790000001500001,
};

static const char *line_of(const struct bet_row *row)
{
    static char memory[PROJECTED_ROW_BYTES_MAX + 1];
    struct buf out = buf_over(memory, sizeof memory - 1);
    bet_row_write(&out, row);
    assert_false(out.overflow);
    memory[out.bytes] = '\0';
    return memory;
}

TEST(bet_rows, are_written_as_a_database_would_write_them)
{
    assert_string_equal(line_of(&plain),
                        "9007199254740993\t1\t2\tann\te1\t1.23\t42\t2.10\t\\N\t50.00\tGBP\tWON\tWON"
                        "\t105.00\t0.00\t2026-09-21 14:13:20+00\t2026-09-21 14:13:21.5+00\t3\t17"
                        "\tSETTLE\t2026-09-21 14:13:21.500001+00");
    struct bet_row open = plain;
    open.paid = false;
    open.result = NULL;
    open.settled_us = 0;
    open.odds = (struct odds){21, 13};
    assert_non_null(strstr(line_of(&open), "\t1.6154\t21/13\t50.00\tGBP\tWON\t\\N\t\\N\t0.00\t"));
}

TEST(bet_rows, escape_what_would_end_a_column_and_replace_what_no_text_can_hold)
{
    struct bet_row hostile = plain;
    hostile.user_id = SLICE("a\tb\nc\\d\r\b\f\v");
    hostile.event_id = SLICE("\0x\xff\xc3\xa9\x01");
    assert_non_null(strstr(line_of(&hostile), "\ta\\tb\\nc\\\\d\\r\\b\\f\\v\t?x?\xc3\xa9\x01\t"));
}

TEST(bet_rows, fit_with_the_longest_ids)
{
    char text[MARKET_ID_BYTES_MAX];
    struct bet_row long_row = plain;
    memset(text, '\n', sizeof text);
    long_row.user_id = slice_of(text, USER_ID_BYTES_MAX);
    long_row.event_id = slice_of(text, EVENT_ID_BYTES_MAX);
    long_row.market_id = slice_of(text, MARKET_ID_BYTES_MAX);
    long_row.selection_id = slice_of(text, SELECTION_ID_BYTES_MAX);
    long_row.bet_id = long_row.seq = INT64_MAX;
    long_row.stake = long_row.payout = long_row.cashed_out = MONEY_MINOR_MAX;
    long_row.odds = (struct odds){999999999, 13};
    assert_true(strlen(line_of(&long_row)) < PROJECTED_ROW_BYTES_MAX);
}
