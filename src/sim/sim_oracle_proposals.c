/* sim_oracle_proposals.c - the oracle's fold of words on results that wait: none takes force
 * without its approval, before its time, or as another one; and each of them ends: in force,
 * overtaken, said better, rejected, withdrawn, or because what is in force does not let it. */
#include <string.h>

#include "base/assert.h"
#include "ledger/shard_proposals.h"
#include "sim/sim_world.h"

bool sim_is_window(enum result_kind kind)
{
    return kind == RESULT_CANCEL || kind == RESULT_UNDO_CANCEL;
}

static bool same_axis(const struct record_result *a, const struct record_result *b)
{
    return a->market == b->market &&
           sim_is_window((enum result_kind)a->kind) == sim_is_window((enum result_kind)b->kind) &&
           a->void_from_us == b->void_from_us && a->void_until_us == b->void_until_us;
}

static struct sim_proposal *proposal_of(struct sim *sim, uint64_t seq)
{
    struct sim_oracle *o = &sim->oracle;
    for (uint32_t i = 0; i < o->proposals_count; i++)
        if (o->proposals[i].seq == seq)
            return &o->proposals[i];
    sim_broken(sim, "L7", "proposal %llu does not wait", (unsigned long long)seq);
}

static void forget(struct sim *sim, struct sim_proposal *p)
{
    struct sim_oracle *o = &sim->oracle;
    uint32_t at = (uint32_t)(p - o->proposals);
    memmove(p, p + 1, (--o->proposals_count - at) * sizeof *p);
}

static void keep_text(char to[32], struct slice text)
{
    ASSERT(text.bytes < 32);
    if (text.bytes > 0)
        memcpy(to, text.at, text.bytes);
    to[text.bytes] = '\0';
}

/* ---- PROPOSAL ---- */

/* Who says it better takes his own word back. */
static void drop_own(struct sim *sim, const struct record_result *newer, const char *actor)
{
    struct sim_oracle *o = &sim->oracle;
    for (uint32_t i = o->proposals_count; i-- > 0;) {
        struct sim_proposal *p = &o->proposals[i];
        if (!same_axis(&p->result, newer) || strcmp(p->actor, actor) != 0)
            continue;
        SIM_CHECK(p->result.result_version < newer->result_version, "L7",
                  "somebody says again what was said before");
        forget(sim, p);
        sim_count(sim, SIM_PROPOSED_BETTER);
    }
}

void sim_oracle_proposal(struct sim *sim, const struct record_view *record)
{
    struct sim_oracle *o = &sim->oracle;
    const struct record_proposal *body = record->body;
    const struct book_options *book = &sim->mix.book;
    struct slice texts = record->texts;
    bool desk = body->result.cause == FENCE_TRADER;
    int64_t due_us = desk && book->results_objection_us > 0
                         ? record->head->time_us + book->results_objection_us
                         : 0;
    struct sim_proposal p = {.seq = record->head->seq,
                             .result = body->result,
                             .due_us = body->due_us,
                             .needs_approval = body->needs_approval != 0,
                             .items_count = record->head->items_count};
    keep_text(p.actor, record_text(&texts, body->result.actor_bytes));
    SIM_CHECK(p.needs_approval == (!desk || book->results_second_person) && p.due_us == due_us &&
                  (p.needs_approval || due_us != 0),
              "L7", "a word waits for something else than the policy says");
    ASSERT(p.items_count <= SIM_SELECTIONS_MAX);
    if (p.items_count > 0)
        memcpy(p.items, record->items, p.items_count * sizeof *p.items);
    drop_own(sim, &p.result, p.actor);
    SIM_CHECK(o->proposals_count < book->limits.proposals_max, "S2", "too many proposals");
    o->proposals[o->proposals_count++] = p;
    sim_count(sim, desk ? SIM_PROPOSED : SIM_PROPOSED_BY_FEED);
}

/* ---- DECISION ---- */

/* A window of time is known, or there is room for one more on the market and in the book. */
static bool has_window(const struct sim *sim, const struct sim_market *market,
                       const struct record_result *r)
{
    const struct shard_limits *limits = &sim->mix.book.limits;
    uint32_t all = 0;
    for (uint32_t i = 0; i < market->windows_count; i++)
        if (market->windows[i].from_us == r->void_from_us &&
            market->windows[i].until_us == r->void_until_us)
            return true;
    for (uint32_t ref = 1; ref <= sim->oracle.markets_count; ref++)
        all += sim->markets[sim->oracle.markets[ref]].windows_count;
    return market->windows_count < WINDOWS_OF_MARKET_MAX && all < limits->markets_max;
}

/* By a word in force on it there would be deductions of several models. */
static bool is_possible(const struct sim *sim, const struct sim_market *market,
                        const struct sim_proposal *p)
{
    const struct record_result *r = &p->result;
    if (sim_is_window((enum result_kind)r->kind))
        return has_window(sim, market, r);
    if (r->deduction_model == 0 || r->cause != FENCE_TRADER)
        return true;
    bool rules = r->result_version > market->model_version;
    uint8_t model = rules ? r->deduction_model : market->model;
    for (uint16_t i = 0; i < market->named_count; i++) {
        const struct sim_named *named = &market->named[i];
        uint16_t deduction = named->result.deduction;
        uint8_t of = named->model;
        for (uint16_t k = 0; k < p->items_count; k++)
            if (p->items[k].selection == i && r->result_version > named->version) {
                deduction = p->items[k].result.deduction;
                of = r->deduction_model;
            }
        if (deduction != 0 && of != model)
            return false;
    }
    return true;
}

static bool is_ripe(const struct sim_proposal *p, int64_t time_us)
{
    return (p->approved || !p->needs_approval) && p->due_us <= time_us;
}

static void check_decision(struct sim *sim, const struct record_decision *body, struct slice actor,
                           const struct sim_proposal *p, int64_t time_us)
{
    const struct sim_market *market = &sim->markets[sim->oracle.markets[p->result.market]];
    bool own = slice_is(actor, p->actor);
    switch ((enum decision_kind)body->decision) {
    case DECISION_APPROVED:
        SIM_CHECK(!own, "L7", "somebody approves what he proposed");
        SIM_CHECK(p->needs_approval && !p->approved, "L7", "an approval that nobody waits for");
        return;
    case DECISION_REJECTED:
        SIM_CHECK(!own && actor.bytes > 0, "L7", "somebody rejects what he proposed");
        return;
    case DECISION_WITHDRAWN:
        SIM_CHECK(own, "L7", "somebody withdraws what another one proposed");
        return;
    case DECISION_IMPOSSIBLE:
        SIM_CHECK(actor.bytes == 0 && is_ripe(p, time_us) && !is_possible(sim, market, p), "L7",
                  "proposal %llu is given up, and could take force", (unsigned long long)p->seq);
        return;
    }
    sim_broken(sim, "L7", "no such decision");
}

void sim_oracle_decision(struct sim *sim, const struct record_view *record)
{
    static const enum sim_count counts[] = {
        [DECISION_APPROVED] = SIM_APPROVED,
        [DECISION_REJECTED] = SIM_REJECTED,
        [DECISION_WITHDRAWN] = SIM_PROPOSAL_WITHDRAWN,
        [DECISION_IMPOSSIBLE] = SIM_PROPOSAL_IMPOSSIBLE,
    };
    const struct record_decision *body = record->body;
    struct slice texts = record->texts, actor = record_text(&texts, body->actor_bytes);
    struct sim_proposal *p = proposal_of(sim, body->proposal_seq);
    check_decision(sim, body, actor, p, record->head->time_us);
    sim_count(sim, counts[body->decision]);
    if (body->decision != DECISION_APPROVED) {
        forget(sim, p);
        return;
    }
    p->approved = true;
    keep_text(p->approver, actor);
}

/* ---- RESULT ---- */

/* Each selection has what was proposed of it, unless a newer word was on it. */
static void check_items(struct sim *sim, const struct record_view *record,
                        const struct sim_market *market, const struct sim_proposal *p)
{
    const struct record_selection_result *items = record->items;
    uint32_t at = 0, news = 0;
    for (uint16_t i = 0; i < record->head->items_count; i++) {
        struct record_selection_result expected = {.win.known = RESULT_KEPT};
        bool named = at < p->items_count && p->items[at].selection == i;
        if (named && p->result.result_version > market->named[i].version)
            expected = p->items[at].result;
        news += expected.win.known != RESULT_KEPT;
        at += named;
        SIM_CHECK(memcmp(&expected, &items[i], sizeof expected) == 0, "L7",
                  "a result is another one than was proposed");
    }
    SIM_CHECK(record->head->items_count == 0 || news > 0 || p->result.deduction_model != 0, "L7",
              "a proposal that was overtaken takes force");
}

void sim_oracle_in_force(struct sim *sim, const struct record_view *record,
                         const struct sim_market *market)
{
    const struct record_result *body = record->body;
    const struct feed_result said = {.certainty = body->certainty};
    struct slice texts = record->texts;
    if (body->proposal_seq == 0) {
        SIM_CHECK(!sim_proposes(sim, &said, body->cause == FENCE_TRADER), "L7",
                  "record %llu: a result takes force that has to wait",
                  (unsigned long long)record->head->seq);
        return;
    }
    struct sim_proposal *p = proposal_of(sim, body->proposal_seq);
    struct slice actor = record_text(&texts, body->actor_bytes);
    (void)record_text(&texts, body->reason_bytes);
    SIM_CHECK(slice_is(actor, p->actor) &&
                  slice_is(record_text(&texts, body->approver_bytes), p->approver),
              "L7", "a result names others than proposed and approved it");
    SIM_CHECK(is_ripe(p, record->head->time_us), "L7", "proposal %llu takes force before its time",
              (unsigned long long)p->seq);
    SIM_CHECK(is_possible(sim, market, p), "L7", "proposal %llu takes force, and cannot",
              (unsigned long long)p->seq);
    SIM_CHECK(same_axis(&p->result, body) && p->result.kind == body->kind &&
                  p->result.result_version == body->result_version &&
                  p->result.deduction_model == body->deduction_model &&
                  p->result.cap_pence == body->cap_pence &&
                  p->result.waive_pence == body->waive_pence,
              "L7", "a result is not what was proposed");
    check_items(sim, record, market, p);
    forget(sim, p);
    sim_count(sim, sim_is_window((enum result_kind)body->kind) ? SIM_WINDOW_IN_FORCE
                                                               : SIM_PROPOSAL_IN_FORCE);
}

/* Of what it speaks everything has a word in force that is as new. */
static bool is_overtaken(const struct sim_market *market, const struct sim_proposal *p)
{
    uint64_t version = p->result.result_version;
    if (sim_is_window((enum result_kind)p->result.kind)) {
        for (uint32_t i = 0; i < market->windows_count; i++)
            if (market->windows[i].from_us == p->result.void_from_us &&
                market->windows[i].until_us == p->result.void_until_us)
                return version <= market->windows[i].version;
        return false;
    }
    if (p->result.kind == RESULT_ROLLBACK && p->items_count == 0)
        return version <= market->opened_version;
    if (p->result.deduction_model != 0 && version > market->model_version)
        return false;
    for (uint16_t i = 0; i < p->items_count; i++)
        if (version > market->named[p->items[i].selection].version)
            return false;
    return true;
}

void sim_oracle_overtaken(struct sim *sim, const struct record_result *body,
                          const struct sim_market *market)
{
    struct sim_oracle *o = &sim->oracle;
    for (uint32_t i = o->proposals_count; i-- > 0;) {
        struct sim_proposal *p = &o->proposals[i];
        if (!same_axis(&p->result, body) || !is_overtaken(market, p))
            continue;
        bool confirmed = body->cause == FENCE_FEED && p->result.cause == FENCE_FEED &&
                         body->certainty == 2 && body->result_version == p->result.result_version;
        sim_count(sim, confirmed ? SIM_PROPOSAL_CONFIRMED : SIM_PROPOSAL_OVERTAKEN);
        forget(sim, p);
    }
}

void sim_check_proposals(struct sim *sim, const struct shard_state *state)
{
    const struct sim_oracle *o = &sim->oracle;
    SIM_CHECK(shard_state_proposals_count(state) == o->proposals_count, "L7",
              "%u proposals wait, the oracle has %u", shard_state_proposals_count(state),
              o->proposals_count);
    for (uint32_t i = 0; i < o->proposals_count; i++) {
        const struct shard_proposal *live = shard_state_proposal(state, i);
        const struct sim_proposal *p = &o->proposals[i];
        SIM_CHECK(live->seq == p->seq && (live->approved != 0) == p->approved &&
                      live->due_us == p->due_us && live->proposed_count == p->items_count,
                  "L7", "proposal %llu is another one", (unsigned long long)p->seq);
        SIM_CHECK(!is_ripe(p, shard_state_time_us(state)), "L7",
                  "proposal %llu does not take force", (unsigned long long)p->seq);
    }
}
