/* node_shadow.h - the thread of a node that folds its ledger a second time (app/shadow.h): it
 * writes the snapshots and finds a drift. Of the lowest priority (SCHED_IDLE), in short steps with
 * a pause behind each: it works with what the other threads leave, holds no lock that they wait
 * for, and may fall behind under load; the lag is a metric. Thread: the main one, but for the
 * thread itself. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "adapters/embedded/disk.h"
#include "app/shadow.h"
#include "base/metrics.h"
#include "ports/ledger_log.h"

struct node_shadow_options {
    bool on;
    int64_t snapshot_records, keep;
};

struct node_shadow {
    struct snapshot_store *of_book;       /* owned; for the book's start. NULL: snapshots are off */
    struct snapshot_store *own;           /* owned; the thread's */
    struct reconcile *reconcile;          /* owned; shared with the book */
    const struct verdict_store *verdicts; /* borrowed; of the book; may be NULL */
    struct ledger_cursor *cursor;         /* owned */
    struct shadow *shadow;                /* owned */
    uint32_t stop;                        /* atomic: no more steps, and end a snapshot under way */
    void (*notify)(void *owner);          /* any thread: the book has something to look at */
    void *notify_owner;
    bool running;
    pthread_t thread;
    /* Written by the thread alone. */
    struct metrics_gauge lag, snapshot_seq, drift, failed;
    struct metrics_counter snapshots, snapshot_errors, samples, rounds;
};

/* What the book's start needs. 0 or -ERR_MEMORY. With options->on false nothing is opened. */
int node_shadow_open(struct node_shadow *shadow, const struct node_shadow_options *options,
                     uint32_t shard, struct disk *disk);
/* The book has started; `log` is a ledger_file and outlives node_shadow_stop. */
int node_shadow_start(struct node_shadow *shadow, const struct node_shadow_options *options,
                      const struct shard_limits *limits, struct ledger_log *log);
/* Ends the thread, within milliseconds or one step of reading. */
void node_shadow_stop(struct node_shadow *shadow);
/* After the book was freed. */
void node_shadow_close(struct node_shadow *shadow);

/* 0 or -ERR_LIMIT. */
int node_shadow_register_metrics(struct node_shadow *shadow, struct metrics *metrics);
