/* uof_results.c - contract in uof_results.h. */
#include "feeds/uof/uof_results.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/reserve.h"
#include "base/rfc3339.h"
#include "core/market_line.h"
#include "feeds/uof/uof_key.h"

#define STATUS_ENDED     3
#define STATUS_CLOSED    4
#define ENDED_IN_REGULAR 100 /* match_status; after extra time or penalties it is another */
#define VERSIONS_PER_MS  4

int uof_results_new(struct uof_results *results)
{
    results->selections = reserve_new(UOF_MARKET_OUTCOMES_MAX, sizeof *results->selections);
    return results->selections == NULL ? -ERR_MEMORY : 0;
}

void uof_results_done(struct uof_results *results)
{
    reserve_free(results->selections, UOF_MARKET_OUTCOMES_MAX, sizeof *results->selections);
}

static enum result_kind kind_of(enum uof_kind kind)
{
    switch (kind) {
    case UOF_BET_SETTLEMENT:
        return RESULT_SET;
    case UOF_ROLLBACK_BET_SETTLEMENT:
        return RESULT_ROLLBACK;
    case UOF_BET_CANCEL:
        return RESULT_CANCEL;
    case UOF_OTHER:
    case UOF_HEARTBEAT:
    case UOF_ALIVE:
    case UOF_SNAPSHOT_COMPLETE:
    case UOF_ODDS_CHANGE:
    case UOF_BET_STOP:
    case UOF_ROLLBACK_BET_CANCEL:
    case UOF_FIXTURE_CHANGE:
        break;
    }
    ASSERT(kind == UOF_ROLLBACK_BET_CANCEL);
    return RESULT_UNDO_CANCEL;
}

static uint64_t version_of(const struct uof_message *message)
{
    uint64_t rank = 0;
    if (message->kind == UOF_BET_SETTLEMENT)
        rank = message->certainty;
    else if (message->kind == UOF_ROLLBACK_BET_SETTLEMENT ||
             message->kind == UOF_ROLLBACK_BET_CANCEL)
        rank = VERSIONS_PER_MS - 1;
    return (uint64_t)message->timestamp_ms * VERSIONS_PER_MS + rank + 1;
}

/* ---- settlements ---- */

static void put_outcomes(struct uof_results *results, const struct uof_message *message,
                         const struct uof_market *market, struct slice reason)
{
    for (uint32_t i = 0; i < market->outcomes_count; i++) {
        const struct uof_outcome *outcome = &message->outcomes[market->outcomes_first + i];
        results->selections[i] = (struct feed_selection_result){
            .selection_id = outcome->id,
            .open = message->kind == UOF_ROLLBACK_BET_SETTLEMENT || !outcome->has_result,
            .result = outcome->result,
            .reason = reason,
        };
    }
}

/* The score that lines are settled from, when it is known to be final. */
static bool final_score(const struct uof_results *results, const struct uof_message *message,
                        uint16_t score[2])
{
    const struct cached_event *event = uof_cache_event(results->cache, message->event_id);
    if (event == NULL || !event->status.score_known ||
        (event->status.status != STATUS_ENDED && event->status.status != STATUS_CLOSED) ||
        event->status.match_status != ENDED_IN_REGULAR)
        return false;
    score[0] = event->status.score[0];
    score[1] = event->status.score[1];
    return true;
}

static bool line_of(const struct uof_market *market, struct slice selection_id,
                    struct market_line *ret)
{
    char memory[16];
    struct buf kind = buf_over(memory, sizeof memory);
    buf_put_text(&kind, "uof:");
    buf_put_slice(&kind, uof_key_id(market->key));
    const struct line_names names = {
        .market_id = market->key, .kind = buf_slice(&kind), .selection_id = selection_id};
    return market_line_of(&names, ret);
}

enum lines { LINES_NONE = 0, LINES_VOIDED, LINES_AGREE, LINES_DISAGREE };

/* What the settlement says of the market's lines, against the score. */
static enum lines compare_lines(const struct uof_message *message, const struct uof_market *market,
                                const uint16_t score[2])
{
    uint32_t lines = 0, voids = 0, others = 0;
    for (uint32_t i = 0; i < market->outcomes_count; i++) {
        const struct uof_outcome *outcome = &message->outcomes[market->outcomes_first + i];
        struct market_line line;
        if (!outcome->has_result || !line_of(market, outcome->id, &line))
            continue;
        lines++;
        voids += outcome->result.void_halves == 2;
        others += !leg_result_equal(outcome->result, market_line_result(line, score));
    }
    if (lines == 0)
        return LINES_NONE;
    if (others == 0)
        return LINES_AGREE;
    return voids == lines ? LINES_VOIDED : LINES_DISAGREE;
}

/* False: the market's lines are not what the score says. */
static bool put_score(struct uof_results *results, const struct uof_message *message,
                      const struct uof_market *market, struct feed_result *result)
{
    uint16_t score[2];
    if (message->kind != UOF_BET_SETTLEMENT || !final_score(results, message, score))
        return true;
    enum lines lines = compare_lines(message, market, score);
    if (lines == LINES_AGREE) {
        result->score_known = true;
        result->score[0] = score[0];
        result->score[1] = score[1];
    }
    return lines != LINES_DISAGREE;
}

static struct slice reason_of(const struct uof_market *market, struct buf *memory)
{
    if (market->void_reason >= 0)
        buf_printf(memory, "void reason %d", market->void_reason);
    return buf_slice(memory);
}

static void settle(struct uof_results *results, const struct uof_message *message,
                   const struct uof_market *market, struct feed_result *result)
{
    char memory[32];
    struct buf reason = buf_over(memory, sizeof memory);
    put_outcomes(results, message, market, reason_of(market, &reason));
    result->selections = results->selections;
    result->selections_count = market->outcomes_count;
    result->names_others = true;
    result->certainty = message->certainty;
    if (market->refused || (message->kind == UOF_BET_SETTLEMENT && market->outcomes_count == 0) ||
        (message->kind == UOF_ROLLBACK_BET_SETTLEMENT && market->overfull)) {
        results->refused++;
        return;
    }
    if (!put_score(results, message, market, result)) {
        results->against_score++;
        return;
    }
    results->told++;
    results->sink->ops->result(results->sink, result);
}

/* ---- cancels ---- */

static void cancel(struct uof_results *results, const struct uof_message *message,
                   const struct uof_market *market, struct feed_result *result)
{
    if (market->outcomes_count > 0 || market->overfull) {
        results->of_outcomes++;
        return;
    }
    result->void_from.us = message->start_ms < 0 ? 0 : message->start_ms * US_PER_MS;
    result->void_until.us = RFC3339_US_MAX;
    if (message->end_ms >= 0 && message->end_ms < UOF_TIME_MS_MAX)
        result->void_until.us = (message->end_ms + 1) * US_PER_MS;
    if (result->void_from.us >= result->void_until.us) {
        results->refused++;
        return;
    }
    results->told++;
    results->sink->ops->result(results->sink, result);
}

void uof_results_apply(struct uof_results *results, const struct uof_message *message,
                       struct slice provider)
{
    results->of_nothing += message->markets_count == 0;
    for (uint32_t i = 0; i < message->markets_count; i++) {
        const struct uof_market *market = &message->markets[i];
        struct feed_result result = {
            .provider = provider,
            .market_id = market->key,
            .kind = kind_of(message->kind),
            .result_version = version_of(message),
            .feed_time = {message->timestamp_ms * US_PER_MS},
        };
        if (market->key.bytes == 0)
            continue; /* counted where it was read */
        if (result.kind == RESULT_SET || result.kind == RESULT_ROLLBACK)
            settle(results, message, market, &result);
        else
            cancel(results, message, market, &result);
    }
}
