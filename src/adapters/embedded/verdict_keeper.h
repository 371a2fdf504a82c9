/* verdict_keeper.h - the verdict_store port on verdict_runs.
 *
 * Two threads serve it once verdict_keeper_start() was called. The finder reads a page or a few
 * for each ask, in order. The keeper, of lower priority, makes and merges runs as the owner wants.
 * Neither holds what the loop could wait for, but for the queue of asks.
 *
 * Without start() there are no threads: cover() works at once, and verdict_keeper_turn() does what
 * the threads would, for tests and the simulator. */
#pragma once

#include "adapters/embedded/verdict_runs.h"
#include "base/metrics.h"
#include "ports/verdict_store.h"

/* Reads and checks the runs of the disk: verdict_runs_open(), whose errors, report and options
 * these are. The caller owns *ret_store; disk and cursor are borrowed until its free(). */
int verdict_keeper_open(const struct verdict_runs_options *options, struct disk *disk,
                        struct ledger_cursor *cursor, struct verdict_runs_report *ret_report,
                        struct verdict_store **ret_store);
/* 0 or -ERR_MEMORY. From then on cover() is not to be called. */
int verdict_keeper_start(struct verdict_store *store);
/* Serves every ask that waits, and so many steps. True: there is more to do. Not after start(). */
bool verdict_keeper_turn(struct verdict_store *store, unsigned steps);

/* The file of this run is damaged: the keeper's thread makes it again, soon. Thread: any. */
void verdict_keeper_distrust(struct verdict_store *store, uint64_t serial);

/* For /metrics; written by the threads, read by any. */
struct verdict_keeper_metrics {
    struct metrics_gauge runs, keys, bytes, covered;
    struct metrics_gauge failed; /* 1: no more is covered (problem() says why) */
    struct metrics_counter found, not_found, errors; /* asks, by how they ended */
    struct metrics_counter busy;                     /* VERDICT_ASKS_MAX */
    struct metrics_counter made, merged, dropped;    /* runs; dropped: made again */
    struct metrics_counter write_errors;
    struct metrics_histogram ask_us; /* from ask() until it is known */
};
const struct verdict_keeper_metrics *verdict_keeper_metrics(const struct verdict_store *store);
