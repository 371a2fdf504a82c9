/* shard_verdicts.h - the stored answers to idempotency keys: one key, one verdict, for ever (L3).
 *
 * The newest verdicts_max are in memory. Older ones may be forgotten, oldest first, but only once
 * somebody else can tell that their keys were used: ports/verdict_store.h finds the record of an
 * old key. The fold then still refuses a second record for a key that it has, and no longer for
 * one that it forgot: whoever decides has asked before.
 *
 * What is forgotten does not show in the state hash (L5). Verdicts never change, so they are
 * chained as they come: the chain is 32 zeros at first, and after each SHARD_VERDICTS_BLOCK of them
 * SHA-256(chain | those, as they lie in memory). Only whole blocks are forgotten.
 * Thread: the state's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ledger/shard_state.h"

#define SHARD_VERDICTS_BLOCK 32

/* ---- keys; pure ---- */

/* The two words of GENESIS under which the book hashes its keys; zeros before it. */
const uint64_t *shard_state_hash_key(const struct shard_state *state);
/* SipHash-128 of account (4 bytes), operation (4) and the key (at most IDEMPOTENCY_KEY_BYTES_MAX).
 */
struct hash128 shard_verdict_key(const uint64_t hash_key[2], struct account_ref account,
                                 enum operation operation, struct slice key);
/* The same of a record that is a verdict: BET, MONEY, or a CASH_OUT that decides no other. False
 * when it is none. */
bool shard_verdict_key_of_record(const uint64_t hash_key[2], const struct record_view *record,
                                 struct hash128 *ret_key);
/* Is the record the verdict of exactly this request? For a hash that was found somewhere. */
bool shard_verdict_is_of(const struct record_view *record, struct account_ref account,
                         enum operation operation, struct slice key);

/* ---- those in memory ---- */

/* NULL: there is none, or it was forgotten. */
const struct shard_verdict *shard_state_verdict(const struct shard_state *state,
                                                struct hash128 key);
/* The record that answers it now: a bet that was pending is answered by its RELEASE, a cash-out
 * that waited by the record that decided it. */
uint64_t shard_state_verdict_seq(const struct shard_state *state,
                                 const struct shard_verdict *verdict);

/* In memory; ever; and the floor: every verdict of a record above it is in memory. 0 when none was
 * forgotten. */
uint32_t shard_state_verdicts_count(const struct shard_state *state);
uint64_t shard_state_verdicts_total(const struct shard_state *state);
uint64_t shard_state_verdicts_floor(const struct shard_state *state);
/* The record of the n-th oldest in memory, n < count. */
uint64_t shard_state_verdicts_seq(const struct shard_state *state, uint32_t n);

/* Forgets the oldest, of records up to `seq` and at most count_max of them, in whole blocks.
 * Answers how many. */
uint32_t shard_state_forget_verdicts(struct shard_state *state, uint64_t seq, uint32_t count_max);

/* All verdicts ever, in 40 bytes and the block begun, for a comparison of two states. */
struct shard_verdicts_chain {
    uint64_t total;
    uint8_t hash[32]; /* over the whole blocks */
};
struct shard_verdicts_chain shard_state_verdicts_chain(const struct shard_state *state);
