/* shard_proposals.h - words on results that wait, in a shard's folded state (shard_state.h). Owned
 * by the state's thread. */
#pragma once

#include "core/ids.h"
#include "ledger/shard_state.h"

/* A word on results that waits for approval, or for its time. In the order of their records. */
struct shard_proposal {
    uint64_t seq;                /* of its PROPOSAL: its id */
    struct record_result result; /* as in the record */
    int64_t due_us;
    uint32_t proposed_first, proposed_count; /* the selections that it names */
    uint8_t needs_approval;
    uint8_t approved;
    uint8_t actor_bytes, reason_bytes, approver_bytes;
    uint8_t reserved[3];
    char actor[USER_ID_BYTES_MAX];
    char reason[REASON_BYTES_MAX];
    char approver[USER_ID_BYTES_MAX];
};

/* One of them, and why. */
struct shard_proposed {
    struct record_proposed item;
    char reason[REASON_BYTES_MAX];
};

#define PROPOSAL_NONE UINT32_MAX

_Static_assert(sizeof(struct shard_proposal) == 328, "no padding: it is hashed");
_Static_assert(sizeof(struct shard_proposed) == 128, "no padding: it is hashed");

/* Proposals of results that wait, oldest first; index < shard_state_proposals_count. */
uint32_t shard_state_proposals_count(const struct shard_state *state);
const struct shard_proposal *shard_state_proposal(const struct shard_state *state, uint32_t index);
/* By its record's number; or PROPOSAL_NONE. */
uint32_t shard_state_find_proposal(const struct shard_state *state, uint64_t seq);
/* The selection `at` of those that it names. */
const struct shard_proposed *shard_state_proposed(const struct shard_state *state,
                                                  const struct shard_proposal *proposal,
                                                  uint32_t at);
/* Room for one more that names so many selections. */
bool shard_state_proposal_room(const struct shard_state *state, size_t proposed_count);
/* It may take force at this record time. */
bool shard_proposal_ripe(const struct shard_proposal *proposal, int64_t time_us);
/* Speaks the result of the same axis of the same market? */
bool shard_same_axis(const struct record_result *a, const struct record_result *b);
