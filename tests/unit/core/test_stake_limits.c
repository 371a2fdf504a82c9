/* test_stake_limits.c - limits of several scopes (core/stake_limits.h; BETTING-RULES 4.12). */
#include "test.h"

#include "base/prng.h"
#include "core/stake_limits.h"

static struct stake_limits limits[LIMIT_SCOPES];
static const struct stake_limits *scopes[LIMIT_SCOPES];
static struct stake_limits_combined all;

static void make(void)
{
    for (int scope = 0; scope < LIMIT_SCOPES; scope++) {
        limits[scope] = STAKE_LIMITS_NONE;
        scopes[scope] = NULL;
    }
}

static struct stake_limits *with(enum limit_scope scope)
{
    scopes[scope] = &limits[scope];
    return &limits[scope];
}

TEST(stake_limits, without_any_nothing_is_limited)
{
    make();
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_min, 0);
    assert_int_equal(all.limits.stake_minor_max, INT64_MAX);
    assert_int_equal(all.limits.payout_minor_max, INT64_MAX);
    assert_int_equal(all.limits.liability_minor_max, INT64_MAX);
    assert_int_equal(all.limits.delay_us, 0);
    assert_int_equal(all.stake_min_of, LIMIT_OF_NONE);
    assert_int_equal(all.stake_max_of, LIMIT_OF_NONE);
    assert_int_equal(all.delay_of, LIMIT_OF_NONE);
    with(LIMIT_OF_PLATFORM); /* one that limits nothing */
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, INT64_MAX);
    assert_int_equal(all.stake_max_of, LIMIT_OF_NONE);
    assert_int_equal(all.stake_min_of, LIMIT_OF_NONE);
    assert_int_equal(all.delay_of, LIMIT_OF_NONE);
}

TEST(stake_limits, the_most_restrictive_applies_and_is_named)
{
    make();
    *with(LIMIT_OF_PLAYER) =
        (struct stake_limits){10, 5000, 90000, 70000, 3000000, 10000, INT64_MAX, 0, INT64_MAX};
    *with(LIMIT_OF_SPORT) =
        (struct stake_limits){50, 6000, 80000, 70000, 5000000, 10000, INT64_MAX, 0, INT64_MAX};
    *with(LIMIT_OF_PLATFORM) =
        (struct stake_limits){20, 4000, 85000, 60000, 0, 10000, INT64_MAX, 0, INT64_MAX};
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_min, 50);
    assert_int_equal(all.stake_min_of, LIMIT_OF_SPORT);
    assert_int_equal(all.limits.stake_minor_max, 4000);
    assert_int_equal(all.stake_max_of, LIMIT_OF_PLATFORM);
    assert_int_equal(all.limits.payout_minor_max, 80000);
    assert_int_equal(all.payout_of, LIMIT_OF_SPORT);
    assert_int_equal(all.limits.liability_minor_max, 60000);
    assert_int_equal(all.liability_of, LIMIT_OF_PLATFORM);
    assert_int_equal(all.limits.delay_us, 5000000);
    assert_int_equal(all.delay_of, LIMIT_OF_SPORT);
    limits[LIMIT_OF_PLATFORM].liability_minor_max = 70000; /* of equals the narrowest */
    limits[LIMIT_OF_PLATFORM].stake_minor_min = 50;
    limits[LIMIT_OF_PLAYER].delay_us = 5000000;
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.liability_of, LIMIT_OF_PLAYER);
    assert_int_equal(all.stake_min_of, LIMIT_OF_SPORT);
    assert_int_equal(all.delay_of, LIMIT_OF_PLAYER);
}

TEST(stake_limits, a_factor_scales_what_wider_scopes_allow)
{
    make();
    *with(LIMIT_OF_PLAYER) =
        (struct stake_limits){0, 9000, 90000, 80000, 0, 2500, INT64_MAX, 0, INT64_MAX};
    *with(LIMIT_OF_PLATFORM) =
        (struct stake_limits){40, 10001, 50000, 40000, 0, 10000, INT64_MAX, 0, INT64_MAX};
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, 2500); /* 2500.25, down */
    assert_int_equal(all.stake_max_of, LIMIT_OF_PLATFORM);
    assert_int_equal(all.limits.liability_minor_max, 10000);
    assert_int_equal(all.limits.payout_minor_max, 50000); /* not scaled */
    assert_int_equal(all.limits.stake_minor_min, 40);     /* nor is this */
    assert_int_equal(all.limits.factor_permyriad, LIMIT_FACTOR_WHOLE);
    limits[LIMIT_OF_PLAYER].factor_permyriad = 20000; /* his own limits stand as they are */
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, 9000);
    assert_int_equal(all.stake_max_of, LIMIT_OF_PLAYER);
    assert_int_equal(all.limits.liability_minor_max, 80000);
    with(LIMIT_OF_SPORT)->factor_permyriad = 5000; /* factors multiply: 2 and a half are 1 */
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, 9000);
    assert_int_equal(all.limits.liability_minor_max, 40000);
    limits[LIMIT_OF_SPORT].factor_permyriad = 4444;
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, 8888); /* 10001 * 2 * 0.4444 = 8888.8888 */
    limits[LIMIT_OF_PLAYER].factor_permyriad = 0;
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, 0);
    assert_int_equal(all.limits.liability_minor_max, 0);
}

TEST(stake_limits, a_factor_of_nothing_limits_also_what_is_unlimited)
{
    make();
    with(LIMIT_OF_PLAYER)->factor_permyriad = 0;
    with(LIMIT_OF_PLATFORM);
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, 0);
    assert_int_equal(all.stake_max_of, LIMIT_OF_PLATFORM);
}

TEST(stake_limits, the_largest_numbers_do_not_wrap)
{
    make();
    for (enum limit_scope scope = LIMIT_OF_PLAYER; scope < LIMIT_SCOPES; scope++)
        *with(scope) = (struct stake_limits){
            0, MONEY_MINOR_MAX, MONEY_MINOR_MAX, INT64_MAX, 0, 100000, INT64_MAX, 0, INT64_MAX};
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, MONEY_MINOR_MAX);
    assert_int_equal(all.stake_max_of, LIMIT_OF_PLAYER); /* that of the others is above all */
    for (enum limit_scope scope = LIMIT_OF_PLAYER; scope < LIMIT_SCOPES; scope++)
        limits[scope] = (struct stake_limits){0, INT64_MIN, -1, 7, -5, 1, INT64_MAX, 0, INT64_MAX};
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.stake_minor_max, 0);
    assert_int_equal(all.limits.payout_minor_max, 0);
    assert_int_equal(all.limits.liability_minor_max, 0);
    assert_int_equal(all.limits.delay_us, 0);
}

TEST(stake_limits, more_scopes_never_allow_more)
{
    struct prng prng;
    prng_seed(&prng, 540);
    for (int i = 0; i < 20000; i++) {
        make();
        struct stake_limits_combined before;
        stake_limits_combine(scopes, &before);
        for (enum limit_scope scope = LIMIT_OF_PLATFORM; scope >= LIMIT_OF_PLAYER; scope--) {
            if (prng_below(&prng, 2) > 0)
                continue;
            *with(scope) = (struct stake_limits){(int64_t)prng_below(&prng, 100),
                                                 (int64_t)prng_below(&prng, 100000),
                                                 (int64_t)prng_below(&prng, 100000),
                                                 (int64_t)prng_below(&prng, 100000),
                                                 (int64_t)prng_below(&prng, 5) * 1000000,
                                                 (uint32_t)prng_below(&prng, 10001),
                                                 INT64_MAX,
                                                 0,
                                                 INT64_MAX};
            stake_limits_combine(scopes, &all);
            assert_true(all.limits.stake_minor_max <= before.limits.stake_minor_max);
            assert_true(all.limits.payout_minor_max <= before.limits.payout_minor_max);
            assert_true(all.limits.liability_minor_max <= before.limits.liability_minor_max);
            assert_true(all.limits.stake_minor_min >= before.limits.stake_minor_min);
            assert_true(all.limits.delay_us >= before.limits.delay_us);
            before = all;
        }
    }
}

TEST(stake_limits, legs_are_joined_by_the_most_restrictive)
{
    make();
    *with(LIMIT_OF_PLATFORM) =
        (struct stake_limits){10, 500, 9000, 100, 0, 10000, INT64_MAX, 0, INT64_MAX};
    stake_limits_combine(scopes, &all);
    struct stake_limits_combined leg;
    *with(LIMIT_OF_MARKET) =
        (struct stake_limits){20, 400, 9500, 90, 7, 10000, INT64_MAX, 0, INT64_MAX};
    stake_limits_combine(scopes, &leg);
    stake_limits_join(&all, &leg);
    assert_int_equal(all.limits.stake_minor_min, 20);
    assert_int_equal(all.stake_min_of, LIMIT_OF_MARKET);
    assert_int_equal(all.limits.stake_minor_max, 400);
    assert_int_equal(all.stake_max_of, LIMIT_OF_MARKET);
    assert_int_equal(all.limits.payout_minor_max, 9000);
    assert_int_equal(all.payout_of, LIMIT_OF_PLATFORM);
    assert_int_equal(all.limits.liability_minor_max, 90);
    assert_int_equal(all.liability_of, LIMIT_OF_MARKET);
    assert_int_equal(all.limits.delay_us, 7);
    assert_int_equal(all.delay_of, LIMIT_OF_MARKET);
}

TEST(stake_limits, says_whose_limit_a_verdict_stands_for)
{
    make();
    *with(LIMIT_OF_PLAYER) = (struct stake_limits){10,    INT64_MAX, INT64_MAX, INT64_MAX, 0,
                                                   10000, INT64_MAX, 0,         INT64_MAX};
    *with(LIMIT_OF_EVENT) =
        (struct stake_limits){0, 100, INT64_MAX, INT64_MAX, 0, 10000, INT64_MAX, 0, INT64_MAX};
    *with(LIMIT_OF_LEAGUE) =
        (struct stake_limits){0, INT64_MAX, 900, INT64_MAX, 0, 10000, INT64_MAX, 0, INT64_MAX};
    *with(LIMIT_OF_SPORT) =
        (struct stake_limits){0, INT64_MAX, INT64_MAX, 800, 0, 10000, INT64_MAX, 0, INT64_MAX};
    stake_limits_combine(scopes, &all);
    assert_int_equal(stake_limits_binding(&all, BET_STAKE_LIMIT, 9), LIMIT_OF_PLAYER);
    assert_int_equal(stake_limits_binding(&all, BET_STAKE_LIMIT, 10), LIMIT_OF_LEAGUE);
    assert_int_equal(stake_limits_binding(&all, BET_STAKE_LIMIT, 101), LIMIT_OF_EVENT);
    assert_int_equal(stake_limits_binding(&all, BET_STAKE_LIMIT, 100), LIMIT_OF_LEAGUE);
    assert_int_equal(stake_limits_binding(&all, BET_LIABILITY_LIMIT, 50), LIMIT_OF_SPORT);
    assert_int_equal(stake_limits_binding(&all, BET_PLACED, 50), LIMIT_OF_NONE);
    assert_string_equal(limit_scope_text(LIMIT_OF_NONE), "NONE");
    assert_string_equal(limit_scope_text(LIMIT_OF_PLAYER), "PLAYER");
    assert_string_equal(limit_scope_text(LIMIT_OF_PLATFORM), "PLATFORM");
    assert_null(limit_scope_text(LIMIT_SCOPES));
    assert_null(limit_scope_text((enum limit_scope) - 1));
}

TEST(stake_limits, identical_bets_are_summed)
{
    assert_int_equal(stake_limits_left(1000, 0), 1000);
    assert_int_equal(stake_limits_left(1000, 400), 600);
    assert_int_equal(stake_limits_left(1000, 1000), 0);
    assert_int_equal(stake_limits_left(1000, 4000), 0); /* the limit was lowered since */
    assert_int_equal(stake_limits_left(INT64_MAX, 4000), INT64_MAX);
    assert_int_equal(stake_limits_left(-1, 0), 0);
}

TEST(stake_limits, stops_at_a_mistake)
{
    make();
    with(LIMIT_OF_PLAYER)->factor_permyriad = LIMIT_FACTOR_MAX + 1;
    expect_assert_failure(stake_limits_combine(scopes, &all));
    expect_assert_failure(stake_limits_left(10, -1));
}

TEST(stake_limits, what_is_referred_is_the_least_and_no_factor_scales_it)
{
    make();
    with(LIMIT_OF_PLAYER)->factor_permyriad = 2500;
    with(LIMIT_OF_SPORT)->refer_minor_above = 3000;
    with(LIMIT_OF_PLATFORM)->refer_minor_above = 5000;
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.refer_minor_above, 3000);
    assert_int_equal(all.refer_of, LIMIT_OF_SPORT);
    assert_int_equal(all.limits.refers, 0);
    struct stake_limits_combined leg;
    with(LIMIT_OF_MARKET)->refers = 1;
    limits[LIMIT_OF_MARKET].refer_minor_above = 2000;
    stake_limits_combine(scopes, &leg);
    assert_int_equal(leg.limits.refers, 1);
    stake_limits_join(&all, &leg);
    assert_int_equal(all.limits.refers, 1);
    assert_int_equal(all.limits.refer_minor_above, 2000);
    assert_int_equal(all.refer_of, LIMIT_OF_MARKET);
}

TEST(stake_limits, what_a_day_has_paid_lowers_the_highest_payout)
{
    make();
    with(LIMIT_OF_PLAYER)->payout_day_minor_max = 5000;
    with(LIMIT_OF_PLATFORM)->payout_day_minor_max = 9000;
    limits[LIMIT_OF_PLATFORM].payout_minor_max = 4000;
    stake_limits_combine(scopes, &all);
    assert_int_equal(all.limits.payout_day_minor_max, 5000);
    struct stake_limits_combined day = all;
    stake_limits_take_day(&day, 1000); /* as much is left as one bet may pay */
    assert_int_equal(day.limits.payout_minor_max, 4000);
    assert_int_equal(stake_limits_binding(&day, BET_STAKE_LIMIT, 1), LIMIT_OF_PLATFORM);
    stake_limits_take_day(&day, 1001);
    assert_int_equal(day.limits.payout_minor_max, 3999);
    assert_int_equal(stake_limits_binding(&day, BET_STAKE_LIMIT, 1), LIMIT_OF_PLAYER);
    stake_limits_take_day(&day, 5001);
    assert_int_equal(day.limits.payout_minor_max, 0);
    limits[LIMIT_OF_PLAYER].payout_day_minor_max = INT64_MAX;
    limits[LIMIT_OF_PLATFORM].payout_day_minor_max = INT64_MAX;
    stake_limits_combine(scopes, &day);
    stake_limits_take_day(&day, MONEY_MINOR_MAX);
    assert_int_equal(day.limits.payout_minor_max, 4000);
}
