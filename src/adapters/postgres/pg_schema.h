/* pg_schema.h - tables in a database, and how they are made: numbered migrations, each one
 * transaction that ends with its row in a table of versions.
 *
 * A migration only adds, so that programs of several versions work on the same tables while they
 * are exchanged one by one; each says the oldest version of the program that can work behind it
 * (`program_least`), and an older one refuses to begin. Rows of what is insert only are kept so by
 * a trigger, from everybody, and who runs the program needs no more rights than its own statements
 * do (docs/OPERATIONS.md). What version() calls CockroachDB gets triggers of rows, which TRUNCATE
 * passes. Blocks, on the link's thread. */
#pragma once

#include "adapters/postgres/pg_link.h"
#include "base/buf.h"

/* Of a table of versions, behind its "(". */
#define PG_VERSION_COLUMNS                                                                         \
    " version bigint PRIMARY KEY,"                                                                 \
    " program_least bigint NOT NULL,"                                                              \
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"

struct pg_schema {
    const char *versions; /* the table of versions */
    const char *const *migrations;
    int64_t count; /* of migrations: the version that this program knows */
    /* The same for a CockroachDB, which has triggers of rows only, and no transactions of several
     * such statements: the statements of each migration in turn, and NULL behind each, which may
     * all be done again. NULL: what works with these tables does not work there. */
    const char *const *by_row;
};

extern const struct pg_schema pg_schema_ledger;

/* Applies what is missing; needs rights for that only where something is. 0; -ERR_ABSENT;
 * -ERR_CONFIG: made by a newer program, behind which this one cannot work, or a CockroachDB where
 * there is no `by_row`; -ERR_IO: the server refuses. `why` gets a sentence for the latter two. */
int pg_schema_prepare(struct pg_link *link, const struct pg_schema *schema, struct buf *why);
