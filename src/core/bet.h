/* bet.h - a bet of one leg or many, as settlement sees it: legs, lines, stake. Source:
 * BETTING-RULES 4.4, 4.5, 4.9.
 *
 * A leg is either a banker, which stands in every line, or one of those that `sizes` chooses from:
 *
 *   single                    one banker, no sizes
 *   accumulator of n          n bankers, no sizes
 *   Lucky 15                  four chosen, sizes 1 to 4
 *   2 of 4 with one banker    one banker, four chosen, size 2: six trebles
 *
 * A bet builder with a joint price is one leg at that price. That no two legs are related (of one
 * event, not priced together) was checked when the bet was taken. Each-way doubles every line: once
 * with all win prices, once with all place prices. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/each_way.h"
#include "core/leg_factor.h"
#include "core/money.h"
#include "core/odds.h"
#include "core/system.h"

#define BET_LEGS_MAX 100u /* as MTS: 100 folds */

struct bet_leg {
    struct odds odds;         /* the price taken, whatever is deducted later */
    struct place_terms terms; /* of an each-way bet, as they were when it was struck */
    bool banker;
    struct leg_part win;
    struct leg_part place; /* of an each-way bet */
};

/* Borrows legs. The stake is of all lines and both ways together; it need not be a multiple of
 * them (what is left after a part was cashed out is not). */
struct bet {
    const struct bet_leg *legs;
    uint32_t legs_count; /* 1 .. BET_LEGS_MAX, at most SYSTEM_LEGS_MAX of them not bankers */
    struct system_sizes sizes;
    bool each_way;
    bool free; /* the stake is a token: only winnings are paid (BETTING-RULES 4.9) */
    struct money stake;
};

/* Everything above holds, and every price, result, deduction and, each-way, place terms are valid.
 * Decoders of records ask this first; the computations below only assert it. */
bool bet_valid(const struct bet *bet);
/* Lines, each-way ones twice; a valid bet. stake = unit * lines. */
uint64_t bet_lines(const struct bet *bet);
/* Is any leg's outcome not known yet? */
bool bet_open(const struct bet *bet);
