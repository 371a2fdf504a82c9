/* pg_batch.h - the batches of adapters/shared/batch_store.h as rows of the table `ledger`
 * (docs/LEDGER.md, "The log in a database"): PostgreSQL, or CockroachDB by the same statements.
 *
 * `prefix` spreads the shards over the key space, so that a store that splits its tables by ranges
 * has no hot one. */
#pragma once

#include "adapters/shared/batch_store.h"
#include "base/buf.h"

/* Is it the URL of such a database? */
bool pg_url_is(const char *url);

/* On a connection of its own; `conninfo` is libpq's, copied; does not connect. 0, -ERR_MEMORY or
 * -ERR_CONFIG (libpq cannot read it). */
int pg_batch_new(const char *conninfo, struct batch_store **ret_store);

/* The shards that have a batch, in their order. 0, -ERR_ABSENT or -ERR_IO with `why`, or as
 * above. */
int pg_batch_shards(const char *conninfo, uint32_t ret_shards[BATCH_SHARDS_MAX], size_t *ret_count,
                    struct buf *why);
