/* node_volumes.h - the disks under a node's ledger: the second directory, the limit of a stall, the
 * space that is kept; what the operator is told of them. Thread: the main one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/ledger_file.h"
#include "base/buf.h"
#include "base/metrics.h"

struct node_volumes_options {
    const char *second;     /* the second directory of the ledger's log, or NULL */
    int64_t stall_us;       /* an append that waits longer is a stall */
    int64_t reserve_bytes;  /* kept in each directory for results and payouts */
    int64_t free_bytes_min; /* with less than this free, no bets are taken */
};

struct node_volumes {
    struct disk *second; /* owned; or NULL */
    bool left;           /* a writer hangs in one of the disks for good: they are not freed */
    struct {             /* as it was told last */
        int64_t volume, stalled, full;
        uint64_t failovers;
    } told;
};

/* Opens the second directory and writes what `ret` must say of it all. 0, or an error with `why`.
 */
int node_volumes_open(struct node_volumes *volumes, const struct node_volumes_options *options,
                      struct ledger_file_options *ret, struct buf *why);
/* Says in the log what the opening found. */
void node_volumes_opened(struct node_volumes *volumes, const struct ledger_report *report);
/* Says in the log what has changed since the last call; called after the ledger's notify. */
void node_volumes_tell(struct node_volumes *volumes, struct ledger_log *log);
int node_volumes_register_metrics(struct ledger_log *log, struct metrics *metrics);
/* Before the ledger is freed. */
void node_volumes_leave(struct node_volumes *volumes, struct ledger_log *log);
/* After it; frees this disk too, unless somebody hangs. */
void node_volumes_close(struct node_volumes *volumes, struct disk *first);
