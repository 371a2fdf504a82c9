/* pg_personal.h - the personal_store port in PostgreSQL: the table `ledger_keys`, a row a slot
 * (docs/LEDGER.md). Rows may be changed to the erased slot and to nothing else; a trigger keeps
 * that from everybody. */
#pragma once

#include "ports/personal_store.h"

/* `conninfo` is libpq's, copied. Does not connect: the first call makes the table where it is
 * missing. 0, -ERR_MEMORY or -ERR_CONFIG (libpq cannot read it). */
int pg_personal_new(const char *conninfo, uint32_t shard, struct personal_store **ret_store);
