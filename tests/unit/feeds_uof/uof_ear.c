/* uof_ear.c - contract in uof_ear.h. It checks on every call what a book relies on. */
#include "uof_ear.h"

#include <stdlib.h>

#include "base/assert.h"
#include "test.h"

#include "core/ids.h"

static struct buf *begin(struct feed_sink *sink)
{
    struct ear *ear = (struct ear *)sink;
    if (ear->said.bytes > 0)
        buf_put_text(&ear->said, "; ");
    return &ear->said;
}

static void put_chances(struct buf *said, struct leg_chances chances)
{
    if (leg_chances_known(chances))
        buf_printf(said, " (%u", chances.win);
    if (chances.half_win + chances.refund + chances.half_lose > 0)
        buf_printf(said, " %u %u %u", chances.half_win, chances.refund, chances.half_lose);
    if (leg_chances_known(chances))
        buf_put_char(said, ')');
}

static void put_selection(struct buf *said, const struct feed_selection *selection)
{
    ASSERT(selection->id.bytes > 0);
    ASSERT(selection->id.bytes <= SELECTION_ID_BYTES_MAX);
    ASSERT(selection->name.bytes <= NAME_BYTES_MAX);
    ASSERT((selection->status == SELECTION_ACTIVE) == odds_present(selection->odds));
    ASSERT(leg_chances_valid(selection->chances));
    buf_printf(said, " %.*s=", SLICE_ARG(selection->id));
    if (odds_present(selection->odds))
        odds_write_decimal(said, selection->odds);
    else
        buf_put_char(said, '-');
    put_chances(said, selection->chances);
}

static void on_market(struct feed_sink *sink, const struct feed_market *market)
{
    struct buf *said = begin(sink);
    ASSERT(market->id.bytes <= MARKET_ID_BYTES_MAX);
    ASSERT(market->name.bytes <= NAME_BYTES_MAX);
    ASSERT(market->selections_count <= SELECTIONS_MAX);
    buf_printf(said, "market %.*s %.*s %s", SLICE_ARG(market->id), SLICE_ARG(market->provider),
               market_status_text(market->status));
    if (market->in_play)
        buf_printf(said, " live %lld", (long long)(market->bet_delay_us / US_PER_MS));
    if (market->score[0] + market->score[1] > 0)
        buf_printf(said, " %u:%u", market->score[0], market->score[1]);
    if (market->red_cards[0] + market->red_cards[1] > 0)
        buf_printf(said, " red %u:%u", market->red_cards[0], market->red_cards[1]);
    if (market->start_time.us != 0)
        buf_printf(said, " from %lld", (long long)(market->start_time.us / US_PER_MS));
    for (size_t i = 0; i < market->selections_count; i++)
        put_selection(said, &market->selections[i]);
}

static void put_result(struct buf *said, const struct feed_selection_result *result)
{
    buf_printf(said, " %.*s=", SLICE_ARG(result->selection_id));
    if (result->open) {
        buf_put_text(said, "OPEN");
        return;
    }
    ASSERT(leg_result_valid(result->result));
    enum leg_outcome outcome = leg_result_outcome(result->result);
    buf_put_text(said, leg_outcome_text(outcome));
    if (outcome == LEG_OUTCOME_DEAD_HEAT)
        buf_printf(said, " %u/%u", result->result.dead_heat_numerator,
                   result->result.dead_heat_denominator);
    if (result->reason.bytes > 0)
        buf_printf(said, " (%.*s)", SLICE_ARG(result->reason));
}

static void on_result(struct feed_sink *sink, const struct feed_result *result)
{
    static const char *const kinds[] = {"", "result", "rollback", "cancel", "uncancel"};
    struct buf *said = begin(sink);
    bool window = result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
    buf_printf(said, "%s %.*s v%llu", kinds[result->kind], SLICE_ARG(result->market_id),
               (unsigned long long)result->result_version);
    ASSERT(result->names_others != window);
    ASSERT(!window || result->void_from.us < result->void_until.us);
    if (window)
        buf_printf(said, " %lld..%lld", (long long)result->void_from.us,
                   (long long)result->void_until.us);
    if (result->certainty != 0)
        buf_printf(said, " c%u", result->certainty);
    if (result->score_known)
        buf_printf(said, " %u:%u", result->score[0], result->score[1]);
    for (size_t i = 0; i < result->selections_count; i++)
        put_result(said, &result->selections[i]);
}

static void on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    buf_printf(begin(sink), "removed %.*s %.*s", SLICE_ARG(market_id), SLICE_ARG(provider));
}

static void on_alive(struct feed_sink *sink, struct slice provider)
{
    (void)sink;
    ASSERT(slice_is(provider, "uof"));
}

static void on_producer(struct feed_sink *sink, const struct feed_producer *producer)
{
    ASSERT(slice_is(producer->link, "uof"));
    ASSERT(producer->silence_us_max == 20 * US_PER_SECOND);
    buf_printf(begin(sink), "lives %.*s", SLICE_ARG(producer->provider));
}

static void on_late(struct feed_sink *sink, struct slice provider, bool late)
{
    buf_printf(begin(sink), "%s %.*s", late ? "late" : "good", SLICE_ARG(provider));
}

struct ear *ear_new(void)
{
    static const struct feed_sink_ops ops = {.market = on_market,
                                             .result = on_result,
                                             .removed = on_removed,
                                             .alive = on_alive,
                                             .producer = on_producer,
                                             .late = on_late};
    struct uof_options options = uof_options_default();
    struct ear *ear = calloc(1, sizeof *ear);
    assert_non_null(ear);
    options.events_max = EAR_EVENTS_MAX;
    options.markets_max = EAR_MARKETS_MAX;
    options.outcomes_max = EAR_OUTCOMES_MAX;
    ear->sink.ops = &ops;
    ear->said = buf_over(ear->memory, sizeof ear->memory);
    ear->source = uof_source_new(&options, &ear->sink);
    assert_non_null(ear->source);
    return ear;
}

void ear_free(struct ear *ear)
{
    ear->source->ops->free(ear->source);
    free(ear);
}

int ear_hear(struct ear *ear, const char *line)
{
    int result = ear->source->ops->message(ear->source, slice_text(line));
    uof_source_check(ear->source);
    return result;
}

const char *ear_said(struct ear *ear)
{
    buf_put_char(&ear->said, '\0');
    assert_false(ear->said.overflow);
    ear->said.bytes = 0;
    return ear->memory;
}

const char *ear_hears(struct ear *ear, const char *line)
{
    (void)ear_said(ear);
    assert_int_equal(ear_hear(ear, line), 0);
    return ear_said(ear);
}

struct uof_counts ear_counts(const struct ear *ear)
{
    struct uof_counts counts;
    uof_source_counts(ear->source, &counts);
    return counts;
}
