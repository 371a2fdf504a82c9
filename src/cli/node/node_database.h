/* node_database.h - a node whose ledger stands in a database: what is opened for it, counted and
 * told. The files under DATA are then the database's copy (adapters/mirror/ledger_mirror.h).
 * Thread: the main one. */
#pragma once

#include "adapters/mirror/ledger_mirror.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "ports/ledger_log.h"

struct node_database {
    struct ledger_log *log; /* of the database; ended by the mirror's free. NULL: there is none */
    struct ledger_log *mirror; /* to be used in place of the copy; ended by its free */
    struct metrics_gauge away, behind, batches;
    uint64_t lost, again, unreached, moved, late, refused, copy_retries;
    bool told_away, told_stopped, told_refused;
};

struct node_database_parts {
    const char *url;
    uint32_t shard;
    int64_t stall_us;            /* an append that waits longer is a stall */
    struct ledger_log *copy;     /* the log before the files */
    struct ledger_log *file_log; /* the files' own */
};

/* Opens it and brings the copy up. 0, or an error with `why`; the copy is then the caller's still.
 */
int node_database_open(struct node_database *database, const struct node_database_parts *parts,
                       struct buf *why);
/* Counts, and says in the log what has changed; called after the ledger's notify. */
void node_database_tell(struct node_database *database);
/* Of a node that has a database. */
int node_database_register_metrics(struct node_database *database, struct metrics *metrics);
/* What the database said last, or "". */
const char *node_database_problem(const struct node_database *database);
