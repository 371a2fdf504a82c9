/* snapshot_worker.h - takes the state hash of a snapshot, checks its rows and builds its tables on
 * a second thread, while the first reads on: each is half of what a start from a snapshot costs,
 * and a start has the machine to itself. Thread: one owner; the thread is its own. */
#pragma once

#include "ledger/shard_snapshot.h"

struct snapshot_worker;

/* 0; -ERR_MEMORY, also when no thread can be had. The caller owns *ret_worker. */
int snapshot_worker_new(struct snapshot_worker **ret_worker);
/* Waits for what was added; accepts NULL. */
void snapshot_worker_free(struct snapshot_worker *worker);
/* For shard_snapshot_decode(). */
struct shard_snapshot_worker snapshot_worker_of(struct snapshot_worker *worker);
