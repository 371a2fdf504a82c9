/* test_bet_explain.c - a settlement in sentences: every kind of result, and what rounding cut. */
#include "roles/bet/bet_explain.h"

#include <string.h>

#include "test.h"

static const char *explain(int64_t stake, struct odds odds, struct leg_result result,
                           enum rounding rounding)
{
    static char memory[16 * 1024];
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct currency gbp = {826};
    struct record_settle settle = {
        .stake = stake,
        .payout = settle_single(money_of(stake, gbp), odds, result, rounding).minor,
        .balance_after = 12345,
        .settlement = 1,
        .currency = gbp.iso,
        .rounding = (uint8_t)rounding,
        .result_seq = 7,
    };
    const struct record_settled_leg leg = {
        .market = 1,
        .flags = SETTLED_BANKER,
        .odds_numerator = odds.numerator,
        .odds_denominator = odds.denominator,
        .win = record_factors_of(result),
    };
    const struct record_head head = {.type = RECORD_SETTLE, .seq = 8, .items_count = 1};
    const struct record_view view = {.head = &head, .body = &settle, .items = &leg};
    struct json_writer writer = json_write_begin(&out);
    json_write_array_open(&writer);
    bet_explain_settlement(&writer, &view, 0);
    json_write_array_close(&writer);
    assert_false(out.overflow);
    memory[out.bytes] = '\0';
    return memory;
}

TEST(bet_explain, tells_each_kind_of_result)
{
    static const struct {
        struct leg_result result;
        const char *says, *sum;
    } rows[] = {
        {LEG_WON, "won: the stake is multiplied", "10.00 GBP x 2.10 = 21.00 GBP."},
        {LEG_LOST, "lost: nothing is returned", "10.00 GBP x 0 = 0.00 GBP."},
        {LEG_VOID, "void: the stake is returned", "10.00 GBP x 1 = 10.00 GBP."},
        {LEG_HALF_WON, "half won", "10.00 GBP x (1/2 + 1/2 x 2.10) = 15.50 GBP."},
        {LEG_HALF_LOST, "half lost", "10.00 GBP x 1/2 = 5.00 GBP."},
        {{true, 0, 1, 2}, "dead heat factor is 1/2", "10.00 GBP x 1/2 x 2.10 = 10.50 GBP."},
        {{true, 1, 1, 2},
         "Half of the stake is void",
         "10.00 GBP x (1/2 + 1/2 x 1/2 x 2.10) = 10.25 GBP."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = explain(1000, (struct odds){21, 10}, rows[i].result, ROUND_DOWN);
        if (strstr(text, rows[i].says) == NULL || strstr(text, rows[i].sum) == NULL)
            fail_msg("%s", text);
    }
}

TEST(bet_explain, shows_what_was_rounded_and_how)
{
    struct odds odds = {21, 13};
    assert_non_null(strstr(explain(1000, odds, LEG_WON, ROUND_DOWN),
                           "10.00 GBP x 21/13 = 16.153846.., rounded down to 16.15 GBP."));
    assert_non_null(strstr(explain(1000, odds, LEG_WON, ROUND_DOWN), "1.6154 (exactly 21/13)"));
    assert_non_null(strstr(explain(1333, odds, LEG_WON, ROUND_HALF_UP), "rounded half up to"));
    assert_null(strstr(explain(1300, odds, LEG_WON, ROUND_DOWN), "rounded"));
}

TEST(bet_explain, names_the_records_that_it_follows_from)
{
    const char *text = explain(1000, (struct odds){2, 1}, LEG_WON, ROUND_DOWN);
    assert_non_null(strstr(text, "Settlement 1, ledger record 0-8, follows from the result in "
                                 "record 0-7; the balance was then 123.45 GBP."));
}

TEST(bet_explain, the_largest_stake_fits)
{
    const char *text = explain(MONEY_MINOR_MAX - 1, (struct odds){1000000000, 999999999},
                               (struct leg_result){true, 1, 9999, 10000}, ROUND_DOWN);
    assert_non_null(strstr(text, "9999999999999.99 GBP x (1/2 + 1/2 x 9999/10000"));
}
