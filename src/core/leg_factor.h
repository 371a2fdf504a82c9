/* leg_factor.h - one leg, per unit staked, as an exact fraction (BETTING-RULES 4.1 - 4.4, 4.8):
 *
 *   settled   L = v + (1 - v) * w * d * o'
 *   open      E = p(win) o' + p(half win) (1 + o') / 2 + p(refund) + p(half lose) / 2
 *
 * o' is the price taken, less what is deducted from the price, brought to the place terms if this
 * is the place half of an each-way bet, less what is deducted from winnings (core/deductions.h).
 * Nothing is rounded anywhere. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/deductions.h"
#include "core/each_way.h"
#include "core/leg_chances.h"
#include "core/odds.h"
#include "core/settle.h"
#include "core/wide.h"

/* One half of an each-way leg, or the whole of another. Borrows open. */
struct leg_part {
    struct leg_result result;
    struct deductions deductions;
    const struct leg_chances *open; /* not settled yet: counts instead of the result; else NULL */
};

/* The result, or the chances where it is open, and the deductions are valid. */
bool leg_part_valid(const struct leg_part *part);

/* Five limbs hold the longest: price 30 bits, sixteen deductions of 13.3 bits each, place terms 8,
 * chances 31 (a result has 15), one of carry. */
#define LEG_FACTOR_BITS_MAX (30u + 213u + 8u + 31u + 1u)
#define LEG_FACTOR_LIMBS    5u
#define LEG_FACTOR_TERMS    3u

/* The leg pays pays / whole of the unit. Of that, survives / whole is stake that came back: what
 * the leg would pay at a price of 1 (a free bet keeps it, BETTING-RULES 4.9). pays >= survives.
 * Not to be copied: the numbers lie in `limbs`. */
struct leg_factor {
    struct wide pays;
    struct wide survives;
    struct wide whole;
    uint64_t limbs[LEG_FACTOR_TERMS][LEG_FACTOR_LIMBS];
};

/* NULL terms: at the win price. odds are present, part and terms valid. */
void leg_factor_make(struct leg_factor *factor, struct odds odds, const struct place_terms *terms,
                     const struct leg_part *part);
