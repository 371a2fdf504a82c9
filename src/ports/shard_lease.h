/* shard_lease.h - who may work on a shard, for a while: a row each in a store that all processes of
 * a book share, with a time by the store's clock.
 *
 * A lease saves wasted work and nothing else: two processes that both think they have it meet at
 * the log, where the first insert wins (ledger_log.h). Each taking is another term. Calls block:
 * for a thread that may wait. Thread: one at a time, but for leave(). */
#pragma once

#include <stdint.h>

#include "core/user_shard.h"

#define SHARD_LEASE_ANY          UINT32_MAX
#define SHARD_LEASE_HOLDER_BYTES 64

struct shard_lease {
    uint32_t shard;
    uint64_t term; /* rises with each taking */
};

struct shard_lease_asked {
    uint32_t shard;  /* or SHARD_LEASE_ANY */
    uint32_t shards; /* of the book */
    int64_t ttl_us;  /* so long it holds, from when the store has heard of it */
};

struct shard_lease_store;

struct shard_lease_store_ops {
    /* Takes one that nobody has, whose time is over, or that this holder has already. 0; -ERR_BUSY:
     * there is none; -ERR_CONFIG: the book has another number of shards, or the store cannot keep
     * leases; -ERR_ABSENT: the store is away, and whether one was taken is not known: ask again. */
    int (*take)(struct shard_lease_store *store, const struct shard_lease_asked *asked,
                struct shard_lease *ret);
    /* 0; -ERR_STOPPED: it is another's now; -ERR_ABSENT. */
    int (*renew)(struct shard_lease_store *store, const struct shard_lease *lease, int64_t ttl_us);
    /* The next may take it at once. 0, also where it is another's; -ERR_ABSENT. */
    int (*give)(struct shard_lease_store *store, const struct shard_lease *lease);
    /* Of the newest answer that was no success; "" before. Borrowed until the next call. */
    const char *(*problem)(const struct shard_lease_store *store);
    /* From any thread: what waits ends soon, and nothing is begun any more. */
    void (*leave)(struct shard_lease_store *store);
    void (*free)(struct shard_lease_store *store);
};

struct shard_lease_store {
    const struct shard_lease_store_ops *ops;
};
