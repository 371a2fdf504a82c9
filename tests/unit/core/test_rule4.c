/* test_rule4.c - Tattersalls Rule 4(c) (core/rule4.h; BETTING-RULES 4.3). */
#include "test.h"

#include "core/rule4.h"

static struct odds price(uint64_t numerator, uint64_t denominator)
{
    struct odds odds;
    assert_true(odds_make(numerator, denominator, &odds));
    return odds;
}

/* 4.3: both columns, each row by its first and its last price, in hundredths for decimals. */
static const struct {
    uint32_t pence;
    struct {
        uint32_t against, on; /* 9/4 */
    } shortest, longest;
    uint32_t decimal_least, decimal_most;
} rows[] = {
    {90, {1, 1000}, {1, 9}, 101, 112}, {85, {2, 17}, {2, 11}, 113, 119},
    {80, {1, 5}, {1, 4}, 120, 127},    {75, {2, 7}, {3, 10}, 128, 133},
    {70, {1, 3}, {2, 5}, 134, 144},    {65, {4, 9}, {8, 15}, 145, 157},
    {60, {4, 7}, {8, 13}, 158, 166},   {55, {4, 6}, {4, 5}, 167, 183},
    {50, {5, 6}, {20, 21}, 184, 199},  {45, {1, 1}, {6, 5}, 200, 224},
    {40, {5, 4}, {6, 4}, 225, 259},    {35, {8, 5}, {7, 4}, 260, 279},
    {30, {9, 5}, {9, 4}, 280, 339},    {25, {12, 5}, {3, 1}, 340, 419},
    {20, {16, 5}, {4, 1}, 420, 540},   {15, {9, 2}, {11, 2}, 550, 699},
    {10, {6, 1}, {9, 1}, 700, 1099},   {5, {10, 1}, {14, 1}, 1100, 1500},
};

#define ROWS (sizeof rows / sizeof *rows)

TEST(rule4, takes_what_the_table_in_fractions_says)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct odds least =
            price(rows[i].shortest.against + rows[i].shortest.on, rows[i].shortest.on);
        struct odds most = price(rows[i].longest.against + rows[i].longest.on, rows[i].longest.on);
        assert_int_equal(rule4_pence(RULE4_FRACTIONAL, least), rows[i].pence);
        assert_int_equal(rule4_pence(RULE4_FRACTIONAL, most), rows[i].pence);
    }
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(13 + 8, 8)), 35);
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(15 + 8, 8)), 30);
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(5 + 2, 2)), 25);
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(10 + 3, 3)), 20);
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(16, 1)), 0); /* 15/1 */
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(1501, 100)), 0);
}

TEST(rule4, takes_what_the_decimal_table_says_at_every_hundredth)
{
    size_t row = 0;
    for (uint32_t hundredths = 101; hundredths <= 1500; hundredths++) {
        while (hundredths > rows[row].decimal_most && hundredths >= rows[row + 1].decimal_least)
            row++;
        assert_int_equal(rule4_pence(RULE4_DECIMAL, price(hundredths, 100)), rows[row].pence);
    }
    assert_int_equal(row, ROWS - 1);
    assert_int_equal(rule4_pence(RULE4_DECIMAL, price(1501, 100)), 0);
}

/* 4.3: the hole in the print, and what no print names. */
TEST(rule4, covers_every_price)
{
    for (uint32_t hundredths = 541; hundredths <= 549; hundredths++) {
        assert_int_equal(rule4_pence(RULE4_DECIMAL, price(hundredths, 100)), 20);
        assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(hundredths, 100)), 20);
    }
    for (enum rule4_table table = RULE4_FRACTIONAL; table <= RULE4_DECIMAL; table++) {
        uint32_t before = 90;
        for (uint32_t thousandths = 1001; thousandths <= 20000; thousandths++) {
            uint32_t pence = rule4_pence(table, price(thousandths, 1000));
            assert_true(pence == before || pence == before - 5); /* no row is passed over */
            before = pence;
        }
        assert_int_equal(before, 0);
        assert_int_equal(rule4_pence(table, price(1000000000, 999999999)), 90);
        assert_int_equal(rule4_pence(table, price(100000, 1)), 0);
    }
}

/* Where the two columns disagree, the version decides. */
TEST(rule4, knows_the_tables_apart)
{
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(112, 100)), 85);
    assert_int_equal(rule4_pence(RULE4_DECIMAL, price(112, 100)), 90);
    assert_int_equal(rule4_pence(RULE4_FRACTIONAL, price(4, 3)), 70);
    assert_int_equal(rule4_pence(RULE4_DECIMAL, price(4, 3)), 75);
}

TEST(rule4, sums_several_up_to_the_cap_and_waives_by_policy)
{
    const struct rule4_policy policy = {RULE4_FRACTIONAL, RULE4_CAP_PENCE, 5};
    const struct rule4_policy older = {RULE4_FRACTIONAL, RULE4_CAP_PENCE_OLDER, 0};
    const struct odds outsiders[] = {{11, 1}, {15, 1}};
    const struct odds favourites[] = {{2, 1}, {6, 4}, {5, 1}}; /* 45 + 65 + 20 */
    const struct odds two[] = {{4, 1}, {10, 1}};               /* 25 + 10 */
    assert_int_equal(rule4_total_pence(policy, two, 2), 35);
    assert_int_equal(rule4_total_pence(policy, favourites, 3), 90);
    assert_int_equal(rule4_total_pence(older, favourites, 3), 75);
    assert_int_equal(rule4_total_pence(policy, outsiders, 1), 0); /* 4.3: 5p waived */
    assert_int_equal(rule4_total_pence(older, outsiders, 1), 5);
    assert_int_equal(rule4_total_pence(policy, outsiders, 2), 10); /* a total of 10 is not */
    assert_int_equal(rule4_total_pence(policy, outsiders, 0), 0);
    assert_true(rule4_policy_valid(policy));
    assert_false(rule4_policy_valid((struct rule4_policy){RULE4_DECIMAL, 100, 0}));
    assert_false(rule4_policy_valid((struct rule4_policy){RULE4_DECIMAL, 0, 0}));
    assert_false(rule4_policy_valid((struct rule4_policy){RULE4_DECIMAL, 90, 100}));
    assert_false(rule4_policy_valid((struct rule4_policy){3, 90, 5}));
}

TEST(rule4, is_a_deduction_from_winnings)
{
    struct deductions deductions = rule4_deductions(35);
    assert_int_equal(deductions.from, DEDUCTED_FROM_WINNINGS);
    assert_int_equal(deductions.count, 1);
    assert_int_equal(deductions.permyriad[0], 3500);
    assert_int_equal(rule4_deductions(0).from, DEDUCTED_FROM_NOTHING);
}

TEST(deductions, are_of_one_model_and_of_sixteen_entries_at_most)
{
    struct deductions deductions = DEDUCTIONS_NONE;
    assert_true(deductions_valid(&deductions));
    assert_false(deductions_add(&deductions, DEDUCTED_FROM_PRICE, 0));
    assert_false(deductions_add(&deductions, DEDUCTED_FROM_PRICE, DEDUCTION_WHOLE));
    assert_true(deductions_add(&deductions, DEDUCTED_FROM_PRICE, 1620));
    assert_false(deductions_add(&deductions, DEDUCTED_FROM_WINNINGS, 1620));
    while (deductions.count < DEDUCTIONS_MAX)
        assert_true(deductions_add(&deductions, DEDUCTED_FROM_PRICE, 9999));
    assert_false(deductions_add(&deductions, DEDUCTED_FROM_PRICE, 1));
    assert_true(deductions_valid(&deductions));
    deductions.permyriad[3] = 0;
    assert_false(deductions_valid(&deductions));
    deductions = (struct deductions){.from = 3, .count = 0};
    assert_false(deductions_valid(&deductions));
    deductions = (struct deductions){.from = DEDUCTED_FROM_NOTHING, .count = 1};
    assert_false(deductions_valid(&deductions));
    deductions = (struct deductions){.from = DEDUCTED_FROM_PRICE, .count = DEDUCTIONS_MAX + 1};
    assert_false(deductions_valid(&deductions));
}
