/* batch_ledger.h - the ledger_log port over a store of batches: one shard, a batch a group.
 *
 * Two threads wait for the store, each with a connection of its own: one inserts, one reads. The
 * owner's thread hands over and takes back and never waits, but in open, take_epoch and replay,
 * for which it has a third. One more looks at the clock while an append is under way.
 *
 * Of the port: the first insert of a key wins. An append that lost it is APPEND_MOVED, and so is
 * every one after it: who wrote must be folded first, by a start. An answer that was lost is looked
 * up under the key, for as long as it takes, with LEDGER_STALLED meanwhile; the answer is then what
 * is there. So is one that does not come within stall_us. APPEND_LATE: by our clock before an
 * insert, or by the store's in it. APPEND_REFUSED: the store had no space. APPEND_UNKNOWN: it
 * refuses for good, or the log was freed meanwhile. take_epoch() inserts a batch without records;
 * -ERR_STOPPED where another wrote since open(). Shards other than the one opened are a programmer
 * error. */
#pragma once

#include <stdbool.h>

#include "adapters/shared/batch_store.h"
#include "base/buf.h"
#include "ports/ledger_log.h"

struct batch_ledger_options {
    uint32_t shard;
    int64_t close_us_max;       /* free() waits so long for the store, then leaves it */
    int64_t stall_us;           /* an append that waits longer is a stall; 0: nobody looks */
    size_t append_bytes_max;    /* of one group: what fits a batch of this store */
    bool read_only;             /* prepares nothing; its end is the one that open() finds for good,
                                   and append() and take_epoch() are -ERR_UNSUPPORTED */
    struct batch_store *asking; /* the owner's; taken, as the next two, also on failure */
    struct batch_store *writing, *reading; /* the threads' */
};

/* Prepares the store and finds the end of the log. 0; what batch_store_ops.prepare and newest
 * answer, with `why`; or -ERR_MEMORY. */
int batch_ledger_open(const struct batch_ledger_options *options, struct ledger_log **ret_log,
                      struct buf *why);

struct batch_ledger_stats {
    struct batch_place place;   /* the newest batch that is known to stand */
    uint64_t lost, again, away; /* answers to inserts, as store_answer says */
    uint64_t appends, moved, late, refused;
    uint64_t reads, reads_busy; /* LEDGER_READS_MAX */
    bool trouble;               /* the store, or its answer, is waited for */
};
/* Thread: any, until the log is freed. */
void batch_ledger_stats(struct ledger_log *log, struct batch_ledger_stats *ret_stats);
/* Why a read or replay failed, or an append ended as unknown; "" before. Thread: the owner's;
 * borrowed until its next call. */
const char *batch_ledger_problem(struct ledger_log *log);
/* Why the store refuses for good, since an append ended as unknown; "" before. Borrowed. Thread:
 * any, until the log is freed. */
const char *batch_ledger_stopped_by(struct ledger_log *log);
