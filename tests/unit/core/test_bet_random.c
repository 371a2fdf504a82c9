/* test_bet_random.c - core/bet_return.h and core/cash_out.h against lines that are counted one by
 * one with exact rationals, and the laws of both (BETTING-RULES 4.1 - 4.5, 4.8, 4.9). */
#include "test.h"

#include "by_lines.h"
#include "core/bet_return.h"
#include "core/cash_out.h"
#include "core/lines_sum.h"
#include "random_bets.h"

#ifdef OVERROUND_SLOW_ASSERTS
#define ROUNDS 20000 /* the build with sanitizers */
#else
#define ROUNDS 200000
#endif

/* -1 above MONEY_MINOR_MAX. */
static int64_t paid(const struct bet *bet, enum rounding rounding)
{
    struct money money = {0};
    return bet_return(bet, rounding, &money) ? money.minor : -1;
}

/* Above every amount that is one, so that amounts are ordered. */
static int64_t ordered(int64_t minor)
{
    return minor < 0 ? INT64_MAX : minor;
}

static enum rounding any_rounding(struct prng *prng)
{
    return (enum rounding)(ROUND_DOWN + prng_below(prng, 3));
}

TEST(bet_random, a_return_is_the_sum_of_its_lines)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 451);
    int nothing = 0, capped = 0, free = 0;
    for (int i = 0; i < ROUNDS; i++) {
        random_bet_make(&random, &prng, false);
        assert_true(bet_valid(&random.bet));
        enum rounding rounding = any_rounding(&prng);
        int64_t fast = paid(&random.bet, rounding);
        int64_t slow = by_lines(&random.bet, LINES_SHARE_WHOLE, rounding);
        if (fast != slow)
            fail_msg("step %d: %jd, and by lines %jd", i, (intmax_t)fast, (intmax_t)slow);
        nothing += fast == 0;
        capped += fast < 0;
        free += random.bet.free && fast > 0;
    }
    /* All kinds were seen. */
    assert_in_range(nothing, ROUNDS / 100, ROUNDS / 2);
    assert_in_range(capped, ROUNDS / 1000, ROUNDS / 4);
    assert_in_range(free, ROUNDS / 100, ROUNDS / 2);
}

TEST(bet_random, an_offer_is_the_expectation_of_its_lines_less_the_margin)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 480);
    int open = 0;
    for (int i = 0; i < ROUNDS / 3; i++) {
        random_bet_make(&random, &prng, true);
        open += bet_open(&random.bet);
        uint32_t margin = (uint32_t)prng_below(&prng, CASH_OUT_WHOLE + 1);
        enum rounding rounding = any_rounding(&prng);
        struct money money = {0};
        int64_t fast = cash_out_offer(&random.bet, margin, rounding, &money) ? money.minor : -1;
        int64_t slow = by_lines(&random.bet, CASH_OUT_WHOLE - margin, rounding);
        if (fast != slow)
            fail_msg("step %d: %jd, and by lines %jd", i, (intmax_t)fast, (intmax_t)slow);
    }
    assert_in_range(open, ROUNDS / 10, ROUNDS / 3);
}

TEST(bet_random, the_order_of_legs_does_not_matter)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 452);
    for (int i = 0; i < ROUNDS / 10; i++) {
        random_bet_make(&random, &prng, false);
        int64_t before = paid(&random.bet, ROUND_HALF_EVEN);
        for (uint32_t n = random.bet.legs_count; n > 1; n--) {
            uint64_t other = prng_below(&prng, n);
            struct bet_leg leg = random.legs[n - 1];
            random.legs[n - 1] = random.legs[other];
            random.legs[other] = leg;
        }
        assert_int_equal(paid(&random.bet, ROUND_HALF_EVEN), before);
    }
}

/* At any price: odds of 1.00 are none, so a won leg is compared at prices ever nearer to it, and a
 * void one with one that has another price. */
TEST(bet_random, a_void_leg_pays_as_one_at_1_00)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 453);
    for (int i = 0; i < ROUNDS / 10; i++) {
        random_bet_make(&random, &prng, false);
        random.bet.each_way = false;
        random.bet.stake.minor %= 1000;
        struct bet_leg *leg = &random.legs[prng_below(&prng, random.bet.legs_count)];
        leg->win.result = LEG_VOID;
        int64_t before = paid(&random.bet, ROUND_DOWN);
        leg->odds = random_odds(&prng);
        leg->win.deductions = (struct deductions){.from = DEDUCTED_FROM_PRICE};
        assert_int_equal(paid(&random.bet, ROUND_DOWN), before);
        if (before < 0)
            continue;
        leg->odds = (struct odds){1000000000, 999999999};
        leg->win.result = LEG_WON; /* no more than a billionth away */
        assert_in_range(paid(&random.bet, ROUND_DOWN), before, before + 1 + before / 100000000);
    }
}

TEST(bet_random, a_better_price_and_a_better_result_never_pay_less)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 454);
    for (int i = 0; i < ROUNDS / 10; i++) {
        random_bet_make(&random, &prng, false);
        enum rounding rounding = any_rounding(&prng);
        int64_t base = ordered(paid(&random.bet, rounding));
        struct bet_leg *leg = &random.legs[prng_below(&prng, random.bet.legs_count)];
        struct bet_leg kept = *leg;
        leg->odds = random_odds(&prng);
        int order = odds_compare(leg->odds, kept.odds);
        int64_t other = ordered(paid(&random.bet, rounding));
        assert_true(order > 0 ? other >= base : order < 0 ? other <= base : other == base);
        *leg = kept;
        leg->win.result = leg->win.result.won ? LEG_WON : LEG_VOID;
        if (!random.bet.free) /* a free bet that is void pays nothing */
            assert_true(ordered(paid(&random.bet, rounding)) >= base);
        *leg = kept;
        leg->win.result = LEG_LOST;
        assert_true(ordered(paid(&random.bet, rounding)) <= base);
        *leg = kept;
        leg->win.deductions = DEDUCTIONS_NONE;
        assert_true(ordered(paid(&random.bet, rounding)) >= base);
    }
}

TEST(bet_random, a_single_is_settle_single)
{
    struct bet_leg leg = {.banker = true};
    struct bet bet = {.legs = &leg, .legs_count = 1, .stake = {.currency = {826}}};
    struct prng prng;
    prng_seed(&prng, 455);
    int capped = 0;
    for (int i = 0; i < ROUNDS; i++) {
        leg.odds = random_odds(&prng);
        leg.win.result = random_result(&prng);
        leg.banker = i % 2 == 0; /* or one that is chosen from one */
        bet.sizes.mask = (uint32_t)i % 2;
        bet.stake.minor =
            (int64_t)(prng_below(&prng, MONEY_MINOR_MAX + 1) >> prng_below(&prng, 50));
        enum rounding rounding = any_rounding(&prng);
        struct money sum = {0};
        bool counted = lines_sum(&bet, LINES_SHARE_WHOLE, rounding, &sum);
        int64_t here = paid(&bet, rounding);
        assert_int_equal(here, counted ? sum.minor : -1); /* the short way and the long one */
        struct money single = settle_single(bet.stake, leg.odds, leg.win.result, rounding);
        assert_int_equal(here < 0 ? MONEY_MINOR_MAX : here, single.minor);
        capped += here < 0;
    }
    assert_in_range(capped, 1, ROUNDS / 2);
}

/* Settled legs are certain chances: an offer without margin is the return. */
TEST(bet_random, an_offer_for_what_is_certain_is_the_return)
{
    static const struct {
        struct leg_result result;
        struct leg_chances chances;
    } certain[] = {
        {LEG_WON, {.win = CHANCE_WHOLE}},
        {LEG_LOST, {0}},
        {LEG_VOID, {.refund = CHANCE_WHOLE}},
        {LEG_HALF_WON, {.half_win = CHANCE_WHOLE}},
        {LEG_HALF_LOST, {.half_lose = CHANCE_WHOLE}},
    };
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 481);
    for (int i = 0; i < ROUNDS / 10; i++) {
        random_bet_make(&random, &prng, false);
        struct bet_leg *leg = &random.legs[prng_below(&prng, random.bet.legs_count)];
        size_t row = prng_below(&prng, sizeof certain / sizeof *certain);
        leg->win.result = certain[row].result;
        int64_t settled = paid(&random.bet, ROUND_HALF_UP);
        leg->win.open = &certain[row].chances;
        struct money money = {0};
        bool offered = cash_out_offer(&random.bet, 0, ROUND_HALF_UP, &money);
        assert_int_equal(offered ? money.minor : -1, settled);
    }
}
