/* shard_amend.h - records that are folded already, and written nowhere, are made others: only while
 * nobody was told of them, and no medium has them (app/commit.h). Pure. Thread: the state's. */
#pragma once

#include <stdbool.h>

#include "ledger/record.h"
#include "ledger/shard_state.h"

/* A BET that was placed becomes one that is pending and due at once: its money is held, and nothing
 * else is another. `record` is in the caller's memory, and state and record agree afterwards as if
 * it had been so from the first. False, and nothing is changed, where a later record counts on that
 * bet. */
bool shard_amend_to_pending(struct shard_state *state, struct record_head *record);
/* Behind another record than before: it, and its own checksum, are put right. */
void shard_amend_chain(struct record_head *record, uint32_t before_crc);
/* The checksum of the last record that is folded. */
void shard_amend_end(struct shard_state *state, uint32_t crc);
