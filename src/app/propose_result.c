/* propose_result.c - words on results that wait for a second person, or for a time in which
 * somebody may object. What waits is the ledger's state, so it goes on after a restart; what takes
 * force is recorded by the same function as a result that was never proposed. */
#include "app/relay_internal.h"
#include "app/result_draft.h"

#include "base/assert.h"
#include "ledger/shard_proposals.h"

#define STUCK_US US_PER_SECOND /* until it is tried again, while the log has no room */

bool book_must_propose(const struct book *book, const struct feed_result *result,
                       enum fence_cause cause)
{
    if (cause == FENCE_FEED) /* a feed without certainties is taken at its word */
        return result->certainty != 0 && result->certainty < book->options.results_certainty_least;
    return book->options.results_second_person || book->options.results_objection_us > 0;
}

static struct slice actor_of(const struct shard_proposal *proposal)
{
    return slice_of(proposal->actor, proposal->actor_bytes);
}

/* ---- proposing ---- */

/* The items that it names, and their reasons behind the first two texts. */
static size_t name_items(const struct result_draft *draft, size_t selections_count,
                         struct record_proposed *items, struct slice *texts)
{
    size_t count = 0;
    for (uint16_t i = 0; i < selections_count && !draft->window; i++) {
        if (!draft->named[i])
            continue;
        items[count] = (struct record_proposed){
            .result = draft->items[i], .selection = i, .open = draft->items[i].win.known == 0};
        items[count].result.reason_bytes = (uint16_t)draft->reasons[i].bytes;
        texts[2 + count] = draft->reasons[i];
        count++;
    }
    return count;
}

static bool same_items(const struct shard_state *state, const struct shard_proposal *proposal,
                       const struct record_proposed *items, size_t count)
{
    if (proposal->proposed_count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct record_proposed mine = shard_state_proposed(state, proposal, i)->item;
        struct record_proposed theirs = items[i];
        mine.result.reason_bytes = theirs.result.reason_bytes = 0;
        if (memcmp(&mine, &theirs, sizeof mine) != 0)
            return false;
    }
    return true;
}

static bool same_word(const struct record_result *a, const struct record_result *b)
{
    return a->result_version == b->result_version && a->kind == b->kind &&
           a->deduction_model == b->deduction_model && a->cap_pence == b->cap_pence &&
           a->waive_pence == b->waive_pence;
}

/* What the actor proposed before on this axis: the same again, or a version that is not higher. */
static enum request_outcome against_own(const struct book *book, const struct record_result *asked,
                                        struct slice actor, const struct record_proposed *items,
                                        size_t count)
{
    for (uint32_t i = 0; i < shard_state_proposals_count(book->state); i++) {
        const struct shard_proposal *own = shard_state_proposal(book->state, i);
        if (!shard_same_axis(&own->result, asked) || !slice_equal(actor_of(own), actor) ||
            asked->result_version > own->result.result_version)
            continue;
        return same_word(&own->result, asked) && same_items(book->state, own, items, count)
                   ? REQUEST_NO_CHANGE
                   : REQUEST_OLD_VERSION;
    }
    return REQUEST_TAKEN;
}

static struct record_proposal proposal_of(const struct book *book, const struct result_draft *draft,
                                          const struct desk_word *word)
{
    struct record_proposal body = {.result = draft->body};
    bool desk = body.result.cause == FENCE_TRADER;
    body.result.actor_bytes = (uint16_t)word->actor.bytes;
    body.result.reason_bytes = (uint16_t)word->reason.bytes;
    body.needs_approval = !desk || book->options.results_second_person;
    if (desk && book->options.results_objection_us > 0)
        body.due_us = book_record_time_us(book) + book->options.results_objection_us;
    return body;
}

enum request_outcome book_propose_result(struct book *book, const struct result_draft *draft,
                                         const struct desk_word *word, uint64_t *ret_seq)
{
    struct record_proposed items[SELECTIONS_MAX];
    struct slice texts[2 + SELECTIONS_MAX] = {word->actor, word->reason};
    const struct market_ref ref = {draft->body.market};
    size_t count =
        name_items(draft, shard_state_market(book->state, ref)->selections_count, items, texts);
    struct record_proposal body = proposal_of(book, draft, word);
    enum request_outcome outcome = against_own(book, &body.result, word->actor, items, count);
    if (outcome != REQUEST_TAKEN)
        return outcome;
    if (!shard_state_proposal_room(book->state, count)) {
        book->stats.proposals_reached++;
        return book_busy(book, "proposals_max");
    }
    struct record_draft record = {.type = RECORD_PROPOSAL,
                                  .time_us = book->wall.us,
                                  .body = &body,
                                  .items = items,
                                  .items_count = count,
                                  .texts = texts,
                                  .texts_count = 2 + count};
    *ret_seq = commit_record(book->commit, &record)->head->seq;
    return REQUEST_TAKEN;
}

/* ---- deciding ---- */

static uint64_t record_decision(struct book *book, uint64_t proposal_seq,
                                enum decision_kind decision, const struct desk_word *word)
{
    struct record_decision body = {.proposal_seq = proposal_seq,
                                   .decision = (uint16_t)decision,
                                   .actor_bytes = (uint16_t)word->actor.bytes,
                                   .reason_bytes = (uint16_t)word->reason.bytes};
    struct slice texts[2] = {word->actor, word->reason};
    struct record_draft record = {.type = RECORD_DECISION,
                                  .time_us = book->wall.us,
                                  .body = &body,
                                  .texts = texts,
                                  .texts_count = 2};
    return commit_record(book->commit, &record)->head->seq;
}

enum request_outcome book_decide_proposal(struct book *book, uint64_t proposal_seq,
                                          enum decision_kind decision, const struct desk_word *word,
                                          struct book_reply reply)
{
    uint32_t at = shard_state_find_proposal(book->state, proposal_seq);
    enum request_outcome ready = book_all_shards_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    if (at == PROPOSAL_NONE)
        return REQUEST_UNKNOWN;
    const struct shard_proposal *proposal = shard_state_proposal(book->state, at);
    bool own = slice_equal(actor_of(proposal), word->actor);
    if (own != (decision == DECISION_WITHDRAWN))
        return own ? REQUEST_SAME_ACTOR : REQUEST_OTHER_ACTOR;
    if (decision == DECISION_APPROVED && (proposal->needs_approval == 0 || proposal->approved == 1))
        return REQUEST_INVALID;
    uint64_t seq = record_decision(book, proposal_seq, decision, word);
    bool waits = book_answer_record(book, seq, reply.answer, reply.cookie, false);
    ASSERT(waits); /* it was looked at above */
    return REQUEST_TAKEN;
}

/* ---- taking force ---- */

static void map_proposal(const struct book *book, const struct shard_proposal *proposal,
                         struct result_draft *draft)
{
    const struct market_ref ref = {proposal->result.market};
    const struct shard_market *market = shard_state_market(book->state, ref);
    draft->opens_all = proposal->result.kind == RESULT_ROLLBACK && proposal->proposed_count == 0;
    for (uint16_t i = 0; i < market->selections_count; i++)
        draft->named[i] = false;
    for (uint32_t i = 0; i < proposal->proposed_count; i++) {
        const struct shard_proposed *said = shard_state_proposed(book->state, proposal, i);
        uint16_t selection = said->item.selection;
        draft->items[selection] = said->item.result;
        draft->reasons[selection] = slice_of(said->reason, said->item.result.reason_bytes);
        draft->named[selection] = true;
    }
    book_keep_newer(book->state, draft);
}

/* What was in force when it was proposed is not any more, and will not be by itself. */
static void give_up(struct book *book, const struct shard_proposal *proposal, bool window)
{
    const struct market_ref ref = {proposal->result.market};
    struct desk_word word = {.actor = SLICE_NONE,
                             .reason = SLICE("deductions of another model are in force")};
    if (window)
        word.reason = shard_state_windows_full(book->state, ref)
                          ? SLICE("the market has its most windows of time")
                          : SLICE("the book has its most windows of time");
    book->stats.proposals_impossible++;
    (void)record_decision(book, proposal->seq, DECISION_IMPOSSIBLE, &word);
}

/* Which ends it, in force or not. */
static void take_force(struct book *book, const struct shard_proposal *proposal)
{
    struct result_draft draft = {.opens_all = false};
    const struct market_ref ref = {proposal->result.market};
    draft.body = proposal->result;
    draft.body.proposal_seq = proposal->seq;
    draft.window = draft.body.kind == RESULT_CANCEL || draft.body.kind == RESULT_UNDO_CANCEL;
    if (!draft.window)
        map_proposal(book, proposal, &draft);
    bool possible = draft.window
                        ? shard_state_find_window(book->state, ref, draft.body.void_from_us,
                                                  draft.body.void_until_us) != NULL ||
                              shard_state_window_room(book->state, ref)
                        : book_result_possible(book->state, &draft);
    if (!possible) {
        give_up(book, proposal, draft.window);
        return;
    }
    struct desk_word word = {.actor = actor_of(proposal),
                             .reason = slice_of(proposal->reason, proposal->reason_bytes),
                             .approver = slice_of(proposal->approver, proposal->approver_bytes)};
    (void)book_commit_result(book, &draft, &word); /* which ends the proposal */
    book_republish_result(book, ref);
}

void book_proposals_step(struct book *book)
{
    uint32_t i = 0;
    while (i < shard_state_proposals_count(book->state) && !commit_stopped(book->commit) &&
           commit_has_room(book->commit)) {
        const struct shard_proposal *proposal = shard_state_proposal(book->state, i);
        if (shard_proposal_ripe(proposal, book_record_time_us(book)))
            take_force(book, proposal);
        else
            i++;
    }
}

int64_t book_proposals_due_us(const struct book *book)
{
    int64_t due = -1;
    for (uint32_t i = 0; i < shard_state_proposals_count(book->state); i++) {
        const struct shard_proposal *proposal = shard_state_proposal(book->state, i);
        int64_t left = proposal->due_us - book_record_time_us(book);
        if (proposal->needs_approval == 1 && proposal->approved == 0)
            continue;
        if (left <= 0)
            left = STUCK_US;
        if (due < 0 || left < due)
            due = left;
    }
    return due;
}
