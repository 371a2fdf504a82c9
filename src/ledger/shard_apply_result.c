/* shard_apply_result.c - what decides bets: results of markets, their rollback, and windows of time
 * in which bets are void. Each axis keeps the word of the highest version (L7). */
#include "base/assert.h"
#include "base/error.h"
#include "core/deductions.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_proposals_internal.h"

static bool is_zero(const void *at, size_t bytes)
{
    const char *byte = at;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i] != 0)
            return false;
    return true;
}

bool shard_factors_valid(struct record_leg_result factors)
{
    if (factors.known == 0)
        return is_zero(&factors, sizeof factors);
    return factors.known == 1 && factors.won <= 1 && leg_result_valid(record_factors(factors));
}

bool shard_result_valid(const struct record_selection_result *result)
{
    if (result->win.known == 0)
        return is_zero(result, sizeof *result);
    return shard_factors_valid(result->win) && result->tied <= DEAD_HEAT_TERM_MAX &&
           (result->tied == 0 || result->position != 0) && result->withdrawn_at_us >= 0 &&
           (result->withdrawn_at_us != 0 || result->deduction == 0) &&
           result->deduction < DEDUCTION_WHOLE && result->reason_bytes == 0;
}

/* Which model, and whether its numbers are those of one; deducts: a selection does. */
static bool model_valid(const struct record_result *body, bool deducts)
{
    if (body->deduction_model == DEDUCT_RULE4)
        return body->cap_pence >= 1 && body->cap_pence <= 99 && body->waive_pence <= 99;
    return body->deduction_model <= DEDUCT_PRICE && body->cap_pence == 0 &&
           body->waive_pence == 0 && (!deducts || body->deduction_model != 0);
}

struct record_selection_result shard_result_bare(const struct record_selection_result *item)
{
    struct record_selection_result bare = *item;
    bare.reason_bytes = 0;
    return bare;
}

bool shard_line_of(const struct shard_state *state, const struct shard_market *market,
                   uint16_t selection, struct market_line *ret)
{
    const struct shard_selection *row = &state->selections[market->selections_first + selection];
    const struct line_names names = {
        .market_id =
            shard_state_market_id(state, (struct market_ref){(uint32_t)(market - state->markets)}),
        .kind = shard_state_text(state, market->kind),
        .event_name = shard_state_text(state, market->event_name),
        .selection_id = shard_state_text(state, row->id),
        .selection_name = shard_state_text(state, row->name),
    };
    return market_line_of(&names, ret);
}

/* Where the score is known a line is settled from it, and from nothing else. */
static bool follows_score(const struct shard_state *state, const struct shard_market *market,
                          const struct record_result *body, size_t selection,
                          const struct record_selection_result *item)
{
    struct market_line line;
    if (body->score_known != 1 || item->win.known == 0 ||
        !shard_line_of(state, market, (uint16_t)selection, &line))
        return true;
    struct record_leg_result win = record_factors_of(market_line_result(line, body->score));
    return memcmp(&win, &item->win, sizeof win) == 0;
}

static int check_results(struct shard_state *state, const struct record_view *record,
                         const struct shard_market *market)
{
    const struct record_result *body = record->body;
    const struct record_selection_result *items = record->items;
    unsigned deducting = 0;
    REQUIRE(market->result_version == 0 || body->result_version > market->result_version,
            "L7: result versions rise");
    REQUIRE(record->head->items_count == market->selections_count,
            "a result speaks of every selection");
    REQUIRE(body->void_from_us == 0 && body->void_until_us == 0 && body->void_skew_us == 0,
            "a result has no window of time");
    REQUIRE(body->certainty <= 2, "no such certainty");
    REQUIRE(body->score_known <= 1 && body->score[0] <= LINE_SCORE_MAX &&
                body->score[1] <= LINE_SCORE_MAX &&
                (body->score_known == 1 || (body->score[0] == 0 && body->score[1] == 0)),
            "no such score");
    for (size_t i = 0; i < record->head->items_count; i++) {
        struct record_selection_result item = shard_result_bare(&items[i]);
        REQUIRE(shard_result_valid(&item), "the factors are impossible");
        REQUIRE(items[i].reason_bytes <= REASON_BYTES_MAX, "a reason is too long");
        REQUIRE(follows_score(state, market, body, i, &item), "L7: a line follows from the score");
        deducting += items[i].deduction != 0;
    }
    REQUIRE(model_valid(body, deducting > 0), "no such deductions");
    REQUIRE(body->deduction_model == DEDUCT_RULE4 || deducting <= DEDUCTIONS_MAX,
            "too many are withdrawn");
    return 0;
}

uint32_t shard_find_window(const struct shard_state *state, const struct shard_market *market,
                           int64_t from_us, int64_t until_us)
{
    uint32_t at = market->windows_last;
    while (at != WINDOW_NONE &&
           (state->windows[at].from_us != from_us || state->windows[at].until_us != until_us))
        at = state->windows[at].next_of_market;
    return at;
}

uint32_t shard_count_windows(const struct shard_state *state, const struct shard_market *market)
{
    uint32_t count = 0;
    for (uint32_t at = market->windows_last; at != WINDOW_NONE;
         at = state->windows[at].next_of_market)
        count++;
    return count;
}

static int check_window(struct shard_state *state, const struct record_view *record,
                        const struct shard_market *market)
{
    const struct record_result *body = record->body;
    uint32_t at = shard_find_window(state, market, body->void_from_us, body->void_until_us);
    REQUIRE(record->head->items_count == 0, "a window of time is for all selections");
    REQUIRE(body->void_from_us < body->void_until_us, "a window of time has a begin and an end");
    REQUIRE(at == WINDOW_NONE || body->result_version > state->windows[at].version,
            "L7: result versions rise");
    REQUIRE(body->deduction_model == 0 && body->cap_pence == 0 && body->waive_pence == 0 &&
                body->certainty == 0 && body->score_known == 0,
            "a window of time has no factors");
    if (at == WINDOW_NONE && (state->windows_count == state->limits.windows_max ||
                              shard_count_windows(state, market) == WINDOWS_OF_MARKET_MAX))
        return -ERR_LIMIT;
    return 0;
}

static void apply_results(struct shard_state *state, const struct record_view *record,
                          struct shard_market *market)
{
    const struct record_result *body = record->body;
    const struct record_selection_result *items = record->items;
    market->has_result = 0;
    for (size_t i = 0; i < record->head->items_count; i++) {
        state->selections[market->selections_first + i].result = shard_result_bare(&items[i]);
        market->has_result |= items[i].win.known;
    }
    market->deduction_model = body->deduction_model;
    market->cap_pence = body->cap_pence;
    market->waive_pence = body->waive_pence;
    market->result_version = body->result_version;
    /* Without a result nothing is known of its prices until the feed's next word. */
    market->status = market->has_result == 1 ? MARKET_SETTLED : MARKET_SUSPENDED_STATUS;
    market->seq_stopped = record->head->seq;
}

static void apply_window(struct shard_state *state, const struct record_result *body,
                         struct shard_market *market)
{
    uint32_t at = shard_find_window(state, market, body->void_from_us, body->void_until_us);
    if (at == WINDOW_NONE) {
        at = state->windows_count++;
        state->windows[at] = (struct shard_window){.from_us = body->void_from_us,
                                                   .until_us = body->void_until_us,
                                                   .market = body->market,
                                                   .next_of_market = market->windows_last};
        market->windows_last = at;
    }
    state->windows[at].skew_us = body->void_skew_us;
    state->windows[at].version = body->result_version;
    state->windows[at].in_force = body->kind == RESULT_CANCEL;
}

int shard_apply_result(struct shard_state *state, const struct record_view *record)
{
    const struct record_result *body = record->body;
    struct shard_market *market = shard_market_at(state, body->market);
    bool results = body->kind == RESULT_SET || body->kind == RESULT_ROLLBACK;
    REQUIRE(market != NULL, "the market is unknown");
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    REQUIRE(body->previous_seq == market->seq_result, "L7: a result names the one before it");
    REQUIRE(body->kind >= RESULT_SET && body->kind <= RESULT_UNDO_CANCEL, "no such kind of result");
    TRY(results ? check_results(state, record, market) : check_window(state, record, market));
    TRY(shard_check_proposed_result(state, record));
    if (results)
        apply_results(state, record, market);
    else
        apply_window(state, body, market);
    market->newest_version = body->result_version;
    market->seq_result = record->head->seq;
    shard_drop_proposals(state, body);
    state->counts.results++;
    return 0;
}
