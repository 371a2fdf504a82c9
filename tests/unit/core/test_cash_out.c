/* test_cash_out.c - what a running bet is worth (core/cash_out.h; BETTING-RULES 4.8). */
#include "test.h"

#include "core/cash_out.h"

#define GBP     ((struct currency){826})
#define PERCENT (CHANCE_WHOLE / 100)

static int64_t offer(const struct bet *bet, uint32_t margin, enum rounding rounding)
{
    struct money money = {0};
    return cash_out_offer(bet, margin, rounding, &money) ? money.minor : -1;
}

static const struct leg_chances even = {.win = 50 * PERCENT};

TEST(cash_out, offers_the_worked_examples)
{
    const struct leg_chances handicap = {40 * PERCENT, 10 * PERCENT, 5 * PERCENT, 10 * PERCENT};
    struct bet_leg leg = {.odds = {3, 1}, .banker = true, .win = {.open = &even}};
    struct bet bet = {.legs = &leg, .legs_count = 1, .stake = {10000, GBP}};
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 15000); /* 4.8: 100 @ 3.0, p = .5 */
    leg.odds = (struct odds){39, 20};
    leg.win.open = &handicap;
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 10275);  /* 4.8: AH 1.95 */
    assert_int_equal(offer(&bet, 500, ROUND_DOWN), 9761); /* 97.6125 */
    assert_int_equal(offer(&bet, 500, ROUND_HALF_UP), 9761);
    assert_int_equal(offer(&bet, CASH_OUT_WHOLE, ROUND_DOWN), 0);
    expect_assert_failure(offer(&bet, CASH_OUT_WHOLE + 1, ROUND_DOWN));
}

/* 4.8: odds of settled legs and of open ones; the offer is not a share of the stake. */
TEST(cash_out, of_a_multiple_counts_what_is_settled)
{
    struct bet_leg legs[3] = {
        {.odds = {2, 1}, .banker = true, .win = {.result = LEG_WON}},
        {.odds = {3, 1}, .banker = true, .win = {.result = LEG_VOID}},
        {.odds = {4, 1}, .banker = true, .win = {.open = &even}},
    };
    struct bet bet = {.legs = legs, .legs_count = 3, .stake = {1000, GBP}};
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 4000); /* 10 * 2 * 1 * 4 * .5 */
    legs[0].win.result = LEG_LOST;
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 0);
    for (int i = 0; i < 3; i++)
        legs[i].banker = false;
    bet.sizes = system_of_size(1); /* three singles of 3.33..: 0 + 1 + 2 */
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 1000);
    bet.sizes = system_of_size(2);
    assert_int_equal(offer(&bet, 0, ROUND_HALF_UP), 667); /* void and open: 1 * 2 of a third */
}

/* 4.8: pay a part of the offer; what goes on is the same bet with the rest of the stake. */
TEST(cash_out, in_part_leaves_a_bet_that_settles_exactly)
{
    struct bet_leg legs[2] = {{.odds = {3, 1}, .win = {.open = &even}},
                              {.odds = {3, 1}, .win = {.open = &even}}};
    struct bet bet = {.legs = legs, .legs_count = 2, .sizes = {3}, .stake = {300, GBP}};
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 525); /* 1.5 + 1.5 + 2.25 */
    bet.stake.minor = 100;                             /* of a third of it: a unit of 33.3 */
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 175);
    bet.stake.minor = 200;
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 350);
}

TEST(cash_out, of_a_free_bet_counts_winnings)
{
    struct bet_leg leg = {.odds = {3, 1}, .banker = true, .win = {.open = &even}};
    struct bet bet = {.legs = &leg, .legs_count = 1, .free = true, .stake = {1000, GBP}};
    assert_int_equal(offer(&bet, 0, ROUND_DOWN), 1000); /* 10 * (3 - 1) * .5 */
}

TEST(cash_out, takes_no_chances_above_the_whole)
{
    assert_true(leg_chances_valid((struct leg_chances){CHANCE_WHOLE, 0, 0, 0}));
    assert_true(leg_chances_valid((struct leg_chances){0, 0, 0, 0}));
    assert_false(leg_chances_valid((struct leg_chances){CHANCE_WHOLE, 0, 0, 1}));
    assert_false(
        leg_chances_valid((struct leg_chances){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}));
}

TEST(cash_out, a_tolerance_is_what_may_be_missing_and_never_a_part_of_a_penny_more)
{
    assert_int_equal(cash_out_least(1000, 0), 1000);
    assert_int_equal(cash_out_least(1000, 200), 980); /* 4.8: 2 % */
    assert_int_equal(cash_out_least(999, 200), 980);  /* 979.02 */
    assert_int_equal(cash_out_least(1, 9999), 1);
    assert_int_equal(cash_out_least(1000, CASH_OUT_WHOLE), 0);
    assert_int_equal(cash_out_least(MONEY_MINOR_MAX, 0), MONEY_MINOR_MAX);
    assert_int_equal(cash_out_least(MONEY_MINOR_MAX, 1), MONEY_MINOR_MAX / 10000 * 9999);
    expect_assert_failure(cash_out_least(0, 0));
    expect_assert_failure(cash_out_least(1, CASH_OUT_WHOLE + 1));
}
