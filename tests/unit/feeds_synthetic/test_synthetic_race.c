/* test_synthetic_race.c - races as a sink hears of them: what is offered, who is withdrawn, who is
 * placed, and that all of it fits together. */
#include "feeds/synthetic/synthetic_race.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

#include "core/rule4.h"

#define T0      (INT64_C(1700000000) * US_PER_SECOND)
#define STEP_US (50 * US_PER_MS)

struct ear {
    struct feed_sink sink;
    char market[MARKET_ID_BYTES_MAX + 1];
    enum market_status status;
    size_t count;
    struct odds odds[SYNTHETIC_RUNNERS_MAX]; /* as last offered */
    bool removed[SYNTHETIC_RUNNERS_MAX];
    struct place_terms terms;
    uint64_t races, results, withdrawn, tied, images;
};

static void on_market(struct feed_sink *sink, const struct feed_market *market)
{
    struct ear *ear = (struct ear *)sink;
    bool another = !slice_is(market->id, ear->market);
    if (another) {
        assert_int_equal(market->status, MARKET_ACTIVE);
        (void)snprintf(ear->market, sizeof ear->market, "%.*s", SLICE_ARG(market->id));
        memset(ear->removed, 0, sizeof ear->removed);
        ear->races++;
    }
    assert_true(market->selections_count >= SYNTHETIC_RUNNERS_MIN);
    assert_true(market->selections_count <= SYNTHETIC_RUNNERS_MAX);
    assert_true(place_terms_valid(market->place_terms));
    assert_false(market->in_play);
    double book = 0;
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct feed_selection *selection = &market->selections[i];
        assert_true(selection->name.bytes > 0);
        if (selection->status == SELECTION_REMOVED && !ear->removed[i]) {
            assert_int_equal(ear->status, MARKET_SUSPENDED_STATUS); /* suspended before */
            ear->removed[i] = true;
            ear->withdrawn++;
        }
        assert_int_equal(selection->status == SELECTION_ACTIVE, odds_present(selection->odds));
        if (selection->status != SELECTION_ACTIVE)
            continue;
        ear->odds[i] = selection->odds;
        book += (double)selection->odds.denominator / selection->odds.numerator;
    }
    if (market->status == MARKET_ACTIVE)
        assert_true(book > 1.0 && book < 1.3);
    ear->status = market->status;
    ear->count = market->selections_count;
    ear->terms = market->place_terms;
    ear->images++;
}

static void on_result(struct feed_sink *sink, const struct feed_result *result)
{
    struct ear *ear = (struct ear *)sink;
    unsigned at[SYNTHETIC_RUNNERS_MAX + 2] = {0}, run = 0;
    assert_true(slice_is(result->market_id, ear->market));
    assert_int_equal(ear->status, MARKET_CLOSED_STATUS);
    assert_int_equal(result->deduction_model, DEDUCT_RULE4);
    assert_int_equal(result->selections_count, ear->count);
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        assert_int_equal(r->withdrawn_at.us != 0, ear->removed[i]);
        if (ear->removed[i]) {
            assert_int_equal(leg_result_outcome(r->result), LEG_OUTCOME_VOID);
            assert_int_equal(r->deduction, 100 * rule4_pence(RULE4_DECIMAL, ear->odds[i]));
            continue;
        }
        run++;
        assert_true(r->position >= 1 && r->position <= ear->count);
        at[r->position]++;
        assert_int_equal(r->result.won, r->position == 1);
        assert_int_equal(r->result.dead_heat_denominator, r->position == 1 ? r->tied : 1);
        ear->tied += r->tied == 2;
    }
    for (size_t i = 0; i < result->selections_count; i++)
        if (!ear->removed[i])
            assert_int_equal(result->selections[i].tied, at[result->selections[i].position]);
    for (unsigned place = 1; place <= run;) { /* after two at one place the next is left out */
        assert_true(at[place] == 1 || at[place] == 2);
        place += at[place];
    }
    ear->results++;
}

static void on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    (void)sink, (void)provider, (void)market_id;
    fail_msg("every race has a result");
}

static void run(struct ear *ear, uint64_t seed, int64_t seconds)
{
    static const struct feed_sink_ops ops = {
        .market = on_market, .result = on_result, .removed = on_removed};
    const struct synthetic_card card = {.prefix = SLICE("x"),
                                        .seed = seed,
                                        .margin_permyriad = 500,
                                        .before_us = 9 * US_PER_SECOND,
                                        .run_us = 2 * US_PER_SECOND,
                                        .after_us = US_PER_SECOND};
    static struct synthetic_race race;
    *ear = (struct ear){.sink = {&ops}};
    synthetic_race_init(&race, &card);
    for (int64_t us = T0; us < T0 + seconds * US_PER_SECOND; us += STEP_US)
        synthetic_race_step(&race, &ear->sink, (struct instant){us});
}

TEST(synthetic_race, each_race_is_offered_run_and_settled)
{
    static struct ear ear;
    run(&ear, 1, 2400);
    assert_true(ear.results >= 190);
    assert_true(ear.races - ear.results <= 1);
    assert_true(ear.withdrawn > 40);
    assert_true(ear.tied > 100);
}

TEST(synthetic_race, the_seed_decides)
{
    static struct ear one, again, other;
    run(&one, 7, 200);
    run(&again, 7, 200);
    run(&other, 8, 200);
    assert_memory_equal(&one.odds, &again.odds, sizeof one.odds);
    assert_int_equal(one.images, again.images);
    assert_memory_not_equal(&one.odds, &other.odds, sizeof one.odds);
}
