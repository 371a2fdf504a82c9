/* sim_exact.h - whole numbers of any length that a bet of a few legs can need, for the oracle's own
 * arithmetic; this folder only. Slow and plain on purpose, and nothing of core/wide.h. */
#pragma once

#include <stdint.h>

#include "core/money.h"

#define SIM_EXACT_LIMBS 40 /* beyond that a run ends: five legs with five deductions have 30 */

struct sim_exact {
    uint32_t count; /* without leading zeros */
    uint64_t limbs[SIM_EXACT_LIMBS];
};

void sim_exact_set(struct sim_exact *a, uint64_t n);
void sim_exact_add(struct sim_exact *a, const struct sim_exact *b);
void sim_exact_subtract(struct sim_exact *a, const struct sim_exact *b); /* a >= b */
void sim_exact_times(struct sim_exact *a, const struct sim_exact *b);
void sim_exact_times_small(struct sim_exact *a, uint64_t n);
int sim_exact_compare(const struct sim_exact *a, const struct sim_exact *b);
/* The amount that top / bottom is, rounded; below 2^52. */
int64_t sim_exact_amount(const struct sim_exact *top, const struct sim_exact *bottom,
                         enum rounding rounding);
