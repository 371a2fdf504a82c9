/* bet_answer.h - the JSON answer to a bet or a movement of money, written from its durable
 * record: what is told is what is in the ledger. Thread: the book's loop (reads its state). */
#pragma once

#include "base/buf.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"
#include "roles/bet/bet_decode.h"

/* The answer that the record (BET, RELEASE, CASH_OUT or MONEY) gives: the HTTP status, as of the
 * first time or as a replay, and the body; a problem when the status is >= 400. */
int bet_answer_write(const struct shard_state *state, const struct record_view *record,
                     bool replayed, struct buf *out);

/* The pushed form: contract of bet_service_push(). */
bool bet_answer_push(const struct shard_state *state, const struct record_view *record,
                     struct buf *out, const char **ret_op);

/* The problem that says this refusal, where there is no record of it. */
void bet_answer_write_outcome(enum bet_outcome outcome, struct buf *out);
