/* leg_factor.c - contract in leg_factor.h. */
#include "core/leg_factor.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/divisor.h"

_Static_assert(LEG_FACTOR_BITS_MAX <= LEG_FACTOR_LIMBS * WIDE_LIMB_BITS, "the longest factor fits");

#define HALVES  2u
#define HUNDRED 100u

bool leg_part_valid(const struct leg_part *part)
{
    bool outcome =
        part->open != NULL ? leg_chances_valid(*part->open) : leg_result_valid(part->result);
    return outcome && deductions_valid(&part->deductions);
}

/* ---- what becomes of the stake ---- */

/* Of `whole`, `back` comes back as it is and `priced` comes back times the price. */
struct split {
    uint64_t back;
    uint64_t priced;
    uint64_t whole;
};

static struct split split_settled(struct leg_result result)
{
    uint64_t back = (uint64_t)result.void_halves * result.dead_heat_denominator;
    uint64_t priced = (uint64_t)(HALVES - result.void_halves) * result.dead_heat_numerator;
    return (struct split){back, result.won ? priced : 0,
                          (uint64_t)HALVES * result.dead_heat_denominator};
}

static struct split split_open(struct leg_chances chances)
{
    uint64_t back = (uint64_t)chances.half_win + HALVES * (uint64_t)chances.refund;
    return (struct split){back + chances.half_lose,
                          HALVES * (uint64_t)chances.win + chances.half_win,
                          (uint64_t)HALVES * CHANCE_WHOLE};
}

static struct split split_of(const struct leg_part *part)
{
    struct split split = part->open != NULL ? split_open(*part->open) : split_settled(part->result);
    uint64_t divisor = common_divisor(split.whole, common_divisor(split.back, split.priced));
    return (struct split){split.back / divisor, split.priced / divisor, split.whole / divisor};
}

/* ---- the price that is paid ---- */

/* high / low, high >= low. Made in the arrays of the factor: pays and whole. */
struct price {
    struct wide *high;
    struct wide *low;
};

/* What is left of one deduction, in lowest terms. */
static struct split share_kept(uint16_t permyriad)
{
    uint64_t kept = DEDUCTION_WHOLE - permyriad;
    uint64_t divisor = common_divisor(kept, DEDUCTION_WHOLE);
    return (struct split){0, kept / divisor, DEDUCTION_WHOLE / divisor};
}

static void multiply_price(struct price price, uint64_t numerator, uint64_t denominator)
{
    wide_multiply_small(price.high, numerator);
    wide_multiply_small(price.low, denominator);
}

/* 1 + (price - 1) * numerator / denominator; the fraction is at most 1. */
static void shrink_winnings(struct price price, uint64_t numerator, uint64_t denominator)
{
    if (numerator == denominator)
        return;
    wide_subtract(price.high, price.low);
    multiply_price(price, numerator, denominator);
    wide_add(price.high, price.low);
}

static bool is_shorter(struct price price, uint64_t numerator, uint64_t denominator)
{
    uint64_t left_limbs[LEG_FACTOR_LIMBS + 1];
    uint64_t right_limbs[LEG_FACTOR_LIMBS + 1];
    struct wide left = WIDE_ZERO_IN(left_limbs);
    struct wide right = WIDE_ZERO_IN(right_limbs);
    wide_copy(&left, price.high);
    wide_copy(&right, price.low);
    wide_multiply_small(&left, denominator);
    wide_multiply_small(&right, numerator);
    return wide_compare(&left, &right) < 0;
}

static void set_price(struct price price, uint64_t numerator, uint64_t denominator)
{
    wide_set(price.high, numerator);
    wide_set(price.low, denominator);
}

static void reduce_price(struct price price, struct odds taken, const struct deductions *deductions)
{
    for (uint8_t i = 0; i < deductions->count; i++) {
        struct split kept = share_kept(deductions->permyriad[i]);
        multiply_price(price, kept.priced, kept.whole);
    }
    if (!is_shorter(price, REDUCED_PRICE_LEAST, HUNDRED))
        return;
    bool short_before =
        (uint64_t)taken.numerator * HUNDRED < (uint64_t)taken.denominator * REDUCED_PRICE_LEAST;
    if (short_before)
        set_price(price, taken.numerator, taken.denominator);
    else
        set_price(price, REDUCED_PRICE_LEAST, HUNDRED);
}

static void make_price(struct price price, struct odds odds, const struct place_terms *terms,
                       const struct deductions *deductions)
{
    set_price(price, odds.numerator, odds.denominator);
    if (deductions->from == DEDUCTED_FROM_PRICE)
        reduce_price(price, odds, deductions);
    if (terms != NULL)
        shrink_winnings(price, terms->numerator, terms->denominator);
    if (deductions->from != DEDUCTED_FROM_WINNINGS)
        return;
    for (uint8_t i = 0; i < deductions->count; i++) {
        struct split kept = share_kept(deductions->permyriad[i]);
        shrink_winnings(price, kept.priced, kept.whole);
    }
}

/* ---- both together ---- */

/* Small numbers, nearly always, are made smaller: what a sum of lines costs is their length. */
static void reduce_terms(struct leg_factor *factor)
{
    if (factor->pays.count > 1 || factor->survives.count > 1 || factor->whole.count > 1)
        return;
    uint64_t pays = factor->pays.count > 0 ? factor->limbs[0][0] : 0;
    uint64_t survives = factor->survives.count > 0 ? factor->limbs[1][0] : 0;
    uint64_t whole = factor->limbs[2][0];
    uint64_t divisor = common_divisor(whole, common_divisor(pays, survives));
    wide_set(&factor->pays, pays / divisor);
    wide_set(&factor->survives, survives / divisor);
    wide_set(&factor->whole, whole / divisor);
}

void leg_factor_make(struct leg_factor *factor, struct odds odds, const struct place_terms *terms,
                     const struct leg_part *part)
{
    ASSERT(odds_present(odds));
    ASSERT(leg_part_valid(part));
    ASSERT(terms == NULL || place_terms_valid(*terms));
    factor->pays = WIDE_ZERO_IN(factor->limbs[0]);
    factor->survives = WIDE_ZERO_IN(factor->limbs[1]);
    factor->whole = WIDE_ZERO_IN(factor->limbs[2]);

    struct split split = split_of(part);
    if (split.priced == 0) { /* lost, void, half lost: at any price */
        wide_set(&factor->pays, split.back);
        wide_set(&factor->survives, split.back);
        wide_set(&factor->whole, split.whole);
        return;
    }
    /* pays = back * low + priced * high, survives = (back + priced) * low, whole = whole * low */
    make_price((struct price){&factor->pays, &factor->whole}, odds, terms, &part->deductions);
    wide_copy(&factor->survives, &factor->whole);
    if (split.whole == 1 && terms == NULL && part->deductions.count == 0)
        return; /* won: the price alone, which is in lowest terms */
    wide_multiply_small(&factor->pays, split.priced);
    wide_multiply_small(&factor->survives, split.back);
    wide_add(&factor->pays, &factor->survives);
    wide_copy(&factor->survives, &factor->whole);
    wide_multiply_small(&factor->survives, split.back + split.priced);
    wide_multiply_small(&factor->whole, split.whole);
    reduce_terms(factor);
}
