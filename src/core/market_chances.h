/* market_chances.h - what a market's prices say of the chances of its selections, for cash-outs
 * (BETTING-RULES 4.8). Source and limits: docs/decisions/0007.
 *
 * A price o says a chance of 1/o, and all of a market's together say more than 1: the margin. It is
 * taken out in proportion,
 *
 *   p(i) = (1/o(i)) / max(1, sum over j of 1/o(j))
 *
 * which holds where exactly one selection wins and nothing is ever returned. A sum below 1 raises
 * nobody's chance: prices that leave a selection out are no reason to pay more. A sum above
 * CHANCES_BOOK_MAX says that several can win, or that the prices are not meant: no chances.
 *
 * All in integers, every division rounded down: the error is below 2 / CHANCE_WHOLE. Pure. Thread:
 * any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/leg_factor.h"
#include "core/odds.h"

/* The sum of the inverse prices of a market, its "book", in 10^15ths; 1.05 is a margin of 5 %. */
#define CHANCES_BOOK_WHOLE UINT64_C(1000000000000000)
#define CHANCES_BOOK_MAX   (2 * CHANCES_BOOK_WHOLE)

/* The inverse of one price, for the sum; the price is present. */
uint64_t chances_inverse(struct odds odds);
/* The chance to win at this price in that book, in CHANCE_WHOLE; 0: the book is no book (below the
 * price's own inverse, or above CHANCES_BOOK_MAX), or the chance is too small to say. */
uint32_t chances_of(struct odds odds, uint64_t book);

/* Do prices of this kind of market (the feed's word) say chances? Not where stakes may be returned
 * in whole or in part, for prices do not say how often: "asian", "handicap", "draw_no_bet", "total"
 * anywhere in the word, whatever the case. */
bool chances_kind(struct slice kind);
