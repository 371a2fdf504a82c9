/* json_ear.c - contract in json_ear.h. */
#include "json_ear.h"

#include <inttypes.h>

#include "core/odds.h"

static struct buf *begin(struct feed_sink *sink)
{
    struct buf *said = &((struct json_ear *)sink)->said;
    if (said->bytes > 0)
        buf_put_text(said, "; ");
    return said;
}

static void put_selection(struct buf *said, const struct feed_selection *selection)
{
    buf_printf(said, " %.*s(%.*s)=", SLICE_ARG(selection->id), SLICE_ARG(selection->name));
    if (odds_present(selection->odds))
        odds_write_exact(said, selection->odds);
    else
        buf_put_text(said, selection_status_text(selection->status));
    if (leg_chances_known(selection->chances))
        buf_printf(said, "~%u/%u/%u/%u", selection->chances.win, selection->chances.half_win,
                   selection->chances.refund, selection->chances.half_lose);
}

static void on_market(struct feed_sink *sink, const struct feed_market *market)
{
    struct buf *said = begin(sink);
    buf_printf(said, "market %.*s of %.*s (%.*s) %.*s %.*s '%.*s' %s", SLICE_ARG(market->id),
               SLICE_ARG(market->event_id), SLICE_ARG(market->event_name), SLICE_ARG(market->sport),
               SLICE_ARG(market->kind), SLICE_ARG(market->name),
               market_status_text(market->status));
    if (market->in_play)
        buf_printf(said, " in-play %u-%u cards %u-%u", market->score[0], market->score[1],
                   market->red_cards[0], market->red_cards[1]);
    if (market->place_terms.places > 0)
        buf_printf(said, " %u places %u/%u%s", market->place_terms.places,
                   market->place_terms.numerator, market->place_terms.denominator,
                   market->each_way_only ? " only" : "");
    buf_printf(said,
               " delay %" PRIi64 " version %" PRIu64 " at %" PRIi64 " start %" PRIi64
               " winners %u%s by %.*s:",
               market->bet_delay_us, market->provider_version, market->feed_time.us,
               market->start_time.us, market->winners, market->ante_post ? " ante-post" : "",
               SLICE_ARG(market->provider));
    for (size_t i = 0; i < market->selections_count; i++)
        put_selection(said, &market->selections[i]);
}

static void put_result(struct buf *said, const struct feed_selection_result *result)
{
    buf_printf(said, " %.*s=%s", SLICE_ARG(result->selection_id),
               result->open ? "OPEN" : leg_outcome_text(leg_result_outcome(result->result)));
    if (result->result.dead_heat_denominator > 1)
        buf_printf(said, " %u/%u", result->result.dead_heat_numerator,
                   result->result.dead_heat_denominator);
    if (result->position > 0)
        buf_printf(said, " place %u of %u", result->position, result->tied);
    if (result->withdrawn_at.us > 0)
        buf_printf(said, " left %" PRIi64, result->withdrawn_at.us);
    if (result->reason.bytes > 0)
        buf_printf(said, " (%.*s)", SLICE_ARG(result->reason));
}

static void on_result(struct feed_sink *sink, const struct feed_result *result)
{
    static const char *const kinds[] = {"", "set", "rollback", "cancel", "undo"};
    struct buf *said = begin(sink);
    buf_printf(said, "%s %.*s v%" PRIu64 " certainty %u by %.*s", kinds[result->kind],
               SLICE_ARG(result->market_id), result->result_version, result->certainty,
               SLICE_ARG(result->provider));
    if (result->void_until.us > 0)
        buf_printf(said, " %" PRIi64 "..%" PRIi64, result->void_from.us, result->void_until.us);
    if (result->score_known)
        buf_printf(said, " score %u-%u", result->score[0], result->score[1]);
    for (size_t i = 0; i < result->selections_count; i++)
        put_result(said, &result->selections[i]);
}

static void on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    buf_printf(begin(sink), "removed %.*s by %.*s", SLICE_ARG(market_id), SLICE_ARG(provider));
}

static void on_alive(struct feed_sink *sink, struct slice provider)
{
    buf_printf(begin(sink), "alive %.*s", SLICE_ARG(provider));
}

static void on_producer(struct feed_sink *sink, const struct feed_producer *producer)
{
    buf_printf(begin(sink), "producer %.*s", SLICE_ARG(producer->provider));
}

static void on_late(struct feed_sink *sink, struct slice provider, bool late)
{
    buf_printf(begin(sink), "%.*s %s", SLICE_ARG(provider), late ? "late" : "good");
}

static const struct feed_sink_ops ops = {
    .market = on_market,
    .result = on_result,
    .removed = on_removed,
    .alive = on_alive,
    .producer = on_producer,
    .late = on_late,
};

void json_ear_init(struct json_ear *ear)
{
    ear->sink.ops = &ops;
    ear->said = buf_over(ear->memory, sizeof ear->memory);
}
