/* pg_lease.h - the shard_lease_store port in PostgreSQL: the table `ledger_leases`, a row a shard,
 * with the server's clock (docs/OPERATIONS.md, "Shards that move"). */
#pragma once

#include "base/slice.h"
#include "ports/shard_lease.h"

/* `conninfo` is libpq's, copied; `holder`, of 1 to SHARD_LEASE_HOLDER_BYTES, is no other process's.
 * Does not connect: the first take() makes the table where it is missing. 0, -ERR_MEMORY or
 * -ERR_CONFIG (libpq cannot read it). */
int pg_lease_new(const char *conninfo, struct slice holder, struct shard_lease_store **ret_store);
