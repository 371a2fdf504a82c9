/* sim_results.c - what a result must do, whoever gives it, at once or after it waited (L7). */
#include <string.h>

#include "base/assert.h"
#include "ledger/shard_proposals.h"
#include "sim/sim_proposals.h"
#include "sim/sim_world.h"

struct result_before {
    struct market_ref ref;
    uint64_t version, seq; /* of the window of time; of the newest RESULT */
    uint16_t count;        /* of its selections */
    bool known, valid, same;
    bool newer; /* something that it says is not in force by a word as new */
    uint8_t model, cap_pence, waive_pence; /* that the market will have */
    /* what the market's selections will have, and had */
    struct record_selection_result items[SIM_SELECTIONS_MAX];
    bool said[SIM_SELECTIONS_MAX]; /* by this word */
};

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
    before->said[number] = true;
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

/* The desk's word leaves deductions of one model: the market's. */
static bool models_agree(const struct shard_state *state, const struct feed_result *result,
                         const struct shard_market *m, const struct result_before *before)
{
    if (result->deduction_model == 0)
        return true;
    for (uint16_t i = 0; m != NULL && i < m->selections_count; i++) {
        uint8_t of = before->said[i]
                         ? (uint8_t)result->deduction_model
                         : shard_state_selection(state, before->ref, i)->deduction_model;
        if (before->items[i].deduction != 0 && of != before->model)
            return false;
    }
    return true;
}

/* The same of those that get their numbers, and their first results, by it. */
static bool first_agree(const struct shard_state *state, const struct feed_result *result,
                        const struct shard_market *m, const struct result_before *before)
{
    if (m == NULL || result->deduction_model == before->model ||
        result->result_version <= m->opened_version || shard_state_market_room(state) != NULL)
        return true;
    for (size_t i = 0; i < result->selections_count; i++)
        if (result->selections[i].deduction != 0 &&
            shard_state_find_selection(state, before->ref, result->selections[i].selection_id) ==
                RECORD_SELECTION_NONE)
            return false;
    return true;
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

static struct result_before look(struct sim *sim, const struct feed_result *result, bool desk)
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
    if (!sim_is_window(result->kind)) {
        look_at_selections(sim, result, market, &before);
        before.valid &= !desk || (models_agree(state, result, m, &before) &&
                                  first_agree(state, result, m, &before));
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
    if (sim_is_window(result->kind) && before->version == 0 && before->ref.n != 0 &&
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
    if (!sim_is_window(result->kind)) {
        check_taken(sim, result, before, ref);
        return;
    }
    const struct shard_window *w =
        shard_state_find_window(state, ref, result->void_from.us, result->void_until.us);
    SIM_CHECK(w != NULL && w->version == result->result_version &&
                  w->in_force == (result->kind == RESULT_CANCEL),
              "L7", "a window of time says something else than was given");
}

/* What became of it, where it has to wait. */
static void check_proposed(struct sim *sim, const struct feed_result *result, struct slice actor,
                           uint64_t seq_before, bool proposed)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t count = shard_state_proposals_count(state);
    const struct shard_proposal *p = count == 0 ? NULL : shard_state_proposal(state, count - 1);
    SIM_CHECK((p != NULL && p->seq > seq_before) == proposed, "L7",
              "a word that has to wait was %s", proposed ? "forgotten" : "kept, and needs not");
    SIM_CHECK(!proposed ||
                  (p->result.market == shard_state_find_market(state, result->market_id).n &&
                   p->result.kind == result->kind &&
                   p->result.result_version == result->result_version &&
                   slice_equal(slice_of(p->actor, p->actor_bytes), actor)),
              "L7", "another word waits than was said");
}

/* A word that is as new as what its actor has waiting is no change only if it is the same. */
static bool is_said_again(enum request_outcome outcome, enum request_outcome expected,
                          uint64_t own_version, const struct feed_result *result)
{
    return outcome == REQUEST_OLD_VERSION && expected == REQUEST_NO_CHANGE &&
           own_version == result->result_version;
}

/* A feed is told nothing: as taken. */
static enum request_outcome give(struct sim *sim, const struct feed_result *result,
                                 struct slice actor, bool desk)
{
    struct desk_word word = {.actor = actor, .reason = SLICE("seen on the pitch")};
    if (!desk) {
        struct feed_sink *sink = book_sink(sim->book);
        sink->ops->result(sink, result);
        return REQUEST_TAKEN;
    }
    sim->waiting++;
    enum request_outcome outcome = book_post_result(sim->book, result, &word, sim_desk_reply(sim));
    sim->waiting -= outcome != REQUEST_TAKEN;
    return outcome;
}

void sim_result_give(struct sim *sim, const struct feed_result *result, bool desk)
{
    const struct shard_state *state = book_state(sim->book);
    struct slice actor = desk ? sim_speaker(sim, result) : result->provider;
    struct result_before before = look(sim, result, desk);
    enum request_outcome expected = expected_of(sim, &before, result);
    bool waits = sim_proposes(sim, result, desk) && expected == REQUEST_TAKEN;
    bool room = shard_state_proposal_room(state, SIM_SELECTIONS_MAX);
    uint64_t seq = shard_state_seq(state), own = sim_own_proposal(sim, result, actor);
    bool stopped = book_stopped(sim->book) || (!desk && !book_feed_ready(sim->book));
    enum request_outcome outcome = give(sim, result, actor, desk);
    bool shed = desk && outcome == REQUEST_BUSY && sim_desk_is_shed(sim);
    if (waits)
        expected = sim_expect_proposal(result, own, room);
    if (stopped)
        expected = REQUEST_STOPPED;
    SIM_CHECK(!desk || outcome == expected || shed ||
                  (waits && is_said_again(outcome, expected, own, result)),
              "L7", "the desk's result is answered %d, not %d", outcome, expected);
    bool taken = expected == REQUEST_TAKEN && !shed;
    check_result(sim, result, &before, taken && !waits);
    check_proposed(sim, result, actor, seq, taken && waits);
}
