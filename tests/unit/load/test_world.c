/* test_world.c - the script of a match day, its crowd, and what a bettor sees. */
#include <string.h>

#include "base/error.h"
#include "load/load_crowd.h"
#include "load/load_match.h"
#include "load/load_view.h"
#include "test.h"

#define MINUTE_US 60000000

static const struct load_match_options day = {.seed = 7,
                                              .markets = 4,
                                              .calm_us = 2000000,
                                              .volatile_us = 200000,
                                              .goal_us = 10000000,
                                              .suspended_us = 3000000};

static struct load_match *new_match(const struct load_match_options *options)
{
    struct load_match *match = NULL;
    assert_int_equal(load_match_new(options, &match), 0);
    return match;
}

TEST(load_match, is_the_same_day_for_everybody)
{
    struct load_match *first = new_match(&day), *second = new_match(&day);
    struct load_match_options other = day;
    other.seed++;
    struct load_match *third = new_match(&other);
    bool differs = false;
    for (int i = 0; i < 500; i++) {
        struct load_match_move a, b, c;
        load_match_take(first, &a);
        load_match_take(second, &b);
        load_match_take(third, &c);
        assert_memory_equal(&a, &b, sizeof a);
        differs = differs || a.at_us != c.at_us;
    }
    assert_true(differs);
    load_match_free(first);
    load_match_free(second);
    load_match_free(third);
}

TEST(load_match, begins_with_all_images_and_never_goes_back)
{
    struct load_match *match = new_match(&day);
    struct load_match_move move;
    int64_t before_us = 0;
    bool seen[4] = {false};
    for (int i = 0; i < 4; i++) {
        load_match_take(match, &move);
        assert_int_equal(move.at_us, 0);
        seen[move.market] = true;
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
    for (int i = 0; i < 2000; i++) {
        int64_t next_us = load_match_next_us(match);
        load_match_take(match, &move);
        assert_int_equal(move.at_us, next_us);
        assert_true(move.at_us >= before_us);
        before_us = move.at_us;
        for (int s = 0; s < LOAD_MATCH_SELECTIONS; s++)
            assert_true(move.cents[s] > 100);
    }
    load_match_free(match);
}

/* Each move is another price, so that what a bettor sees tells which move it was. */
TEST(load_match, each_move_shows_another_price_and_a_goal_stops_it_for_a_while)
{
    struct load_match_options one = day;
    one.markets = 1;
    struct load_match *match = new_match(&one);
    struct load_match_move before, move;
    uint64_t goals = 0, moves = 0;
    load_match_take(match, &before);
    for (int i = 0; i < 3000; i++) {
        load_match_take(match, &move);
        if (move.reopened) {
            assert_true(before.suspended);
            assert_int_equal(move.at_us, before.at_us + one.suspended_us);
            assert_memory_equal(move.cents, before.cents, sizeof move.cents);
        } else {
            assert_false(before.suspended);
            assert_memory_not_equal(move.cents, before.cents, sizeof move.cents);
        }
        goals += move.suspended;
        moves++;
        before = move;
    }
    assert_int_equal(move.goals[0] + move.goals[1], goals);
    int64_t of_goals_us = move.at_us / (int64_t)goals;
    assert_in_range(of_goals_us, one.goal_us / 2, one.goal_us * 2);
    load_match_free(match);
}

TEST(load_match, has_its_limits)
{
    struct load_match *match = NULL;
    struct load_match_options options = day;
    options.markets = LOAD_MATCH_MARKETS_MAX + 1;
    assert_int_equal(load_match_new(&options, &match), -ERR_LIMIT);
    options = day;
    options.calm_us = 0;
    assert_int_equal(load_match_new(&options, &match), -ERR_LIMIT);
    load_match_free(NULL);
}

/* ---- the crowd ---- */

static const struct load_crowd_options thousand = {
    .seed = 3,
    .users = 1000,
    .markets = 5,
    .burst = 15,
    .each_us = {
        [LOAD_ACT_POLL] = 3000000, [LOAD_ACT_BET] = 15000000, [LOAD_ACT_BALANCE] = 30000000}};

struct counted {
    uint64_t acts[LOAD_ACTS_COUNT];
};

static struct load_crowd *new_crowd(const struct load_crowd_options *options)
{
    struct load_crowd *crowd = NULL;
    assert_int_equal(load_crowd_new(options, &crowd), 0);
    return crowd;
}

static struct counted take_until(struct load_crowd *crowd, int64_t until_us)
{
    struct counted counted = {{0}};
    struct load_act act;
    int64_t before_us = 0;
    while (load_crowd_next_us(crowd) < until_us) {
        load_crowd_take(crowd, &act);
        assert_true(act.at_us >= before_us);
        assert_true(act.kind < LOAD_ACTS_COUNT);
        before_us = act.at_us;
        counted.acts[act.kind]++;
    }
    return counted;
}

TEST(load_crowd, polls_evenly_and_bets_at_random)
{
    struct load_crowd *crowd = new_crowd(&thousand);
    struct counted counted = take_until(crowd, MINUTE_US);
    assert_int_equal(counted.acts[LOAD_ACT_POLL], 20 * thousand.users);
    assert_in_range(counted.acts[LOAD_ACT_BET], 3700, 4300);
    assert_in_range(counted.acts[LOAD_ACT_BALANCE], 1800, 2200);
    assert_int_equal(counted.acts[LOAD_ACT_LEAVE], 0);
    load_crowd_free(crowd);
}

TEST(load_crowd, half_of_it_watches_the_match_of_the_day)
{
    struct load_crowd *crowd = new_crowd(&thousand);
    uint32_t watch[5] = {0};
    for (uint32_t i = 0; i < thousand.users; i++)
        watch[load_crowd_market(crowd, i)]++;
    assert_in_range(watch[0], 430, 570);
    for (int i = 1; i < 5; i++)
        assert_in_range(watch[i], 60, 200);
    load_crowd_free(crowd);
}

TEST(load_crowd, a_goal_makes_those_who_watch_hurry_for_a_second)
{
    struct load_crowd *crowd = new_crowd(&thousand), *calm = new_crowd(&thousand);
    struct load_crowd_options few = thousand;
    few.burst = 1;
    struct load_crowd *patient = new_crowd(&few);
    load_crowd_goal(crowd, 0, MINUTE_US);
    load_crowd_goal(patient, 0, MINUTE_US);
    (void)take_until(crowd, MINUTE_US);
    (void)take_until(calm, MINUTE_US);
    (void)take_until(patient, MINUTE_US);
    uint64_t hurried = take_until(crowd, MINUTE_US + 1000000).acts[LOAD_ACT_BET];
    uint64_t usual = take_until(calm, MINUTE_US + 1000000).acts[LOAD_ACT_BET];
    assert_int_equal(take_until(patient, MINUTE_US + 1000000).acts[LOAD_ACT_BET], usual);
    /* 14 times the 1/15 a second of about 500 users, besides the usual 67. */
    assert_in_range(hurried - usual, 400, 540);
    assert_int_equal(take_until(crowd, 2 * MINUTE_US).acts[LOAD_ACT_BET],
                     take_until(calm, 2 * MINUTE_US).acts[LOAD_ACT_BET]);
    load_crowd_free(crowd);
    load_crowd_free(calm);
    load_crowd_free(patient);
}

TEST(load_crowd, without_anything_to_do_there_is_no_next_act)
{
    const struct load_crowd_options idle = {.seed = 1, .users = 2, .markets = 1};
    struct load_crowd *crowd = new_crowd(&idle);
    assert_int_equal(load_crowd_next_us(crowd), INT64_MAX);
    load_crowd_goal(crowd, 0, 5);
    assert_int_equal(load_crowd_next_us(crowd), INT64_MAX);
    load_crowd_free(crowd);
    const struct load_crowd_options nobody = {.markets = 1};
    assert_int_equal(load_crowd_new(&nobody, &crowd), -ERR_LIMIT);
    load_crowd_free(NULL);
}

/* ---- what a bettor sees ---- */

#define IMAGE                                                                                      \
    "{\"market_id\":\"m\",\"odds_version\":5,\"status\":\"active\",\"selections\":["               \
    "{\"id\":\"home\",\"odds\":2.10},{\"id\":\"draw\",\"odds\":3.4},{\"id\":\"away\"}]}"

static void expect_view(const struct load_view *view, uint64_t version, uint32_t home,
                        uint32_t draw, uint32_t away)
{
    assert_int_equal(view->odds_version, version);
    assert_int_equal(view->cents[0], home);
    assert_int_equal(view->cents[1], draw);
    assert_int_equal(view->cents[2], away);
}

TEST(load_view, follows_a_read_and_the_messages_of_a_stream)
{
    struct load_view view = {0};
    assert_true(load_view_read(&view, SLICE(IMAGE)));
    expect_view(&view, 5, 210, 340, 0);
    assert_true(view.active);
    assert_true(load_view_message(
        &view, SLICE("{\"op\":\"delta\",\"market_id\":\"m\",\"odds_version\":6,\"selections\":"
                     "[{\"id\":\"away\",\"odds\":4.00}]}")));
    expect_view(&view, 6, 210, 340, 400);
    assert_true(load_view_message(
        &view,
        SLICE(
            "{\"op\":\"delta\",\"market_id\":\"m\",\"odds_version\":7,\"status\":\"suspended\"}")));
    expect_view(&view, 7, 210, 340, 400);
    assert_false(view.active);
    view = (struct load_view){0};
    assert_true(load_view_message(&view, SLICE("{\"op\":\"snapshot\",\"markets\":[" IMAGE "]}")));
    expect_view(&view, 5, 210, 340, 0);
    view = (struct load_view){0};
    assert_true(load_view_message(&view, SLICE("{\"op\":\"image\",\"market\":" IMAGE "}")));
    expect_view(&view, 5, 210, 340, 0);
}

TEST(load_view, passes_over_what_says_nothing_of_a_market)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"op\":\"pong\"}",
                                        "{\"op\":\"snapshot\",\"markets\":[]}",
                                        "{\"op\":\"balance\",\"balance\":1.00}",
                                        "{\"op\":\"del"};
    struct load_view view = {.odds_version = 9};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(load_view_message(&view, slice_text(texts[i])));
        assert_false(load_view_read(&view, slice_text(texts[i])));
    }
    expect_view(&view, 9, 0, 0, 0);
}
