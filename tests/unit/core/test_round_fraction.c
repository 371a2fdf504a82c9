/* test_round_fraction.c - the one rounding of a bet (core/money.h; BETTING-RULES 4). */
#include "test.h"

#include "base/prng.h"
#include "core/money.h"
#include "slow.h"

TEST(round_fraction, rounds_as_the_mode_says)
{
    static const struct {
        const char *name;
        uint64_t numerator, denominator;
        int64_t down, half_up, half_even;
    } rows[] = {
        {"nothing", 0, 7, 0, 0, 0},
        {"whole numbers stay", 14, 7, 2, 2, 2},
        {"below a half", 249, 100, 2, 2, 2},
        {"a half after an even digit", 250, 100, 2, 3, 2},
        {"a half after an odd digit", 350, 100, 3, 4, 4},
        {"above a half", 251, 100, 2, 3, 3},
        {"a half of nothing", 1, 2, 0, 1, 0},
        {"one and a half", 3, 2, 1, 2, 2},
        {"thirds have no half", 2, 3, 0, 1, 1},
        {"4: GBP 3.50 x 65 % = 2.275, Betfair shows 2.28", 350 * 65, 100, 227, 228, 228},
        {"4.4: 10 e/w @ 7/4, 1/4: 41.875 -> 41.88", 41875, 10, 4187, 4188, 4188},
        {"4.4: placed only, Rule 4 35p: 12.275", 12275, 10, 1227, 1228, 1228},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t down = round_fraction(rows[i].numerator, rows[i].denominator, ROUND_DOWN);
        int64_t half_up = round_fraction(rows[i].numerator, rows[i].denominator, ROUND_HALF_UP);
        int64_t half_even = round_fraction(rows[i].numerator, rows[i].denominator, ROUND_HALF_EVEN);
        if (down != rows[i].down || half_up != rows[i].half_up || half_even != rows[i].half_even)
            fail_msg("%s: %jd %jd %jd", rows[i].name, (intmax_t)down, (intmax_t)half_up,
                     (intmax_t)half_even);
    }
}

TEST(round_fraction, reaches_both_ends_of_its_range)
{
    unsigned __int128 highest = ~(unsigned __int128)0;
    assert_int_equal(round_fraction(INT64_MAX, 1, ROUND_HALF_UP), INT64_MAX);
    assert_int_equal(round_fraction(highest, highest, ROUND_HALF_UP), 1);
    assert_int_equal(round_fraction(highest - 1, highest, ROUND_DOWN), 0);
    assert_int_equal(round_fraction(highest - 1, highest, ROUND_HALF_EVEN), 1);
    assert_int_equal(round_fraction(highest / 2, highest, ROUND_HALF_UP), 0);
    assert_int_equal(round_fraction(highest / 2 + 1, highest, ROUND_HALF_UP), 1);
}

TEST(round_fraction, stops_at_a_mistake)
{
    unsigned __int128 over = (unsigned __int128)INT64_MAX + 1;
    expect_assert_failure(round_fraction(1, 0, ROUND_DOWN));
    expect_assert_failure(round_fraction(over, 1, ROUND_DOWN));
    expect_assert_failure(round_fraction(over * 2 - 1, 2, ROUND_HALF_UP));
    expect_assert_failure(round_fraction(1, 2, (enum rounding)0));
}

/* A number of up to `bits` bits, every length as likely as another. */
static uint64_t any_bits(struct prng *prng, uint64_t bits)
{
    return prng_next(prng) >> (64 - 1 - prng_below(prng, bits));
}

/* numerator = whole * denominator + rest; a third of them at a half, one below or one above it,
 * where random numbers hardly ever fall. */
TEST(round_fraction, agrees_with_paper_and_pencil)
{
    struct prng prng;
    prng_seed(&prng, 41);
    for (int i = 0; i < 20000; i++) {
        enum rounding mode = (enum rounding)(ROUND_DOWN + prng_below(&prng, 3));
        uint64_t whole = any_bits(&prng, 62);
        uint64_t denominator = any_bits(&prng, 62) + 3;
        uint64_t rest = i % 3 == 0 ? denominator / 2 - 1 + prng_below(&prng, 3)
                                   : prng_below(&prng, denominator);
        int64_t fast =
            round_fraction((unsigned __int128)whole * denominator + rest, denominator, mode);
        struct slow numerator =
            slow_add(slow_multiply(slow_of(whole), slow_of(denominator)), slow_of(rest));
        struct slow expected = slow_divide(numerator, slow_of(denominator), mode);
        if (slow_compare(slow_of((uint64_t)fast), expected) != 0)
            fail_msg("step %d, mode %d: %jd", i, (int)mode, (intmax_t)fast);
    }
}
