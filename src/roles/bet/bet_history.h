/* bet_history.h - bets as read back: one with its whole history, written from its records; and a
 * row of a list, written from the fold. Thread: the book's loop (reads its state). */
#pragma once

#include "base/buf.h"
#include "base/json_write.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"

/* Writes the bet of these records: its BET record first, then every later one, oldest first.
 * RESULT records may stand among them and are read for their result_version. False when the
 * records do not begin with an accepted or pending BET. */
bool bet_history_write(const struct shard_state *state, const struct record_view *records,
                       size_t count, struct buf *out);

/* One object of a list. */
void bet_history_write_row(struct json_writer *writer, const struct shard_state *state,
                           const struct shard_bet *bet);
