/* batch_walk.h - the batches and records of a shard in a store, in order, each checked against the
 * one before: their numbers, their epochs and their sums. Blocks, as the store does. */
#pragma once

#include "adapters/shared/batch_store.h"
#include "ports/ledger_log.h"

#define BATCH_PAGE 16 /* batches of one question */

struct batch_range {
    uint32_t shard;
    uint64_t seq_first; /* begins with the batch that holds this record */
    struct batch_place end;
};

/* Visits the batches up to range->end. 0; the visitor's negative answer; -ERR_NOT_FOUND (the log
 * ends before seq_first); -ERR_CORRUPT with *ret_why; -ERR_ABSENT; -ERR_IO. */
int batch_walk(struct batch_store *store, const struct batch_range *range, batch_visit visit,
               void *owner, const char **ret_why);
/* As it, but visits the records from seq_first on, and no batch whose records are not those that it
 * says. */
int batch_walk_records(struct batch_store *store, const struct batch_range *range,
                       ledger_visit visit, void *owner, const char **ret_why);
