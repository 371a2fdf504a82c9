/* synthetic_offer.c - contract in synthetic_offer.h.
 * Texts are written afresh for each image: some twenty a second per match, far from hot. */
#include "feeds/synthetic/synthetic_offer.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

#define PROVIDER SLICE("sim")

/* Room for the texts of one image; the sink borrows them for the call. */
struct texts {
    char memory[4096];
    struct buf buf;
};

static void image_send(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                       struct instant now);
static size_t selections_fill(const struct synthetic_offer *offer,
                              const struct synthetic_fixture *fixture, struct texts *texts,
                              struct feed_selection *ret);
static void result_send(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                        const struct synthetic_outcome *outcome, struct instant now);
static bool outcome_mistake(const struct synthetic_market *market,
                            const struct synthetic_outcome *outcome, struct synthetic_outcome *ret,
                            uint8_t *ret_scorers);
static void rollback_send(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                          struct instant now);
static struct slice text_end(struct texts *texts, size_t begin);
static struct slice market_id(const struct synthetic_offer *offer,
                              const struct synthetic_fixture *fixture, struct texts *texts);

void synthetic_offer_quote(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                           const struct synthetic_quote *quote, struct instant now)
{
    ASSERT(offer->result_version == 0);
    double chances[SYNTHETIC_SELECTIONS_MAX];
    synthetic_market_chances(&offer->market, quote->grid, quote->next, chances);
    bool changed = offer->status != MARKET_ACTIVE;
    size_t count = synthetic_market_selections_count(&offer->market);
    for (size_t i = 0; i < count; i++) {
        struct odds odds = ODDS_NONE;
        if (!synthetic_market_price(chances[i], quote->margin_permyriad, &odds))
            odds = ODDS_NONE;
        changed = changed || !odds_equal(odds, offer->odds[i]);
        offer->odds[i] = odds;
        offer->chances[i] =
            synthetic_market_leg_chances(&offer->market, quote->grid, chances[i], i);
    }
    offer->status = MARKET_ACTIVE;
    if (changed)
        image_send(offer, fixture, now);
}

void synthetic_offer_suspend(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                             struct instant now)
{
    ASSERT(offer->result_version == 0);
    if (offer->status == MARKET_SUSPENDED_STATUS)
        return;
    offer->status = MARKET_SUSPENDED_STATUS;
    image_send(offer, fixture, now);
}

bool synthetic_offer_settle(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                            const struct synthetic_outcome *outcome, bool mistaken,
                            struct instant now)
{
    ASSERT(offer->result_version == 0);
    offer->status = MARKET_CLOSED_STATUS;
    memset(offer->odds, 0, sizeof offer->odds);
    memset(offer->chances, 0, sizeof offer->chances);
    image_send(offer, fixture, now);
    struct synthetic_outcome wrong;
    uint8_t scorers[2 * SYNTHETIC_GOALS_MAX];
    mistaken = mistaken && outcome_mistake(&offer->market, outcome, &wrong, scorers);
    result_send(offer, fixture, mistaken ? &wrong : outcome, now);
    return mistaken;
}

void synthetic_offer_correct(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                             const struct synthetic_outcome *outcome, struct instant now)
{
    ASSERT(offer->result_version > 0);
    offer->correct_at = (struct instant){0};
    if (offer->version % 2 == 0)
        rollback_send(offer, fixture, now);
    result_send(offer, fixture, outcome, now);
}

/* All that was said of the result is taken back. */
static void rollback_send(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                          struct instant now)
{
    struct texts texts;
    texts.buf = buf_over(texts.memory, sizeof texts.memory);
    const struct feed_result rollback = {.provider = PROVIDER,
                                         .market_id = market_id(offer, fixture, &texts),
                                         .kind = RESULT_ROLLBACK,
                                         .result_version = ++offer->result_version,
                                         .feed_time = now};
    fixture->sink->ops->result(fixture->sink, &rollback);
}

void synthetic_offer_cancel(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                            struct instant from, struct instant until)
{
    struct texts texts;
    texts.buf = buf_over(texts.memory, sizeof texts.memory);
    const struct feed_result cancel = {.provider = PROVIDER,
                                       .market_id = market_id(offer, fixture, &texts),
                                       .kind = RESULT_CANCEL,
                                       .result_version = ++offer->cancel_version,
                                       .feed_time = until,
                                       .void_from = from,
                                       .void_until = until};
    fixture->sink->ops->result(fixture->sink, &cancel);
}

static void image_send(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                       struct instant now)
{
    struct texts texts;
    texts.buf = buf_over(texts.memory, sizeof texts.memory);
    struct feed_selection selections[SYNTHETIC_SELECTIONS_MAX];
    struct feed_market image = {
        .winners = 1,
        .provider = PROVIDER,
        .id = market_id(offer, fixture, &texts),
        .event_id = slice_text(fixture->event_id),
        .event_name = slice_text(fixture->event_name),
        .sport = SLICE("football"),
        .kind = slice_text(synthetic_market_kind_text(offer->market.kind)),
        .status = offer->status,
        .in_play = fixture->in_play,
        .bet_delay_us = fixture->in_play ? offer->bet_delay_us : 0,
        .provider_version = ++offer->version,
        .feed_time = now,
        .start_time = fixture->start,
        .score = {fixture->score.home, fixture->score.away},
        .red_cards = {fixture->reds[0], fixture->reds[1]},
        .selections = selections,
    };
    size_t begin = texts.buf.bytes;
    synthetic_market_name_write(&texts.buf, &offer->market, fixture->teams[0]);
    image.name = text_end(&texts, begin);
    image.selections_count = selections_fill(offer, fixture, &texts, selections);
    ASSERT(!texts.buf.overflow);
    fixture->sink->ops->market(fixture->sink, &image);
}

static size_t selections_fill(const struct synthetic_offer *offer,
                              const struct synthetic_fixture *fixture, struct texts *texts,
                              struct feed_selection *ret)
{
    size_t count = synthetic_market_selections_count(&offer->market);
    for (size_t i = 0; i < count; i++) {
        size_t begin = texts->buf.bytes;
        synthetic_market_selection_id_write(&texts->buf, &offer->market, i);
        ret[i].id = text_end(texts, begin);
        begin = texts->buf.bytes;
        synthetic_market_selection_name_write(&texts->buf, &offer->market, i, fixture->teams);
        ret[i].name = text_end(texts, begin);
        ret[i].odds = offer->odds[i];
        ret[i].chances = offer->chances[i];
        ret[i].status = odds_present(offer->odds[i]) ? SELECTION_ACTIVE : SELECTION_SUSPENDED;
    }
    return count;
}

static void result_send(struct synthetic_offer *offer, const struct synthetic_fixture *fixture,
                        const struct synthetic_outcome *outcome, struct instant now)
{
    struct texts texts;
    texts.buf = buf_over(texts.memory, sizeof texts.memory);
    struct feed_selection_result results[SYNTHETIC_SELECTIONS_MAX];
    struct feed_result result = {
        .provider = PROVIDER,
        .market_id = market_id(offer, fixture, &texts),
        .kind = RESULT_SET,
        .result_version = ++offer->result_version,
        .feed_time = now,
        .certainty = 2,
        .score_known = true,
        .score = {outcome->score.home, outcome->score.away},
        .selections = results,
        .selections_count = synthetic_market_selections_count(&offer->market),
    };
    for (size_t i = 0; i < result.selections_count; i++) {
        size_t begin = texts.buf.bytes;
        synthetic_market_selection_id_write(&texts.buf, &offer->market, i);
        results[i] = (struct feed_selection_result){
            .selection_id = text_end(&texts, begin),
            .result = synthetic_market_result(&offer->market, outcome, i),
            .reason = offer->result_version > 1 ? SLICE("result corrected") : SLICE(""),
        };
    }
    ASSERT(!texts.buf.overflow);
    fixture->sink->ops->result(fixture->sink, &result);
}

/* Mistakes as a results desk makes them: teams swapped, a goal too few or too many. False when
 * none of them changes this market's result. */
static bool outcome_mistake(const struct synthetic_market *market,
                            const struct synthetic_outcome *outcome, struct synthetic_outcome *ret,
                            uint8_t *ret_scorers)
{
    uint8_t home = outcome->score.home, away = outcome->score.away;
    const struct synthetic_score scores[] = {
        {away, home},
        {(uint8_t)(home > 0 ? home - 1 : 0), away},
        {home, (uint8_t)(away > 0 ? away - 1 : 0)},
        {(uint8_t)(home < SYNTHETIC_GOALS_MAX ? home + 1 : home), away},
    };
    for (size_t i = 0; i < 2 * SYNTHETIC_GOALS_MAX; i++)
        ret_scorers[i] = i < (size_t)(home + away) ? (uint8_t)(SYNTHETIC_AWAY - outcome->scorers[i])
                                                   : SYNTHETIC_HOME;
    for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
        struct synthetic_outcome wrong = {scores[i], ret_scorers};
        for (size_t j = 0; j < synthetic_market_selections_count(market); j++) {
            if (leg_result_equal(synthetic_market_result(market, outcome, j),
                                 synthetic_market_result(market, &wrong, j)))
                continue;
            *ret = wrong;
            return true;
        }
    }
    return false;
}

static struct slice text_end(struct texts *texts, size_t begin)
{
    return slice_of(texts->memory + begin, texts->buf.bytes - begin);
}

static struct slice market_id(const struct synthetic_offer *offer,
                              const struct synthetic_fixture *fixture, struct texts *texts)
{
    size_t begin = texts->buf.bytes;
    buf_printf(&texts->buf, "%s/", fixture->event_id);
    synthetic_market_id_write(&texts->buf, &offer->market);
    return text_end(texts, begin);
}
