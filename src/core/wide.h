/* wide.h - whole numbers of many limbs in arrays of the caller's, for products of prices that fit
 * no machine word. The only door to GMP (its mpn layer; docs/decisions/0004): gmp.h stands in
 * wide.c alone, nothing allocates, nothing is longer than its array says. Never negative.
 *
 * Every result that would not fit its array is a programmer error (ASSERT), never a cut number:
 * whoever makes the arrays states the bound (core/leg_factor.h, core/bet_return.c). Thread: any
 * (one user). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"

#define WIDE_LIMB_BITS 64

/* The value is the sum of limb[i] * 2^(64 i), i < count; the highest limb is not 0, so 0 has no
 * limbs. Borrows `limb`, an array of `capacity`. */
struct wide {
    uint64_t *limb;
    uint32_t count;
    uint32_t capacity;
};

/* Zero, in an array (not a pointer) of the caller's. */
#define WIDE_ZERO_IN(array)                                                                        \
    ((struct wide){(array), 0, (uint32_t)(sizeof(array) / sizeof(uint64_t))})

static inline bool wide_is_zero(const struct wide *a)
{
    return a->count == 0;
}

static inline void wide_set(struct wide *a, uint64_t value)
{
    ASSERT(a->capacity > 0);
    a->limb[0] = value;
    a->count = value > 0;
}

void wide_copy(struct wide *to, const struct wide *from);
/* -1, 0, 1 as a <, =, > b. */
int wide_compare(const struct wide *a, const struct wide *b);
/* a += b, a -= b (b <= a), a *= factor. Needs room for a limb of carry if there is one. */
void wide_add(struct wide *a, const struct wide *b);
void wide_subtract(struct wide *a, const struct wide *b);
void wide_multiply_small(struct wide *a, uint64_t factor);
/* product = a * b; product shares its array with neither and has room for a->count + b->count. */
void wide_multiply(struct wide *product, const struct wide *a, const struct wide *b);
/* sum = a * b + c * d; as above, with room for one limb more than the longer product. */
void wide_multiply_add(struct wide *sum, const struct wide *a, const struct wide *b,
                       const struct wide *c, const struct wide *d);

/* numerator / denominator in quarters: four times the whole part, plus 0 without a rest, 1 for a
 * rest below a half, 2 for a half, 3 above: all that a rounding needs to know. False when the whole
 * part is above whole_max (<= 2^61), *ret_quarters is then not written. Destroys the numerator,
 * whose array has room for denominator->count + 1; the denominator is not 0. */
bool wide_divide_quarters(struct wide *numerator, const struct wide *denominator,
                          uint64_t whole_max, uint64_t *ret_quarters);
