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
    uint64_t version, seq;
    bool known, valid, same;
};

static bool published(const struct sim_market *market, struct slice selection)
{
    for (size_t i = 0; market != NULL && i < market->selections_count; i++)
        if (slice_equal(slice_of(market->selections[i].id, market->selections[i].id_bytes),
                        selection))
            return true;
    return false;
}

static struct result_before look(struct sim *sim, const struct feed_result *result)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t index = sim_market_find(sim, result->market_id);
    const struct sim_market *market =
        index != SIM_NONE && sim->markets[index].present ? &sim->markets[index] : NULL;
    struct result_before before = {.ref = shard_state_find_market(state, result->market_id),
                                   .valid = true};
    before.known = before.ref.n != 0 || market != NULL;
    if (before.ref.n != 0) {
        before.version = shard_state_market(state, before.ref)->result_version;
        before.seq = shard_state_market(state, before.ref)->seq_result;
    }
    before.same = before.seq != 0;
    bool full = shard_state_market_room(state) != NULL;
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        uint16_t number = before.ref.n == 0
                              ? RECORD_SELECTION_NONE
                              : shard_state_find_selection(state, before.ref, r->selection_id);
        struct record_leg_result factors = record_factors_of(r->result);
        bool numbered = number != RECORD_SELECTION_NONE;
        before.valid &= numbered || published(market, r->selection_id);
        if (!numbered && !full) /* it gets a number, and its first result */
            before.same = false;
        if (numbered)
            before.same &= memcmp(&shard_state_selection(state, before.ref, number)->result.win,
                                  &factors, sizeof factors) == 0;
    }
    return before;
}

static enum request_outcome expected_of(const struct sim *sim, const struct result_before *before,
                                        const struct feed_result *result)
{
    if (before->known && before->ref.n == 0 &&
        shard_state_market_room(book_state(sim->book)) != NULL)
        return REQUEST_BUSY;
    if (!before->known)
        return REQUEST_UNKNOWN;
    if (!before->valid)
        return REQUEST_INVALID;
    if (before->seq == 0 || result->result_version > before->version)
        return REQUEST_TAKEN; /* one that says nothing new, too: it holds off what comes late */
    return before->same ? REQUEST_NO_CHANGE : REQUEST_OLD_VERSION;
}

static void check_result(struct sim *sim, const struct feed_result *result,
                         const struct result_before *before, bool recorded)
{
    const struct shard_state *state = book_state(sim->book);
    struct market_ref ref = shard_state_find_market(state, result->market_id);
    const struct shard_market *market = shard_state_market(state, ref);
    uint64_t seq = market == NULL ? 0 : market->seq_result;
    SIM_CHECK((seq != before->seq) == recorded, "L7",
              "market %.*s: a result of version %llu after %llu was %s",
              SLICE_ARG(result->market_id), (unsigned long long)result->result_version,
              (unsigned long long)before->version, recorded ? "not taken" : "taken");
    if (!recorded)
        return;
    SIM_CHECK(market->result_version == result->result_version, "L7", "another result version");
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        uint16_t number = shard_state_find_selection(state, ref, r->selection_id);
        struct record_leg_result factors = record_factors_of(r->result);
        if (number == RECORD_SELECTION_NONE && shard_state_market_room(state) != NULL)
            continue; /* it has no bets */
        SIM_CHECK(number != RECORD_SELECTION_NONE &&
                      memcmp(&shard_state_selection(state, ref, number)->result.win, &factors,
                             sizeof factors) == 0,
                  "L7", "a result says something else than was given");
    }
}

/* Too much is under way, or nothing may be told. */
static bool is_shed(const struct sim *sim)
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
    bool shed = outcome == REQUEST_BUSY && is_shed(sim);
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
        bool shed = is_shed(sim);
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

static void result_by_hand(struct sim *sim, const struct sim_market *market)
{
    struct feed_selection_result selections[SIM_SELECTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < market->selections_count; i++)
        if (sim_chance(sim, 700))
            selections[count++] = (struct feed_selection_result){
                .selection_id = slice_of(market->selections[i].id, market->selections[i].id_bytes),
                .result = sim_chance(sim, 500) ? LEG_WON : LEG_VOID};
    uint64_t version = market->result_version + 3 - sim_below(sim, 5) * (market->result_seq != 0);
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
    if (sim_chance(sim, held ? 300 : 30))
        hold_or_let_go(sim, market);
    if (sim_chance(sim, 2))
        result_by_hand(sim, market);
}
