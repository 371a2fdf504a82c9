/* bet_explain.h - a settlement in plain sentences, computed from its record alone, so that what
 * the customer reads is what was booked (L7: the money can be explained step by step). Pure. */
#pragma once

#include "base/json_write.h"
#include "ledger/record.h"

#define EXPLAIN_BYTES_MAX 1024 /* of one sentence */

/* Writes the sentences as elements of the array that is open. `record` is a SETTLE. */
void bet_explain_settlement(struct json_writer *writer, const struct record_view *record,
                            uint32_t shard);
