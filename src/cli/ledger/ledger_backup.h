/* ledger_backup.h - `overround ledger backup` and `restore`: folders, keys, and what is said of
 * them; the work is in adapters/embedded/backup.h and restore.h. Thread: one. */
#pragma once

#include "base/buf.h"
#include "cli/options/options.h"

/* Of the options "data", "log-second", "to", "recheck" and "keys-to". Prints its answer on stdout.
 * 0; -ERR_CORRUPT, -ERR_CONFIG or another error, each with a sentence in `why`. */
int ledger_backup(const struct options *options, struct buf *why);
/* Of the options "from", "data", "until" and "keys-from". The same. */
int ledger_restore(const struct options *options, struct buf *why);
