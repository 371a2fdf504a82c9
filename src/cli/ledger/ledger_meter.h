/* ledger_meter.h - a ledger log that measures another one: how long an append takes and how many
 * bets it holds. Passes everything on. Thread: the owner's. */
#pragma once

#include "base/metrics.h"
#include "ports/ledger_log.h"

struct ledger_meter {
    struct ledger_log log;       /* to be used in place of `inner` */
    struct ledger_log *inner;    /* borrowed; ended by log.ops->free */
    struct ledger_append append; /* the one under way, as the inner log sees it */
    struct ledger_append *asked; /* the owner's */
    int64_t begun_us;
    struct metrics_histogram commit_us, commit_bets;
};

/* In the caller's memory. */
void ledger_meter_init(struct ledger_meter *meter, struct ledger_log *inner);
int ledger_meter_register_metrics(struct ledger_meter *meter, struct metrics *metrics);
