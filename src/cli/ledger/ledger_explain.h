/* ledger_explain.h - `overround ledger explain BET_ID`: the settlement in force in sentences, from
 * its SETTLE record alone, as GET /v1/bets/{id} tells it (roles/bet/bet_explain.h). Nothing is
 * folded, so a ledger whose fold refuses the record still says what the record says. Thread: one.
 */
#pragma once

#include "cli/ledger/ledger_cmd.h"

/* As those of ledger_cmd.h. -ERR_NOT_FOUND: there is no such bet. */
int ledger_explain(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why);
