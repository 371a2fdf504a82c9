/* test_odds_write.c - the written forms of a price (core/odds.h; BETTING-RULES 4.10, CONTRACT). */
#include "test.h"

#include "base/prng.h"
#include "core/odds.h"

static const char *written(struct odds odds, enum odds_format format)
{
    static char memory[64];
    struct buf buf = buf_over(memory, sizeof memory - 1);
    odds_write(&buf, odds, format);
    assert_false(buf.overflow);
    memory[buf.bytes] = '\0';
    return memory;
}

TEST(odds_write, writes_the_six_formats)
{
    static const struct {
        const char *name;
        struct odds odds;
        const char *form[6];
    } rows[] = {
        {"4.10: 1.50", {3, 2}, {"1.50", "1/2", "-200", "0.50", "0.50", "-2.00"}},
        {"4.10: 2.00", {2, 1}, {"2.00", "1/1", "+100", "1.00", "1.00", "1.00"}},
        {"4.10: 2.50", {5, 2}, {"2.50", "3/2", "+150", "1.50", "-0.67", "1.50"}},
        {"4.10: 3.00", {3, 1}, {"3.00", "2/1", "+200", "2.00", "-0.50", "2.00"}},
        {"4.10: -110 = 21/11", {21, 11}, {"1.9091", "10/11", "-110", "0.91", "0.91", "-1.10"}},
        {"4.10: 1.67 is not 2/3", {167, 100}, {"1.67", "67/100", "-149", "0.67", "0.67", "-1.49"}},
        {"4.10: 2/3 is 1.6667", {5, 3}, {"1.6667", "2/3", "-150", "0.67", "0.67", "-1.50"}},
        {"8/13", {21, 13}, {"1.6154", "8/13", "-163", "0.62", "0.62", "-1.63"}},
        {"1.01", {101, 100}, {"1.01", "1/100", "-10000", "0.01", "0.01", "-100.00"}},
        {"1000", {1000, 1}, {"1000.00", "999/1", "+99900", "999.00", "-0.00", "999.00"}},
        {"2.10", {21, 10}, {"2.10", "11/10", "+110", "1.10", "-0.91", "1.10"}},
        {"3.375", {27, 8}, {"3.375", "19/8", "+238", "2.38", "-0.42", "2.38"}},
        {"1.0001", {10001, 10000}, {"1.0001", "1/10000", "-1000000", "0.00", "0.00", "-10000.00"}},
        {"the highest",
         {100000, 1},
         {"100000.00", "99999/1", "+9999900", "99999.00", "-0.00", "99999.00"}},
        {"the lowest",
         {1000000000, 999999999},
         {"1.00", "1/999999999", "-99999999900", "0.00", "0.00", "-999999999.00"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int format = ODDS_DECIMAL; format <= ODDS_INDONESIAN; format++) {
            const char *expected = rows[i].form[format - ODDS_DECIMAL];
            const char *text = written(rows[i].odds, (enum odds_format)format);
            if (strcmp(text, expected) != 0)
                fail_msg("%s, format %d: %s, not %s", rows[i].name, format, text, expected);
        }
}

TEST(odds_write, decimal_has_two_to_four_places_and_rounds_half_up)
{
    static const struct {
        struct odds odds;
        const char *text;
    } rows[] = {
        {{18017, 2500}, "7.2068"},
        {{2067, 1000}, "2.067"},
        {{33, 16}, "2.0625"},
        {{65, 32}, "2.0313"}, /* 2.03125 */
        {{20003, 10000}, "2.0003"},
        {{10, 1}, "10.00"},
        {{21, 2}, "10.50"},
        {{40001, 20000}, "2.0001"}, /* 2.00005: half up */
        {{300000000, 299999999}, "1.00"},
        {{199999, 100000}, "2.00"}, /* 1.99999 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(written(rows[i].odds, ODDS_DECIMAL), rows[i].text);
}

TEST(odds_write, what_is_written_reads_back_as_the_same_price)
{
    struct prng prng;
    prng_seed(&prng, 410);
    for (int i = 0; i < 20000; i++) {
        struct odds odds;
        if (!odds_make(prng_below(&prng, ODDS_TERM_MAX) + 1, prng_below(&prng, 20000) + 1, &odds))
            continue;
        char memory[64];
        struct buf buf = buf_over(memory, sizeof memory);
        struct odds again = ODDS_NONE;
        odds_write_exact(&buf, odds);
        assert_int_equal(odds_parse_exact(buf_slice(&buf), &again), 0);
        assert_true(odds_equal(again, odds));

        struct slice decimal = slice_text(written(odds, ODDS_DECIMAL));
        int result = odds_parse_decimal(decimal, &again);
        if (odds_is_decimal(odds))
            assert_true(result == 0 && odds_equal(again, odds));
        else /* or `odds` alone would have said it */
            assert_false(result == 0 && odds_equal(again, odds));
    }
}

TEST(odds_write, stops_at_a_mistake)
{
    char memory[8];
    struct buf buf = buf_over(memory, sizeof memory);
    expect_assert_failure(odds_write(&buf, ODDS_NONE, ODDS_MALAY));
    expect_assert_failure(odds_write_decimal(&buf, ODDS_NONE));
    expect_assert_failure(odds_write_exact(&buf, ODDS_NONE));
    expect_assert_failure(odds_write(&buf, (struct odds){2, 1}, (enum odds_format)0));
}
