/* batch_walk.h - the batches and records of a shard in a store, in order and a page at a time, each
 * checked against the one before: their numbers, their epochs and their sums. Blocks, as the store
 * does. */
#pragma once

#include "adapters/shared/batch_store.h"
#include "ports/ledger_log.h"

#define BATCH_PAGE 16 /* batches of one question */

struct batch_walk {
    struct batch_store *store; /* borrowed */
    uint32_t shard;
    int64_t next;              /* batch */
    struct batch_place before; /* of the batch before it; batch_no 0: any */
    const char *why;           /* of -ERR_CORRUPT */
};

/* Sets the walk before the batch that holds seq_first; the log ends at `end`. 0; -ERR_NOT_FOUND (it
 * ends before seq_first); -ERR_CORRUPT; -ERR_ABSENT; -ERR_IO. */
int batch_walk_begin(struct batch_walk *walk, uint64_t seq_first, const struct batch_place *end);
/* Visits the next batches, BATCH_PAGE at most, none behind number `last`. 1: there are more up to
 * it; 0: there are not; the visitor's negative answer; -ERR_CORRUPT; -ERR_ABSENT; -ERR_IO: begin
 * again. */
int batch_walk_page(struct batch_walk *walk, int64_t last, batch_visit visit, void *owner);

/* Who is given records, from seq_first on, and none of a batch whose records are not those that it
 * says. */
struct batch_walk_visit {
    uint64_t seq_first;
    ledger_visit visit;
    void *owner;
};
int batch_walk_page_records(struct batch_walk *walk, int64_t last,
                            const struct batch_walk_visit *visit);
/* From the begin to the end: 0, or what either answers. */
int batch_walk_records(struct batch_walk *walk, const struct batch_place *end,
                       const struct batch_walk_visit *visit);
