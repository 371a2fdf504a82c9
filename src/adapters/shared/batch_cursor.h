/* batch_cursor.h - the ledger_cursor port over a store of batches (batch_store.h): for those who
 * follow a log that another process writes. A step is a page of batches. */
#pragma once

#include "adapters/shared/batch_store.h"
#include "ports/ledger_cursor.h"

/* Only reads, and prepares nothing. Takes the store, also on failure. 0 or -ERR_MEMORY. */
int batch_cursor_new(struct batch_store *store, uint32_t shard, struct ledger_cursor **ret_cursor);
/* What the store, or the check of a batch, said last; or "". */
const char *batch_cursor_problem(const struct ledger_cursor *cursor);
/* From any thread: what waits for the store ends soon, with -ERR_ABSENT. */
void batch_cursor_leave(struct ledger_cursor *cursor);
