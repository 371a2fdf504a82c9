/* snapshot_store.h - where snapshots of a shard's state are kept (docs/LEDGER.md, "Snapshots").
 *
 * A convenience for a fast start and nothing else: what is in the store may be lost at any time,
 * and the log alone rebuilds the state. Both calls block for as long as the state is large; each
 * thread that uses a store has one of its own. */
#pragma once

#include <stdint.h>

#include "ledger/shard_state.h"

#define SNAPSHOT_TEXT_BYTES 192

/* What load() found. */
struct snapshot_found {
    uint64_t seq;     /* of the state that it made; 0: an empty one */
    uint64_t seq_max; /* the highest of a snapshot whose head is sound, asked for or not */
    uint32_t damaged; /* passed over: above `seq`, at most seq_max, and not sound */
    char text[SNAPSHOT_TEXT_BYTES]; /* which one and why, of the last such; or "" */
};

struct snapshot_store;

struct snapshot_store_ops {
    /* A new state under these limits: the newest sound snapshot at or below seq_max, or empty
     * when there is none. 0; -ERR_LIMIT: that snapshot holds more than the limits; -ERR_MEMORY,
     * -ERR_CRYPTO, or the medium's error when it cannot even be listed. *ret_found is always
     * written; the caller owns *ret_state. */
    int (*load)(struct snapshot_store *store, uint64_t seq_max, const struct shard_limits *limits,
                struct shard_state **ret_state, struct snapshot_found *ret_found);
    /* Keeps a snapshot of the state, durably, and drops the oldest ones. A failure leaves those
     * that were there: -ERR_NO_SPACE, -ERR_IO, -ERR_MEMORY, -ERR_CRYPTO. */
    int (*save)(struct snapshot_store *store, const struct shard_state *state);
    void (*free)(struct snapshot_store *store);
};

struct snapshot_store {
    const struct snapshot_store_ops *ops;
};
