/* test_synthetic_market.c - feeds/synthetic/synthetic_market.h. */
#include "test.h"

#include <math.h>

#include "feeds/synthetic/synthetic_market.h"

static const struct synthetic_model model = {1.5, 1.1, 376};

static void quote(const struct synthetic_position *at, const struct synthetic_market *market,
                  double ret[SYNTHETIC_SELECTIONS_MAX])
{
    struct synthetic_grid grid;
    double next[3];
    synthetic_model_final(&model, at, &grid);
    synthetic_model_next_goal(&model, at, next);
    synthetic_market_chances(market, &grid, next, ret);
}

TEST(synthetic_market, chances_of_every_market_sum_to_one)
{
    const struct synthetic_position at = {120, 0.3, {1, 0}, 0, 0};
    const struct synthetic_market *market;
    for (size_t i = 0; (market = synthetic_market_opening(i)) != NULL; i++) {
        double chances[SYNTHETIC_SELECTIONS_MAX], sum = 0;
        quote(&at, market, chances);
        for (size_t j = 0; j < synthetic_market_selections_count(market); j++)
            sum += chances[j];
        assert_true(fabs(sum - 1) < 1e-12);
    }
}

/* Independent of how chances were made: the expected return of one unit at the fair price, over
 * all final scores with the factors of settlement (BETTING-RULES 4.1), is one unit. */
TEST(synthetic_market, a_fair_price_returns_the_stake_on_average)
{
    const struct synthetic_position at = {60, 0, {1, 1}, 0, 0};
    const uint8_t scorers[22] = {SYNTHETIC_HOME, SYNTHETIC_AWAY};
    struct synthetic_grid grid;
    synthetic_model_final(&model, &at, &grid);
    const struct synthetic_market *market;
    for (size_t i = 0; (market = synthetic_market_opening(i)) != NULL; i++) {
        if (market->kind == SYNTHETIC_NEXT_GOAL)
            continue;
        double chances[SYNTHETIC_SELECTIONS_MAX];
        quote(&at, market, chances);
        for (size_t j = 0; j < synthetic_market_selections_count(market); j++) {
            if (chances[j] < 1e-9)
                continue;
            double back = 0;
            for (uint8_t home = 0; home <= SYNTHETIC_GOALS_MAX; home++)
                for (uint8_t away = 0; away <= SYNTHETIC_GOALS_MAX; away++) {
                    struct synthetic_outcome outcome = {{home, away}, scorers};
                    struct leg_result r = synthetic_market_result(market, &outcome, j);
                    double v = r.void_halves / 2.0;
                    back += grid.chance[home][away] * (v + (1 - v) * r.won / chances[j]);
                }
            assert_true(fabs(back - 1) < 1e-9);
        }
    }
}

/* What is said for cash-outs: of every price that is offered a unit is worth a little less. */
TEST(synthetic_market, chances_of_a_leg_agree_with_its_price)
{
    const struct synthetic_position at = {60, 0, {1, 1}, 0, 0};
    struct synthetic_grid grid;
    synthetic_model_final(&model, &at, &grid);
    const struct synthetic_market *market;
    unsigned with_half = 0, with_refund = 0;
    for (size_t i = 0; (market = synthetic_market_opening(i)) != NULL; i++) {
        double chances[SYNTHETIC_SELECTIONS_MAX];
        quote(&at, market, chances);
        for (size_t j = 0; j < synthetic_market_selections_count(market); j++) {
            struct odds odds;
            struct leg_chances leg = synthetic_market_leg_chances(market, &grid, chances[j], j);
            assert_true(leg_chances_valid(leg));
            with_half += leg.half_win != 0 && leg.half_lose == 0;
            with_refund += leg.refund != 0;
            if (!synthetic_market_price(chances[j], 0, &odds))
                continue;
            assert_true(leg_chances_agree(leg, odds));
            odds.numerator = odds.numerator * 102 / 100 + 2;
            if (odds.numerator < 10000 && leg.win + leg.half_win > CHANCE_WHOLE / 100)
                assert_false(leg_chances_agree(leg, odds)); /* no chance was left out */
        }
    }
    assert_true(with_half > 0);
    assert_true(with_refund > 0);
}

TEST(synthetic_market, prices_are_rounded_down_and_stay_in_their_range)
{
    static const struct {
        double chance;
        uint32_t margin, cents; /* 0: not offered */
    } rows[] = {
        {0.5, 0, 200},         {0.5, 500, 190}, {1.0 / 3, 500, 285},
        {0.9901, 0, 0},        {0.99, 0, 101},  {0.96, 500, 0},
        {0.0001, 500, 100000}, {0, 500, 0},     {0.001, 0, 100000},
        {0.0011, 0, 90909},    {1, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct odds odds, expected;
        bool offered = synthetic_market_price(rows[i].chance, rows[i].margin, &odds);
        assert_int_equal(offered, rows[i].cents != 0);
        if (!offered)
            continue;
        assert_true(odds_make(rows[i].cents, 100, &expected));
        assert_true(odds_equal(odds, expected));
    }
}

TEST(synthetic_market, a_total_is_decided_only_when_no_goal_can_change_it)
{
    static const struct {
        int line;
        uint8_t goals;
        bool decided;
    } rows[] = {{6, 1, false}, {6, 2, true}, {11, 3, false}, {11, 4, true},
                {9, 2, false}, {9, 3, true}, {12, 3, false}, {12, 4, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct synthetic_market total = {SYNTHETIC_TOTAL, rows[i].line};
        struct synthetic_score score = {rows[i].goals, 0};
        assert_int_equal(synthetic_market_decided(&total, score), rows[i].decided);
    }
}

TEST(synthetic_market, what_is_decided_has_the_same_result_whatever_is_still_scored)
{
    const uint8_t scorers[22] = {0, 2, 2, 0, 0, 2, 0, 2, 0};
    const struct synthetic_market *market;
    for (size_t i = 0; (market = synthetic_market_opening(i)) != NULL; i++)
        for (uint8_t home = 0; home < 7; home++)
            for (uint8_t away = 0; away < 7; away++) {
                struct synthetic_outcome now = {{home, away}, scorers};
                struct synthetic_outcome later = {{(uint8_t)(home + 1), (uint8_t)(away + 2)},
                                                  scorers};
                if (!synthetic_market_decided(market, now.score))
                    continue;
                for (size_t j = 0; j < synthetic_market_selections_count(market); j++)
                    assert_true(leg_result_equal(synthetic_market_result(market, &now, j),
                                                 synthetic_market_result(market, &later, j)));
            }
}

/* Home wins and over 2.5 go together, a draw and over 2.5 do not: a product of the two prices would
 * be paid too often, or never taken. */
TEST(synthetic_market, a_builder_is_priced_and_settled_as_both_of_its_parts)
{
    const struct synthetic_position at = {0, 0, {0, 0}, 0, 0};
    const struct synthetic_market parts[2] = {{SYNTHETIC_1X2, 0}, {SYNTHETIC_TOTAL, 10}};
    const struct synthetic_market builder = {SYNTHETIC_BUILDER, 10};
    double each[2][SYNTHETIC_SELECTIONS_MAX], both[SYNTHETIC_SELECTIONS_MAX];
    quote(&at, &parts[0], each[0]);
    quote(&at, &parts[1], each[1]);
    quote(&at, &builder, both);
    for (size_t i = 0; i < 3; i++)
        assert_true(fabs(both[2 * i] + both[2 * i + 1] - each[0][i]) < 1e-12);
    assert_true(both[0] > each[0][0] * each[1][0]);
    assert_true(both[2] < each[0][1] * each[1][0]);
    const uint8_t scorers[10] = {0};
    for (uint8_t home = 0; home <= 5; home++)
        for (uint8_t away = 0; away <= 5; away++)
            for (size_t i = 0; i < 6; i++) {
                struct synthetic_outcome outcome = {{home, away}, scorers};
                bool won = synthetic_market_result(&parts[0], &outcome, i / 2).won &&
                           synthetic_market_result(&parts[1], &outcome, i % 2).won;
                assert_int_equal(synthetic_market_result(&builder, &outcome, i).won, won);
            }
}

TEST(synthetic_market, ids_and_names_are_for_machines_and_for_people)
{
    static const char *const duo[2] = {"Mossgate", "Ravensholt"};
    static const struct {
        struct synthetic_market market;
        size_t selection;
        const char *id, *name, *selection_id, *selection_name;
    } rows[] = {
        {{SYNTHETIC_1X2, 0}, 1, "1x2", "Match result", "draw", "Draw"},
        {{SYNTHETIC_BUILDER, 10},
         4,
         "builder:1x2+total:2.5",
         "Bet builder: result and goals 2.5",
         "away+over",
         "Ravensholt & over 2.5"},
        {{SYNTHETIC_BUILDER, 10},
         3,
         "builder:1x2+total:2.5",
         "Bet builder: result and goals 2.5",
         "draw+under",
         "Draw & under 2.5"},
        {{SYNTHETIC_TOTAL, 11}, 0, "total:2.75", "Total goals 2.75", "over", "Over 2.75"},
        {{SYNTHETIC_TOTAL, 12}, 1, "total:3", "Total goals 3", "under", "Under 3"},
        {{SYNTHETIC_ASIAN_HANDICAP, -1},
         0,
         "ah:-0.25",
         "Asian handicap Mossgate -0.25",
         "home",
         "Mossgate -0.25"},
        {{SYNTHETIC_ASIAN_HANDICAP, -1},
         1,
         "ah:-0.25",
         "Asian handicap Mossgate -0.25",
         "away",
         "Ravensholt +0.25"},
        {{SYNTHETIC_NEXT_GOAL, 3},
         1,
         "next-goal:3",
         "Who scores goal 3",
         "none",
         "No further goal"},
        {{SYNTHETIC_CORRECT_SCORE, 0}, 11, "correct-score", "Correct score", "2-1", "2:1"},
        {{SYNTHETIC_CORRECT_SCORE, 0},
         25,
         "correct-score",
         "Correct score",
         "other",
         "Any other score"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char memory[4][100];
        struct buf bufs[4];
        for (size_t j = 0; j < 4; j++)
            bufs[j] = buf_over(memory[j], sizeof memory[j]);
        synthetic_market_id_write(&bufs[0], &rows[i].market);
        synthetic_market_name_write(&bufs[1], &rows[i].market, duo[0]);
        synthetic_market_selection_id_write(&bufs[2], &rows[i].market, rows[i].selection);
        synthetic_market_selection_name_write(&bufs[3], &rows[i].market, rows[i].selection, duo);
        assert_true(slice_is(buf_slice(&bufs[0]), rows[i].id));
        assert_true(slice_is(buf_slice(&bufs[1]), rows[i].name));
        assert_true(slice_is(buf_slice(&bufs[2]), rows[i].selection_id));
        assert_true(slice_is(buf_slice(&bufs[3]), rows[i].selection_name));
    }
}

TEST(synthetic_market, the_next_goal_is_won_by_who_scored_it_or_by_nobody)
{
    const uint8_t scorers[22] = {SYNTHETIC_AWAY, SYNTHETIC_HOME, SYNTHETIC_AWAY};
    const struct synthetic_outcome outcome = {{1, 2}, scorers};
    static const size_t winners[] = {SYNTHETIC_AWAY, SYNTHETIC_HOME, SYNTHETIC_AWAY,
                                     SYNTHETIC_NOBODY};
    for (int goal = 1; goal <= 4; goal++) {
        struct synthetic_market market = {SYNTHETIC_NEXT_GOAL, goal};
        assert_int_equal(synthetic_market_decided(&market, outcome.score), goal <= 3);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(synthetic_market_result(&market, &outcome, i).won,
                             winners[goal - 1] == i);
    }
}
