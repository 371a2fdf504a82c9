/* node_verdicts.h - the store of old verdict keys of a node, in DATA/verdicts: opened, hosted and
 * counted. Thread: the main one. */
#pragma once

#include "adapters/embedded/verdict_keeper.h"
#include "app/book.h"
#include "base/buf.h"
#include "base/metrics.h"

#define NODE_VERDICTS_CHUNK_MAX 262144 /* keys of a new run: 12 MiB while it is made */

struct node_verdicts {
    struct disk *disk;            /* owned */
    struct ledger_cursor *cursor; /* owned */
    struct verdict_store *store;  /* owned; NULL: not open */
};

struct node_verdicts_options {
    uint32_t shard;
    int64_t memory;       /* keys in memory: shard_limits.verdicts_max */
    int64_t filter_bytes; /* over those on disk */
};

/* Takes the disk. `log` is a ledger_file and outlives node_verdicts_close. Reads every run. 0 or an
 * error, with `why`. */
int node_verdicts_open(struct node_verdicts *verdicts, const struct node_verdicts_options *options,
                       struct disk *disk, struct ledger_log *log, struct buf *why);
/* The book has started: from now on on threads. 0 or -ERR_MEMORY. */
int node_verdicts_start(struct node_verdicts *verdicts);
/* Before the log is freed. */
void node_verdicts_close(struct node_verdicts *verdicts);
/* 0 or -ERR_LIMIT. */
int node_verdicts_register_metrics(struct node_verdicts *verdicts, const struct book *book,
                                   struct metrics *metrics);
