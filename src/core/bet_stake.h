/* bet_stake.h - the highest stake that keeps a bet within what it may pay and what it may cost:
 * the stake that is offered where a limit refuses (BETTING-RULES 4.12). Exact, by one division for
 * each bound: the answer is within both, and the next multiple is not, in every mode of rounding.
 * Pure; thread: any. */
#pragma once

#include <stdint.h>

#include "core/bet.h"
#include "core/money.h"

#define STAKE_COST_UNBOUNDED INT64_MAX

struct stake_bounds {
    int64_t return_minor_max; /* below 0: no stake passes; at most MONEY_MINOR_MAX counts */
    int64_t cost_minor_max;   /* the return less the stake; below 0: no stake passes */
};

/* A multiple of `step` (1 .. MONEY_MINOR_MAX), at most MONEY_MINOR_MAX; 0 where not even one step
 * passes. The bet is valid, no leg is open, and the stake in it does not count. A cost is bounded
 * only for a bet that is not free. */
int64_t bet_stake_highest(const struct bet *bet, int64_t step, struct stake_bounds bounds,
                          enum rounding rounding);
