/* ledger_proofs.h - the tree in the offline commands: `ledger prove`, `ledger head`, and what
 * `ledger verify` says about tree and heads. Nothing in the server's folder is changed: the tree
 * is computed anew from the log. Blocking. Thread: the main one. */
#pragma once

#include "cli/ledger/ledger_cmd.h"

/* Each prints to stdout. 0, or an error with a sentence in `why`. prove and head need the book's
 * key in the folder. */
int ledger_proofs_prove(struct ledger_opened *opened, const struct ledger_asked *asked,
                        struct buf *why);
int ledger_proofs_head(struct ledger_opened *opened, const struct ledger_asked *asked,
                       struct buf *why);
/* For ledger_cmd_verify: the tiles, the kept heads, the heads of somebody else. */
int ledger_proofs_verify(const struct ledger_opened *opened, const struct ledger_asked *asked,
                         struct buf *why);
