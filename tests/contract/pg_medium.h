/* pg_medium.h - what tests of a ledger do to the PostgreSQL under it, beside the log: a table that
 * is locked, rows that are refused, a server that crashes. Thread: the test's. */
#pragma once

#include <stdbool.h>

#include "ports/ledger_log.h"

/* The log there, as the port's contract opens it; what is wrong is printed. */
int pg_medium_open(const char *conninfo, uint32_t shard, int64_t close_us_max,
                   struct ledger_log **ret_log);
/* The server says so (an SQLSTATE) of the next insert only, or of each from now on. */
void pg_medium_refuse(const char *state, bool once);
/* No space, or again. */
void pg_medium_fill(bool full);
/* Groups and epochs that stand. */
long pg_medium_groups(void);
/* The tables go. */
void pg_medium_clean(void);
