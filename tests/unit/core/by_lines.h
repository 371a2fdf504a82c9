/* by_lines.h - what a bet pays, counted line by line with exact rationals, in the words of the
 * rules: the other side of the differential tests. Shares nothing with lines_sum.c and
 * leg_factor.c but the structs. */
#pragma once

#include <gmp.h>

#include "core/bet.h"

/* The return (or, free, the winnings) of at most twelve legs, times share / 10000, rounded; -1 when
 * it is above MONEY_MINOR_MAX. */
int64_t by_lines(const struct bet *bet, uint32_t share_permyriad, enum rounding rounding);
/* The price that one half of a leg is paid at. ret is initialised. */
void by_lines_price(mpq_t ret, const struct bet_leg *leg, bool place);
