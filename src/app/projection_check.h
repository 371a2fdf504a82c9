/* projection_check.h - are the tables that people query what the log says (ports/projection.h)?
 *
 * Folds the log once more and compares row by row, up to where the store says that it stands: each
 * row of `bets` as bytes, each row of `balances` with the fold at its record, the number of either,
 * the newest balance of each account. Where a store finds rows by their keys it has no older ones
 * of balances, and what stands behind its place is counted, not compared. Nothing is written.
 * Thread: one. */
#pragma once

#include <stdint.h>

#include "ledger/shard_state.h"
#include "ports/ledger_log.h"
#include "ports/projection.h"

#define PROJECTION_CHECK_TEXT_BYTES 2560

/* What the store has. To be asked before the log is opened, so that a log that grows meanwhile has
 * all of it. */
struct projection_check_place {
    struct projection_place at;
    struct projection_count count; /* where the store counts */
};
/* 0, or an error of the store's, which its problem() explains. */
int projection_check_begin(struct projection_store *store, uint32_t shard,
                           struct projection_check_place *ret);

struct projection_check_source {
    struct ledger_log *log;
    uint32_t shard;
    struct shard_limits limits;
    struct projection_store *store;
    struct projection_check_place place;
};

struct projection_check_report {
    uint64_t seq;                           /* checked up to this record */
    uint64_t tail;                          /* of the log */
    uint64_t bets, balances;                /* rows compared */
    uint64_t ahead;                         /* rows behind that record, which were not */
    char text[PROJECTION_CHECK_TEXT_BYTES]; /* the first difference, or what failed */
};

/* 0: the tables are the log's. -ERR_CORRUPT: a difference, or the log itself; -ERR_ABSENT,
 * -ERR_IO: the store; other errors as refold(). *ret is always written. */
int projection_check(const struct projection_check_source *source,
                     struct projection_check_report *ret);
