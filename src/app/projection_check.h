/* projection_check.h - are the tables that people query what the log says (ports/projection.h)?
 *
 * Folds the log once more and compares row by row, up to where the store says that it stands: each
 * row of `bets` as bytes, each row of `balances` with the fold at its record, the number of either,
 * the newest balance of each account. Nothing is written. Thread: one. */
#pragma once

#include <stdint.h>

#include "ledger/shard_state.h"
#include "ports/ledger_log.h"
#include "ports/projection.h"

#define PROJECTION_CHECK_TEXT_BYTES 2560

struct projection_check_source {
    struct ledger_log *log;
    uint32_t shard;
    struct shard_limits limits;
    struct projection_store *store;
};

struct projection_check_report {
    uint64_t seq;                           /* checked up to this record */
    uint64_t tail;                          /* of the log */
    uint64_t bets, balances;                /* rows compared */
    char text[PROJECTION_CHECK_TEXT_BYTES]; /* the first difference, or what failed */
};

/* 0: the tables are the log's. -ERR_CORRUPT: a difference, or the log itself; -ERR_ABSENT,
 * -ERR_IO: the store; other errors as refold(). *ret is always written. */
int projection_check(const struct projection_check_source *source,
                     struct projection_check_report *ret);
