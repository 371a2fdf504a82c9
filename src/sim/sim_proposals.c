/* sim_proposals.c - a second person, time to object, and feeds that are not sure yet: who may
 * propose, and who decide. People approve, reject and withdraw, also what is another's, their own,
 * and decided already. */
#include "sim/sim_proposals.h"

#include "base/assert.h"
#include "ledger/shard_proposals.h"
#include "sim/sim_world.h"

static const char *const people[] = {"tess", "tina", "tom"};

static struct slice actor_of(const struct shard_proposal *p)
{
    return slice_of(p->actor, p->actor_bytes);
}

static bool of_axis(const struct shard_proposal *p, struct market_ref ref,
                    const struct feed_result *result)
{
    bool window = sim_is_window(result->kind);
    return p->result.market == ref.n && sim_is_window((enum result_kind)p->result.kind) == window &&
           (!window || (p->result.void_from_us == result->void_from.us &&
                        p->result.void_until_us == result->void_until.us));
}

struct slice sim_somebody(struct sim *sim)
{
    return slice_text(people[sim_below(sim, sizeof people / sizeof *people)]);
}

struct slice sim_speaker(struct sim *sim, const struct feed_result *result)
{
    const struct shard_state *state = book_state(sim->book);
    struct market_ref ref = shard_state_find_market(state, result->market_id);
    for (uint32_t i = 0; i < shard_state_proposals_count(state) && sim_chance(sim, 700); i++) {
        const struct shard_proposal *p = shard_state_proposal(state, i);
        for (size_t k = 0; k < sizeof people / sizeof *people; k++)
            if (of_axis(p, ref, result) && slice_is(actor_of(p), people[k]))
                return slice_text(people[k]);
    }
    return sim_somebody(sim);
}

bool sim_proposes(const struct sim *sim, const struct feed_result *result, bool desk)
{
    const struct book_options *book = &sim->mix.book;
    if (desk)
        return book->results_second_person || book->results_objection_us > 0;
    return result->certainty == 1 && book->results_certainty_least == 2;
}

/* ---- proposing ---- */

uint64_t sim_own_proposal(struct sim *sim, const struct feed_result *result, struct slice actor)
{
    const struct shard_state *state = book_state(sim->book);
    struct market_ref ref = shard_state_find_market(state, result->market_id);
    for (uint32_t i = 0; i < shard_state_proposals_count(state); i++) {
        const struct shard_proposal *p = shard_state_proposal(state, i);
        if (of_axis(p, ref, result) && slice_equal(actor_of(p), actor))
            return p->result.result_version;
    }
    return 0;
}

enum request_outcome sim_expect_proposal(const struct feed_result *result, uint64_t own_version,
                                         bool room)
{
    if (own_version != 0 && own_version >= result->result_version)
        return own_version == result->result_version ? REQUEST_NO_CHANGE : REQUEST_OLD_VERSION;
    return room ? REQUEST_TAKEN : REQUEST_BUSY;
}

/* ---- deciding ---- */

static enum request_outcome expect(struct sim *sim, const struct shard_proposal *p,
                                   struct slice actor, enum decision_kind decision)
{
    if (book_stopped(sim->book))
        return REQUEST_STOPPED;
    if (p == NULL)
        return REQUEST_UNKNOWN;
    bool own = slice_equal(actor, actor_of(p));
    if (own && decision != DECISION_WITHDRAWN)
        return REQUEST_SAME_ACTOR;
    if (!own && decision == DECISION_WITHDRAWN)
        return REQUEST_OTHER_ACTOR;
    return decision == DECISION_APPROVED && (!p->needs_approval || p->approved) ? REQUEST_INVALID
                                                                                : REQUEST_TAKEN;
}

static enum decision_kind some_decision(struct sim *sim, bool own)
{
    uint64_t kind = sim_below(sim, 100);
    if (own && kind < 30)
        return DECISION_WITHDRAWN;
    return kind < 80 ? DECISION_APPROVED : kind < 95 ? DECISION_REJECTED : DECISION_WITHDRAWN;
}

/* One that waits; or one that does not any more, or never did. */
static uint64_t some_proposal(struct sim *sim)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t count = shard_state_proposals_count(state);
    if (sim_chance(sim, 100))
        return sim->decided_last;
    return shard_state_proposal(state, (uint32_t)sim_below(sim, count))->seq;
}

void sim_proposals_step(struct sim *sim)
{
    const struct shard_state *state = book_state(sim->book);
    if (shard_state_proposals_count(state) == 0)
        return;
    uint64_t seq = some_proposal(sim);
    uint32_t at = shard_state_find_proposal(state, seq);
    const struct shard_proposal *p = at == PROPOSAL_NONE ? NULL : shard_state_proposal(state, at);
    const struct desk_word word = {.actor = sim_somebody(sim), .reason = SLICE("seen it too")};
    enum decision_kind decision =
        some_decision(sim, p != NULL && slice_equal(word.actor, actor_of(p)));
    enum request_outcome expected = expect(sim, p, word.actor, decision);
    sim->decided_last = seq;
    sim->waiting++;
    enum request_outcome outcome =
        book_decide_proposal(sim->book, seq, decision, &word, sim_desk_reply(sim));
    if (outcome != REQUEST_TAKEN)
        sim->waiting--;
    SIM_CHECK(outcome == expected || (outcome == REQUEST_BUSY && sim_desk_is_shed(sim)), "L7",
              "a decision is answered %d, not %d", outcome, expected);
    if (outcome == REQUEST_SAME_ACTOR)
        sim_count(sim, SIM_SAME_ACTOR);
    if (outcome == REQUEST_OTHER_ACTOR)
        sim_count(sim, SIM_OTHER_ACTOR);
    if (outcome == REQUEST_UNKNOWN)
        sim_count(sim, SIM_DECIDED_BEFORE);
}
