/* bet_rows.h - what a record makes of the tables `bets` and `balances`: a fold of the log beside
 * its state, which knows how many records each bet has had. Pure. Owned by one thread. */
#pragma once

#include <stddef.h>

#include "ledger/projected_rows.h"
#include "ledger/shard_state.h"

struct bet_rows;

/* For states with these limits. 0 or -ERR_MEMORY. */
int bet_rows_new(const struct shard_limits *limits, struct bet_rows **ret_rows);
void bet_rows_free(struct bet_rows *rows); /* accepts NULL */

/* To be called for every record from number 1 on, when the state has applied it. Answers the rows
 * of `bets` that come of it, one a leg: none for a record that is about no bet, BET_LEGS_MAX at
 * most. Borrowed until the next call; their texts as long as the state. */
const struct bet_row *bet_rows_after(struct bet_rows *rows, const struct record_view *record,
                                     const struct shard_state *state, size_t *ret_count);

/* The balances of an account that has a currency, as they are after the state's last record. */
struct balance_row balance_row_of(const struct shard_state *state, uint32_t account);
