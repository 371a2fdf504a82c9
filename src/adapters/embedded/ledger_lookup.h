/* ledger_lookup.h - records of durable groups by sequence number, without an index.
 *
 * Every sector says its group and its place in it, and every group the number of its first record:
 * so a record is searched for in its segment, by guessing where it must be from what was found
 * before, and is there after three or four sectors that are read. What is given was checked as a
 * replay would: each checksum of its groups. Whether groups follow one another is recovery's and
 * replay's to check. Thread: one. */
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
/* Places looked at so far, in searching. */
uint64_t ledger_lookup_probes(const struct ledger_lookup *lookup);
