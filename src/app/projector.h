/* projector.h - follows a shard's log, off the path of bets, and fills the tables that people
 * query (ports/projection.h).
 *
 * It folds the log with a state of its own, from record 1 on, without rows up to the place where
 * the store stands; then each step puts what came since, with the new place. After an answer that
 * was lost it asks for the place: what is there is done. A place that is neither before nor behind
 * its step (another projector, a database that lost its newest commits) makes it begin again; one
 * that is no record of this log ends it.
 *
 * A state machine without clock or threads: projector_step() does a bounded piece of work, and
 * blocks in its ports only. Thread: one at a time. */
#pragma once

#include <stdint.h>

#include "ledger/shard_state.h"
#include "ports/ledger_cursor.h"
#include "ports/projection.h"

#define PROJECTOR_STEP_BYTES (256u << 10) /* of log in one step */
#define PROJECTOR_TEXT_BYTES 320

/* Borrowed until projector_free. */
struct projector_options {
    uint32_t shard;
    struct shard_limits limits; /* of the fold */
    struct ledger_cursor *cursor;
    struct projection_store *store;
    /* The last record that may be shown to anybody (ports/ledger_log.h, confirmed()), at any
     * moment. NULL: every durable one. */
    uint64_t (*shown)(void *owner);
    void *owner;
};

struct projector;

int projector_new(const struct projector_options *options, struct projector **ret_projector);
void projector_free(struct projector *projector); /* accepts NULL */

enum projector_step {
    PROJECTOR_IDLE = 0, /* all that was there is projected */
    PROJECTOR_MORE,     /* call again */
    PROJECTOR_WAITS,    /* the store or the log is away, or another projector works: later */
};

/* -ERR_CORRUPT: the log cannot be folded, or the store has another log's rows; -ERR_LIMIT: the log
 * holds more than the limits; -ERR_IO: the store refuses for good; -ERR_MEMORY. projector_text says
 * what happened, and no step does anything any more. */
int projector_step(struct projector *projector);
const char *projector_text(const struct projector *projector);

/* For the metrics; any thread. */
struct projector_stats {
    uint64_t seq;       /* projected up to it */
    uint64_t tail;      /* of the log, as of the last look */
    int64_t pending_us; /* record time of the oldest one that waits; 0: none does */
    uint64_t rows;      /* put, of both tables */
    uint64_t steps;     /* put */
    uint64_t retries;   /* the store or the log was away, or an answer was lost */
    uint64_t restarts;  /* it began again */
};
struct projector_stats projector_stats(const struct projector *projector);
