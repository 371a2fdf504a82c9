/* wide.c - contract in wide.h. */
#include "core/wide.h"

#include <gmp.h>
#include <string.h>

_Static_assert(sizeof(mp_limb_t) == sizeof(uint64_t) && GMP_NUMB_BITS == WIDE_LIMB_BITS,
               "a limb of GMP is a limb of ours");

#define QUOTIENT_LIMBS   2u
#define WHOLE_MAX        (UINT64_C(1) << 61)
#define QUARTER_BELOW    1u
#define QUARTER_HALF     2u
#define QUARTER_ABOVE    3u
#define QUARTERS_A_WHOLE 4u

/* uint64_t is unsigned long, and so is a limb, where this is built; the cast says so elsewhere. */
static mp_limb_t *limbs(const struct wide *a)
{
    return (mp_limb_t *)a->limb;
}

/* Drops the zeros at the top. */
static void normalise(struct wide *a, uint32_t count)
{
    while (count > 0 && a->limb[count - 1] == 0)
        count--;
    a->count = count;
}

static void put_carry(struct wide *a, uint64_t carry)
{
    if (carry == 0)
        return;
    ASSERT(a->count < a->capacity);
    a->limb[a->count++] = carry;
}

void wide_copy(struct wide *to, const struct wide *from)
{
    ASSERT(from->count <= to->capacity);
    if (from->count > 0)
        memcpy(to->limb, from->limb, from->count * sizeof *to->limb);
    to->count = from->count;
}

int wide_compare(const struct wide *a, const struct wide *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    if (a->count == 0)
        return 0;
    int order = mpn_cmp(limbs(a), limbs(b), a->count);
    return (order > 0) - (order < 0);
}

void wide_add(struct wide *a, const struct wide *b)
{
    if (b->count == 0)
        return;
    ASSERT(b->count <= a->capacity);
    while (a->count < b->count) /* mpn_add wants the longer one first */
        a->limb[a->count++] = 0;
    put_carry(a, mpn_add(limbs(a), limbs(a), a->count, limbs(b), b->count));
}

void wide_subtract(struct wide *a, const struct wide *b)
{
    ASSERT(wide_compare(a, b) >= 0);
    if (b->count == 0)
        return;
    uint64_t borrow = mpn_sub(limbs(a), limbs(a), a->count, limbs(b), b->count);
    ASSERT(borrow == 0);
    normalise(a, a->count);
}

void wide_multiply_small(struct wide *a, uint64_t factor)
{
    if (factor == 1 || a->count == 0)
        return;
    if (factor == 0) {
        a->count = 0;
        return;
    }
    put_carry(a, mpn_mul_1(limbs(a), limbs(a), a->count, factor));
}

void wide_multiply(struct wide *product, const struct wide *a, const struct wide *b)
{
    ASSERT(product->limb != a->limb);
    ASSERT(product->limb != b->limb);
    if (a->count == 0 || b->count == 0) {
        product->count = 0;
        return;
    }
    ASSERT(a->count + b->count <= product->capacity);
    if (b->count == 1) /* nearly always: a leg's term is one limb */
        product->limb[a->count] = mpn_mul_1(limbs(product), limbs(a), a->count, b->limb[0]);
    else if (a->count >= b->count)
        (void)mpn_mul(limbs(product), limbs(a), a->count, limbs(b), b->count);
    else
        (void)mpn_mul(limbs(product), limbs(b), b->count, limbs(a), a->count);
    normalise(product, a->count + b->count);
}

/* sum += a * b, row by row. sum->count is at least a->count + b->count + 1: there is room. */
static void add_product(struct wide *sum, const struct wide *a, const struct wide *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        mp_limb_t *row = limbs(sum) + i;
        uint64_t carry = mpn_addmul_1(row, limbs(a), a->count, b->limb[i]);
        carry = mpn_add_1(row + a->count, row + a->count, sum->count - i - a->count, carry);
        ASSERT(carry == 0);
    }
}

void wide_multiply_add(struct wide *sum, const struct wide *a, const struct wide *b,
                       const struct wide *c, const struct wide *d)
{
    ASSERT(sum->limb != c->limb);
    ASSERT(sum->limb != d->limb);
    wide_multiply(sum, a, b);
    if (c->count == 0 || d->count == 0)
        return;
    uint32_t count = c->count + d->count;
    if (count < sum->count)
        count = sum->count;
    count++;
    ASSERT(count <= sum->capacity);
    memset(sum->limb + sum->count, 0, (count - sum->count) * sizeof *sum->limb);
    sum->count = count;
    add_product(sum, c, d);
    normalise(sum, count);
}

/* Which quarter of the denominator the rest lies in. Doubles the rest in its place. */
static uint64_t quarter_of(struct wide *rest, const struct wide *denominator)
{
    if (rest->count == 0)
        return 0;
    put_carry(rest, mpn_lshift(limbs(rest), limbs(rest), rest->count, 1));
    int order = wide_compare(rest, denominator);
    if (order == 0)
        return QUARTER_HALF;
    return order < 0 ? QUARTER_BELOW : QUARTER_ABOVE;
}

bool wide_divide_quarters(struct wide *numerator, const struct wide *denominator,
                          uint64_t whole_max, uint64_t *ret_quarters)
{
    ASSERT(denominator->count > 0);
    ASSERT(numerator->capacity > denominator->count);
    ASSERT(whole_max <= WHOLE_MAX);
    mp_limb_t quotient[QUOTIENT_LIMBS] = {0, 0};
    if (numerator->count > denominator->count + 1)
        return false; /* the quotient has more than 64 bits */
    if (numerator->count >= denominator->count) {
        mpn_tdiv_qr(quotient, limbs(numerator), 0, limbs(numerator), numerator->count,
                    limbs(denominator), denominator->count);
        normalise(numerator, denominator->count);
    }
    if (quotient[1] > 0 || quotient[0] > whole_max)
        return false;
    *ret_quarters = quotient[0] * QUARTERS_A_WHOLE + quarter_of(numerator, denominator);
    return true;
}
