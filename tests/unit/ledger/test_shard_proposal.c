/* test_shard_proposal.c - words on results that wait: what the fold takes of a proposal, of the
 * decision on it, and of the result that takes its force. */
#include <string.h>

#include "maker.h"
#include "test.h"

#include "ledger/shard_proposals.h"

#define MARKET 1

static struct parts begin(const struct maker *m, enum record_type type)
{
    struct parts parts = {0};
    parts.draft.type = type;
    parts.draft.seq = shard_state_seq(m->state) + 1;
    parts.draft.time_us = m->time_us;
    return parts;
}

static uint16_t add_text(struct parts *parts, const char *text)
{
    parts->texts[parts->draft.texts_count++] = slice_text(text);
    return (uint16_t)strlen(text);
}

/* What takes force of the oldest proposal, approved by "eve". */
static struct parts in_force(const struct maker *m, const char *approver)
{
    const struct shard_proposal *p = shard_state_proposal(m->state, 0);
    struct parts parts = begin(m, RECORD_RESULT);
    parts.body.result = p->result;
    parts.body.result.previous_seq =
        shard_state_market(m->state, (struct market_ref){MARKET})->seq_result;
    parts.body.result.proposal_seq = p->seq;
    (void)add_text(&parts, "tom");
    (void)add_text(&parts, "seen");
    parts.body.result.approver_bytes = add_text(&parts, approver);
    (void)add_text(&parts, "by a nose");
    parts.draft.items_count = 3;
    for (uint16_t i = 0; i < 3; i++)
        parts.items.results[i] = (struct record_selection_result){.win.known = RESULT_KEPT};
    parts.items.results[0] = shard_state_proposed(m->state, p, 0)->item.result;
    return parts;
}

static void accept(struct maker *m, struct parts parts)
{
    maker_accept(m, &parts);
}

TEST(shard_proposal, what_cannot_be_proposed_is_refused)
{
    struct maker m;
    maker_open(&m);
    accept(&m, parts_result(&m, MARKET, LEG_LOST)); /* version 1 */
    struct parts good = parts_proposal(&m, MARKET, 2);
#define RESULT p.body.proposal.result
    REFUSES(&m, good, "L7: result versions rise", RESULT.result_version = 1);
    REFUSES(&m, good, "the market is unknown", RESULT.market = 9);
    REFUSES(&m, good, "no such kind of result", RESULT.kind = 5);
    REFUSES(&m, good, "a proposal is not in force", RESULT.previous_seq = 1);
    REFUSES(&m, good, "a proposal is not in force", RESULT.proposal_seq = 1);
    REFUSES(&m, good, "a window of time has a begin and an end", RESULT.void_until_us = 1);
    REFUSES(&m, good, "no such deductions", RESULT.deduction_model = 4);
    REFUSES(&m, good, "no such deductions", RESULT.certainty = 3);
    REFUSES(&m, good, "a rollback opens, and nothing else", RESULT.kind = RESULT_ROLLBACK);
    REFUSES(&m, good, "L6: the selection is unknown", p.items.proposed[0].selection = 3);
    REFUSES(&m, good, "the factors are impossible", p.items.proposed[0].result.win.void_halves = 3);
    REFUSES(&m, good, "a proposal names a selection once", p.draft.items_count = 2;
            p.items.proposed[1] = p.items.proposed[0]; p.items.proposed[1].result.reason_bytes = 0);
    REFUSES(&m, good, "a proposal waits for somebody or for its time",
            p.body.proposal.needs_approval = 0);
    REFUSES(&m, good, "a proposal waits for somebody or for its time",
            p.body.proposal.due_us = m.time_us - 1);
    REFUSES(&m, good, "a result names a selection, or how runners deduct", p.draft.items_count = 0;
            p.draft.texts_count = 2);
    REFUSES(&m, good, "a proposal is somebody's", RESULT.actor_bytes = 0; p.texts[0] = SLICE(""));
#undef RESULT
    accept(&m, good);
    assert_int_equal(shard_state_proposals_count(m.state), 1);
    REFUSES(&m, parts_proposal(&m, MARKET, 2),
            "L7: result versions rise", ); /* of the same actor */
    maker_done(&m);
}

TEST(shard_proposal, nobody_decides_twice_nor_what_they_proposed)
{
    struct maker m;
    maker_open(&m);
    accept(&m, parts_proposal(&m, MARKET, 1));
    uint64_t seq = shard_state_seq(m.state);
    struct parts good = parts_decision(&m, seq, "eve", DECISION_APPROVED);
    REFUSES(&m, good, "no such proposal waits", p.body.decision.proposal_seq = seq - 1);
    REFUSES(&m, good, "nobody decides what they proposed", p.texts[0] = SLICE("tom"));
    REFUSES(&m, good, "no such decision", p.body.decision.decision = 5);
    REFUSES(&m, good, "who proposed it withdraws it",
            p.body.decision.decision = DECISION_WITHDRAWN);
    REFUSES(&m, good, "a decision is somebody's", p.body.decision.decision = DECISION_IMPOSSIBLE);
    REFUSES(&m, good, "a proposal waits for its approval and its time",
            p.body.decision.decision = DECISION_IMPOSSIBLE;
            p.body.decision.actor_bytes = 0; p.texts[0] = SLICE(""));
    REFUSES(&m, good, "a decision is somebody's", p.body.decision.actor_bytes = 0;
            p.texts[0] = SLICE(""));
    accept(&m, good);
    REFUSES(&m, parts_decision(&m, seq, "eve", DECISION_APPROVED), "no such decision", );
    accept(&m, parts_decision(&m, seq, "ida", DECISION_REJECTED)); /* somebody objects after all */
    assert_int_equal(shard_state_proposals_count(m.state), 0);
    REFUSES(&m, parts_decision(&m, seq, "ida", DECISION_REJECTED), "no such proposal waits", );
    maker_done(&m);
}

TEST(shard_proposal, a_result_is_exactly_what_was_proposed_and_approved)
{
    struct maker m;
    maker_open(&m);
    accept(&m, parts_proposal(&m, MARKET, 1));
    uint64_t seq = shard_state_seq(m.state);
    REFUSES(&m, in_force(&m, ""), "a proposal waits for its approval and its time", );
    accept(&m, parts_decision(&m, seq, "eve", DECISION_APPROVED));
    struct parts good = in_force(&m, "eve");
    REFUSES(&m, good, "no such proposal waits", p.body.result.proposal_seq = seq + 1);
    REFUSES(&m, good, "only a proposal is approved", p.body.result.proposal_seq = 0);
    REFUSES(&m, good, "a result is what was proposed", p.body.result.result_version = 2);
    REFUSES(&m, good, "a result is what was proposed",
            p.items.results[1].win = record_factors_of(LEG_LOST));
    REFUSES(&m, good, "a result is what was proposed",
            p.items.results[0].win = record_factors_of(LEG_LOST));
    REFUSES(&m, good, "a result is what was proposed", p.texts[3] = SLICE("by a head"));
    REFUSES(&m, good, "a result is what was proposed",
            p.items.results[1] = (struct record_selection_result){.win.known = 0});
    REFUSES(&m, good, "a result is what was proposed", p.body.result.cause = FENCE_FEED);
    REFUSES(&m, good, "a result names who proposed and who approved it", p.texts[2] = SLICE("ida"));
    REFUSES(&m, good, "a result names who proposed and who approved it", p.texts[0] = SLICE("tim"));
    accept(&m, good);
    assert_int_equal(shard_state_proposals_count(m.state), 0);
    maker_done(&m);
}

TEST(shard_proposal, waits_for_its_time_and_ends_with_a_result_of_its_axis)
{
    struct maker m;
    maker_open(&m);
    struct parts timed = parts_proposal(&m, MARKET, 1);
    timed.body.proposal.needs_approval = 0;
    timed.body.proposal.due_us = m.time_us + 5000;
    accept(&m, timed);
    REFUSES(&m, in_force(&m, ""), "a proposal waits for its approval and its time", );
    m.time_us += 5000;
    accept(&m, in_force(&m, ""));
    assert_int_equal(shard_state_proposals_count(m.state), 0);
    accept(&m, parts_proposal(&m, MARKET, 3));
    accept(&m, parts_result(&m, MARKET, LEG_LOST)); /* version 2 */
    assert_int_equal(shard_state_proposals_count(m.state), 1);
    accept(&m, parts_result(&m, MARKET, LEG_LOST)); /* version 3: it says the last word */
    assert_int_equal(shard_state_proposals_count(m.state), 0);
    maker_done(&m);
}

TEST(shard_proposal, a_full_table_is_a_limit_and_a_better_word_takes_ones_own_place)
{
    struct maker m;
    struct shard_limits limits = MAKER_LIMITS;
    limits.proposals_max = 2;
    maker_empty(&m, &limits);
    accept(&m, parts_genesis(&m));
    accept(&m, parts_opened(&m));
    accept(&m, parts_market(&m, "1.23", 3));
    accept(&m, parts_proposal(&m, MARKET, 1));
    accept(&m, parts_proposal(&m, MARKET, 2));
    assert_int_equal(shard_state_proposals_count(m.state), 1);
    struct parts other = parts_proposal(&m, MARKET, 1);
    other.texts[0] = SLICE("tim");
    accept(&m, other);
    other.texts[0] = SLICE("ted");
    other.draft.seq++;
    maker_limited(&m, &other);
    assert_int_equal(shard_state_check(m.state), 0);
    maker_done(&m);
}

TEST(shard_proposal, its_maker_may_withdraw_it_and_the_book_ends_it_when_its_time_came_in_vain)
{
    struct maker m;
    maker_open(&m);
    accept(&m, parts_proposal(&m, MARKET, 1));
    accept(&m, parts_decision(&m, shard_state_seq(m.state), "tom", DECISION_WITHDRAWN));
    assert_int_equal(shard_state_proposals_count(m.state), 0);
    accept(&m, parts_proposal(&m, MARKET, 1));
    uint64_t seq = shard_state_seq(m.state);
    accept(&m, parts_decision(&m, seq, "eve", DECISION_APPROVED));
    struct parts vain = parts_decision(&m, seq, "", DECISION_IMPOSSIBLE);
    REFUSES(&m, vain, "a proposal waits for its approval and its time",
            p.body.decision.reason_bytes = 0;
            p.texts[1] = SLICE(""));
    accept(&m, vain);
    assert_int_equal(shard_state_proposals_count(m.state), 0);
    maker_done(&m);
}
