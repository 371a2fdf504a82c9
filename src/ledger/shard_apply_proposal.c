/* shard_apply_proposal.c - words on results that wait: PROPOSAL, DECISION, and what a RESULT that
 * takes one's force has to say. A proposal changes no bet; it is done when a RESULT takes its
 * force, when all that it speaks of has words in force that are newer, when it is rejected, or when
 * who made it says better. */
#include "base/assert.h"
#include "base/error.h"
#include "core/deductions.h"
#include "core/market_line.h"
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

static bool of_window(const struct record_result *result)
{
    return result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
}

bool shard_same_axis(const struct record_result *a, const struct record_result *b)
{
    return a->market == b->market && of_window(a) == of_window(b) &&
           a->void_from_us == b->void_from_us && a->void_until_us == b->void_until_us;
}

/* ---- reading ---- */

uint32_t shard_state_proposals_count(const struct shard_state *state)
{
    return state->proposals_count;
}

const struct shard_proposal *shard_state_proposal(const struct shard_state *state, uint32_t index)
{
    ASSERT(index < state->proposals_count);
    return &state->proposals[index];
}

uint32_t shard_state_find_proposal(const struct shard_state *state, uint64_t seq)
{
    for (uint32_t i = 0; i < state->proposals_count; i++)
        if (state->proposals[i].seq == seq)
            return i;
    return PROPOSAL_NONE;
}

const struct shard_proposed *shard_state_proposed(const struct shard_state *state,
                                                  const struct shard_proposal *proposal,
                                                  uint32_t at)
{
    ASSERT(at < proposal->proposed_count);
    return &state->proposed[proposal->proposed_first + at];
}

bool shard_state_proposal_room(const struct shard_state *state, size_t proposed_count)
{
    return state->proposals_count < state->limits.proposals_max &&
           proposed_count <= state->limits.proposed_max - state->proposed_count;
}

bool shard_proposal_ripe(const struct shard_proposal *proposal, int64_t time_us)
{
    return (proposal->needs_approval == 0 || proposal->approved == 1) &&
           time_us >= proposal->due_us;
}

/* ---- what is newer ---- */

static uint64_t version_of_window(const struct shard_state *state,
                                  const struct record_result *result)
{
    const struct shard_market *market = &state->markets[result->market];
    uint32_t at = shard_find_window(state, market, result->void_from_us, result->void_until_us);
    return at == WINDOW_NONE ? 0 : state->windows[at].version;
}

static bool opens_all(const struct record_result *result, uint32_t proposed_count)
{
    return result->kind == RESULT_ROLLBACK && proposed_count == 0;
}

/* The word itself, without the selections that it names: is it of no effect any more? */
static bool word_overtaken(const struct shard_state *state, const struct record_result *result,
                           uint32_t proposed_count)
{
    const struct shard_market *market = &state->markets[result->market];
    if (of_window(result))
        return result->result_version <= version_of_window(state, result);
    if (opens_all(result, proposed_count))
        return result->result_version <= market->opened_version;
    return result->deduction_model == 0 || result->result_version <= market->model_version;
}

static bool selection_overtaken(const struct shard_state *state, const struct record_result *result,
                                uint16_t selection)
{
    const struct shard_market *market = &state->markets[result->market];
    return result->result_version <=
           state->selections[market->selections_first + selection].result_version;
}

static bool overtaken(const struct shard_state *state, const struct shard_proposal *proposal)
{
    bool whole = word_overtaken(state, &proposal->result, proposal->proposed_count);
    for (uint32_t i = 0; i < proposal->proposed_count && whole; i++)
        whole = selection_overtaken(state, &proposal->result,
                                    shard_state_proposed(state, proposal, i)->item.selection);
    return whole;
}

/* ---- leaving ---- */

static void drop(struct shard_state *state, uint32_t index)
{
    struct shard_proposal *proposal = &state->proposals[index];
    uint32_t count = proposal->proposed_count;
    struct shard_proposed *items = &state->proposed[proposal->proposed_first];
    uint32_t behind = state->proposed_count - proposal->proposed_first - count;
    memmove(items, items + count, behind * sizeof *items);
    memmove(proposal, proposal + 1, (state->proposals_count - index - 1) * sizeof *proposal);
    state->proposed_count -= count;
    state->proposals_count--;
    for (uint32_t i = index; i < state->proposals_count; i++)
        state->proposals[i].proposed_first -= count;
}

void shard_drop_proposals(struct shard_state *state, const struct record_result *result)
{
    for (uint32_t i = state->proposals_count; i-- > 0;)
        if (shard_same_axis(&state->proposals[i].result, result) &&
            (state->proposals[i].seq == result->proposal_seq ||
             overtaken(state, &state->proposals[i])))
            drop(state, i);
}

/* ---- PROPOSAL ---- */

static int check_item(struct shard_state *state, const struct record_result *result,
                      const struct record_proposed *item)
{
    struct record_selection_result bare = shard_result_bare(&item->result);
    REQUIRE(item->selection < state->markets[result->market].selections_count,
            "L6: the selection is unknown");
    REQUIRE(item->open == (result->kind == RESULT_ROLLBACK), "a rollback opens, and nothing else");
    REQUIRE(item->result.reason_bytes <= REASON_BYTES_MAX, "a reason is too long");
    REQUIRE(item->open == 1 ? is_zero(&bare, sizeof bare)
                            : bare.win.known == 1 && shard_result_valid(&bare),
            "the factors are impossible");
    return 0;
}

static int check_items(struct shard_state *state, const struct record_result *result,
                       const struct record_proposed *items, uint32_t count)
{
    bool newer = !word_overtaken(state, result, count);
    REQUIRE(!of_window(result) || count == 0, "a window of time is for all selections");
    REQUIRE(result->kind != RESULT_SET || count > 0 || result->deduction_model != 0,
            "a result names a selection, or how runners deduct");
    for (uint32_t i = 0; i < count; i++) {
        TRY(check_item(state, result, &items[i]));
        REQUIRE(i == 0 || items[i].selection > items[i - 1].selection,
                "a proposal names a selection once");
        newer = newer || !selection_overtaken(state, result, items[i].selection);
    }
    REQUIRE(newer, "L7: result versions rise");
    return 0;
}

static int check_word(struct shard_state *state, const struct record_result *result)
{
    REQUIRE(shard_market_at(state, result->market) != NULL, "the market is unknown");
    REQUIRE(result->kind >= RESULT_SET && result->kind <= RESULT_UNDO_CANCEL,
            "no such kind of result");
    REQUIRE(result->previous_seq == 0 && result->proposal_seq == 0 && result->approver_bytes == 0 &&
                result->reserved == 0,
            "a proposal is not in force");
    REQUIRE(of_window(result) ? result->void_from_us < result->void_until_us
                              : result->void_from_us == 0 && result->void_until_us == 0 &&
                                    result->void_skew_us == 0,
            "a window of time has a begin and an end");
    REQUIRE(result->deduction_model <= DEDUCT_PRICE && result->cap_pence <= 99 &&
                result->waive_pence <= 99 && result->certainty <= 2 && result->score_known <= 1 &&
                result->score[0] <= LINE_SCORE_MAX && result->score[1] <= LINE_SCORE_MAX,
            "no such deductions");
    REQUIRE(!of_window(result) ||
                (result->deduction_model == 0 && result->cap_pence == 0 &&
                 result->waive_pence == 0 && result->certainty == 0 && result->score_known == 0),
            "a window of time has no factors");
    REQUIRE(result->actor_bytes >= 1 && result->actor_bytes <= USER_ID_BYTES_MAX &&
                result->reason_bytes <= REASON_BYTES_MAX,
            "a proposal is somebody's");
    REQUIRE(of_window(result) || result->result_version > 0, "L7: result versions rise");
    return 0;
}

static struct slice actor_of(const struct shard_proposal *proposal)
{
    return slice_of(proposal->actor, proposal->actor_bytes);
}

/* What the same actor proposed before on this axis; or PROPOSAL_NONE. */
static uint32_t find_own(const struct shard_state *state, const struct record_result *result,
                         struct slice actor)
{
    for (uint32_t i = 0; i < state->proposals_count; i++)
        if (shard_same_axis(&state->proposals[i].result, result) &&
            slice_equal(actor_of(&state->proposals[i]), actor))
            return i;
    return PROPOSAL_NONE;
}

static void add(struct shard_state *state, const struct record_view *record)
{
    const struct record_proposal *body = record->body;
    const struct record_proposed *items = record->items;
    struct shard_proposal *proposal = &state->proposals[state->proposals_count++];
    struct slice texts = record->texts;
    struct slice actor = record_text(&texts, body->result.actor_bytes);
    struct slice reason = record_text(&texts, body->result.reason_bytes);
    memset(proposal, 0, sizeof *proposal);
    proposal->seq = record->head->seq;
    proposal->result = body->result;
    proposal->due_us = body->due_us;
    proposal->needs_approval = body->needs_approval;
    proposal->proposed_first = state->proposed_count;
    proposal->proposed_count = record->head->items_count;
    proposal->actor_bytes = (uint8_t)actor.bytes;
    proposal->reason_bytes = (uint8_t)reason.bytes;
    memcpy(proposal->actor, actor.at, actor.bytes);
    memcpy(proposal->reason, reason.at, reason.bytes);
    for (uint32_t i = 0; i < record->head->items_count; i++) {
        struct shard_proposed *to = &state->proposed[state->proposed_count++];
        struct slice why = record_text(&texts, items[i].result.reason_bytes);
        memset(to, 0, sizeof *to);
        to->item = items[i];
        memcpy(to->reason, why.at, why.bytes);
    }
}

int shard_apply_proposal(struct shard_state *state, const struct record_view *record)
{
    const struct record_proposal *body = record->body;
    struct slice texts = record->texts;
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    TRY(check_word(state, &body->result));
    TRY(check_items(state, &body->result, record->items, record->head->items_count));
    REQUIRE(
        body->needs_approval <= 1 &&
            (body->due_us == 0 ? body->needs_approval == 1 : body->due_us >= record->head->time_us),
        "a proposal waits for somebody or for its time");
    uint32_t own = find_own(state, &body->result, record_text(&texts, body->result.actor_bytes));
    REQUIRE(own == PROPOSAL_NONE ||
                state->proposals[own].result.result_version < body->result.result_version,
            "L7: result versions rise");
    if (!shard_state_proposal_room(state, record->head->items_count))
        return -ERR_LIMIT;
    if (own != PROPOSAL_NONE)
        drop(state, own);
    add(state, record);
    return 0;
}

/* ---- DECISION ---- */

/* Who decides what: nobody what they proposed, but to withdraw it; and the book, that its time came
 * in vain. */
static int check_decision(struct shard_state *state, const struct record_view *record,
                          const struct shard_proposal *proposal)
{
    const struct record_decision *body = record->body;
    struct slice texts = record->texts;
    struct slice actor = record_text(&texts, body->actor_bytes);
    bool by_book = body->decision == DECISION_IMPOSSIBLE;
    bool own = slice_equal(actor, actor_of(proposal));
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    REQUIRE(body->actor_bytes <= USER_ID_BYTES_MAX && body->reason_bytes <= REASON_BYTES_MAX &&
                (body->actor_bytes == 0) == by_book,
            "a decision is somebody's");
    REQUIRE(!by_book ||
                (body->reason_bytes > 0 && shard_proposal_ripe(proposal, record->head->time_us)),
            "a proposal waits for its approval and its time");
    REQUIRE(!own || body->decision == DECISION_WITHDRAWN, "nobody decides what they proposed");
    REQUIRE(own || body->decision != DECISION_WITHDRAWN, "who proposed it withdraws it");
    REQUIRE(body->decision >= DECISION_APPROVED && body->decision <= DECISION_IMPOSSIBLE &&
                (body->decision != DECISION_APPROVED ||
                 (proposal->needs_approval == 1 && proposal->approved == 0)),
            "no such decision");
    return 0;
}

int shard_apply_decision(struct shard_state *state, const struct record_view *record)
{
    const struct record_decision *body = record->body;
    struct slice texts = record->texts;
    struct slice actor = record_text(&texts, body->actor_bytes);
    uint32_t at = shard_state_find_proposal(state, body->proposal_seq);
    REQUIRE(at != PROPOSAL_NONE, "no such proposal waits");
    struct shard_proposal *proposal = &state->proposals[at];
    TRY(check_decision(state, record, proposal));
    if (body->decision != DECISION_APPROVED) {
        drop(state, at);
        return 0;
    }
    proposal->approved = 1;
    proposal->approver_bytes = (uint8_t)actor.bytes;
    memcpy(proposal->approver, actor.at, actor.bytes);
    return 0;
}

/* ---- RESULT ---- */

/* Each selection is what the proposal says of it, unless something newer is in force. */
static bool items_follow(const struct shard_state *state, const struct shard_proposal *proposal,
                         const struct record_view *record, struct slice reasons)
{
    const struct record_selection_result *items = record->items;
    uint32_t named = 0;
    if (opens_all(&proposal->result, proposal->proposed_count))
        return record->head->items_count == 0;
    for (uint16_t i = 0; i < record->head->items_count; i++) {
        struct record_selection_result expected = {.win.known = RESULT_KEPT};
        const char *why = NULL;
        if (named < proposal->proposed_count &&
            shard_state_proposed(state, proposal, named)->item.selection == i) {
            const struct shard_proposed *said = shard_state_proposed(state, proposal, named++);
            if (!selection_overtaken(state, &proposal->result, i)) {
                expected = said->item.result;
                why = said->reason;
            }
        }
        if (memcmp(&expected, &items[i], sizeof expected) != 0 ||
            !slice_equal(record_text(&reasons, items[i].reason_bytes),
                         slice_of(why, expected.reason_bytes)))
            return false;
    }
    return named == proposal->proposed_count;
}

static bool word_follows(const struct record_result *asked, const struct record_result *body)
{
    return shard_same_axis(asked, body) && asked->kind == body->kind &&
           asked->result_version == body->result_version &&
           asked->deduction_model == body->deduction_model && asked->cap_pence == body->cap_pence &&
           asked->waive_pence == body->waive_pence && asked->void_skew_us == body->void_skew_us &&
           asked->cause == body->cause && asked->certainty == body->certainty &&
           asked->score_known == body->score_known && asked->score[0] == body->score[0] &&
           asked->score[1] == body->score[1];
}

int shard_check_proposed_result(struct shard_state *state, const struct record_view *record)
{
    const struct record_result *body = record->body;
    struct slice texts = record->texts;
    if (body->proposal_seq == 0) {
        REQUIRE(body->approver_bytes == 0, "only a proposal is approved");
        return 0;
    }
    uint32_t at = shard_state_find_proposal(state, body->proposal_seq);
    REQUIRE(at != PROPOSAL_NONE, "no such proposal waits");
    const struct shard_proposal *proposal = &state->proposals[at];
    REQUIRE(shard_proposal_ripe(proposal, record->head->time_us),
            "a proposal waits for its approval and its time");
    struct slice actor = record_text(&texts, body->actor_bytes);
    struct slice reason = record_text(&texts, body->reason_bytes);
    struct slice approver = record_text(&texts, body->approver_bytes);
    REQUIRE(word_follows(&proposal->result, body) && items_follow(state, proposal, record, texts),
            "a result is what was proposed");
    REQUIRE(slice_equal(actor, actor_of(proposal)) &&
                slice_equal(reason, slice_of(proposal->reason, proposal->reason_bytes)) &&
                slice_equal(approver, slice_of(proposal->approver, proposal->approver_bytes)),
            "a result names who proposed and who approved it");
    return 0;
}

/* ---- a state from outside ---- */

static int check_proposal(struct shard_state *state, const struct shard_proposal *proposal,
                          uint32_t first)
{
    struct record_proposed items[SELECTIONS_MAX];
    REQUIRE(proposal->seq <= state->seq && proposal->seq > 0,
            "L1: a number is beyond the last record");
    REQUIRE(proposal->proposed_first == first && proposal->proposed_count <= SELECTIONS_MAX &&
                proposal->proposed_count <= state->proposed_count - first,
            "a proposal has its selections");
    TRY(check_word(state, &proposal->result));
    for (uint32_t i = 0; i < proposal->proposed_count; i++)
        items[i] = state->proposed[first + i].item;
    TRY(check_items(state, &proposal->result, items, proposal->proposed_count));
    REQUIRE(proposal->needs_approval <= 1 && proposal->approved <= proposal->needs_approval &&
                (proposal->due_us != 0 || proposal->needs_approval == 1) &&
                is_zero(proposal->reserved, sizeof proposal->reserved),
            "a proposal waits for somebody or for its time");
    REQUIRE(proposal->actor_bytes == proposal->result.actor_bytes &&
                proposal->reason_bytes == proposal->result.reason_bytes &&
                proposal->approver_bytes <= USER_ID_BYTES_MAX &&
                (proposal->approver_bytes != 0) == (proposal->approved == 1),
            "a proposal is somebody's");
    return 0;
}

int shard_check_proposals(struct shard_state *state)
{
    uint32_t first = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < state->proposals_count; i++) {
        REQUIRE(state->proposals[i].seq > before, "proposals are in the order of their records");
        before = state->proposals[i].seq;
        TRY(check_proposal(state, &state->proposals[i], first));
        first += state->proposals[i].proposed_count;
    }
    REQUIRE(first == state->proposed_count, "a proposal has its selections");
    return 0;
}
