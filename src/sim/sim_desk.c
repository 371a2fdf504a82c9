/* sim_desk.c - the trading desk: holds of markets, and results by hand. */
#include <string.h>

#include "app/book_copy.h"
#include "sim/sim_proposals.h"
#include "sim/sim_referrals.h"
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

struct book_reply sim_desk_reply(struct sim *sim)
{
    return (struct book_reply){on_desk_answer, {sim, {0, sim->incarnation, 0, 0}}};
}

bool sim_desk_is_shed(const struct sim *sim)
{
    const char *limit = book_busy_limit(sim->book);
    return strcmp(limit, "commit_group") == 0 || strcmp(limit, "standby_away") == 0;
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
    enum request_outcome outcome =
        book_hold_market(sim->book, id, hold, &word, sim_desk_reply(sim));
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

/* And of those that wait. */
static uint64_t highest_said(const struct sim *sim, const struct sim_market *market)
{
    const struct sim_oracle *o = &sim->oracle;
    uint64_t highest = highest_version(market);
    for (uint32_t i = 0; i < o->proposals_count; i++) {
        const struct record_result *r = &o->proposals[i].result;
        if (market == &sim->markets[o->markets[r->market]] &&
            !sim_is_window((enum result_kind)r->kind) && r->result_version > highest)
            highest = r->result_version;
    }
    return highest;
}

/* Of whom it speaks; with a model of deductions some are withdrawn. */
static size_t some_selections(struct sim *sim, const struct sim_market *market,
                              const struct feed_result *result, struct feed_selection_result *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct sim_selection *s = &market->selections[i];
        if (!sim_chance(sim, 700))
            continue;
        ret[count] =
            (struct feed_selection_result){.selection_id = slice_of(s->id, s->id_bytes),
                                           .open = result->kind == RESULT_ROLLBACK,
                                           .result = sim_chance(sim, 500) ? LEG_WON : LEG_VOID};
        if (result->deduction_model != 0 && sim_chance(sim, 400)) {
            ret[count].result = LEG_VOID;
            ret[count].withdrawn_at = result->feed_time;
            ret[count].deduction = (uint16_t)(500 * (1 + sim_below(sim, 18)));
        }
        count++;
    }
    return count;
}

static void result_by_hand(struct sim *sim, const struct sim_market *market)
{
    struct feed_selection_result selections[SIM_SELECTIONS_MAX];
    uint64_t highest = sim_chance(sim, 500) ? highest_version(market) : highest_said(sim, market);
    struct feed_result result = {.provider = SLICE("desk"),
                                 .market_id = slice_of(market->id, market->id_bytes),
                                 .kind = sim_chance(sim, 850) ? RESULT_SET : RESULT_ROLLBACK,
                                 .result_version = highest + 3 - sim_below(sim, 5) * (highest > 1),
                                 .feed_time = sim_wall(sim),
                                 .selections = selections};
    if (result.kind == RESULT_SET && sim_chance(sim, 300)) {
        result.deduction_model = (enum deduction_model)(1 + sim_below(sim, 3));
        result.cap_pence = result.deduction_model == DEDUCT_RULE4 ? 90 : 0;
    }
    result.selections_count = some_selections(sim, market, &result, selections);
    if (result.kind == RESULT_SET && result.selections_count == 0)
        return;
    sim_count(sim, SIM_DESK_RESULT);
    sim_result_give(sim, &result, true);
}

/* A window of time, or another word on one that is known. */
static void window_by_hand(struct sim *sim, const struct sim_market *market)
{
    struct feed_result result = {.provider = SLICE("desk"),
                                 .market_id = slice_of(market->id, market->id_bytes),
                                 .kind = sim_chance(sim, 700) ? RESULT_CANCEL : RESULT_UNDO_CANCEL,
                                 .result_version = 1 + sim_below(sim, 5),
                                 .feed_time = sim_wall(sim)};
    result.void_from.us = result.feed_time.us - (int64_t)sim_below(sim, 20 * US_PER_SECOND);
    result.void_until.us = result.void_from.us + (int64_t)sim_below(sim, 10 * US_PER_SECOND);
    if (market->windows_count > 0 && sim_chance(sim, 400)) {
        const struct sim_window *w = &market->windows[sim_below(sim, market->windows_count)];
        result.void_from.us = w->from_us;
        result.void_until.us = w->until_us;
    }
    sim_count(sim, SIM_DESK_WINDOW);
    sim_result_give(sim, &result, true);
}

/* What people say of results; now and then more windows at once than a market can have. */
static void say_by_hand(struct sim *sim, const struct sim_market *market)
{
    if (!sim_chance(sim, 250)) {
        result_by_hand(sim, market);
        return;
    }
    int windows = sim_chance(sim, 150) ? WINDOWS_OF_MARKET_MAX + 4 : 1;
    for (int i = 0; i < windows; i++)
        window_by_hand(sim, market);
}

/* A late one; for results often one of which something is said already, and waits. */
static const struct sim_market *some_market(struct sim *sim, bool of_results)
{
    const struct sim_oracle *o = &sim->oracle;
    uint64_t back = sim->markets_count < 40 ? sim->markets_count : 40;
    if (of_results && o->proposals_count > 0 && sim_chance(sim, 400)) {
        uint64_t at = sim_below(sim, o->proposals_count);
        return &sim->markets[o->markets[o->proposals[at].result.market]];
    }
    return &sim->markets[sim->markets_count - 1 - sim_below(sim, back)];
}

void sim_desk_step(struct sim *sim)
{
    if (sim->markets_count == 0)
        return;
    const struct sim_market *market = some_market(sim, false);
    const struct book_options *book = &sim->mix.book;
    bool held = market->fence_holds != 0;
    bool waits = book->results_second_person || book->results_objection_us > 0;
    if (sim_chance(sim, 25))
        sim_proposals_step(sim);
    if (sim_chance(sim, sim->mix.limits))
        sim_limits_step(sim);
    if (sim->mix.referrals > 0)
        sim_referrals_step(sim);
    if (sim_chance(sim, held ? 300 : 30))
        hold_or_let_go(sim, market);
    if (sim_chance(sim, waits ? 20 : 3))
        say_by_hand(sim, some_market(sim, true));
}
