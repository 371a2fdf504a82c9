/* ledger_personal.h - `overround ledger personal`: what the ledger holds of one person under seal,
 * and its end (docs/OPERATIONS.md, "Erased persons"). */
#pragma once

#include "cli/ledger/ledger_cmd.h"

/* A line of JSON for each bet of asked->user that has personal fields: `address` and `device`, or
 * `erased`. With asked->erase instead: destroys the person's key, durably when it answers 0. The
 * keys are those beside the ledger (asked->ledger) or, with files, those of DATA/keys, which no
 * server has open. The master key is that of DATA/keys. As ledger_cmd.h; -ERR_NOT_FOUND: no such
 * user, or no keys. */
int ledger_personal(struct ledger_opened *opened, const struct ledger_asked *asked,
                    struct buf *why);
