/* test_synthetic_model.c - feeds/synthetic/synthetic_model.h and the course that is drawn from
 * the same chain, synthetic_match.h. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "feeds/synthetic/synthetic_match.h"
#include "feeds/synthetic/synthetic_model.h"

static const struct synthetic_model even = {1.4, 1.2, 376};

static double grid_sum(const struct synthetic_grid *grid)
{
    double sum = 0;
    for (size_t i = 0; i <= SYNTHETIC_GOALS_MAX; i++)
        for (size_t j = 0; j <= SYNTHETIC_GOALS_MAX; j++)
            sum += grid->chance[i][j];
    return sum;
}

static double grid_draw(const struct synthetic_grid *grid)
{
    double sum = 0;
    for (size_t i = 0; i <= SYNTHETIC_GOALS_MAX; i++)
        sum += grid->chance[i][i];
    return sum;
}

TEST(synthetic_model, chances_sum_to_one_from_every_position)
{
    for (uint32_t tick = 0; tick <= even.ticks_count; tick += 47)
        for (uint8_t home = 0; home <= SYNTHETIC_GOALS_MAX; home = (uint8_t)(home + 3))
            for (uint8_t away = 0; away <= SYNTHETIC_GOALS_MAX; away++) {
                struct synthetic_position at = {tick, 0.4, {home, away}, 1, 0};
                struct synthetic_grid grid;
                double next[3];
                synthetic_model_final(&even, &at, &grid);
                synthetic_model_next_goal(&even, &at, next);
                assert_true(fabs(grid_sum(&grid) - 1) < 1e-12);
                assert_true(fabs(next[0] + next[1] + next[2] - 1) < 1e-12);
            }
}

TEST(synthetic_model, at_the_whistle_the_score_is_certain)
{
    struct synthetic_position at = {even.ticks_count, 0, {2, 1}, 0, 0};
    struct synthetic_grid grid;
    double next[3];
    synthetic_model_final(&even, &at, &grid);
    synthetic_model_next_goal(&even, &at, next);
    assert_true(grid.chance[2][1] == 1);
    assert_true(next[SYNTHETIC_NOBODY] == 1);
}

TEST(synthetic_model, nobody_scores_next_exactly_when_the_score_stays)
{
    struct synthetic_position at = {100, 0.7, {1, 0}, 0, 1};
    struct synthetic_grid grid;
    double next[3];
    synthetic_model_final(&even, &at, &grid);
    synthetic_model_next_goal(&even, &at, next);
    assert_true(fabs(grid.chance[1][0] - next[SYNTHETIC_NOBODY]) < 1e-12);
}

TEST(synthetic_model, a_goalless_draw_comes_nearer_with_every_moment)
{
    double last = 0;
    for (uint32_t tick = 0; tick < even.ticks_count; tick++)
        for (int part = 0; part < 4; part++) {
            struct synthetic_position at = {tick, part / 4.0, {0, 0}, 0, 0};
            struct synthetic_grid grid;
            synthetic_model_final(&even, &at, &grid);
            assert_true(grid_draw(&grid) > last);
            last = grid_draw(&grid);
        }
    assert_true(last > 0.98);
}

TEST(synthetic_model, the_position_moves_without_a_jump_from_tick_to_tick)
{
    struct synthetic_position end = {200, 1 - 1e-9, {0, 1}, 0, 0}, begin = {201, 0, {0, 1}, 0, 0};
    struct synthetic_grid a, b;
    synthetic_model_final(&even, &end, &a);
    synthetic_model_final(&even, &begin, &b);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            assert_true(fabs(a.chance[i][j] - b.chance[i][j]) < 1e-9);
}

TEST(synthetic_model, a_man_short_is_worse)
{
    struct synthetic_position eleven = {100, 0, {0, 0}, 0, 0}, ten = {100, 0, {0, 0}, 1, 0};
    double a[3], b[3];
    synthetic_model_next_goal(&even, &eleven, a);
    synthetic_model_next_goal(&even, &ten, b);
    assert_true(b[SYNTHETIC_HOME] < a[SYNTHETIC_HOME]);
    assert_true(b[SYNTHETIC_AWAY] > a[SYNTHETIC_AWAY]);
}

/* The matches that are played are the matches that are priced: over many seeds the number of
 * draws lies within four standard deviations of the sum of the chances before each match. */
TEST(synthetic_model, matches_end_as_often_in_a_draw_as_the_chances_say)
{
    const struct synthetic_pace pace = {1000, 1000, 100, 0};
    const int matches = 4000;
    double expected = 0, variance = 0, expected_goals = 0;
    int draws = 0, goals = 0;
    for (int i = 0; i < matches; i++) {
        struct synthetic_match match;
        synthetic_match_init(&match, (uint64_t)i, (struct instant){0}, &pace);
        struct synthetic_grid grid;
        synthetic_model_final(&match.model, &match.position, &grid);
        expected += grid_draw(&grid);
        variance += grid_draw(&grid) * (1 - grid_draw(&grid));
        for (size_t h = 0; h <= SYNTHETIC_GOALS_MAX; h++)
            for (size_t a = 0; a <= SYNTHETIC_GOALS_MAX; a++)
                expected_goals += grid.chance[h][a] * (double)(h + a);
        struct instant at;
        while (synthetic_match_advance(&match, (struct instant){INT64_MAX}, &at) !=
               SYNTHETIC_FULL_TIME)
            continue;
        draws += match.position.score.home == match.position.score.away;
        goals += match.position.score.home + match.position.score.away;
    }
    print_message("draws %d expected %.1f; goals %d expected %.1f\n", draws, expected, goals,
                  expected_goals);
    assert_true(fabs(draws - expected) < 4 * sqrt(variance));
    assert_true(fabs(goals - expected_goals) < 4 * sqrt(expected_goals));
    assert_true(expected_goals / matches > 2 && expected_goals / matches < 3.5);
}

/* The same match asked about once a second and once at the end has the same happenings. */
TEST(synthetic_match, its_course_does_not_depend_on_how_often_it_is_asked)
{
    const struct synthetic_pace pace = {833333, 5000000, 200, 500};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct synthetic_match often, once;
        synthetic_match_init(&often, seed, (struct instant){7}, &pace);
        synthetic_match_init(&once, seed, (struct instant){7}, &pace);
        for (int64_t us = 0; often.phase != SYNTHETIC_ENDED; us += 50000) {
            struct instant at, other;
            enum synthetic_happening happening;
            while ((happening = synthetic_match_advance(&often, (struct instant){us}, &at)) !=
                   SYNTHETIC_NOTHING) {
                assert_int_equal(
                    synthetic_match_advance(&once, (struct instant){INT64_MAX}, &other), happening);
                assert_true(at.us == other.us);
                assert_true(at.us <= us);
            }
        }
        assert_int_equal(once.phase, SYNTHETIC_ENDED);
        assert_memory_equal(often.scorers, once.scorers, sizeof often.scorers);
    }
}

TEST(synthetic_match, the_scorers_add_up_to_the_score)
{
    const struct synthetic_pace pace = {1000, 0, 0, 1000};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct synthetic_match match;
        struct instant at;
        int home = 0, goals = 0;
        synthetic_match_init(&match, seed, (struct instant){0}, &pace);
        enum synthetic_happening happening = SYNTHETIC_NOTHING;
        while (happening != SYNTHETIC_FULL_TIME) {
            happening = synthetic_match_advance(&match, (struct instant){INT64_MAX}, &at);
            if (happening == SYNTHETIC_GOAL)
                home += match.scorers[goals++] == SYNTHETIC_HOME;
        }
        assert_int_equal(match.position.score.home, home);
        assert_int_equal(match.position.score.away, goals - home);
        assert_true(match.position.reds_home <= SYNTHETIC_REDS_MAX);
    }
}
