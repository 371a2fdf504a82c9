/* batch_store.h - a table of batches in somebody else's store: what an adapter of one can do, and
 * batch_ledger.h makes a ledger_log of (DESIGN part 3; docs/LEDGER.md, "The log in a database").
 *
 * A key is (shard, batch_no); batch_no is dense per shard, from 1. The first insert of a key wins,
 * and what it inserted is never changed. A batch without records takes an epoch: whoever wrote
 * before finds its next key taken.
 *
 * Everything here blocks: for threads that may wait. Thread: one at a time, but for leave(). */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/shared/store_answer.h"
#include "base/hash.h"

#define BATCH_SHARDS_MAX 1024 /* of one ledger: BET_ID_SHARDS_MAX */

/* Where a shard's log stands: its newest batch. All 0: it is empty. */
struct batch_place {
    int64_t batch_no, epoch;
    uint64_t seq_last;
};

struct batch {
    struct batch_place place; /* of this batch */
    uint64_t seq_first;       /* seq_last + 1 where it has no records */
    uint64_t writer;     /* by chance, of the log that inserts it: below 2^59; 0 where not known */
    uint32_t crc;        /* of the records (crc32c, base/hash.h), as it is stored */
    const char *records; /* borrowed: the caller's, or the answer's */
    size_t bytes;
    int64_t until_us; /* CLOCK_MONOTONIC: it is not inserted later; 0: whenever */
};

/* Where a shard stands among 2^15 in the key space, so that a store that splits its tables by
 * ranges of keys has no hot one. */
static inline uint32_t batch_prefix(uint32_t shard)
{
    uint32_t little = htole32(shard);
    return crc32c(0, &little, sizeof little) & 0x7FFF;
}

/* Batches [batch_no, behind) of a shard. */
struct batch_page {
    uint32_t shard;
    int64_t batch_no, behind;
};

/* A negative answer ends the walk with it. */
typedef int (*batch_visit)(void *owner, const struct batch *batch);

enum batch_found { BATCH_NONE = 0, BATCH_OURS, BATCH_OTHER };

struct batch_store;

struct batch_store_ops {
    /* Before anything else: makes the table where it is missing, and asks for what makes an
     * acknowledged batch durable. 0; -ERR_ABSENT (no connection); -ERR_CONFIG (the store would not
     * keep what it acknowledges, or its table is a newer program's) or -ERR_IO; *ret_why or
     * problem() says more. */
    int (*prepare)(struct batch_store *store, const char **ret_why);
    /* The newest batch of the shard. 0, -ERR_ABSENT, -ERR_CORRUPT or -ERR_IO. */
    int (*newest)(struct batch_store *store, uint32_t shard, struct batch_place *ret_place);
    /* The last record of a batch. 0, -ERR_NOT_FOUND (there is none under the key), or as newest. */
    int (*seq_last)(struct batch_store *store, uint32_t shard, int64_t batch_no, uint64_t *ret_seq);
    /* Inserts it, where until_us has not passed by the store's own clock, if it has one. After
     * STORE_TAKEN: did it win the key? STORE_REFUSED also where the store looks for the batch
     * before it, and that one is not there or is another (L1). */
    enum store_answer (*insert)(struct batch_store *store, uint32_t shard,
                                const struct batch *batch, bool *ret_won);
    /* Looks under its key. After STORE_TAKEN *ret_found says whose batch stands there: ours has
     * our epoch, range and sum, and our `writer` where the store keeps it. Two who race for an
     * epoch are told apart by that, or else by their first batch with records. */
    enum store_answer (*look)(struct batch_store *store, uint32_t shard, const struct batch *batch,
                              enum batch_found *ret_found);
    /* Visits the batches of a page that are there, in order, as they are stored: nothing is
     * compared with anything. 0; the visitor's negative answer; -ERR_CORRUPT (one cannot be read)
     * with *ret_why; -ERR_ABSENT; -ERR_IO. */
    int (*page)(struct batch_store *store, const struct batch_page *page, batch_visit visit,
                void *owner, const char **ret_why);
    /* Waits without the processor, at most so long; false: the store was left. */
    bool (*pause)(struct batch_store *store, int64_t us);
    /* From any thread: what waits ends soon, and nothing is begun any more. */
    void (*leave)(struct batch_store *store);
    /* Of the newest answer that was none of success; "" before. Borrowed until the next call. */
    const char *(*problem)(const struct batch_store *store);
    void (*free)(struct batch_store *store);
};

struct batch_store {
    const struct batch_store_ops *ops;
};
