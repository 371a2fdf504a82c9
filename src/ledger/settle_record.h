/* settle_record.h - a SETTLE record read as the bet that it settles: what it paid follows from the
 * record alone, without the state and without the log. For explanations and for whoever checks
 * them. Pure. Thread: any. */
#pragma once

#include <stdbool.h>

#include "core/bet.h"
#include "ledger/record.h"

/* One leg, whose deductions are the next of the texts. One that the record leaves open counts as
 * won, at the price taken. False: its numbers are no leg. */
bool settle_record_leg(const struct record_settled_leg *leg, struct slice *texts,
                       struct bet_leg *ret);
/* The bet with its legs. Writes to `legs`, which *ret borrows. False: the record's numbers are no
 * bet. */
bool settle_record_bet(const struct record_view *settle, struct bet_leg legs[BET_LEGS_MAX],
                       struct bet *ret);
