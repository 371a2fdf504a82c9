/* test_bet_release.c - the second decision, after the in-play delay (core/bet_decide.h;
 * BETTING-RULES 4.7). */
#include "test.h"

#include "base/prng.h"
#include "scene.h"

#define BOUND ((struct odds){21, 10})

static enum bet_outcome released(const struct scene *scene)
{
    return bet_decide_release(&scene->slip, BOUND, &scene->market, &scene->limits);
}

TEST(bet_release, checks_status_and_selection_again)
{
    static const struct {
        const char *name;
        enum market_status status;
        bool provider_alive, selection_known;
        enum selection_status selection_status;
        enum bet_outcome outcome;
    } rows[] = {
        {"nothing happened", MARKET_ACTIVE, true, true, SELECTION_ACTIVE, BET_PLACED},
        {"4.7: suspension during the delay rejects", MARKET_SUSPENDED_STATUS, true, true,
         SELECTION_ACTIVE, BET_MARKET_SUSPENDED},
        {"closed", MARKET_CLOSED_STATUS, true, true, SELECTION_ACTIVE, BET_MARKET_CLOSED},
        {"settled", MARKET_SETTLED, true, true, SELECTION_ACTIVE, BET_MARKET_CLOSED},
        {"cancelled", MARKET_CANCELLED, true, true, SELECTION_ACTIVE, BET_MARKET_CLOSED},
        {"P2: lease lost", MARKET_ACTIVE, false, true, SELECTION_ACTIVE, BET_MARKET_SUSPENDED},
        {"gone", MARKET_ACTIVE, true, false, SELECTION_ACTIVE, BET_UNKNOWN_SELECTION},
        {"withdrawn", MARKET_ACTIVE, true, true, SELECTION_REMOVED, BET_MARKET_SUSPENDED},
        {"withheld", MARKET_ACTIVE, true, true, SELECTION_SUSPENDED, BET_MARKET_SUSPENDED},
        {"won", MARKET_ACTIVE, true, true, SELECTION_WON, BET_MARKET_CLOSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene = scene_accepted();
        scene.market.status = rows[i].status;
        scene.market.provider_alive = rows[i].provider_alive;
        scene.market.selection_known = rows[i].selection_known;
        scene.market.selection_status = rows[i].selection_status;
        enum bet_outcome outcome = released(&scene);
        if (outcome != rows[i].outcome)
            fail_msg("%s: %s", rows[i].name, bet_outcome_text(outcome));
    }
}

TEST(bet_release, compares_the_bound_price_with_the_current_one)
{
    static const struct {
        const char *name;
        enum price_policy policy;
        struct odds asked, current;
        uint64_t version; /* the slip's; the market's is 17 */
        enum bet_outcome outcome;
        struct odds taken;
    } rows[] = {
        /* Bound is 2.10, whatever was asked for; the tolerance is 5 %. */
        {"better, unchanged", PRICE_BETTER, {2, 1}, {21, 10}, 17, BET_PLACED, {21, 10}},
        {"better, risen: bound is kept", PRICE_BETTER, {2, 1}, {3, 1}, 17, BET_PLACED, {21, 10}},
        {"better, fallen but not below asked",
         PRICE_BETTER,
         {2, 1},
         {205, 100},
         17,
         BET_ODDS_CHANGED,
         ODDS_NONE},
        {"exact, unchanged", PRICE_EXACT, {21, 10}, {21, 10}, 17, BET_PLACED, {21, 10}},
        {"exact, risen", PRICE_EXACT, {21, 10}, {22, 10}, 17, BET_ODDS_CHANGED, ODDS_NONE},
        {"exact, another selection moved",
         PRICE_EXACT,
         {21, 10},
         {21, 10},
         16,
         BET_ODDS_CHANGED,
         ODDS_NONE},
        {"exact, no version", PRICE_EXACT, {21, 10}, {21, 10}, 0, BET_PLACED, {21, 10}},
        {"within, fallen a little", PRICE_WITHIN, {2, 1}, {2, 1}, 17, BET_PLACED, {2, 1}},
        {"within, fallen too far",
         PRICE_WITHIN,
         {2, 1},
         {199, 100},
         17,
         BET_ODDS_CHANGED,
         ODDS_NONE},
        {"within, risen: bound is kept", PRICE_WITHIN, {2, 1}, {9, 1}, 17, BET_PLACED, {21, 10}},
        {"any, a goal fell: not at the price of before",
         PRICE_ANY,
         {0, 0},
         {101, 100},
         17,
         BET_PLACED,
         {101, 100}},
        {"any, risen: bound is kept", PRICE_ANY, {0, 0}, {9, 1}, 17, BET_PLACED, {21, 10}},
        {"any, no price now", PRICE_ANY, {0, 0}, {0, 0}, 17, BET_MARKET_SUSPENDED, ODDS_NONE},
        {"any, the market's epoch went back",
         PRICE_ANY,
         {0, 0},
         {21, 10},
         18,
         BET_ODDS_CHANGED,
         ODDS_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene = scene_accepted();
        scene.slip.policy = rows[i].policy;
        scene.slip.odds = rows[i].asked;
        scene.slip.odds_version = rows[i].version;
        scene.market.odds = rows[i].current;
        enum bet_outcome outcome = released(&scene);
        if (outcome != rows[i].outcome)
            fail_msg("%s: %s", rows[i].name, bet_outcome_text(outcome));
        if (outcome == BET_PLACED &&
            !odds_equal(leg_release_odds(BOUND, scene.market.odds), rows[i].taken))
            fail_msg("%s: at another price", rows[i].name);
    }
}

TEST(bet_release, ignores_limits_and_delay_the_money_is_held)
{
    struct scene scene = scene_accepted();
    scene.market.bet_delay_us = 5000000;
    scene.limits.stake_minor_max = 0;
    scene.limits.payout_minor_max = 0;
    assert_int_equal(released(&scene), BET_PLACED);
}

TEST(bet_release, the_price_is_never_above_the_bound_nor_above_the_current)
{
    struct prng prng;
    prng_seed(&prng, 47);
    for (int i = 0; i < 20000; i++) {
        struct scene scene = scene_accepted();
        scene.slip.policy = (enum price_policy)(PRICE_BETTER + prng_below(&prng, 4));
        if (!odds_make(190 + prng_below(&prng, 40), 100, &scene.market.odds))
            continue;
        struct odds taken = leg_release_odds(BOUND, scene.market.odds);
        assert_true(odds_compare(taken, BOUND) <= 0);
        assert_true(odds_compare(taken, scene.market.odds) <= 0);
        if (released(&scene) == BET_PLACED && scene.slip.policy < PRICE_WITHIN)
            assert_true(odds_equal(taken, BOUND));
    }
}

TEST(bet_release, stops_at_a_mistake)
{
    struct scene scene = scene_accepted();
    expect_assert_failure(bet_decide_release(&scene.slip, ODDS_NONE, &scene.market, &scene.limits));
    expect_assert_failure(leg_release_odds(ODDS_NONE, BOUND));
    expect_assert_failure(leg_release_odds(BOUND, ODDS_NONE));
}
