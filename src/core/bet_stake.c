/* bet_stake.c - contract in bet_stake.h.
 *
 * A stake s = m * step pays x = s * pays / whole. Rounded, that is at most a bound B exactly when
 *
 *   down        x < B + 1
 *   half up     x < B + 1/2
 *   half even   x < B + 1/2, or x = B + 1/2 and B is even
 *
 * so m is the whole part of (2 B + c) * whole / (2 * step * pays), with c = 2 or 1, or, where that
 * has no rest, one less. For the cost both sides lose s, a whole number: pays - whole stands in the
 * place of pays, and B + s is what must be even. */
#include "core/bet_stake.h"

#include "base/assert.h"
#include "core/lines_sum.h"

#define QUARTERS 4u

struct bound {
    const struct wide *grows; /* pays, or pays - whole */
    const struct wide *whole;
    int64_t minor_max; /* 0 .. MONEY_MINOR_MAX */
    bool of_cost;
};

/* Exactly between two amounts the mode decides: is it the lower one? */
static bool tie_passes(const struct bound *bound, int64_t stake, enum rounding rounding)
{
    int64_t highest = bound->of_cost ? bound->minor_max + stake : bound->minor_max;
    return rounding == ROUND_HALF_EVEN && highest % 2 == 0;
}

static int64_t highest_within(const struct bound *bound, int64_t step, enum rounding rounding)
{
    uint64_t limit_limbs[LINES_MEAN_LIMBS];
    uint64_t grows_limbs[LINES_MEAN_LIMBS];
    struct wide limit = WIDE_ZERO_IN(limit_limbs);
    struct wide grows = WIDE_ZERO_IN(grows_limbs);
    uint64_t above = rounding == ROUND_DOWN ? 2 : 1;
    int64_t steps_max = MONEY_MINOR_MAX / step;
    wide_copy(&limit, bound->whole);
    wide_copy(&grows, bound->grows);
    wide_multiply_small(&limit, 2 * (uint64_t)bound->minor_max + above);
    wide_multiply_small(&grows, 2 * (uint64_t)step);

    uint64_t quarters;
    if (wide_is_zero(&grows) ||
        !wide_divide_quarters(&limit, &grows, (uint64_t)steps_max, &quarters))
        return steps_max * step;
    int64_t stake = (int64_t)(quarters / QUARTERS) * step;
    if (quarters % QUARTERS == 0 && !tie_passes(bound, stake, rounding))
        stake -= step;
    return stake;
}

int64_t bet_stake_highest(const struct bet *bet, int64_t step, struct stake_bounds bounds,
                          enum rounding rounding)
{
    ASSERT(!bet_open(bet));
    ASSERT(step > 0);
    ASSERT(step <= MONEY_MINOR_MAX);
    ASSERT(!bet->free || bounds.cost_minor_max == STAKE_COST_UNBOUNDED);
    if (bounds.return_minor_max < 0 || bounds.cost_minor_max < 0)
        return 0;
    struct lines_mean mean;
    lines_mean_make(&mean, bet);
    if (bounds.return_minor_max > MONEY_MINOR_MAX)
        bounds.return_minor_max = MONEY_MINOR_MAX;
    struct bound bound = {&mean.pays, &mean.whole, bounds.return_minor_max, false};
    int64_t highest = highest_within(&bound, step, rounding);
    /* Within the first bound nothing costs as much; and what pays no more than it stakes, nothing.
     */
    if (bounds.cost_minor_max >= MONEY_MINOR_MAX || wide_compare(&mean.pays, &mean.whole) <= 0)
        return highest;
    wide_subtract(&mean.pays, &mean.whole);
    bound = (struct bound){&mean.pays, &mean.whole, bounds.cost_minor_max, true};
    int64_t cheap = highest_within(&bound, step, rounding);
    return cheap < highest ? cheap : highest;
}
