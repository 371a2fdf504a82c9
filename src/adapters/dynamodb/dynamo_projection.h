/* dynamo_projection.h - the projection port on DynamoDB: rows as items of a table (dynamo_row.h).
 * Those of bets are put on the condition that their key is free, those of balances are each
 * customer's newest.
 *
 * Rows are put first, DYNAMO_PROJECTION_LANES at once, then the place is moved on the condition
 * that it is where the step found it (dynamo_place.h). A step that ended in its middle is made
 * again, and meets its own rows, which are the same: what a row of a bet says follows from its
 * record alone, and what one of a balance says from the record that moved it last. So a row may be
 * seen before its step is done, never twice and never another. Rows are kept by user, not in the
 * order of the log: they are compared by their keys (dynamo_rows.h). Where an older program began,
 * there are no balances. */
#pragma once

#include "adapters/dynamodb/dynamo_url.h"
#include "base/buf.h"
#include "ports/projection.h"
#include "ports/signed_client.h"

#define DYNAMO_PROJECTION_LANES 8 /* questions at once, each on a connection of its own */

/* The clients are taken, also on failure. Finds the keys; does not connect. 0, -ERR_MEMORY, or
 * -ERR_CONFIG with a sentence in `why`. */
int dynamo_projection_new(const struct dynamo_url *url,
                          struct signed_client *const clients[DYNAMO_PROJECTION_LANES],
                          struct projection_store **ret_store, struct buf *why);
