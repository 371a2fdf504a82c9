/* ledger_rotate.h - `overround ledger rotate-key`: the signing key of a folder whose server has
 * ended hands over to another (docs/LEDGER.md, "Signing keys"). */
#pragma once

#include "cli/ledger/ledger_cmd.h"

/* As the functions of ledger_cmd.h; prints the link. */
int ledger_rotate(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why);
