/* ledger_report.h - `overround ledger report adjustments`: bets that were settled again, and what
 * was written off, as one JSON document with totals by currency; "No activity" where there was none
 * (docs/OPERATIONS.md). Thread: one. */
#pragma once

#include "cli/ledger/ledger_cmd.h"

/* As those of ledger_cmd.h; of the records from asked->from to asked->to. */
int ledger_report(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why);
