/* adjustment.h - what a customer owes after corrections, and how the book writes it off: one rule
 * for whoever writes the record and for the fold that checks it. Pure. Thread: any. */
#pragma once

#include <stdint.h>

#include "ledger/shard_state.h"

enum { ADJUSTMENT_POSTINGS = 2 };

/* How far this balance is below zero; 0: it is not. AVAILABLE, FREE or BONUS. */
int64_t shard_debt_of(const struct shard_account *account, enum ledger_account kind);
/* The record's body and its postings: cash is the house's loss, promotional money was given by it
 * and is never owed. There is a debt. */
struct record_adjustment shard_adjustment_of(const struct shard_state *state,
                                             struct account_ref account, enum ledger_account kind,
                                             struct record_posting ret[ADJUSTMENT_POSTINGS]);
