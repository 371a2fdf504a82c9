/* cash_out_record.h - a CASH_OUT record read as the running bet that it values: what was offered
 * follows from the record alone. The book computes by it what it writes, the fold what it accepts,
 * and explanations what they say. Pure. Thread: any. */
#pragma once

#include <stdbool.h>

#include "core/bet.h"
#include "ledger/record.h"

/* What a value is made of: of a record, or of one to be. */
struct cash_out_parts {
    const struct record_cash_out *body; /* stake, currency, sizes, flags and margin are read */
    const struct record_cash_out_leg *legs;
    size_t legs_count;
    struct slice deductions; /* of all legs, in order */
};

/* Those of a CASH_OUT record. */
struct cash_out_parts cash_out_parts_of(const struct record_view *record);

/* A bet whose legs point into their own chances: not to be copied. */
struct cash_out_bet {
    struct bet bet;
    struct bet_leg legs[BET_LEGS_MAX];
    struct leg_chances chances[BET_LEGS_MAX];
};

/* The part that is bought back, as a running bet. False: the numbers are no bet, or a leg's chances
 * are not those of its price in its book, or contradict it. */
bool cash_out_record_bet(const struct cash_out_parts *parts, struct cash_out_bet *ret);

/* Fair value and what is offered, both rounded down. False: as above, or above MONEY_MINOR_MAX. */
bool cash_out_record_value(const struct cash_out_parts *parts, int64_t *ret_fair,
                           int64_t *ret_value);
