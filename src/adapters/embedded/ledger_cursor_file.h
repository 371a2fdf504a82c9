/* ledger_cursor_file.h - the ledger_cursor port over the segments of a ledger_file or store.
 *
 * Every checksum and the chain of groups are verified as in a replay. Holds one file open, a
 * buffer of 64 KiB and one of a group. */
#pragma once

#include "adapters/embedded/ledger_replay.h"
#include "ports/ledger_cursor.h"

/* Where the durable log is now; called by look(), on the cursor's thread. */
struct ledger_cursor_log {
    struct ledger_view (*view)(void *owner);
    void *owner; /* outlives the cursor */
};

/* 0 or -ERR_MEMORY. The caller owns *ret_cursor. */
int ledger_cursor_file_new(const struct ledger_cursor_log *log, struct ledger_cursor **ret_cursor);
/* File and byte of the damage that a step answered -ERR_CORRUPT for, or "". */
const char *ledger_cursor_file_problem(const struct ledger_cursor *cursor);
