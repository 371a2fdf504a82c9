/* ledger_lookup.h - records of durable groups by sequence number, with a bounded index.
 *
 * Per segment an index of one place per LEDGER_INDEX_STEP_BYTES of log, built by scanning the
 * segment once when a read first needs it, kept for the LEDGER_INDEX_SEGMENTS used last; the
 * newest segment's grows with it. Thread: one. */
#pragma once

#include "adapters/embedded/ledger_replay.h"

struct ledger_lookup;

/* The caller owns *ret_lookup. */
int ledger_lookup_new(struct ledger_lookup **ret_lookup);
void ledger_lookup_free(struct ledger_lookup *lookup); /* accepts NULL */
/* Copies records [seq_first, seq_first + count) as of `view`. 0 and *ret_bytes; -ERR_NOT_FOUND
 * (not all durable); -ERR_LIMIT (capacity); -ERR_CORRUPT with file and byte in
 * ledger_lookup_problem(); or the disk's error. */
int ledger_lookup_read(struct ledger_lookup *lookup, const struct ledger_view *view,
                       const struct ledger_read *read, size_t *ret_bytes);
const char *ledger_lookup_problem(const struct ledger_lookup *lookup);
/* Segments that had to be indexed so far. */
uint64_t ledger_lookup_built(const struct ledger_lookup *lookup);
