/* pg_ledger.h - the ledger_log port on PostgreSQL, or CockroachDB by the same statements: one
 * shard, a batch a row (pg_batch.h; DESIGN part 3).
 *
 * Two threads wait for the server, each on a connection of its own: one inserts, one reads. The
 * owner's thread hands over and takes back and never waits, but in open, take_epoch and replay.
 *
 * Of the port: the first insert of a key wins. An append that lost it is APPEND_MOVED, and so is
 * every one after it: who wrote must be folded first, by a start. An answer that was lost is looked
 * up under the key, for as long as it takes, with LEDGER_STALLED meanwhile; the answer is then what
 * is there. APPEND_REFUSED: the server had no space. APPEND_UNKNOWN: it refuses for good (rights, a
 * missing table), a synchronous standby was given up, or the log was freed meanwhile. take_epoch()
 * inserts a batch without records; -ERR_STOPPED where another wrote since open(). Shards other than
 * the one opened are a programmer error. */
#pragma once

#include <stdbool.h>

#include "adapters/postgres/pg_place.h"
#include "base/buf.h"
#include "ports/ledger_log.h"

struct pg_ledger_options {
    const char *conninfo; /* libpq's; copied */
    uint32_t shard;
    int64_t close_us_max; /* free() waits so long for the server, then leaves it */
};

/* Connects, makes the tables where they are missing and finds the end of the log. 0; -ERR_ABSENT
 * (no server there), -ERR_CONFIG (conninfo, the server's settings, a newer table), -ERR_CORRUPT,
 * -ERR_IO or -ERR_MEMORY, with `why`. */
int pg_ledger_open(const struct pg_ledger_options *options, struct ledger_log **ret_log,
                   struct buf *why);

struct pg_ledger_stats {
    struct pg_place place;       /* the newest batch that is known to stand */
    struct pg_counters counters; /* of all inserts */
    uint64_t appends, moved, refused;
    uint64_t reads, reads_busy; /* LEDGER_READS_MAX */
    bool away;                  /* the server, or its answer, is waited for */
};
/* Thread: any, until the log is freed. */
void pg_ledger_stats(struct ledger_log *log, struct pg_ledger_stats *ret_stats);
/* Why a read or replay failed, or an append ended as unknown; "" before. Thread: the owner's;
 * borrowed until its next call. */
const char *pg_ledger_problem(struct ledger_log *log);
