/* shard_apply_result.c - what decides bets: results of markets, their rollback, and windows of time
 * in which bets are void. Each selection, the model of deductions and each window keeps the word of
 * the highest version (L7). */
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

bool shard_result_kept(const struct record_selection_result *item)
{
    struct record_selection_result rest = *item;
    rest.win.known = 0;
    return item->win.known == RESULT_KEPT && is_zero(&rest, sizeof rest);
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
                          const struct record_result *body, uint16_t selection,
                          const struct record_selection_result *item)
{
    struct market_line line;
    if (body->score_known != 1 || item->win.known == 0 ||
        !shard_line_of(state, market, selection, &line))
        return true;
    struct record_leg_result win = record_factors_of(market_line_result(line, body->score));
    return memcmp(&win, &item->win, sizeof win) == 0;
}

static bool says_model(const struct record_result *body, const struct shard_market *market)
{
    return body->deduction_model != 0 && body->result_version > market->model_version;
}

/* One selection: nothing is said of it, or something newer than what is in force. */
static int check_item(struct shard_state *state, const struct shard_market *market,
                      const struct record_view *record, uint16_t selection)
{
    const struct record_result *body = record->body;
    const struct record_selection_result *item =
        &((const struct record_selection_result *)record->items)[selection];
    struct record_selection_result bare = shard_result_bare(item);
    if (shard_result_kept(item))
        return 0;
    REQUIRE(shard_result_valid(&bare), "the factors are impossible");
    REQUIRE(body->kind == RESULT_SET || bare.win.known == 0, "a rollback opens, and nothing else");
    REQUIRE(item->reason_bytes <= REASON_BYTES_MAX, "a reason is too long");
    REQUIRE(body->result_version >
                state->selections[market->selections_first + selection].result_version,
            "L7: result versions rise");
    REQUIRE(follows_score(state, market, body, selection, &bare),
            "L7: a line follows from the score");
    return 0;
}

static int check_items(struct shard_state *state, const struct record_view *record,
                       const struct shard_market *market)
{
    const struct record_result *body = record->body;
    const struct record_selection_result *items = record->items;
    unsigned deducting = 0;
    bool says = says_model(body, market);
    for (uint16_t i = 0; i < record->head->items_count; i++) {
        TRY(check_item(state, market, record, i));
        says = says || !shard_result_kept(&items[i]);
        deducting += items[i].deduction != 0;
    }
    REQUIRE(says, "L7: result versions rise");
    REQUIRE(model_valid(body, deducting > 0), "no such deductions");
    REQUIRE(body->deduction_model == DEDUCT_RULE4 || deducting <= DEDUCTIONS_MAX,
            "too many are withdrawn");
    return 0;
}

/* Of all that the market has, and of what comes later. */
static bool opens_all(const struct record_view *record)
{
    const struct record_result *body = record->body;
    return body->kind == RESULT_ROLLBACK && record->head->items_count == 0;
}

static int check_results(struct shard_state *state, const struct record_view *record,
                         const struct shard_market *market)
{
    const struct record_result *body = record->body;
    REQUIRE(body->result_version > 0, "L7: result versions rise");
    REQUIRE(opens_all(record) || record->head->items_count == market->selections_count,
            "a result speaks of every selection");
    REQUIRE(body->void_from_us == 0 && body->void_until_us == 0 && body->void_skew_us == 0,
            "a result has no window of time");
    REQUIRE(body->certainty <= 2, "no such certainty");
    REQUIRE(body->score_known <= 1 && body->score[0] <= LINE_SCORE_MAX &&
                body->score[1] <= LINE_SCORE_MAX &&
                (body->score_known == 1 || (body->score[0] == 0 && body->score[1] == 0)),
            "no such score");
    REQUIRE(body->kind == RESULT_SET ||
                (body->deduction_model == 0 && body->certainty == 0 && body->score_known == 0),
            "a rollback opens, and nothing else");
    if (!opens_all(record))
        return check_items(state, record, market);
    REQUIRE(body->result_version > market->opened_version, "L7: result versions rise");
    REQUIRE(model_valid(body, false), "no such deductions");
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

static void open_all(struct shard_state *state, const struct record_result *body,
                     struct shard_market *market)
{
    for (uint16_t i = 0; i < market->selections_count; i++) {
        struct shard_selection *row = &state->selections[market->selections_first + i];
        if (row->result_version >= body->result_version)
            continue;
        row->result = (struct record_selection_result){.position = 0};
        row->deduction_model = 0;
        row->result_version = body->result_version;
    }
    market->opened_version = body->result_version;
}

static void apply_items(struct shard_state *state, const struct record_view *record,
                        const struct shard_market *market)
{
    const struct record_result *body = record->body;
    const struct record_selection_result *items = record->items;
    for (uint16_t i = 0; i < record->head->items_count; i++) {
        struct shard_selection *row = &state->selections[market->selections_first + i];
        if (shard_result_kept(&items[i]))
            continue;
        row->result = shard_result_bare(&items[i]);
        row->deduction_model = items[i].deduction != 0 ? body->deduction_model : 0;
        row->result_version = body->result_version;
    }
}

/* The newest word that says a model; a rollback of everything says that there is none. */
static void apply_model(const struct record_view *record, struct shard_market *market)
{
    const struct record_result *body = record->body;
    if (body->result_version <= market->model_version ||
        (body->deduction_model == 0 && !opens_all(record)))
        return;
    market->deduction_model = body->deduction_model;
    market->cap_pence = body->cap_pence;
    market->waive_pence = body->waive_pence;
    market->model_version = body->result_version;
}

/* A market whose runners are withdrawn has no result by that: the others run. */
static uint8_t has_result(const struct shard_state *state, const struct shard_market *market)
{
    for (uint16_t i = 0; i < market->selections_count; i++) {
        const struct record_selection_result *result =
            &state->selections[market->selections_first + i].result;
        if (result->win.known == 1 && result->withdrawn_at_us == 0)
            return 1;
    }
    return 0;
}

static void apply_results(struct shard_state *state, const struct record_view *record,
                          struct shard_market *market)
{
    const struct record_result *body = record->body;
    if (opens_all(record))
        open_all(state, body, market);
    else
        apply_items(state, record, market);
    apply_model(record, market);
    if (body->result_version > market->result_version)
        market->result_version = body->result_version;
    market->has_result = has_result(state, market);
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
