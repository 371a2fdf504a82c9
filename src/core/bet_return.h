/* bet_return.h - what a bet pays: exact, rounded once at the end, in the mode that is stored with
 * the bet. Source: BETTING-RULES 4 (one rounding per bet), 4.4, 4.5, 4.9.
 *
 *   return = stake / lines * sum over lines of the product of its legs' factors
 *
 * The sum is never taken line by line: with bankers B and the others L1 .. Ln it is
 * B * sum over sizes k of e_k(L1 .. Ln), elementary symmetric polynomials, n * k steps. Each-way:
 * the same once more with the place factors. A free bet pays the return less what the same lines
 * would return at a price of 1: winnings alone, also where a leg is half void or a dead heat.
 * Whether the token of a void free bet comes back is policy and not counted here.
 *
 * A single without place terms, deductions and a token needs none of that: settle_single().
 *
 * Uses up to 100 KB of stack for a system, none of the heap. Pure; thread: any. */
#pragma once

#include <stdbool.h>

#include "core/bet.h"
#include "core/money.h"

/* The bet is valid and no leg is open. False, *ret not written, when the return is above
 * MONEY_MINOR_MAX: potential returns are limited far below when a bet is taken. */
bool bet_return(const struct bet *bet, enum rounding rounding, struct money *ret);
