/* pg_batch.h - the rows of the table `ledger`: one a batch, inserted and never changed (DESIGN
 * part 3; docs/LEDGER.md, "The log in a database").
 *
 * batch_no is dense per shard, from 1. A batch without records takes an epoch: whoever wrote
 * before finds its next key taken. `prefix` spreads the shards over the key space, so that a store
 * that splits its tables by ranges has no hot one. Blocks, on the link's thread. */
#pragma once

#include <stdbool.h>

#include "adapters/postgres/pg_attempt.h"
#include "adapters/postgres/pg_link.h"
#include "adapters/postgres/pg_place.h"
#include "ports/ledger_log.h"

#define PG_PAGE_BATCHES 16 /* of one question in a replay */

struct pg_batch {
    struct pg_place place; /* of this batch */
    uint64_t seq_first;    /* seq_last + 1 where it has no records */
    const char *records;   /* borrowed: the caller's, or the rows' */
    size_t bytes;
};

/* Makes the table where it is missing, with what forbids changing a row; and asks for the settings
 * without which a commit is not durable. 0; -ERR_ABSENT (no connection); -ERR_CONFIG (the server
 * would not keep what it acknowledges, or its version of the table is newer than ours) or -ERR_IO;
 * pg_link_problem() or *ret_why says more. */
int pg_batch_prepare(struct pg_link *link, const char **ret_why);

/* The newest batch of the shard. 0, -ERR_ABSENT or -ERR_IO. */
int pg_batch_newest(struct pg_link *link, uint32_t shard, struct pg_place *ret_place);

/* Inserts it, however long that takes: until it stands (APPEND_OK), another has the key
 * (APPEND_MOVED), there is no space (APPEND_REFUSED), or nothing can be said (APPEND_UNKNOWN: a
 * refusal for good, or the link was left). on_trouble (may be NULL) is told when the server is away
 * or an answer was lost, and when it is well again. */
struct pg_insert {
    struct pg_link *link;
    uint32_t shard;
    struct pg_counters *counters;
    void (*on_trouble)(void *owner, bool trouble);
    void *owner;
};
enum append_outcome pg_batch_insert(const struct pg_insert *insert, const struct pg_batch *batch);

/* Visits the batches from the one that holds seq_first up to `end`, in order, checked: their
 * numbers, their epochs and their sums. 0; the visitor's negative answer; -ERR_NOT_FOUND (the log
 * ends before seq_first); -ERR_CORRUPT with *ret_why; -ERR_ABSENT; -ERR_IO. */
struct pg_range {
    uint32_t shard;
    uint64_t seq_first;
    struct pg_place end;
};
typedef int (*pg_batch_visit)(void *owner, const struct pg_batch *batch);
int pg_batch_walk(struct pg_link *link, const struct pg_range *range, pg_batch_visit visit,
                  void *owner, const char **ret_why);
