/* pg_projection.h - the projection port on PostgreSQL: the tables `bets` and `balances`, insert
 * only, and `projection` with the place of each shard (docs/LEDGER.md, "Projections"). `prepare`
 * refuses a CockroachDB.
 *
 * A step is one transaction and one way to the server: the place moves from where the step says
 * that it is, or nothing happens; then the rows come by COPY. It waits for no disk
 * (synchronous_commit is off in it): a crash of the server may take the newest steps back, whole,
 * and the projector makes them again. */
#pragma once

#include "base/buf.h"
#include "ports/projection.h"

/* Does not connect. 0, -ERR_MEMORY, -ERR_CONFIG (libpq cannot read conninfo, which is copied). */
int pg_projection_new(const char *conninfo, struct projection_store **ret_store);
