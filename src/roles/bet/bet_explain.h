/* bet_explain.h - a settlement or a cash-out in plain sentences, from its record alone, so that
 * what the customer reads is what was booked (L7: the money can be explained step by step). Pure.
 */
#pragma once

#include "base/slice.h"
#include "ledger/record.h"

#define EXPLAIN_BYTES_MAX 1024 /* of one sentence */

/* Where the sentences go, one a call. */
struct bet_explain_to {
    void (*say)(void *owner, struct slice sentence);
    void *owner;
};

/* `record` is a SETTLE. Of a bet of up to 32 lines of up to 8 legs each line is told; at most
 * EXPLAIN_LINES_MAX sentences beside those about legs. */
#define EXPLAIN_LINES_MAX (32 + 4)
void bet_explain_settlement(const struct record_view *record, uint32_t shard,
                            const struct bet_explain_to *to);
/* The same. `record` is a CASH_OUT that was paid. */
void bet_explain_cash_out(const struct record_view *record, uint32_t shard,
                          const struct bet_explain_to *to);
