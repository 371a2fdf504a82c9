/* snapshot_hasher.h - takes the state hash of a snapshot on a second thread, while the first reads
 * on: the hash is half of what a start from a snapshot costs, and a start has the machine to
 * itself. Thread: one owner; the thread is its own. */
#pragma once

#include "ledger/shard_snapshot.h"

struct snapshot_hasher;

/* 0; -ERR_MEMORY, also when no thread can be had. The caller owns *ret_hasher. */
int snapshot_hasher_new(struct snapshot_hasher **ret_hasher);
/* Waits for what was added; accepts NULL. */
void snapshot_hasher_free(struct snapshot_hasher *hasher);
/* For shard_snapshot_decode(). */
struct shard_snapshot_hasher snapshot_hasher_of(struct snapshot_hasher *hasher);
