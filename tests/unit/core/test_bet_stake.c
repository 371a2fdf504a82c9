/* test_bet_stake.c - the highest stake within what a bet may pay and cost (core/bet_stake.h). */
#include "test.h"

#include <string.h>

#include "core/bet_return.h"
#include "core/bet_stake.h"
#include "random_bets.h"

#ifdef OVERROUND_SLOW_ASSERTS
#define ROUNDS 5000 /* the build with sanitizers */
#else
#define ROUNDS 50000
#endif

#define GBP ((struct currency){826})

TEST(bet_stake, is_exact_in_every_mode)
{
    static const struct {
        const char *name;
        struct odds odds;
        int64_t step;
        struct stake_bounds bounds;
        int64_t down, half_up, half_even;
    } rows[] = {
        {"67 @ 1.5 is 100.5", {3, 2}, 1, {100, STAKE_COST_UNBOUNDED}, 67, 66, 67},
        {"66 @ 1.5 is 99, 67 is 100.5", {3, 2}, 1, {99, STAKE_COST_UNBOUNDED}, 66, 66, 66},
        {"65 @ 1.5 is 97.5: to 98", {3, 2}, 1, {97, STAKE_COST_UNBOUNDED}, 65, 64, 64},
        {"in twos", {3, 2}, 2, {100, STAKE_COST_UNBOUNDED}, 66, 66, 66},
        {"not one step", {3, 2}, 100, {100, STAKE_COST_UNBOUNDED}, 0, 0, 0},
        {"no return", {3, 2}, 1, {0, STAKE_COST_UNBOUNDED}, 0, 0, 0},
        {"less than none", {3, 2}, 1, {-1, STAKE_COST_UNBOUNDED}, 0, 0, 0},
        /* 3 @ 1.5 is 4.5: down and to even it costs 1, half up 2. */
        {"a cost of 1", {3, 2}, 1, {MONEY_MINOR_MAX, 1}, 3, 2, 3},
        /* 5 @ 1.5 is 7.5: to even 8, a cost of 3. */
        {"a cost of 2", {3, 2}, 1, {MONEY_MINOR_MAX, 2}, 5, 4, 4},
        {"a cost of 0", {3, 2}, 1, {MONEY_MINOR_MAX, 0}, 1, 0, 0},
        {"no cost", {3, 2}, 1, {MONEY_MINOR_MAX, -1}, 0, 0, 0},
        {"the lower one counts", {3, 2}, 1, {6, 2}, 4, 4, 4},
        {"no bound at all",
         {3, 2},
         1,
         {INT64_MAX, INT64_MAX},
         666666666666667,
         666666666666666,
         666666666666667},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bet_leg leg = {.odds = rows[i].odds, .banker = true, .win = {.result = LEG_WON}};
        struct bet bet = {.legs = &leg, .legs_count = 1, .stake = {1, GBP}};
        int64_t found[] = {bet_stake_highest(&bet, rows[i].step, rows[i].bounds, ROUND_DOWN),
                           bet_stake_highest(&bet, rows[i].step, rows[i].bounds, ROUND_HALF_UP),
                           bet_stake_highest(&bet, rows[i].step, rows[i].bounds, ROUND_HALF_EVEN)};
        int64_t expected[] = {rows[i].down, rows[i].half_up, rows[i].half_even};
        if (memcmp(found, expected, sizeof found) != 0)
            fail_msg("%s: %jd %jd %jd", rows[i].name, (intmax_t)found[0], (intmax_t)found[1],
                     (intmax_t)found[2]);
    }
}

static bool passes(struct bet *bet, int64_t stake, struct stake_bounds bounds,
                   enum rounding rounding)
{
    struct money money;
    bet->stake.minor = stake;
    return bet_return(bet, rounding, &money) && money.minor <= bounds.return_minor_max &&
           money.minor - stake <= bounds.cost_minor_max;
}

TEST(bet_stake, passes_and_the_next_multiple_does_not)
{
    struct random_bet random;
    struct prng prng;
    prng_seed(&prng, 521);
    int none = 0, by_cost = 0;
    for (int i = 0; i < ROUNDS; i++) {
        random_bet_make(&random, &prng, false);
        for (uint32_t leg = 0; leg < random.bet.legs_count; leg++)
            random.legs[leg].win = random.legs[leg].place = (struct leg_part){.result = LEG_WON};
        int64_t step = 1 + (int64_t)prng_below(&prng, UINT64_C(1) << prng_below(&prng, 16));
        int64_t size = INT64_C(1) << (3 + prng_below(&prng, 47));
        struct stake_bounds bounds = {(int64_t)prng_below(&prng, (uint64_t)size),
                                      STAKE_COST_UNBOUNDED};
        if (!random.bet.free && i % 2 > 0)
            bounds.cost_minor_max = (int64_t)prng_below(&prng, (uint64_t)size);
        enum rounding rounding = (enum rounding)(ROUND_DOWN + prng_below(&prng, 3));
        int64_t most = bet_stake_highest(&random.bet, step, bounds, rounding);
        none += most == 0;
        assert_int_equal(most % step, 0);
        assert_in_range(most, 0, MONEY_MINOR_MAX);
        if (most > 0 && !passes(&random.bet, most, bounds, rounding))
            fail_msg("step %d: %jd does not pass", i, (intmax_t)most);
        if (most + step <= MONEY_MINOR_MAX && passes(&random.bet, most + step, bounds, rounding))
            fail_msg("step %d: more than %jd passes", i, (intmax_t)most);
        bounds.cost_minor_max = STAKE_COST_UNBOUNDED;
        by_cost += bet_stake_highest(&random.bet, step, bounds, rounding) > most;
    }
    assert_in_range(none, ROUNDS / 100, ROUNDS * 4 / 5);
    assert_in_range(by_cost, ROUNDS / 100, ROUNDS / 2);
}

TEST(bet_stake, what_is_only_refunded_costs_nothing)
{
    struct bet_leg leg = {.odds = {2, 1}, .banker = true, .win = {.result = LEG_VOID}};
    struct bet bet = {.legs = &leg, .legs_count = 1, .stake = {1, GBP}};
    assert_int_equal(bet_stake_highest(&bet, 1, (struct stake_bounds){70, 0}, ROUND_DOWN), 70);
    bet.free = true;
    assert_int_equal(bet_stake_highest(&bet, 3, (struct stake_bounds){70, INT64_MAX}, ROUND_DOWN),
                     MONEY_MINOR_MAX - MONEY_MINOR_MAX % 3);
}

TEST(bet_stake, stops_at_a_mistake)
{
    struct leg_chances chances = {0};
    struct bet_leg leg = {.odds = {2, 1}, .banker = true, .win = {.result = LEG_WON}};
    struct bet bet = {.legs = &leg, .legs_count = 1, .stake = {1, GBP}};
    const struct stake_bounds bounds = {100, 100};
    expect_assert_failure(bet_stake_highest(&bet, 0, bounds, ROUND_DOWN));
    expect_assert_failure(bet_stake_highest(&bet, MONEY_MINOR_MAX + 1, bounds, ROUND_DOWN));
    bet.free = true;
    expect_assert_failure(bet_stake_highest(&bet, 1, bounds, ROUND_DOWN));
    bet.free = false;
    leg.win.open = &chances;
    expect_assert_failure(bet_stake_highest(&bet, 1, bounds, ROUND_DOWN));
}
