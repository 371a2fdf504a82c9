/* pg_ledger.h - the ledger_log port on PostgreSQL, or CockroachDB by the same statements: a batch a
 * row. All of adapters/shared/batch_ledger.h holds; a batch whose wait
 * for a synchronous standby was given up, or whose server went meanwhile, is acknowledged only when
 * a standby has it after all. */
#pragma once

#include "adapters/shared/batch_ledger.h"

struct pg_ledger_options {
    const char *conninfo; /* libpq's; copied */
    uint32_t shard;
    int64_t stall_us;     /* batch_ledger.h */
    int64_t close_us_max; /* free() waits so long for the server, then leaves it */
    bool read_only;       /* batch_ledger.h */
};

/* Connects, makes the tables where they are missing and finds the end of the log. 0; -ERR_ABSENT
 * (no server there), -ERR_CONFIG (conninfo, the server's settings, a newer table), -ERR_CORRUPT,
 * -ERR_IO or -ERR_MEMORY, with `why`. */
int pg_ledger_open(const struct pg_ledger_options *options, struct ledger_log **ret_log,
                   struct buf *why);
