/* pg_schema.h - the tables of a ledger in a database, and how they are made.
 *
 * Migrations are numbered, only add, and each is one transaction; what was applied stands in the
 * table `ledger_schema`. A row is inserted and never changed: a trigger forbids it to everybody,
 * and who runs the book needs no more rights than SELECT and INSERT (docs/OPERATIONS.md). */
#pragma once

#include "adapters/postgres/pg_link.h"

/* Applies what is missing; needs rights for that only where something is. 0; -ERR_ABSENT;
 * -ERR_CONFIG with *ret_why (made by a newer program) or -ERR_IO. */
int pg_schema_prepare(struct pg_link *link, const char **ret_why);
