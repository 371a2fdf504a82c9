/* settle_record.h - a SETTLE record read as the bet that it settles: what it paid follows from the
 * record alone, without the state and without the log. For explanations and for whoever checks
 * them. Pure. Thread: any. */
#pragma once

#include <stdbool.h>

#include "core/bet.h"
#include "ledger/record.h"

/* The bet with its legs' factors and deductions; legs that the record leaves open count as won, at
 * the price taken. Writes to `legs`, which *ret borrows. False: the record's numbers are no bet. */
bool settle_record_bet(const struct record_view *settle, struct bet_leg legs[BET_LEGS_MAX],
                       struct bet *ret);
