/* sim_history.h - the Merkle tree of every durable record, once more and in other words than the
 * ledger's (RFC 6962 section 2.1 by its definitions, over nodes that are all kept): what roots,
 * paths and consistency proofs must be. This folder only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define SIM_HISTORY_LEVELS 32
#define SIM_HASH_BYTES     32

struct sim_hash {
    unsigned char at[SIM_HASH_BYTES];
};

struct sim_history {
    struct sim_hash *levels[SIM_HISTORY_LEVELS]; /* owns; [l][i]: of 2^l records from i * 2^l on */
    size_t records_max;
    uint64_t size;
    struct sha256 *sha; /* owns */
};

/* 0, -ERR_MEMORY or -ERR_CRYPTO; sim_history_done() in any case. */
int sim_history_init(struct sim_history *history, size_t records_max);
void sim_history_done(struct sim_history *history);
void sim_history_add(struct sim_history *history, struct slice record);
/* Of the first `size` records; size <= history->size, as below. */
struct sim_hash sim_history_root(struct sim_history *history, uint64_t size);
/* The hashes of the one right proof, at most 64, in the order of RFC 6962. */
size_t sim_history_path(struct sim_history *history, uint64_t index, uint64_t size,
                        struct sim_hash *ret);
size_t sim_history_consistency(struct sim_history *history, uint64_t from, uint64_t to,
                               struct sim_hash *ret);
