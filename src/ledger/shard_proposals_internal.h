/* shard_proposals_internal.h - what the fold asks of proposals; for the files shard_*.c only. */
#pragma once

#include "ledger/shard_state_internal.h"

/* A RESULT that takes a proposal's force is what that proposal says, at its time. 0, -ERR_CORRUPT.
 */
int shard_check_proposed_result(struct shard_state *state, const struct record_view *record);
/* Behind a RESULT: the proposals that it makes old. */
void shard_drop_proposals(struct shard_state *state, const struct record_result *result);
/* Those of a state that came from outside. 0, -ERR_CORRUPT. */
int shard_check_proposals(struct shard_state *state);
