/* lines_sum.c - contract in lines_sum.h.
 *
 * With Li = pays_i / whole_i, the coefficient of t^k in the product of (whole_i + pays_i t) is
 * e_k(L1 .. Ln) times the product of all whole_i, which is the coefficient of t^0. So all e_k have
 * one denominator that comes for nothing, and no fraction is ever reduced. */
#include "core/lines_sum.h"

#include <stddef.h>

#include "base/assert.h"

#define SYSTEM_LIMBS (SYSTEM_LEGS_MAX * LEG_FACTOR_LIMBS + 1u)

/* pays / whole: the sum over lines of one way, per unit. */
struct part_sum {
    struct wide pays;
    struct wide whole;
    uint64_t pays_limbs[LINES_WAY_LIMBS];
    uint64_t whole_limbs[LINES_WAY_LIMBS];
};

/* e_0 .. e_k so far, all over e_0 (see above). */
struct polynomial {
    uint32_t degree; /* of what has been multiplied in; no coefficient is kept above `highest` */
    uint32_t highest;
    struct wide coefficients[SYSTEM_LEGS_MAX + 1];
    uint64_t limbs[SYSTEM_LEGS_MAX + 1][SYSTEM_LIMBS];
};

/* Which price, and which of the factor's numerators. */
struct side {
    bool place;
    bool survives;
};

static void make_factor(struct leg_factor *factor, const struct bet_leg *leg, struct side side)
{
    leg_factor_make(factor, leg->odds, side.place ? &leg->terms : NULL,
                    side.place ? &leg->place : &leg->win);
}

static const struct wide *numerator_of(const struct leg_factor *factor, struct side side)
{
    return side.survives ? &factor->survives : &factor->pays;
}

/* a *= b, by way of the scratch where b is long. */
static void multiply_in(struct wide *a, const struct wide *b, struct wide *scratch)
{
    if (b->count <= 1) {
        wide_multiply_small(a, b->count > 0 ? b->limb[0] : 0);
        return;
    }
    wide_multiply(scratch, a, b);
    wide_copy(a, scratch);
}

static void polynomial_init(struct polynomial *polynomial, struct system_sizes sizes)
{
    polynomial->degree = 0;
    polynomial->highest = system_largest(sizes);
    for (uint32_t k = 0; k <= polynomial->highest; k++)
        polynomial->coefficients[k] = WIDE_ZERO_IN(polynomial->limbs[k]);
    wide_set(&polynomial->coefficients[0], 1);
}

/* Times (whole + numerator t), from the highest coefficient down. */
static void polynomial_multiply(struct polynomial *polynomial, const struct wide *numerator,
                                const struct wide *whole)
{
    uint64_t scratch_limbs[SYSTEM_LIMBS];
    struct wide scratch = WIDE_ZERO_IN(scratch_limbs);
    struct wide *at = polynomial->coefficients;
    if (polynomial->degree < polynomial->highest)
        polynomial->degree++;
    for (uint32_t k = polynomial->degree; k > 0; k--) {
        wide_multiply_add(&scratch, &at[k], whole, &at[k - 1], numerator);
        wide_copy(&at[k], &scratch);
    }
    multiply_in(&at[0], whole, &scratch);
}

static void multiply_bankers(const struct bet *bet, struct side side, struct part_sum *sum)
{
    uint64_t scratch_limbs[LINES_WAY_LIMBS];
    struct wide scratch = WIDE_ZERO_IN(scratch_limbs);
    struct leg_factor factor;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        if (!bet->legs[i].banker)
            continue;
        make_factor(&factor, &bet->legs[i], side);
        multiply_in(&sum->pays, numerator_of(&factor, side), &scratch);
        multiply_in(&sum->whole, &factor.whole, &scratch);
    }
}

/* A leg that lost adds no line and is left out altogether: its whole would stand above and below.
 */
static void multiply_chosen(const struct bet *bet, struct side side, struct polynomial *polynomial)
{
    struct leg_factor factor;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        if (bet->legs[i].banker)
            continue;
        make_factor(&factor, &bet->legs[i], side);
        if (!wide_is_zero(numerator_of(&factor, side)))
            polynomial_multiply(polynomial, numerator_of(&factor, side), &factor.whole);
    }
}

static void add_sizes(const struct polynomial *polynomial, struct system_sizes sizes,
                      struct wide *ret_sum)
{
    for (uint32_t k = 1; k <= polynomial->degree; k++)
        if (system_has_size(sizes, k))
            wide_add(ret_sum, &polynomial->coefficients[k]);
}

/* Times the sum of the lines of those that are chosen. */
static void sum_system(const struct bet *bet, struct side side, struct part_sum *sum)
{
    uint64_t scratch_limbs[LINES_WAY_LIMBS];
    struct wide scratch = WIDE_ZERO_IN(scratch_limbs);
    uint64_t lines_limbs[SYSTEM_LIMBS];
    struct wide lines = WIDE_ZERO_IN(lines_limbs);
    struct polynomial polynomial;
    polynomial_init(&polynomial, bet->sizes);
    multiply_chosen(bet, side, &polynomial);
    add_sizes(&polynomial, bet->sizes, &lines);
    multiply_in(&sum->pays, &lines, &scratch);
    multiply_in(&sum->whole, &polynomial.coefficients[0], &scratch);
}

static void sum_side(const struct bet *bet, struct side side, struct part_sum *sum)
{
    sum->pays = WIDE_ZERO_IN(sum->pays_limbs);
    sum->whole = WIDE_ZERO_IN(sum->whole_limbs);
    wide_set(&sum->pays, 1);
    wide_set(&sum->whole, 1);
    multiply_bankers(bet, side, sum);
    if (bet->sizes.mask > 0)
        sum_system(bet, side, sum);
}

/* A leg pays nothing exactly where none of its stake survives, so both sums leave out the same
 * legs and have the same denominator. */
static void sum_way(const struct bet *bet, bool place, struct part_sum *sum)
{
    sum_side(bet, (struct side){.place = place}, sum);
    if (!bet->free)
        return;
    struct part_sum stake;
    sum_side(bet, (struct side){.place = place, .survives = true}, &stake);
    ASSERT(wide_compare(&sum->whole, &stake.whole) == 0);
    wide_subtract(&sum->pays, &stake.pays);
}

static void sum_ways(const struct bet *bet, struct wide *pays, struct wide *whole)
{
    struct part_sum win;
    sum_way(bet, false, &win);
    if (!bet->each_way) {
        wide_copy(pays, &win.pays);
        wide_copy(whole, &win.whole);
        return;
    }
    struct part_sum place;
    sum_way(bet, true, &place);
    wide_multiply_add(pays, &win.pays, &place.whole, &place.pays, &win.whole);
    wide_multiply(whole, &win.whole, &place.whole);
}

void lines_mean_make(struct lines_mean *mean, const struct bet *bet)
{
    ASSERT(bet_valid(bet));
    mean->pays = WIDE_ZERO_IN(mean->pays_limbs);
    mean->whole = WIDE_ZERO_IN(mean->whole_limbs);
    sum_ways(bet, &mean->pays, &mean->whole);
    wide_multiply_small(&mean->whole, bet_lines(bet));
}

bool lines_sum(const struct bet *bet, uint32_t share_permyriad, enum rounding rounding,
               struct money *ret)
{
    ASSERT(share_permyriad <= LINES_SHARE_WHOLE);
    struct lines_mean mean;
    lines_mean_make(&mean, bet);
    wide_multiply_small(&mean.pays, (uint64_t)bet->stake.minor);
    wide_multiply_small(&mean.pays, share_permyriad);
    wide_multiply_small(&mean.whole, LINES_SHARE_WHOLE);

    uint64_t quarters;
    if (!wide_divide_quarters(&mean.pays, &mean.whole, MONEY_MINOR_MAX, &quarters))
        return false;
    int64_t minor = round_fraction(quarters, 4, rounding);
    if (minor > MONEY_MINOR_MAX)
        return false;
    *ret = money_of(minor, bet->stake.currency);
    return true;
}
