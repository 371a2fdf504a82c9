/* sim_desk.c - the trading desk, and what a result must do, whoever gives it (L7). */
#include <string.h>

#include "app/book_copy.h"
#include "base/assert.h"
#include "sim/sim_world.h"

static void on_desk_answer(const struct book_answer *answer)
{
    struct sim *sim = answer->cookie.owner;
    SIM_CHECK(answer->cookie.words[1] == sim->incarnation, "L2", "an answer of a dead process");
    sim->waiting--;
    if (!answer->failed)
        sim_record_told(sim, answer->record);
    else
        SIM_CHECK(book_stopped(sim->book) || book_paused(sim->book) != NULL, "L2",
                  "an answer failed, but the book goes on");
}

static struct book_reply reply_of(struct sim *sim)
{
    return (struct book_reply){on_desk_answer, {sim, {0, sim->incarnation, 0, 0}}};
}

/* ---- results ---- */

struct result_before {
    struct market_ref ref;
    uint64_t version, seq; /* of the window of time; of the newest RESULT */
    uint16_t count;        /* of its selections */
    bool known, valid, same;
    bool newer; /* something that it says is not in force by a word as new */
    uint8_t model, cap_pence, waive_pence; /* that the market will have */
    /* what the market's selections will have, and had */
    struct record_selection_result items[SIM_SELECTIONS_MAX];
};

static bool is_window(const struct feed_result *result)
{
    return result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
}

static bool published(const struct sim_market *market, struct slice selection)
{
    for (size_t i = 0; market != NULL && i < market->selections_count; i++)
        if (slice_equal(slice_of(market->selections[i].id, market->selections[i].id_bytes),
                        selection))
            return true;
    return false;
}

/* As the ledger keeps it: withdrawn in record time, which is the provider's less its skew. */
static struct record_selection_result item_of(const struct sim *sim,
                                              const struct feed_selection_result *r)
{
    if (r->open)
        return (struct record_selection_result){.position = 0};
    struct record_selection_result item = {.win = {1, r->result.won, r->result.void_halves, 0,
                                                   r->result.dead_heat_numerator,
                                                   r->result.dead_heat_denominator},
                                           .position = (uint16_t)r->position,
                                           .tied = (uint16_t)r->tied,
                                           .deduction = (uint16_t)r->deduction};
    if (r->withdrawn_at.us != 0)
        item.withdrawn_at_us = r->withdrawn_at.us - sim->mix.book.provider_skew_us;
    return item;
}

static bool can_be(const struct feed_result *result, const struct feed_selection_result *r)
{
    if (r->open)
        return true;
    return result->kind == RESULT_SET && (r->tied == 0 || r->position != 0);
}

/* What the word does to one selection, if it has a number: nothing, where it has a newer one. */
static void look_at_one(const struct shard_state *state, const struct feed_result *result,
                        uint16_t number, const struct record_selection_result *said,
                        struct result_before *before)
{
    const struct shard_selection *row = shard_state_selection(state, before->ref, number);
    before->same &= memcmp(&row->result, said, sizeof *said) == 0;
    if (result->result_version <= row->result_version)
        return;
    before->items[number] = *said;
    before->newer = true;
}

static void look_at_named(struct sim *sim, const struct feed_result *result,
                          const struct sim_market *market, struct result_before *before)
{
    const struct shard_state *state = book_state(sim->book);
    const struct shard_market *m = shard_state_market(state, before->ref);
    bool full = shard_state_market_room(state) != NULL;
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        const struct record_selection_result said = item_of(sim, r);
        uint16_t number = m == NULL
                              ? RECORD_SELECTION_NONE
                              : shard_state_find_selection(state, before->ref, r->selection_id);
        bool numbered = number != RECORD_SELECTION_NONE;
        before->valid &= can_be(result, r) && (numbered || published(market, r->selection_id));
        before->valid &= r->open || r->deduction == 0 || result->deduction_model != 0;
        if (numbered) {
            look_at_one(state, result, number, &said, before);
        } else if (!full) { /* it gets a number, and its first result */
            before->same &= r->open;
            before->newer |= m == NULL || result->result_version > m->opened_version;
        }
    }
}

static void look_at_model(const struct feed_result *result, const struct shard_market *m, bool all,
                          struct result_before *before)
{
    bool newer = result->result_version > (m == NULL ? 0 : m->model_version);
    bool says = result->deduction_model != 0;
    if (m != NULL) {
        before->model = m->deduction_model;
        before->cap_pence = m->cap_pence;
        before->waive_pence = m->waive_pence;
    }
    before->same &= !says || (before->model == result->deduction_model &&
                              before->cap_pence == result->cap_pence &&
                              before->waive_pence == result->waive_pence);
    before->newer |= says && newer;
    if (!newer || !(says || all))
        return;
    before->model = (uint8_t)result->deduction_model;
    before->cap_pence = result->cap_pence;
    before->waive_pence = result->waive_pence;
}

static void look_at_selections(struct sim *sim, const struct feed_result *result,
                               const struct sim_market *market, struct result_before *before)
{
    static const struct record_selection_result unknown;
    const struct shard_state *state = book_state(sim->book);
    const struct shard_market *m = shard_state_market(state, before->ref);
    bool all = result->kind == RESULT_ROLLBACK && result->selections_count == 0;
    for (uint16_t i = 0; m != NULL && i < m->selections_count; i++)
        before->items[i] = shard_state_selection(state, before->ref, i)->result;
    for (uint16_t i = 0; all && m != NULL && i < m->selections_count; i++)
        look_at_one(state, result, i, &unknown, before);
    look_at_named(sim, result, market, before);
    look_at_model(result, m, all, before);
    before->valid &= result->result_version != 0;
    if (all) /* that no row is older does not make it old: of those to come it speaks, too */
        before->newer = result->result_version > (m == NULL ? 0 : m->opened_version);
}

static struct result_before look(struct sim *sim, const struct feed_result *result)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t index = sim_market_find(sim, result->market_id);
    const struct sim_market *market =
        index != SIM_NONE && sim->markets[index].present ? &sim->markets[index] : NULL;
    struct result_before before = {
        .ref = shard_state_find_market(state, result->market_id), .valid = true, .same = true};
    const struct shard_market *m = shard_state_market(state, before.ref);
    before.known = m != NULL || market != NULL;
    if (m != NULL) {
        before.seq = m->seq_result;
        before.count = m->selections_count;
    }
    if (!is_window(result)) {
        look_at_selections(sim, result, market, &before);
        return before;
    }
    const struct shard_window *w =
        shard_state_find_window(state, before.ref, result->void_from.us, result->void_until.us);
    before.valid = result->void_from.us < result->void_until.us;
    before.version = w == NULL ? 0 : w->version;
    before.newer = w == NULL || result->result_version > w->version;
    before.same = w != NULL && w->in_force == (result->kind == RESULT_CANCEL);
    return before;
}

static enum request_outcome expected_of(const struct sim *sim, const struct result_before *before,
                                        const struct feed_result *result)
{
    const struct shard_state *state = book_state(sim->book);
    if (before->known && before->ref.n == 0 && shard_state_market_room(state) != NULL)
        return REQUEST_BUSY;
    if (!before->known)
        return REQUEST_UNKNOWN;
    if (!before->valid)
        return REQUEST_INVALID;
    if (is_window(result) && before->version == 0 && before->ref.n != 0 &&
        !shard_state_window_room(state, before->ref))
        return REQUEST_BUSY;
    if (before->newer)
        return REQUEST_TAKEN; /* one that says nothing new, too: it holds off what comes late */
    return before->same ? REQUEST_NO_CHANGE : REQUEST_OLD_VERSION;
}

static void check_taken(struct sim *sim, const struct feed_result *result,
                        const struct result_before *before, struct market_ref ref)
{
    const struct shard_state *state = book_state(sim->book);
    const struct shard_market *market = shard_state_market(state, ref);
    SIM_CHECK(market->deduction_model == before->model && market->cap_pence == before->cap_pence &&
                  market->waive_pence == before->waive_pence,
              "L7", "other deductions");
    for (size_t i = 0; i < result->selections_count; i++) {
        uint16_t number =
            shard_state_find_selection(state, ref, result->selections[i].selection_id);
        struct record_selection_result item = item_of(sim, &result->selections[i]);
        if (number != RECORD_SELECTION_NONE && number < before->count)
            continue; /* it had a number, and stands in before->items */
        if (number == RECORD_SELECTION_NONE && shard_state_market_room(state) != NULL)
            continue; /* it has no bets */
        SIM_CHECK(number != RECORD_SELECTION_NONE, "L7", "a result does not say what was given");
        const struct shard_selection *row = shard_state_selection(state, ref, number);
        if (result->result_version < row->result_version)
            continue; /* rolled back before it was there */
        SIM_CHECK(memcmp(&row->result, &item, sizeof item) == 0, "L7",
                  "a result says something else than was given");
    }
    for (uint16_t i = 0; i < before->count; i++)
        SIM_CHECK(memcmp(&shard_state_selection(state, ref, i)->result, &before->items[i],
                         sizeof *before->items) == 0,
                  "L7", "a result changes what it does not name, or leaves what it does");
}

static void check_result(struct sim *sim, const struct feed_result *result,
                         const struct result_before *before, bool recorded)
{
    const struct shard_state *state = book_state(sim->book);
    struct market_ref ref = shard_state_find_market(state, result->market_id);
    const struct shard_market *market = shard_state_market(state, ref);
    uint64_t seq = market == NULL ? 0 : market->seq_result;
    SIM_CHECK((seq != before->seq) == recorded, "L7",
              "market %.*s: a word of kind %d and version %llu after %llu was %s",
              SLICE_ARG(result->market_id), (int)result->kind,
              (unsigned long long)result->result_version, (unsigned long long)before->version,
              recorded ? "not taken" : "taken");
    if (!recorded)
        return;
    if (!is_window(result)) {
        check_taken(sim, result, before, ref);
        return;
    }
    const struct shard_window *w =
        shard_state_find_window(state, ref, result->void_from.us, result->void_until.us);
    SIM_CHECK(w != NULL && w->version == result->result_version &&
                  w->in_force == (result->kind == RESULT_CANCEL),
              "L7", "a window of time says something else than was given");
}

bool sim_desk_is_shed(const struct sim *sim)
{
    const char *limit = book_busy_limit(sim->book);
    return strcmp(limit, "commit_group") == 0 || strcmp(limit, "standby_away") == 0;
}

void sim_result_give(struct sim *sim, const struct feed_result *result, bool desk)
{
    struct result_before before = look(sim, result);
    enum request_outcome expected = expected_of(sim, &before, result);
    bool stopped = book_stopped(sim->book);
    if (!desk) {
        struct feed_sink *sink = book_sink(sim->book);
        bool ready = book_feed_ready(sim->book);
        sink->ops->result(sink, result);
        check_result(sim, result, &before, !stopped && ready && expected == REQUEST_TAKEN);
        return;
    }
    struct desk_word word = {.actor = SLICE("tess"), .reason = SLICE("seen on the pitch")};
    sim->waiting++;
    enum request_outcome outcome = book_post_result(sim->book, result, &word, reply_of(sim));
    if (outcome != REQUEST_TAKEN)
        sim->waiting--;
    bool shed = outcome == REQUEST_BUSY && sim_desk_is_shed(sim);
    SIM_CHECK(outcome == (stopped ? REQUEST_STOPPED : expected) || shed, "L7",
              "the desk's result is answered %d, not %d", outcome, expected);
    check_result(sim, result, &before, outcome == REQUEST_TAKEN);
}

/* ---- the desk's day ---- */

static void hold_or_let_go(struct sim *sim, const struct sim_market *market)
{
    struct slice id = slice_of(market->id, market->id_bytes);
    const struct shard_state *state = book_state(sim->book);
    struct market_ref ref = shard_state_find_market(state, id);
    bool held = ref.n != 0 && shard_state_market(state, ref)->holds != 0;
    struct desk_word word = {.actor = SLICE("tom"), .reason = SLICE("injury")};
    bool known = ref.n != 0 || market->present;
    bool hold = sim_chance(sim, 100) ? held : !held;
    sim->waiting++;
    enum request_outcome outcome = book_hold_market(sim->book, id, hold, &word, reply_of(sim));
    if (outcome != REQUEST_TAKEN)
        sim->waiting--;
    if (outcome == REQUEST_BUSY || book_stopped(sim->book)) {
        bool full = ref.n == 0 && shard_state_market_room(state) != NULL;
        bool shed = sim_desk_is_shed(sim);
        SIM_CHECK(full || shed || book_stopped(sim->book), "L6",
                  "a full table keeps the desk from holding a market");
        return;
    }
    SIM_CHECK(outcome == (!known         ? REQUEST_UNKNOWN
                          : hold == held ? REQUEST_NO_CHANGE
                                         : REQUEST_TAKEN),
              "L6", "a hold is answered %d", outcome);
    if (outcome != REQUEST_TAKEN)
        return;
    sim_count(sim, SIM_DESK_HOLD);
    ref = shard_state_find_market(state, id);
    SIM_CHECK((shard_state_market(state, ref)->holds != 0) == hold, "L6", "a hold does not hold");
    SIM_CHECK(!hold || !market->present || market->status != MARKET_ACTIVE, "L6",
              "a held market is shown active");
    SIM_CHECK(!market->present || (market->holds != 0) == hold, "L6", "a hold is not shown");
}

/* The highest that a word on its results had. */
static uint64_t highest_version(const struct sim_market *market)
{
    uint64_t highest = market->opened_version;
    if (market->model_version > highest)
        highest = market->model_version;
    for (uint16_t i = 0; i < market->named_count; i++)
        if (market->named[i].version > highest)
            highest = market->named[i].version;
    return highest;
}

static void result_by_hand(struct sim *sim, const struct sim_market *market)
{
    struct feed_selection_result selections[SIM_SELECTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < market->selections_count; i++)
        if (sim_chance(sim, 700))
            selections[count++] = (struct feed_selection_result){
                .selection_id = slice_of(market->selections[i].id, market->selections[i].id_bytes),
                .result = sim_chance(sim, 500) ? LEG_WON : LEG_VOID};
    uint64_t highest = highest_version(market);
    uint64_t version = highest + 3 - sim_below(sim, 5) * (highest > 1);
    struct feed_result result = {.provider = SLICE("desk"),
                                 .market_id = slice_of(market->id, market->id_bytes),
                                 .kind = RESULT_SET,
                                 .result_version = version,
                                 .feed_time = sim_wall(sim),
                                 .selections = selections,
                                 .selections_count = count};
    if (count == 0)
        return;
    sim_count(sim, SIM_DESK_RESULT);
    sim_result_give(sim, &result, true);
}

void sim_desk_step(struct sim *sim)
{
    if (sim->markets_count == 0)
        return;
    uint64_t back = sim->markets_count < 40 ? sim->markets_count : 40;
    const struct sim_market *market = &sim->markets[sim->markets_count - 1 - sim_below(sim, back)];
    bool held = market->fence_holds != 0;
    if (sim_chance(sim, sim->mix.limits))
        sim_limits_step(sim);
    if (sim_chance(sim, held ? 300 : 30))
        hold_or_let_go(sim, market);
    if (sim_chance(sim, 2))
        result_by_hand(sim, market);
}
