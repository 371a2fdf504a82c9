/* lines_sum.h - the one computation behind bet_return, bet_stake_highest and cash_out_offer: the
 * mean over all lines of the product of the legs' factors (BETTING-RULES 4.5, 4.8), and stake times
 * a share times it. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/bet.h"
#include "core/leg_factor.h"
#include "core/money.h"
#include "core/wide.h"

#define LINES_SHARE_WHOLE 10000u

/* n legs are at most n * LEG_FACTOR_LIMBS limbs, one way; one more for the carry of a sum. */
#define LINES_WAY_LIMBS (BET_LEGS_MAX * LEG_FACTOR_LIMBS + 1u)
/* Two ways brought to one denominator, times stake, lines and share, and a limb of carry. */
#define LINES_MEAN_LIMBS (2u * LINES_WAY_LIMBS + 4u)

/* What one unit of the stake pays: pays / whole. Not to be copied: the numbers lie in the limbs. */
struct lines_mean {
    struct wide pays;
    struct wide whole;
    uint64_t pays_limbs[LINES_MEAN_LIMBS];
    uint64_t whole_limbs[LINES_MEAN_LIMBS];
};

/* The bet is valid; its stake does not count. Room for three further limbs is left in each. */
void lines_mean_make(struct lines_mean *mean, const struct bet *bet);

/* bet is valid, share_permyriad at most the whole. False, *ret not written, above
 * MONEY_MINOR_MAX. */
bool lines_sum(const struct bet *bet, uint32_t share_permyriad, enum rounding rounding,
               struct money *ret);
