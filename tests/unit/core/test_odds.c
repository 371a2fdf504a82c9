/* test_odds.c - prices as exact fractions (core/odds.h; BETTING-RULES 4, 4.6, 4.10). */
#include "test.h"

#include "base/error.h"
#include "base/prng.h"
#include "core/odds.h"
#include "slow.h"

TEST(odds, are_kept_in_lowest_terms_and_within_their_limits)
{
    static const struct {
        const char *name;
        uint64_t numerator, denominator;
        bool made;
        struct odds odds;
    } rows[] = {
        {"2.10", 210, 100, true, {21, 10}},
        {"4.10: moneyline -110 is 21/11", 210, 110, true, {21, 11}},
        {"8/13", 21, 13, true, {21, 13}},
        {"the highest price", 100000, 1, true, {100000, 1}},
        {"the lowest price",
         ODDS_TERM_MAX,
         ODDS_TERM_MAX - 1,
         true,
         {ODDS_TERM_MAX, ODDS_TERM_MAX - 1}},
        {"large terms that reduce", UINT64_MAX - 1, UINT64_MAX / 2, true, {2, 1}},
        {"above the highest price", 100001, 1, false, ODDS_NONE},
        {"just above the highest price", 1000000000, 9999, false, ODDS_NONE},
        {"just below the highest price", 999900000, 10000, true, {99990, 1}},
        {"a term too large", ODDS_TERM_MAX + 1, ODDS_TERM_MAX, false, ODDS_NONE},
        {"a price of one", 7, 7, false, ODDS_NONE},
        {"a price below one", 6, 7, false, ODDS_NONE},
        {"nothing", 0, 1, false, ODDS_NONE},
        {"no denominator", 1, 0, false, ODDS_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct odds odds = ODDS_NONE;
        bool made = odds_make(rows[i].numerator, rows[i].denominator, &odds);
        if (made != rows[i].made || !odds_equal(odds, rows[i].odds))
            fail_msg("%s: %u/%u", rows[i].name, odds.numerator, odds.denominator);
    }
}

TEST(odds, of_a_multiple_are_the_exact_product_where_that_is_a_price)
{
    static const struct {
        const char *name;
        struct odds a, b, product;
    } rows[] = {
        {"two decimals", {21, 10}, {7, 2}, {147, 20}},
        {"what cancels", {21, 13}, {13, 7}, {3, 1}},
        {"the highest", {100000, 1}, {1000000000, 999999999}, ODDS_NONE},
        {"exactly the highest", {50000, 1}, {2, 1}, {100000, 1}},
        {"terms too large", {1000000000, 999999999}, {1000000000, 999999997}, ODDS_NONE},
        {"of none", ODDS_NONE, {2, 1}, ODDS_NONE},
        {"by none", {2, 1}, ODDS_NONE, ODDS_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct odds total = rows[i].a;
        bool made = odds_multiply(&total, rows[i].b);
        if (made != odds_present(rows[i].product) || !odds_equal(total, rows[i].product))
            fail_msg("%s: %u/%u", rows[i].name, total.numerator, total.denominator);
    }
}

struct parse_row {
    const char *text;
    int result;
    struct odds odds;
};

static void check_parse(const struct parse_row *rows, size_t count,
                        int (*parse)(struct slice text, struct odds *ret))
{
    for (size_t i = 0; i < count; i++) {
        struct odds odds = {77, 7};
        int result = parse(slice_text(rows[i].text), &odds);
        struct odds expected = rows[i].result == 0 ? rows[i].odds : (struct odds){77, 7};
        if (result != rows[i].result || !odds_equal(odds, expected))
            fail_msg("'%s': %d, %u/%u", rows[i].text, result, odds.numerator, odds.denominator);
    }
}

TEST(odds, are_read_from_a_decimal_of_four_places)
{
    static const struct parse_row rows[] = {
        {"2.10", 0, {21, 10}},
        {"2", 0, {2, 1}},
        {"1.01", 0, {101, 100}},
        {"1000", 0, {1000, 1}},
        {"1.6154", 0, {8077, 5000}},
        {"1.0001", 0, {10001, 10000}},
        {"7.2068", 0, {18017, 2500}}, /* 4.3: 8.6 with a factor of 16.2 % */
        {"2.015", 0, {403, 200}},
        {"2.100000", 0, {21, 10}},
        {"100000.0000", 0, {100000, 1}},
        {"1e5", 0, {100000, 1}},
        {"100000.0001", -ERR_LIMIT, ODDS_NONE},
        {"1.00005", -ERR_LIMIT, ODDS_NONE},
        {"1.0000", -ERR_LIMIT, ODDS_NONE}, /* MTS begins here; a price that pays nothing */
        {"0.5", -ERR_LIMIT, ODDS_NONE},
        {"0", -ERR_LIMIT, ODDS_NONE},
        {"-2.10", -ERR_LIMIT, ODDS_NONE},
        {"922337203685477.5807", -ERR_LIMIT, ODDS_NONE},
        {"9223372036854775807", -ERR_LIMIT, ODDS_NONE},
        {"", -ERR_FORMAT, ODDS_NONE},
        {"2,10", -ERR_FORMAT, ODDS_NONE},
        {"21/10", -ERR_FORMAT, ODDS_NONE},
        {" 2.10", -ERR_FORMAT, ODDS_NONE},
    };
    check_parse(rows, sizeof rows / sizeof *rows, odds_parse_decimal);
}

TEST(odds, are_read_from_an_exact_fraction)
{
    static const struct parse_row rows[] = {
        {"21/13", 0, {21, 13}},
        {"42/26", 0, {21, 13}},
        {"100000/1", 0, {100000, 1}},
        {"1000000000/999999999", 0, {1000000000, 999999999}},
        {"420000000000000000/200000000000000000", 0, {21, 10}},
        {"4200000000000000000/2000000000000000000", -ERR_LIMIT, ODDS_NONE},
        {"3/2000000000000000000", -ERR_LIMIT, ODDS_NONE},
        {"2100000000000000000/100000000000000000", -ERR_LIMIT, ODDS_NONE}, /* 19 and 18 digits */
        {"900000000000000000/1000000000000000000", -ERR_LIMIT, ODDS_NONE},
        {"1000000001/1000000000", -ERR_LIMIT, ODDS_NONE},
        {"100001/1", -ERR_LIMIT, ODDS_NONE},
        {"13/21", -ERR_LIMIT, ODDS_NONE},
        {"13/13", -ERR_LIMIT, ODDS_NONE},
        {"", -ERR_FORMAT, ODDS_NONE},
        {"/", -ERR_FORMAT, ODDS_NONE},
        {"21", -ERR_FORMAT, ODDS_NONE},
        {"21/", -ERR_FORMAT, ODDS_NONE},
        {"/13", -ERR_FORMAT, ODDS_NONE},
        {"21:13", -ERR_FORMAT, ODDS_NONE},
        {"21/13 ", -ERR_FORMAT, ODDS_NONE},
        {"21/13/1", -ERR_FORMAT, ODDS_NONE},
        {"+21/13", -ERR_FORMAT, ODDS_NONE},
        {"-21/13", -ERR_FORMAT, ODDS_NONE},
        {"021/13", -ERR_FORMAT, ODDS_NONE},
        {"21/013", -ERR_FORMAT, ODDS_NONE},
        {"21/0", -ERR_FORMAT, ODDS_NONE},
        {"2.1/1", -ERR_FORMAT, ODDS_NONE},
    };
    check_parse(rows, sizeof rows / sizeof *rows, odds_parse_exact);
    assert_int_equal(odds_parse_exact(SLICE_NONE, &(struct odds){0, 0}), -ERR_FORMAT);
}

TEST(odds, know_whether_four_places_say_them_exactly)
{
    assert_true(odds_is_decimal((struct odds){21, 10}));
    assert_true(odds_is_decimal((struct odds){10001, 10000}));
    assert_true(odds_is_decimal((struct odds){33, 16})); /* 2.0625 */
    assert_true(odds_is_decimal((struct odds){100000, 1}));
    assert_false(odds_is_decimal((struct odds){65, 32})); /* 2.03125 */
    assert_false(odds_is_decimal((struct odds){21, 13}));
    assert_false(odds_is_decimal((struct odds){21, 11}));
}

/* Small terms meet often, large ones use every bit. */
static struct odds any_odds(struct prng *prng)
{
    struct odds odds;
    uint64_t most = prng_below(prng, 2) ? 12 : ODDS_TERM_MAX;
    while (!odds_make(prng_below(prng, most) + 1, prng_below(prng, most) + 1, &odds))
        ;
    return odds;
}

TEST(odds, compare_as_the_numbers_they_are)
{
    assert_int_equal(odds_compare((struct odds){21, 13}, (struct odds){8077, 5000}), -1);
    assert_int_equal(odds_compare((struct odds){8077, 5000}, (struct odds){21, 13}), 1);
    assert_int_equal(odds_compare((struct odds){21, 10}, (struct odds){21, 10}), 0);
    assert_int_equal(
        odds_compare((struct odds){1000000000, 999999999}, (struct odds){999999999, 999999998}),
        -1); /* they differ by 10^-18 */
}

TEST(odds, are_in_total_order)
{
    struct prng prng;
    prng_seed(&prng, 46);
    for (int i = 0; i < 100000; i++) {
        struct odds a = any_odds(&prng);
        struct odds b = any_odds(&prng);
        struct odds c = any_odds(&prng);
        int ab = odds_compare(a, b);
        assert_int_equal(odds_compare(a, a), 0);
        assert_int_equal(ab, -odds_compare(b, a));
        assert_int_equal(ab == 0, odds_equal(a, b)); /* lowest terms: one form per price */
        if (ab <= 0 && odds_compare(b, c) <= 0)
            assert_true(odds_compare(a, c) <= 0);
        if (i % 50 == 0)
            assert_int_equal(
                ab, slow_compare(slow_multiply(slow_of(a.numerator), slow_of(b.denominator)),
                                 slow_multiply(slow_of(b.numerator), slow_of(a.denominator))));
    }
}

TEST(odds, within_is_relative_and_one_sided)
{
    static const struct {
        const char *name;
        struct odds current, asked;
        uint32_t tolerance;
        bool accepted;
    } rows[] = {
        {"4.6: current*100 >= requested*(100-t)", {19, 10}, {2, 1}, 500, true},
        {"4.6: a hair below", {18999, 10000}, {2, 1}, 500, false},
        {"DESIGN 6.1: any improvement", {100000, 1}, {101, 100}, 0, true},
        {"equal with no tolerance", {21, 10}, {21, 10}, 0, true},
        {"worse with no tolerance", {20999, 10000}, {21, 10}, 0, false},
        {"relative to what was asked", {95, 1}, {100, 1}, 500, true},
        {"not to the current one", {9499, 100}, {100, 1}, 500, false},
        {"all of it", {101, 100}, {100000, 1}, 10000, true},
        {"more than all of it", {101, 100}, {100000, 1}, UINT32_MAX, true},
        {"all but a part", {101, 100}, {100000, 1}, 9999, false},
        {"the longest terms", {1000000000, 999999999}, {999999999, 999999998}, 1, true},
        {"the longest terms, none", {1000000000, 999999999}, {999999999, 999999998}, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (odds_within(rows[i].current, rows[i].asked, rows[i].tolerance) != rows[i].accepted)
            fail_msg("%s", rows[i].name);
}

TEST(odds, within_is_monotone)
{
    struct prng prng;
    prng_seed(&prng, 61);
    for (int i = 0; i < 100000; i++) {
        struct odds asked = any_odds(&prng);
        struct odds current = any_odds(&prng);
        struct odds other = any_odds(&prng);
        uint32_t tolerance = (uint32_t)prng_below(&prng, 10001);
        bool accepted = odds_within(current, asked, tolerance);
        if (odds_compare(current, asked) >= 0)
            assert_true(accepted);
        if (tolerance == 0)
            assert_int_equal(accepted, odds_compare(current, asked) >= 0);
        if (accepted) { /* a better price, a modester wish and more patience keep it so */
            assert_true(odds_within(current, asked, tolerance + 1));
            if (odds_compare(other, current) >= 0)
                assert_true(odds_within(other, asked, tolerance));
            if (odds_compare(other, asked) <= 0)
                assert_true(odds_within(current, other, tolerance));
        }
    }
}

TEST(odds, that_are_absent_cannot_be_compared)
{
    struct odds evens = {2, 1};
    expect_assert_failure(odds_compare(ODDS_NONE, evens));
    expect_assert_failure(odds_compare(evens, ODDS_NONE));
    expect_assert_failure(odds_within(ODDS_NONE, evens, 0));
    expect_assert_failure(odds_within(evens, ODDS_NONE, 0));
    expect_assert_failure(odds_is_decimal(ODDS_NONE));
}
