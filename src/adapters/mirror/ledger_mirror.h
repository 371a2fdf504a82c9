/* ledger_mirror.h - a ledger log that stands in a database, with a copy in files of our own.
 *
 * The authority is the truth: a group is there first, and what it says of it counts. The copy gets
 * it next, and only then is the owner told, so that everything that reads the log (tree, snapshots,
 * old keys, questions about bets) reads the copy, from this machine, and finds what was told. The
 * copy is never ahead: it is a begin of the authority's log, brings itself up to it at a start, and
 * may be lost with its machine.
 *
 * A state machine over two logs, without clock, socket or thread; blocks in ledger_mirror_open and
 * take_epoch only. Of the port: APPEND_MOVED and APPEND_REFUSED are the authority's word. A copy
 * that has no space is tried again until it has (the group stands, so it cannot be refused), with
 * LEDGER_FULL meanwhile; a copy that fails is APPEND_UNKNOWN, and a start brings it up. Reads and
 * replay are the copy's. Thread: the owner's. */
#pragma once

#include "base/buf.h"
#include "ports/ledger_log.h"

#define LEDGER_MIRROR_BYTES (768 * 1024) /* of one group that the copy is brought up by */

struct ledger_mirror_options {
    uint32_t shard;
    struct ledger_log *authority; /* ended by the log's free(), as the next */
    struct ledger_log *copy;
    /* Makes the copy's writer epoch this one, which is not below its newest. 0 or an error. */
    int (*raise_epoch)(void *owner, uint64_t epoch);
    void *owner;
};

struct ledger_mirror_report {
    uint64_t copied;   /* records that the copy lacked */
    uint64_t seq_tail; /* of both now */
};

/* Compares the copy's first and last record with the authority's, then copies what it lacks: it
 * may take as long as reading the whole log. 0; -ERR_CORRUPT (they are not of one log, or the copy
 * is ahead: nothing was written); or what a log answers, with `why`. On failure both logs are the
 * caller's still. */
int ledger_mirror_open(const struct ledger_mirror_options *options, struct ledger_log **ret_log,
                       struct ledger_mirror_report *ret_report, struct buf *why);

struct ledger_mirror_stats {
    uint64_t behind;       /* records that stand and the copy has not: of the group under way */
    uint64_t copy_retries; /* the copy had no space */
};
struct ledger_mirror_stats ledger_mirror_stats(const struct ledger_log *log);
