/* proposal_json.c - contract in proposal_json.h. */
#include "roles/backoffice/proposal_json.h"

#include "base/json_write.h"
#include "base/rfc3339.h"

/* With every byte of a text escaped. */
#define PROPOSAL_ROW_BYTES                                                                         \
    (6 * (MARKET_ID_BYTES_MAX + 2 * USER_ID_BYTES_MAX + REASON_BYTES_MAX) + 640)
#define SELECTION_ROW_BYTES (6 * (SELECTION_ID_BYTES_MAX + REASON_BYTES_MAX) + 320)
#define END_BYTES           32

_Static_assert(PROPOSAL_ROW_BYTES + SELECTIONS_MAX * SELECTION_ROW_BYTES + 2 * END_BYTES <
                   PROPOSALS_BYTES_MAX,
               "one always fits");

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_number(struct json_writer *writer, const char *key, int64_t value)
{
    json_write_key(writer, key);
    json_write_i64(writer, value);
}

static void put_time(struct json_writer *writer, const char *key, int64_t us)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, (struct instant){us});
    if (!text.overflow) /* an end that is open is not written */
        put_text(writer, key, buf_slice(&text));
}

static void put_factors(struct json_writer *writer, const struct record_selection_result *result)
{
    struct leg_result factors = record_factors(result->win);
    char memory[16];
    struct buf share = buf_over(memory, sizeof memory);
    put_text(writer, "result", slice_text(leg_outcome_text(leg_result_outcome(factors))));
    json_write_key(writer, "void_factor");
    json_write_decimal(writer, factors.void_halves * 5, 1);
    buf_printf(&share, "%u/%u", factors.dead_heat_numerator, factors.dead_heat_denominator);
    put_text(writer, "dead_heat_factor", buf_slice(&share));
    if (result->position != 0) {
        put_number(writer, "position", result->position);
        put_number(writer, "tied", result->tied);
    }
    if (result->withdrawn_at_us == 0)
        return;
    put_time(writer, "withdrawn_at", result->withdrawn_at_us);
    json_write_key(writer, "reduction_factor");
    json_write_decimal(writer, result->deduction, 2);
}

static void put_selections(struct json_writer *writer, const struct shard_state *state,
                           const struct shard_proposal *proposal)
{
    const struct market_ref market = {proposal->result.market};
    json_write_key(writer, "selections");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < proposal->proposed_count; i++) {
        const struct shard_proposed *said = shard_state_proposed(state, proposal, i);
        const struct shard_selection *selection =
            shard_state_selection(state, market, said->item.selection);
        json_write_object_open(writer);
        put_text(writer, "selection_id", shard_state_text(state, selection->id));
        if (said->item.open == 0)
            put_factors(writer, &said->item.result);
        put_text(writer, "reason", slice_of(said->reason, said->item.result.reason_bytes));
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

static void put_word(struct json_writer *writer, const struct record_result *result)
{
    static const char *const kinds[] = {"result", "rollback", "cancel", "undo_cancel"};
    put_text(writer, "kind", slice_text(kinds[result->kind - 1]));
    put_number(writer, "result_version", (int64_t)result->result_version);
    put_number(writer, "certainty", result->certainty);
    if (result->kind < RESULT_CANCEL)
        return;
    put_time(writer, "void_from", result->void_from_us);
    put_time(writer, "void_until", result->void_until_us);
}

static void put_proposal(struct json_writer *writer, const struct shard_state *state,
                         const struct shard_proposal *proposal)
{
    char memory[PROPOSAL_ID_BYTES_MAX];
    struct buf id = buf_over(memory, sizeof memory);
    const struct market_ref market = {proposal->result.market};
    buf_printf(&id, "%u-%llu", shard_state_shard(state), (unsigned long long)proposal->seq);
    json_write_object_open(writer);
    put_text(writer, "proposal_id", buf_slice(&id));
    put_text(writer, "market_id", shard_state_market_id(state, market));
    put_word(writer, &proposal->result);
    put_text(writer, "actor", slice_of(proposal->actor, proposal->actor_bytes));
    put_text(writer, "reason", slice_of(proposal->reason, proposal->reason_bytes));
    json_write_key(writer, "needs_approval");
    json_write_bool(writer, proposal->needs_approval == 1);
    if (proposal->approved == 1)
        put_text(writer, "approver", slice_of(proposal->approver, proposal->approver_bytes));
    if (proposal->due_us != 0)
        put_time(writer, "due", proposal->due_us);
    put_selections(writer, state, proposal);
    json_write_object_close(writer);
}

static bool fits(const struct buf *out, const struct shard_proposal *proposal)
{
    return out->capacity - out->bytes >
           PROPOSAL_ROW_BYTES + (size_t)proposal->proposed_count * SELECTION_ROW_BYTES + END_BYTES;
}

void proposals_write(struct buf *out, const struct shard_state *state, uint64_t after)
{
    struct json_writer writer = json_write_begin(out);
    uint32_t i = 0, count = shard_state_proposals_count(state);
    json_write_object_open(&writer);
    json_write_key(&writer, "proposals");
    json_write_array_open(&writer);
    for (; i < count; i++) {
        const struct shard_proposal *proposal = shard_state_proposal(state, i);
        if (proposal->seq <= after)
            continue;
        if (!fits(out, proposal))
            break;
        put_proposal(&writer, state, proposal);
    }
    json_write_array_close(&writer);
    json_write_key(&writer, "more");
    json_write_bool(&writer, i < count);
    json_write_object_close(&writer);
}
