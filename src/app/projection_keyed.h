/* projection_keyed.h - the half of projection_check.h for a store that finds rows by their keys:
 * rows are gathered and compared many at once. Thread: one. */
#pragma once

#include "ledger/shard_state.h"
#include "ports/projection.h"

struct projection_keyed {
    struct projection_store *store; /* borrowed */
    uint64_t seq_last;              /* the place */
    /* Rows that wait; their texts are borrowed of the state. */
    struct bet_row bets[PROJECTION_COMPARE_MAX];
    struct balance_row balances[PROJECTION_COMPARE_MAX];
    size_t waiting;                     /* of either */
    uint64_t bets_same, balances_same;  /* so far */
    uint64_t ahead;                     /* of balances */
    struct projection_difference other; /* after 1 */
};

/* All of these: 0; 1: a row is not what the log says, and `other` names it (of `bets` or
 * `balances`); or the store's error. Rows come first, then the balances of the state at the place,
 * once. */
int projection_keyed_put(struct projection_keyed *keyed, const struct bet_row *rows, size_t count);
int projection_keyed_end_bets(struct projection_keyed *keyed);
int projection_keyed_balances(struct projection_keyed *keyed, const struct shard_state *state);
