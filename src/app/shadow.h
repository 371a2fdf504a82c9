/* shadow.h - a second fold of a shard's log, beside the live one: it writes the snapshots, and it
 * is what the live state is held against (reconcile.h).
 *
 * A snapshot is therefore never a copy of live memory: what is written was folded again from the
 * durable log, and checked whole (shard_state_check) first. The price is a second state in memory,
 * as large as the live one. It begins with the newest sound snapshot, as a start does.
 *
 * A state machine: shadow_step() does a bounded piece of work and comes back. Only writing or
 * reading a snapshot takes as long as the state is large. It has no clock; a thread of low
 * priority hosts it (cli/node/node_shadow.c), the simulator may. Thread: one at a time. */
#pragma once

#include <stdint.h>

#include "app/reconcile.h"
#include "ports/ledger_cursor.h"
#include "ports/snapshot_store.h"
#include "ports/verdict_store.h"

#define SHADOW_STEP_BYTES (64u << 10) /* of log in one step: some tenths of a millisecond */
#define SHADOW_TEXT_BYTES 320

struct shadow_options {
    struct shard_limits limits;
    uint64_t snapshot_records; /* new records between two snapshots, at least 1 */
};

/* Borrowed until shadow_free. */
struct shadow_ports {
    struct ledger_cursor *cursor;
    struct snapshot_store *snapshots;
    struct reconcile *reconcile; /* or NULL: nothing is compared */
    /* Or NULL: no verdict is forgotten. Only covered() is called. */
    const struct verdict_store *verdicts;
};

struct shadow;

int shadow_new(const struct shadow_options *options, const struct shadow_ports *ports,
               struct shadow **ret_shadow);
void shadow_free(struct shadow *shadow); /* accepts NULL */

enum shadow_step { SHADOW_IDLE = 0, SHADOW_MORE = 1 };

/* SHADOW_MORE: call again; SHADOW_IDLE: nothing to do before there are more records or samples.
 * -ERR_CORRUPT: the log cannot be read or folded, or a drift was found and said: no more steps.
 * -ERR_LIMIT, -ERR_MEMORY, -ERR_IO: no more steps either. shadow_text says what happened. A
 * snapshot that could not be written is counted and tried again later. */
int shadow_step(struct shadow *shadow);
const char *shadow_text(const struct shadow *shadow);

/* For the metrics; any thread. */
struct shadow_stats {
    uint64_t seq;              /* folded so far */
    uint64_t lag;              /* durable records not yet folded, as of the last step */
    uint64_t snapshots;        /* written */
    uint64_t snapshot_seq;     /* of the newest that was written or begun with */
    uint64_t snapshot_errors;  /* that could not be written */
    uint64_t snapshot_damaged; /* found at the begin */
};
struct shadow_stats shadow_stats(const struct shadow *shadow);
