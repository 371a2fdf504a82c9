/* shard_amend.h - records that are folded already, and written nowhere, are made others: only while
 * nobody was told of them, and no medium has them (app/commit.h). Pure. Thread: the state's. */
#pragma once

#include <stdbool.h>

#include "core/bet.h"
#include "ledger/record.h"
#include "ledger/shard_referral.h"
#include "ledger/shard_state.h"

/* A BET that was placed becomes one that is pending and due at once: its money is held, and nothing
 * else is another. `record` is in the caller's memory, and state and record agree afterwards as if
 * it had been so from the first. False, and nothing is changed, where a later record counts on that
 * bet. */
bool shard_amend_to_pending(struct shard_state *state, struct record_head *record);

/* What a bet that waits is, before a RELEASE places it. */
struct shard_waiting {
    struct shard_bet bet;
    struct shard_referral referral;
    bool referred;
    struct odds odds[BET_LEGS_MAX]; /* of its legs, and their flags */
    uint8_t flags[BET_LEGS_MAX];
};
void shard_waiting_keep(const struct shard_state *state, uint32_t bet,
                        struct shard_waiting *ret_waiting);
/* A RELEASE that placed the bet becomes one that leaves it waiting, as it was kept. As above; false
 * also where other referred bets have the room of this one. */
bool shard_amend_to_waiting(struct shard_state *state, struct record_head *record,
                            const struct shard_waiting *waiting);

/* Behind another record than before: it, and its own checksum, are put right. */
void shard_amend_chain(struct record_head *record, uint32_t before_crc);
/* The checksum of the last record that is folded. */
void shard_amend_end(struct shard_state *state, uint32_t crc);
