/* test_bet_decide.c - what is accepted and at which price (core/bet_decide.h; DESIGN 6.1, 6.2;
 * BETTING-RULES 4.6, 4.7, 4.12). The order of the refusals is in test_bet_decide_order.c. */
#include "test.h"

#include "base/prng.h"
#include "core/settle.h"
#include "scene.h"

TEST(bet_decide, accepts_at_the_current_price)
{
    struct scene scene = scene_accepted();
    struct bet_verdict verdict = scene_decide(&scene);
    assert_int_equal(verdict.outcome, BET_PLACED);
    assert_true(odds_equal(verdict.odds, (struct odds){21, 10}));
    assert_int_equal(verdict.potential_return.minor, 10500);
    assert_true(currency_equal(verdict.potential_return.currency, GBP));
    assert_int_equal(verdict.stake_minor_max, 0);
    assert_int_equal(verdict.stake_minor_min, 0);
}

TEST(bet_decide, waits_in_play)
{
    struct scene scene = scene_accepted();
    scene.market.bet_delay_us = 1;
    struct bet_verdict verdict = scene_decide(&scene);
    assert_int_equal(verdict.outcome, BET_PENDING);
    assert_true(odds_equal(verdict.odds, (struct odds){21, 10}));
    assert_int_equal(verdict.potential_return.minor, 10500);
    scene.available.minor = 4999; /* pending is no way around a refusal */
    assert_int_equal(scene_decide(&scene).outcome, BET_INSUFFICIENT_BALANCE);
}

TEST(bet_decide, follows_the_price_policy)
{
    static const struct {
        const char *name;
        enum price_policy policy;
        struct odds asked;
        uint64_t version; /* 17 is the current one; 0 = not stated */
        enum bet_outcome outcome;
    } rows[] = {
        /* The current price is 2.10, the tolerance 5 %. */
        {"4.6 none: equal", PRICE_EXACT, {21, 10}, 17, BET_PLACED},
        {"4.6 none: equal, no version", PRICE_EXACT, {21, 10}, 0, BET_PLACED},
        {"4.6 none: the price fell", PRICE_EXACT, {211, 100}, 0, BET_ODDS_CHANGED},
        {"4.6 none: the price rose", PRICE_EXACT, {209, 100}, 0, BET_ODDS_CHANGED},
        {"4.6 none: the same numerator", PRICE_EXACT, {21, 11}, 0, BET_ODDS_CHANGED},
        {"6.2: another selection moved", PRICE_EXACT, {21, 10}, 16, BET_ODDS_CHANGED},
        {"6.2: a version from the future", PRICE_EXACT, {21, 10}, 18, BET_ODDS_CHANGED},
        {"4.6 higher: equal", PRICE_BETTER, {21, 10}, 17, BET_PLACED},
        {"4.6 higher: risen, at the current", PRICE_BETTER, {2, 1}, 17, BET_PLACED},
        {"4.6 higher: fallen by a hair", PRICE_BETTER, {21001, 10000}, 17, BET_ODDS_CHANGED},
        {"6.2: an old version is evidence", PRICE_BETTER, {21, 10}, 1, BET_PLACED},
        {"6.2: no version", PRICE_BETTER, {21, 10}, 0, BET_PLACED},
        {"6.2: above the current", PRICE_BETTER, {21, 10}, 18, BET_ODDS_CHANGED},
        {"4.6 within: equal", PRICE_WITHIN, {21, 10}, 17, BET_PLACED},
        {"4.6 within: 4.99 % worse", PRICE_WITHIN, {22103, 10000}, 17, BET_PLACED},
        {"4.6 within: 2.10 is 95 % of 42/19", PRICE_WITHIN, {42, 19}, 17, BET_PLACED},
        {"4.6 within: beyond", PRICE_WITHIN, {22106, 10000}, 17, BET_ODDS_CHANGED},
        {"6.1: an improvement of any size", PRICE_WITHIN, {101, 100}, 17, BET_PLACED},
        {"6.2: old version within", PRICE_WITHIN, {21, 10}, 3, BET_PLACED},
        {"6.2: above within", PRICE_WITHIN, {21, 10}, 18, BET_ODDS_CHANGED},
        {"4.6 any: far worse", PRICE_ANY, {100, 1}, 17, BET_PLACED},
        {"4.6 any: no price asked for", PRICE_ANY, {0, 0}, 0, BET_PLACED},
        {"6.2: any, above the current", PRICE_ANY, {0, 0}, 18, BET_ODDS_CHANGED},
        {"6.2: any, old version", PRICE_ANY, {0, 0}, 2, BET_PLACED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene = scene_accepted();
        scene.slip.policy = rows[i].policy;
        scene.slip.odds = rows[i].asked;
        scene.slip.odds_version = rows[i].version;
        struct bet_verdict verdict = scene_decide(&scene);
        if (verdict.outcome != rows[i].outcome)
            fail_msg("%s: %s", rows[i].name, bet_outcome_text(verdict.outcome));
        assert_true(odds_equal(verdict.odds, (struct odds){21, 10})); /* taken, or to be shown */
        assert_int_equal(verdict.potential_return.minor, verdict.outcome == BET_PLACED ? 10500 : 0);
    }
}

TEST(bet_decide, limits_the_stake_and_says_what_would_pass)
{
    static const struct {
        const char *name;
        int64_t stake, min, max, payout_max;
        struct odds odds;
        enum rounding rounding;
        enum bet_outcome outcome;
        int64_t would_pass_min, would_pass_max;
    } rows[] = {
        {"the least", 10, 10, 90, 1000, {2, 1}, ROUND_DOWN, BET_PLACED, 0, 0},
        {"below the least", 9, 10, 90, 1000, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 10, 90},
        {"the most", 90, 10, 90, 1000, {2, 1}, ROUND_DOWN, BET_PLACED, 0, 0},
        {"above the most", 91, 10, 90, 1000, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 10, 90},
        {"a single stake passes", 9, 10, 10, 1000, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 10, 10},
        {"the whole payout", 50, 10, 90, 100, {2, 1}, ROUND_DOWN, BET_PLACED, 0, 0},
        {"above the payout", 51, 10, 90, 100, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 10, 50},
        {"67 @ 1.5 is 100.5, down", 67, 1, 90, 100, {3, 2}, ROUND_DOWN, BET_PLACED, 0, 0},
        {"67 @ 1.5 is 100.5, half up",
         67,
         1,
         90,
         100,
         {3, 2},
         ROUND_HALF_UP,
         BET_STAKE_LIMIT,
         1,
         66},
        {"67 @ 1.5 is 100.5, half even", 67, 1, 90, 100, {3, 2}, ROUND_HALF_EVEN, BET_PLACED, 0, 0},
        {"nothing pays so little", 10, 10, 90, 19, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 0, 0},
        {"no payout at all", 1, 0, 90, 0, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 0, 0},
        {"a payout below nothing", 1, 0, 90, -5, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 0, 0},
        {"betting is off", 1, 0, 0, 1000, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 0, 0},
        {"no least stake", 1, 0, 90, 1000, {2, 1}, ROUND_DOWN, BET_PLACED, 0, 0},
        {"a least stake is one unit", 91, -7, 90, 1000, {2, 1}, ROUND_DOWN, BET_STAKE_LIMIT, 1, 90},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene = scene_accepted();
        scene.slip.stake.minor = rows[i].stake;
        scene.slip.odds = scene.market.odds = rows[i].odds;
        scene.limits =
            (struct bet_limits){rows[i].min, rows[i].max, rows[i].payout_max, 0, rows[i].rounding};
        struct bet_verdict verdict = scene_decide(&scene);
        if (verdict.outcome != rows[i].outcome ||
            verdict.stake_minor_min != rows[i].would_pass_min ||
            verdict.stake_minor_max != rows[i].would_pass_max)
            fail_msg("%s: %s %jd..%jd", rows[i].name, bet_outcome_text(verdict.outcome),
                     (intmax_t)verdict.stake_minor_min, (intmax_t)verdict.stake_minor_max);
    }
}

TEST(bet_decide, a_payout_limit_without_end_still_ends)
{
    struct scene scene = scene_accepted();
    scene.slip.stake.minor = MONEY_MINOR_MAX;
    scene.available.minor = MONEY_MINOR_MAX;
    scene.limits = (struct bet_limits){1, INT64_MAX, INT64_MAX, 0, ROUND_HALF_UP};
    struct bet_verdict verdict = scene_decide(&scene);
    assert_int_equal(verdict.outcome, BET_STAKE_LIMIT);
    scene.slip.stake.minor = verdict.stake_minor_max;
    verdict = scene_decide(&scene);
    assert_int_equal(verdict.outcome, BET_PLACED);
    assert_true(verdict.potential_return.minor < MONEY_MINOR_MAX);
    scene.slip.stake.minor++;
    assert_int_equal(scene_decide(&scene).outcome, BET_STAKE_LIMIT);
    scene.limits.payout_minor_max = MONEY_MINOR_MAX; /* would hide what is above it */
    assert_int_equal(scene_decide(&scene).outcome, BET_STAKE_LIMIT);
}

TEST(bet_decide, the_stake_that_would_pass_passes_and_one_more_does_not)
{
    struct prng prng;
    prng_seed(&prng, 412);
    int limited = 0;
    for (int i = 0; i < 50000; i++) {
        struct scene scene = scene_accepted();
        uint64_t terms = i % 2 ? 40 : 100000;
        if (!odds_make(prng_below(&prng, terms) + 1, prng_below(&prng, terms) + 1,
                       &scene.market.odds))
            continue;
        scene.slip.odds = scene.market.odds;
        int64_t size = INT64_C(1) << (4 + prng_below(&prng, 45));
        scene.slip.stake.minor = 1 + (int64_t)prng_below(&prng, (uint64_t)size);
        scene.available.minor = MONEY_MINOR_MAX;
        scene.limits = (struct bet_limits){(int64_t)prng_below(&prng, 20),
                                           (int64_t)prng_below(&prng, (uint64_t)size),
                                           (int64_t)prng_below(&prng, (uint64_t)size * 2), 0,
                                           (enum rounding)(ROUND_DOWN + prng_below(&prng, 3))};
        struct bet_verdict verdict = scene_decide(&scene);
        if (verdict.outcome == BET_PLACED) {
            assert_true(verdict.potential_return.minor <= scene.limits.payout_minor_max);
            assert_int_equal(
                verdict.potential_return.minor,
                settle_single(scene.slip.stake, scene.market.odds, LEG_WON, scene.limits.rounding)
                    .minor);
            continue;
        }
        assert_int_equal(verdict.outcome, BET_STAKE_LIMIT);
        if (verdict.stake_minor_max == 0)
            continue;
        limited++;
        int64_t ends[] = {verdict.stake_minor_min, verdict.stake_minor_max};
        for (int end = 0; end < 2; end++) {
            scene.slip.stake.minor = ends[end];
            assert_int_equal(scene_decide(&scene).outcome, BET_PLACED);
            scene.slip.stake.minor += end == 0 ? -1 : 1;
            if (scene.slip.stake.minor > 0)
                assert_int_equal(scene_decide(&scene).outcome, BET_STAKE_LIMIT);
        }
    }
    assert_true(limited > 1000);
}

TEST(bet_decide, takes_what_is_available_and_no_more)
{
    struct scene scene = scene_accepted();
    scene.available.minor = 5000;
    assert_int_equal(scene_decide(&scene).outcome, BET_PLACED);
    scene.available.minor = 4999;
    assert_int_equal(scene_decide(&scene).outcome, BET_INSUFFICIENT_BALANCE);
    scene.available.minor = -1; /* a correction overdrew the account (L4) */
    assert_int_equal(scene_decide(&scene).outcome, BET_INSUFFICIENT_BALANCE);
    scene.available = money_of(1000000, CURRENCY_NONE);
    assert_int_equal(scene_decide(&scene).outcome, BET_INSUFFICIENT_BALANCE);
}

TEST(bet_decide, stops_at_a_mistake)
{
    struct scene scene = scene_accepted();
    scene.slip.stake.minor = 0;
    expect_assert_failure(scene_decide(&scene));
    scene.slip.stake.minor = MONEY_MINOR_MAX + 1;
    expect_assert_failure(scene_decide(&scene));
    scene = scene_accepted();
    scene.slip.stake.currency = CURRENCY_NONE;
    expect_assert_failure(scene_decide(&scene));
    scene = scene_accepted();
    scene.slip.odds = ODDS_NONE;
    expect_assert_failure(scene_decide(&scene));
    scene = scene_accepted();
    scene.slip.policy = 0;
    expect_assert_failure(scene_decide(&scene));
    scene = scene_accepted();
    scene.market.status = 0;
    expect_assert_failure(scene_decide(&scene));
    scene = scene_accepted();
    scene.market.selection_status = 0;
    expect_assert_failure(scene_decide(&scene));
}

TEST(bet_decide, outcomes_have_the_names_and_http_statuses_of_the_contract)
{
    static const struct {
        enum bet_outcome outcome;
        int number;
        const char *text;
        int http;
    } rows[] = {
        {BET_PLACED, 1, "PLACED", 201},
        {BET_PENDING, 2, "PENDING", 202},
        {BET_MARKET_SUSPENDED, 10, "MARKET_SUSPENDED", 409},
        {BET_MARKET_CLOSED, 11, "MARKET_CLOSED", 409},
        {BET_UNKNOWN_SELECTION, 12, "UNKNOWN_SELECTION", 422},
        {BET_ODDS_CHANGED, 13, "ODDS_CHANGED", 409},
        {BET_STAKE_LIMIT, 14, "STAKE_LIMIT", 422},
        {BET_INSUFFICIENT_BALANCE, 15, "INSUFFICIENT_BALANCE", 400},
        {BET_CURRENCY_MISMATCH, 16, "CURRENCY_MISMATCH", 422},
        {BET_UNSUPPORTED_BET_TYPE, 17, "UNSUPPORTED_BET_TYPE", 422},
        {BET_AMOUNT_LIMIT, 18, "AMOUNT_LIMIT", 422},
        {BET_RELATED_LEGS, 19, "RELATED_LEGS", 422},
        {BET_LIABILITY_LIMIT, 20, "LIABILITY_LIMIT", 422},
        {BET_LEGS_LIMIT, 21, "LEGS_LIMIT", 422},
        {BET_LINES_LIMIT, 22, "LINES_LIMIT", 422},
        {BET_ODDS_LIMIT, 23, "ODDS_LIMIT", 422},
        {BET_SCORE_CHANGED, 24, "SCORE_CHANGED", 409},
        {BET_REFERRAL_TIMEOUT, 25, "REFERRAL_TIMEOUT", 409},
        {BET_RE_OFFERED, 26, "RE_OFFERED", 409},
        {BET_NOT_ACCEPTED_BY_TRADER, 27, "NOT_ACCEPTED_BY_TRADER", 409},
        {BET_NO_PLACE_TERMS, 28, "NO_PLACE_TERMS", 422},
        {BET_EACH_WAY_ONLY, 35, "EACH_WAY_ONLY", 422},
        {BET_OFFER_EXPIRED, 30, "OFFER_EXPIRED", 409},
        {BET_CASH_OUT_CHANGED, 31, "CASH_OUT_CHANGED", 409},
        {BET_CASH_OUT_UNAVAILABLE, 32, "CASH_OUT_UNAVAILABLE", 409},
        {BET_CASH_OUT_LIMIT, 33, "CASH_OUT_LIMIT", 422},
        {BET_CASH_OUT_PENDING, 34, "CASH_OUT_PENDING", 409},
    };
    int listed = 0;
    for (int number = -1; number < 256; number++)
        listed += bet_outcome_text((enum bet_outcome)number) != NULL;
    assert_int_equal(listed, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(rows[i].outcome, rows[i].number); /* stored in ledgers for ever */
        assert_string_equal(bet_outcome_text(rows[i].outcome), rows[i].text);
        assert_int_equal(bet_outcome_http(rows[i].outcome), rows[i].http);
    }
    assert_null(bet_outcome_text((enum bet_outcome)0));
    assert_int_equal(bet_outcome_http((enum bet_outcome)0), 0);
}

TEST(bet_decide, policies_have_the_names_of_the_contract)
{
    static const struct {
        enum price_policy policy;
        const char *text;
    } rows[] = {{PRICE_BETTER, "better"},
                {PRICE_EXACT, "exact"},
                {PRICE_WITHIN, "within"},
                {PRICE_ANY, "any"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum price_policy policy = 0;
        assert_string_equal(price_policy_text(rows[i].policy), rows[i].text);
        assert_true(price_policy_parse(slice_text(rows[i].text), &policy));
        assert_int_equal(policy, rows[i].policy);
    }
    enum price_policy kept = PRICE_WITHIN;
    assert_false(price_policy_parse(SLICE("Better"), &kept));
    assert_false(price_policy_parse(SLICE("bett"), &kept));
    assert_false(price_policy_parse(SLICE_NONE, &kept));
    assert_int_equal(kept, PRICE_WITHIN);
    assert_null(price_policy_text(0));
    assert_null(price_policy_text(PRICE_ANY + 1));
}
