/* test_synthetic_feed.c - feeds/synthetic/synthetic_feed.h, by a sink that keeps what it heard
 * and checks every call against what came before. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "core/ids.h"
#include "feeds/synthetic/synthetic_feed.h"

#define HEARD_MAX 8000
#define STEP_US   (50 * US_PER_MS)
#define T0        (INT64_C(1700000000) * US_PER_SECOND)

struct heard {
    char id[MARKET_ID_BYTES_MAX + 1];
    char event_id[EVENT_ID_BYTES_MAX + 1];
    enum market_status status;
    uint64_t version, result_version, cancel_version;
    int first_results, images;
    struct feed_selection_result results[SYNTHETIC_SELECTIONS_MAX]; /* slices not kept */
    char first_selection[8];
    struct odds odds[SYNTHETIC_SELECTIONS_MAX];
    size_t selections_count;
    int64_t feed_us;
};

struct ear {
    struct feed_sink sink;
    struct heard *heard; /* HEARD_MAX */
    size_t heard_count;
    uint32_t checksum;
    uint64_t alive, images, results, corrections, rollbacks, cancels;
    double overround_min, overround_max; /* of full books, correct score apart */
    double correct_min, correct_max;
};

static struct heard *ear_find(struct ear *ear, struct slice id)
{
    for (size_t i = ear->heard_count; i-- > 0;)
        if (slice_is(id, ear->heard[i].id))
            return &ear->heard[i];
    return NULL;
}

static void ear_sum(struct ear *ear, struct slice s)
{
    ear->checksum = crc32c(ear->checksum, s.at, s.bytes);
}

static void ear_books(struct ear *ear, const struct feed_market *market)
{
    double sum = 0;
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct feed_selection *selection = &market->selections[i];
        assert_int_equal(selection->status == SELECTION_ACTIVE, odds_present(selection->odds));
        if (!odds_present(selection->odds))
            return; /* not a full book */
        double odds = (double)selection->odds.numerator / selection->odds.denominator;
        assert_true(odds >= 1.01 && odds <= 1000);
        assert_int_equal(100 % selection->odds.denominator, 0); /* at most 2 decimals */
        sum += 1 / odds;
    }
    bool correct = slice_is(market->kind, "correct_score");
    double *min = correct ? &ear->correct_min : &ear->overround_min;
    double *max = correct ? &ear->correct_max : &ear->overround_max;
    *min = fmin(*min, sum);
    *max = fmax(*max, sum);
}

static void ear_on_market(struct feed_sink *sink, const struct feed_market *market)
{
    struct ear *ear = (struct ear *)sink;
    struct heard *heard = ear_find(ear, market->id);
    if (heard == NULL) {
        assert_true(ear->heard_count < HEARD_MAX);
        heard = &ear->heard[ear->heard_count++];
        *heard = (struct heard){0};
        assert_true(market->id.bytes <= MARKET_ID_BYTES_MAX);
        memcpy(heard->id, market->id.at, market->id.bytes);
        memcpy(heard->event_id, market->event_id.at, market->event_id.bytes);
    }
    assert_true(slice_begins(market->id, market->event_id));
    assert_true(slice_is(market->event_id, heard->event_id));
    assert_int_equal(heard->first_results, 0); /* never an image after a result */
    assert_int_not_equal(heard->status, MARKET_CLOSED_STATUS);
    assert_true(market->provider_version > heard->version);
    assert_true(market->feed_time.us >= heard->feed_us);
    assert_true(market->name.bytes > 0 && market->name.bytes <= NAME_BYTES_MAX);
    heard->status = market->status;
    heard->version = market->provider_version;
    heard->feed_us = market->feed_time.us;
    heard->selections_count = market->selections_count;
    heard->images++;
    ear->images++;
    for (size_t i = 0; i < market->selections_count; i++) {
        heard->odds[i] = market->selections[i].odds;
        ear_sum(ear, market->selections[i].id);
        ear_sum(ear, slice_of(&market->selections[i].odds, sizeof(struct odds)));
    }
    ear_sum(ear, market->id);
    ear_sum(ear, slice_of(&market->status, sizeof market->status));
    ear_sum(ear, slice_of(&market->feed_time, sizeof market->feed_time));
    if (market->status == MARKET_ACTIVE)
        ear_books(ear, market);
}

/* Bets on the next goal that were placed just before it are void. */
static void ear_on_cancel(struct ear *ear, struct heard *heard, const struct feed_result *result)
{
    assert_non_null(strstr(heard->id, "/next-goal:"));
    assert_int_equal(heard->status, MARKET_SUSPENDED_STATUS);
    assert_true(result->result_version > heard->cancel_version);
    assert_int_equal(result->void_until.us - result->void_from.us, 3 * US_PER_SECOND);
    assert_int_equal(result->selections_count, 0);
    heard->cancel_version = result->result_version;
    ear->cancels++;
}

static void ear_on_result(struct feed_sink *sink, const struct feed_result *result)
{
    struct ear *ear = (struct ear *)sink;
    struct heard *heard = ear_find(ear, result->market_id);
    assert_non_null(heard); /* a result is of a market that was opened */
    if (result->kind == RESULT_CANCEL) {
        ear_on_cancel(ear, heard, result);
        return;
    }
    assert_int_equal(heard->status, MARKET_CLOSED_STATUS);
    if (result->kind == RESULT_ROLLBACK) {
        assert_true(heard->result_version > 0 && result->result_version > heard->result_version);
        assert_int_equal(result->selections_count, 0); /* all of it */
        heard->result_version = result->result_version;
        ear->rollbacks++;
        return;
    }
    assert_int_equal(result->kind, RESULT_SET);
    assert_true(result->score_known);
    assert_true(result->result_version > heard->result_version);
    assert_int_equal(result->selections_count, heard->selections_count);
    heard->first_results += heard->result_version == 0;
    ear->corrections += heard->result_version != 0;
    heard->result_version = result->result_version;
    ear->results++;
    for (size_t i = 0; i < result->selections_count; i++) {
        assert_true(leg_result_valid(result->selections[i].result));
        assert_false(result->selections[i].open);
        assert_int_equal(result->selections[i].deduction, 0);
        heard->results[i] = result->selections[i];
        ear_sum(ear, slice_of(&result->selections[i].result.won, sizeof(bool)));
    }
    ear_sum(ear, result->market_id);
}

static void ear_on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    (void)sink, (void)provider, (void)market_id;
    fail_msg("the simulator settles every market that it opens");
}

static void ear_on_alive(struct feed_sink *sink, struct slice provider)
{
    assert_true(slice_is(provider, "sim"));
    ((struct ear *)sink)->alive++;
}

static void ear_on_late(struct feed_sink *sink, struct slice provider, bool late)
{
    (void)sink, (void)provider, (void)late;
    fail_msg("the simulator is never late");
}

static struct ear *ear_new(void)
{
    static const struct feed_sink_ops ops = {.market = ear_on_market,
                                             .result = ear_on_result,
                                             .removed = ear_on_removed,
                                             .alive = ear_on_alive,
                                             .late = ear_on_late};
    struct ear *ear = calloc(1, sizeof *ear);
    assert_non_null(ear);
    ear->sink.ops = &ops;
    ear->heard = calloc(HEARD_MAX, sizeof *ear->heard);
    assert_non_null(ear->heard);
    ear->overround_min = ear->correct_min = 100;
    return ear;
}

static void ear_free(struct ear *ear)
{
    free(ear->heard);
    free(ear);
}

static struct synthetic_options options_for(uint64_t seed)
{
    struct synthetic_options options;
    synthetic_options_init(&options);
    options.seed = seed;
    options.id_prefix = SLICE("20231114T2213");
    options.start = (struct instant){T0};
    options.races = false; /* test_synthetic_race.c */
    return options;
}

static struct synthetic_feed *feed_for(const struct synthetic_options *options, struct ear *ear)
{
    struct synthetic_feed *feed;
    assert_int_equal(synthetic_feed_new(options, &ear->sink, &feed), 0);
    return feed;
}

/* Steps from `from_us` for `seconds`, 20 times a second. */
static int64_t run(struct synthetic_feed *feed, int64_t from_us, int64_t seconds)
{
    for (int64_t end_us = from_us + seconds * US_PER_SECOND; from_us < end_us; from_us += STEP_US)
        synthetic_feed_step(feed, (struct instant){from_us});
    return from_us;
}

static uint32_t checksum_of(uint64_t seed)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(seed);
    struct synthetic_feed *feed = feed_for(&options, ear);
    run(feed, T0, 120);
    uint32_t checksum = ear->checksum;
    synthetic_feed_free(feed);
    ear_free(ear);
    return checksum;
}

TEST(synthetic_feed, the_same_seed_makes_the_same_calls)
{
    assert_int_equal(checksum_of(1), checksum_of(1));
    assert_int_not_equal(checksum_of(1), checksum_of(2));
}

TEST(synthetic_feed, every_opened_market_of_a_match_that_is_over_has_one_first_result)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(3);
    options.speed_permille = 10000;
    struct synthetic_feed *feed = feed_for(&options, ear);
    run(feed, T0, 300);
    size_t over = 0;
    for (size_t i = 0; i < ear->heard_count; i++) {
        const struct heard *heard = &ear->heard[i];
        struct synthetic_scoreboard board;
        bool running = false;
        for (size_t j = 0; synthetic_feed_scoreboard(feed, j, &board); j++)
            running |= slice_is(board.event_id, heard->event_id);
        if (!running)
            assert_int_equal(heard->first_results, 1);
        over += !running;
    }
    assert_true(over > 20 * 24); /* some two dozen matches were played to their end */
    assert_true(ear->alive == 300 * 20);
    synthetic_feed_free(feed);
    ear_free(ear);
}

/* Checks the last result of each of the match's markets against its final score. */
static size_t check_final(struct ear *ear, const struct synthetic_scoreboard *board)
{
    size_t checked = 0;
    const struct synthetic_market *market;
    for (size_t i = 0; (market = synthetic_market_opening(i)) != NULL; i++) {
        char memory[MARKET_ID_BYTES_MAX];
        struct buf id = buf_over(memory, sizeof memory);
        buf_put_slice(&id, board->event_id);
        buf_put_char(&id, '/');
        synthetic_market_id_write(&id, market);
        struct heard *heard = ear_find(ear, buf_slice(&id));
        assert_non_null(heard);
        if (market->kind == SYNTHETIC_NEXT_GOAL)
            continue; /* needs the scorers: see test_synthetic_market.c */
        struct synthetic_outcome outcome = {board->score, NULL};
        for (size_t j = 0; j < heard->selections_count; j++)
            assert_true(leg_result_equal(heard->results[j].result,
                                         synthetic_market_result(market, &outcome, j)));
        checked++;
    }
    return checked;
}

static size_t play_and_check(uint32_t correction_permille, uint64_t *ret_corrections)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(4);
    options.speed_permille = 10000;
    options.correction_permille = correction_permille;
    struct synthetic_feed *feed = feed_for(&options, ear);
    struct synthetic_scoreboard last[SYNTHETIC_MATCHES_MAX] = {0};
    char ids[SYNTHETIC_MATCHES_MAX][EVENT_ID_BYTES_MAX + 1] = {0};
    size_t checked = 0;
    for (int64_t us = T0; us < T0 + 200 * US_PER_SECOND; us += STEP_US) {
        synthetic_feed_step(feed, (struct instant){us});
        struct synthetic_scoreboard board;
        for (size_t i = 0; synthetic_feed_scoreboard(feed, i, &board); i++) {
            if (last[i].phase == SYNTHETIC_ENDED && !slice_is(board.event_id, ids[i])) {
                last[i].event_id = slice_text(ids[i]);
                checked += check_final(ear, &last[i]);
            }
            last[i] = board;
            memcpy(ids[i], board.event_id.at, board.event_id.bytes);
            ids[i][board.event_id.bytes] = 0;
        }
    }
    *ret_corrections = ear->corrections;
    synthetic_feed_free(feed);
    ear_free(ear);
    return checked;
}

TEST(synthetic_feed, the_last_result_of_each_market_is_that_of_the_final_score)
{
    uint64_t corrections;
    assert_true(play_and_check(0, &corrections) > 300);
    assert_int_equal(corrections, 0);
}

TEST(synthetic_feed, some_goals_are_seen_late_and_some_results_taken_back)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(3);
    options.late_permille = 1000;
    options.correction_permille = 1000;
    struct synthetic_feed *feed = feed_for(&options, ear);
    for (int64_t us = T0; us < T0 + 700 * US_PER_SECOND; us += STEP_US)
        synthetic_feed_step(feed, (struct instant){us});
    assert_true(ear->cancels > 5);
    assert_true(ear->rollbacks > 5);
    assert_true(ear->corrections > ear->rollbacks); /* some come without it */
    synthetic_feed_free(feed);
    ear_free(ear);
}

TEST(synthetic_feed, a_wrong_result_is_corrected_by_a_higher_version)
{
    uint64_t corrections;
    assert_true(play_and_check(1000, &corrections) > 300);
    assert_true(corrections > 200);
}

static size_t active_of(const struct ear *ear, struct slice event_id)
{
    size_t active = 0;
    for (size_t i = 0; i < ear->heard_count; i++)
        active +=
            slice_is(event_id, ear->heard[i].event_id) && ear->heard[i].status == MARKET_ACTIVE;
    return active;
}

TEST(synthetic_feed, no_market_of_a_match_is_active_for_seconds_after_a_goal)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(5);
    struct synthetic_feed *feed = feed_for(&options, ear);
    int goals[SYNTHETIC_MATCHES_MAX] = {0};
    int64_t goal_us[SYNTHETIC_MATCHES_MAX] = {0};
    size_t seen = 0, reopened = 0;
    for (int64_t us = T0; us < T0 + 300 * US_PER_SECOND; us += STEP_US) {
        synthetic_feed_step(feed, (struct instant){us});
        struct synthetic_scoreboard board;
        for (size_t i = 0; synthetic_feed_scoreboard(feed, i, &board); i++) {
            int now = board.score.home + board.score.away;
            if (now > goals[i]) {
                goal_us[i] = us;
                seen++;
            }
            goals[i] = now;
            size_t active = active_of(ear, board.event_id);
            if (goal_us[i] != 0 && us < goal_us[i] + 3900 * US_PER_MS)
                assert_int_equal(active, 0);
            if (goal_us[i] != 0 && us == goal_us[i] + 8100 * US_PER_MS)
                reopened += active > 0;
        }
    }
    assert_true(seen > 5);
    assert_true(reopened > 2);
    synthetic_feed_free(feed);
    ear_free(ear);
}

TEST(synthetic_feed, books_are_over_round_within_bounds)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(6);
    options.speed_permille = 4000;
    struct synthetic_feed *feed = feed_for(&options, ear);
    run(feed, T0, 240);
    print_message("overround %.4f..%.4f, correct score %.4f..%.4f\n", ear->overround_min,
                  ear->overround_max, ear->correct_min, ear->correct_max);
    assert_true(ear->overround_min >= 1.05);
    assert_true(ear->overround_max < 1.05 * 1.015);
    assert_true(ear->correct_min >= 1.10);
    assert_true(ear->correct_max < 1.10 * 1.015 + 0.026);
    synthetic_feed_free(feed);
    ear_free(ear);
}

TEST(synthetic_feed, without_noise_the_draw_shortens_all_through_a_goalless_match)
{
    size_t goalless_checked = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct ear *ear = ear_new();
        struct synthetic_options options = options_for(seed);
        options.matches_count = 1;
        options.noise_permyriad = options.red_permille = options.disallowed_permille = 0;
        struct synthetic_feed *feed = feed_for(&options, ear);
        struct odds last = {1000, 1};
        for (int64_t us = T0; us < T0 + 200 * US_PER_SECOND; us += STEP_US) {
            synthetic_feed_step(feed, (struct instant){us});
            struct synthetic_scoreboard board;
            assert_true(synthetic_feed_scoreboard(feed, 0, &board));
            if (board.score.home + board.score.away > 0)
                break;
            struct odds draw = ear_find(ear, SLICE("sim:20231114T2213-1/1x2"))->odds[1];
            assert_true(odds_compare(draw, last) <= 0);
            goalless_checked += odds_compare(draw, last) < 0;
            last = draw;
        }
        synthetic_feed_free(feed);
        ear_free(ear);
    }
    assert_true(goalless_checked > 50); /* it really moved */
}

TEST(synthetic_feed, a_screen_moves_several_times_a_second_per_match)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(7);
    options.matches_count = 4;
    struct synthetic_feed *feed = feed_for(&options, ear);
    int64_t us = run(feed, T0, 60);
    uint64_t before = ear->images;
    run(feed, us, 60);
    double rate = (double)(ear->images - before) / 60 / 4;
    print_message("%.1f images a second and match\n", rate);
    assert_true(rate > 3 && rate < 60);
    synthetic_feed_free(feed);
    ear_free(ear);
}

TEST(synthetic_feed, a_new_match_has_other_ids_and_no_team_plays_twice_at_once)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(8);
    options.speed_permille = 20000;
    options.matches_count = SYNTHETIC_MATCHES_MAX;
    struct synthetic_feed *feed = feed_for(&options, ear);
    uint64_t highest[SYNTHETIC_MATCHES_MAX] = {0}, highest_of_all = 0;
    for (int64_t us = T0; us < T0 + 60 * US_PER_SECOND; us += STEP_US) {
        synthetic_feed_step(feed, (struct instant){us});
        struct synthetic_scoreboard a, b;
        for (size_t i = 0; synthetic_feed_scoreboard(feed, i, &a); i++) {
            char id[EVENT_ID_BYTES_MAX + 1] = {0};
            memcpy(id, a.event_id.at, a.event_id.bytes);
            uint64_t number = strtoull(strrchr(id, '-') + 1, NULL, 10);
            if (number != highest[i]) { /* a new match: a number that nobody had */
                assert_true(number > highest_of_all);
                highest[i] = highest_of_all = number;
            }
            for (size_t j = 0; j < i; j++) {
                assert_true(synthetic_feed_scoreboard(feed, j, &b));
                assert_false(slice_equal(a.event_name, b.event_name));
            }
        }
    }
    assert_true(highest_of_all > 2 * SYNTHETIC_MATCHES_MAX);
    synthetic_feed_free(feed);
    ear_free(ear);
}

TEST(synthetic_feed, a_long_pause_and_a_clock_that_goes_back_are_survived)
{
    struct ear *ear = ear_new();
    struct synthetic_options options = options_for(9);
    struct synthetic_feed *feed = feed_for(&options, ear);
    int64_t us = run(feed, T0, 30);
    synthetic_feed_step(feed, (struct instant){us + 3600 * US_PER_SECOND});
    uint64_t results = ear->results;
    assert_true(results > 0);
    synthetic_feed_step(feed, (struct instant){us});
    run(feed, us + 3600 * US_PER_SECOND, 400);
    assert_true(ear->results > results);
    synthetic_feed_free(feed);
    ear_free(ear);
}

TEST(synthetic_feed, options_outside_their_bounds_are_refused)
{
    struct ear *ear = ear_new();
    struct synthetic_options good = options_for(1), options;
    struct synthetic_feed *feed;
#define REFUSED(change)                                                                            \
    options = good;                                                                                \
    options.change;                                                                                \
    assert_int_equal(synthetic_feed_new(&options, &ear->sink, &feed), -ERR_CONFIG)
    REFUSED(id_prefix = SLICE(""));
    REFUSED(id_prefix = SLICE("a/b"));
    REFUSED(id_prefix = SLICE("123456789012345678901234567890123"));
    REFUSED(matches_count = 0);
    REFUSED(matches_count = SYNTHETIC_MATCHES_MAX + 1);
    REFUSED(match_seconds = 9);
    REFUSED(speed_permille = 0);
    REFUSED(margin_permyriad = 5001);
    REFUSED(disallowed_permille = 901);
    REFUSED(correction_permille = 1001);
    REFUSED(bet_delay_us[2] = 6 * US_PER_SECOND);
    ear_free(ear);
}
