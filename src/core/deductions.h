/* deductions.h - what withdrawn runners take off a bet that was struck before they left.
 * Source: BETTING-RULES 4.3. Two models, for two kinds of market:
 *
 *   on winnings  1 + (o - 1) * (1 - d1) * (1 - d2) ..   Rule 4 (one entry, the total of
 *                core/rule4.h); Betfair's place markets
 *   on the price o * (1 - d1) * (1 - d2) ..             Betfair's reduction factors; several
 * multiply
 *
 * A reduced price ends at 1.01, or at the price itself where that is lower [K: Betfair's rules say
 * so; without an end, a bet that won could return less than its stake]. Each-way: a reduction of
 * the price comes before the place terms ("the terms apply to the revised win price", Betfair
 * 13.7), a deduction from winnings after them. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum deducted_from { DEDUCTED_FROM_NOTHING = 0, DEDUCTED_FROM_WINNINGS, DEDUCTED_FROM_PRICE };

/* How what withdrawn runners deduct comes together on a market. */
enum deduction_model {
    DEDUCT_RULE4 = 1,    /* one sum of pence, capped and waived */
    DEDUCT_WINNINGS = 2, /* each from the winnings, multiplied */
    DEDUCT_PRICE = 3,    /* each from the whole price, multiplied */
};

#define DEDUCTIONS_MAX      16u
#define DEDUCTION_WHOLE     10000u /* an entry is in hundredths of a percent: 16.2 % is 1620 */
#define REDUCED_PRICE_LEAST 101u   /* hundredths */

struct deductions {
    uint8_t from; /* enum deducted_from; with NOTHING there are no entries */
    uint8_t count;
    uint16_t permyriad[DEDUCTIONS_MAX]; /* 1 .. 9999 each, the first `count` */
};

#define DEDUCTIONS_NONE ((struct deductions){0})

/* False for an unknown model, an entry of 0 or of the whole, or more entries than there can be. */
bool deductions_valid(const struct deductions *deductions);
/* One more withdrawal. False, and nothing is changed, when there is no room, when the entry is not
 * 1 .. 9999, or when the others are of another model. */
bool deductions_add(struct deductions *deductions, enum deducted_from from, uint32_t permyriad);
