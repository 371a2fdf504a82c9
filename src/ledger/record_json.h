/* record_json.h - a record as one JSON object on one line, for people and for other programs
 * (`overround ledger dump`; docs/LEDGER.md, "Records as JSON").
 *
 * What every record that record_view_of accepted can be written as: a number that names nothing
 * (an unknown ref, outcome, status) is written as the number, an instant that no calendar has as
 * microseconds, an amount in an unknown currency as {"minor":N}. The keys of a type and their
 * order never change; new ones come at the end of their object. Personal fields appear as their
 * length only, the key of the hash tables not at all. Thread: that of the state. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"

/* Room for any record. The most per byte of record: an item of FENCE, 8 bytes that become the
 * market's id with every byte escaped. */
#define RECORD_JSON_BYTES_MAX (128 * RECORD_BYTES_MAX)

/* Appends the object, without a newline. `state` gives refs their names and is that of the
 * record's log, at the record or later; NULL: refs stay numbers. What does not fit sets
 * out->overflow, which needs less room than RECORD_JSON_BYTES_MAX. */
void record_json(struct buf *out, const struct record_view *record,
                 const struct shard_state *state);

/* The word of the dump for a type ("BET"); NULL for a number that is no type. */
const char *record_type_text(enum record_type type);
