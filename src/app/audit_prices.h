/* audit_prices.h - the prices that the bets of a ledger were taken at, looked up in the odds logs
 * of whoever offered them (L6; part of audit.h). Thread: one. */
#pragma once

#include "app/audit.h"
#include "ledger/record.h"

/* All 0 before the first record. */
struct audit_prices {
    struct claim *claims; /* owned, as all below; in the order of the ledger, then sorted */
    size_t claims_count, claims_max;
    struct table *selections;  /* every selection that was bet on -> index of known */
    struct known_price *known; /* as of the log that is read */
    size_t known_count;
    uint32_t *epochs; /* of its versions, as they come */
    size_t epochs_count, epochs_max;
    size_t next;             /* the first claim that the log has not reached */
    uint64_t kept_from;      /* of the log */
    uint64_t changes;        /* of all logs */
    uint64_t kept_from_most; /* likewise */
};

/* Takes what an accepted bet, and what came of it, says of prices. `state`: behind the record. 0 or
 * -ERR_MEMORY. */
int audit_prices_take(struct audit_prices *prices, const struct record_view *record,
                      const struct shard_state *state);
/* Reads each log once. An epoch of versions is one log's: a price is held against the log that has
 * its epoch, and against all of them where none has. Writes the report's reason, seq, legs_* and
 * odds_*. 0; -ERR_CORRUPT; -ERR_MEMORY, -ERR_LIMIT, or what reading a log answers. */
int audit_prices_check(struct audit_prices *prices, struct odds_log *const *logs, size_t count,
                       struct audit_report *report);
void audit_prices_done(struct audit_prices *prices);
