/* dynamo_row.h - the rows of bets of a projection (ledger/projected_rows.h) as items of a table,
 * and the place up to which they go. Pure.
 *
 * The table has the partition key `user_id` and the sort key `bet_record`: BET#NNN is the record
 * NNN of a bet (000: it was placed, or asked for), its further legs BET#NNN#LLL from 002 on. The
 * attributes are the columns of the same names; what has no value is not there. The index
 * `by_event` has the bets of an event. The place of a shard is an item of its own. */
#pragma once

#include "adapters/dynamodb/dynamo_ask.h"
#include "base/buf.h"
#include "ports/projection.h"

#define DYNAMO_ROW_BYTES_MAX (8 * 1024) /* a question's, with a row of any kind */

extern const struct dynamo_shape dynamo_rows_shape;

/* Puts it where its key is free. */
void dynamo_row_put_bet(struct buf *out, const char *table, const struct bet_row *row);

/* Asks where a shard stands, consistently; and reads what was answered: 0 or -ERR_FORMAT. */
void dynamo_row_ask_place(struct buf *out, const char *table, uint32_t shard);
int dynamo_row_read_place(struct slice body, struct projection_place *ret);
/* Moves it, if it is still where the step found it. */
void dynamo_row_put_place(struct buf *out, const char *table, const struct projection_step *step);
