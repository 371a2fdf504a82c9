/* lines_sum.h - the one computation behind bet_return and cash_out_offer: stake times a share times
 * the mean over all lines of the product of the legs' factors (BETTING-RULES 4.5, 4.8). Pure;
 * thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/bet.h"
#include "core/money.h"

#define LINES_SHARE_WHOLE 10000u

/* bet is valid, share_permyriad at most the whole. False, *ret not written, above
 * MONEY_MINOR_MAX. */
bool lines_sum(const struct bet *bet, uint32_t share_permyriad, enum rounding rounding,
               struct money *ret);
