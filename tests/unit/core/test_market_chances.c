/* test_market_chances.c - the margin taken out of a market's prices (core/market_chances.h). */
#include "test.h"

#include "core/market_chances.h"

static uint64_t book_of(const struct odds *prices, size_t count)
{
    uint64_t book = 0;
    for (size_t i = 0; i < count; i++)
        book += chances_inverse(prices[i]);
    return book;
}

TEST(market_chances, a_book_without_a_margin_is_its_chances)
{
    const struct odds even[] = {{2, 1}, {2, 1}}, thirds[] = {{3, 1}, {3, 1}, {3, 1}};
    assert_int_equal(chances_of(even[0], book_of(even, 2)), CHANCE_WHOLE / 2);
    assert_int_equal(chances_of(thirds[0], book_of(thirds, 3)), 333333333);
}

/* 1.90 / 1.90 is a book of 105.26 %: each has a half, not 52.6 %. */
TEST(market_chances, the_margin_is_taken_out_in_proportion)
{
    const struct odds pair[] = {{19, 10}, {19, 10}};
    assert_int_equal(chances_of(pair[0], book_of(pair, 2)), CHANCE_WHOLE / 2);
    const struct odds three[] = {{3, 2}, {4, 1}, {6, 1}}; /* 8/12 + 3/12 + 2/12 = 13/12 */
    uint64_t book = book_of(three, 3);
    assert_in_range(chances_of(three[0], book), 615384613, 615384616); /* 8/13 */
    assert_in_range(chances_of(three[1], book), 230769229, 230769231);
    assert_in_range(chances_of(three[2], book), 153846152, 153846154);
}

TEST(market_chances, prices_that_leave_a_selection_out_raise_nobody)
{
    const struct odds two[] = {{4, 1}, {4, 1}};
    assert_int_equal(chances_of(two[0], book_of(two, 2)), CHANCE_WHOLE / 4);
}

TEST(market_chances, a_book_of_several_winners_says_none)
{
    const struct odds places[] = {{5, 4}, {5, 4}, {5, 4}}; /* 240 % */
    assert_int_equal(chances_of(places[0], book_of(places, 3)), 0);
    assert_int_equal(chances_of((struct odds){2, 1}, CHANCES_BOOK_MAX), CHANCE_WHOLE / 4);
    assert_int_equal(chances_of((struct odds){2, 1}, CHANCES_BOOK_MAX + 1), 0);
    assert_int_equal(chances_of((struct odds){2, 1}, CHANCES_BOOK_WHOLE / 2 - 1), 0);
}

/* All of a market's chances are never more than the whole, and never above what a price says. */
TEST(market_chances, never_say_more_than_the_prices)
{
    for (uint32_t seed = 1; seed < 3000; seed++) {
        struct odds prices[40];
        size_t count = 2 + seed % 39;
        uint64_t sum = 0, random = seed;
        for (size_t i = 0; i < count; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            uint32_t denominator = 1 + (uint32_t)(random >> 33) % 1000;
            prices[i] =
                (struct odds){denominator + 1 + (uint32_t)(random >> 40) % 90000, denominator};
        }
        uint64_t book = book_of(prices, count);
        for (size_t i = 0; i < count; i++) {
            uint32_t chance = chances_of(prices[i], book);
            assert_true((uint64_t)chance * prices[i].numerator <=
                        (uint64_t)CHANCE_WHOLE * prices[i].denominator);
            sum += chance;
        }
        assert_true(sum <= CHANCE_WHOLE);
    }
}

TEST(market_chances, kinds_that_return_stakes_have_none)
{
    static const char *const none[] = {"asian_handicap", "ASIAN_HANDICAP",   "Draw_No_Bet",
                                       "total",          "TEAM_TOTAL_GOALS", "handicap"};
    static const char *const some[] = {"1x2", "MATCH_ODDS", "WIN", "OVER_UNDER_25", "", "asia"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(chances_kind(slice_text(none[i])));
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_true(chances_kind(slice_text(some[i])));
}
