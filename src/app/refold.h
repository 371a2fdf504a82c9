/* refold.h - folds a shard's log into a state: at start, and for every offline tool. The state is
 * empty, or it was read from a snapshot: then the record that was its last must be the log's, and
 * the fold goes on behind it, so that nothing is applied twice and nothing left out (L1).
 *
 * The records are looked at a few places ahead, so that memory is on its way when their turn
 * comes: 10 million bets would otherwise spend most of a restart waiting for it. */
#pragma once

#include <stdint.h>

#include "ledger/shard_state.h"
#include "ports/ledger_log.h"
#include "ports/verdict_store.h"

/* Told after each record was applied; a negative answer ends the fold with that error. */
typedef int (*refold_visit)(void *owner, const struct record_view *record,
                            const struct shard_state *state);

struct refold_end {
    const char *reason; /* why it ended early, with the invariant; "" otherwise. Static. */
    uint64_t seq;       /* of the record that was refused; 0: none was reached */
};

#define REFOLD_ALL UINT64_MAX

/* What to fold. */
struct refold_source {
    struct ledger_log *log;
    uint32_t shard;
    uint64_t seq_last; /* or REFOLD_ALL */
    /* When the memory for verdicts is full the oldest are forgotten: once this store covers them,
     * or, with `forget`, at once. That is for those who decide nothing: L3 is then not checked over
     * the whole log. Neither: -ERR_LIMIT. */
    struct verdict_store *verdicts;
    bool forget;
};

/* Applies every durable record behind the state's last, up to number seq_last. visit may be NULL.
 * 0; -ERR_CORRUPT (a record, the log under it, or the state is of another log), -ERR_LIMIT (more
 * than the state's limits), -ERR_IO, -ERR_MEMORY, or the visitor's answer. *ret is always
 * written. */
int refold(const struct refold_source *source, struct shard_state *state, refold_visit visit,
           void *owner, struct refold_end *ret);
