/* sim_exact.c - contract in sim_exact.h. As at school. */
#include "sim/sim_exact.h"

#include "base/assert.h"

#define AMOUNT_BITS 52

void sim_exact_set(struct sim_exact *a, uint64_t n)
{
    a->count = n != 0;
    a->limbs[0] = n;
}

static uint64_t limb(const struct sim_exact *a, uint32_t at)
{
    return at < a->count ? a->limbs[at] : 0;
}

static void put(struct sim_exact *a, uint32_t at, uint64_t n)
{
    ASSERT(at < SIM_EXACT_LIMBS || n == 0);
    if (at < SIM_EXACT_LIMBS)
        a->limbs[at] = n;
}

static void cut_zeros(struct sim_exact *a, uint32_t count)
{
    a->count = count < SIM_EXACT_LIMBS ? count : SIM_EXACT_LIMBS;
    while (a->count > 0 && a->limbs[a->count - 1] == 0)
        a->count--;
}

void sim_exact_add(struct sim_exact *a, const struct sim_exact *b)
{
    uint32_t count = a->count > b->count ? a->count : b->count;
    unsigned __int128 carry = 0;
    for (uint32_t i = 0; i < count; i++) {
        carry += (unsigned __int128)limb(a, i) + limb(b, i);
        put(a, i, (uint64_t)carry);
        carry >>= 64;
    }
    put(a, count, (uint64_t)carry);
    cut_zeros(a, count + 1);
}

void sim_exact_subtract(struct sim_exact *a, const struct sim_exact *b)
{
    uint64_t borrow = 0;
    ASSERT(sim_exact_compare(a, b) >= 0);
    for (uint32_t i = 0; i < a->count; i++) {
        unsigned __int128 taken = (unsigned __int128)limb(b, i) + borrow;
        borrow = a->limbs[i] < taken;
        a->limbs[i] -= (uint64_t)taken;
    }
    cut_zeros(a, a->count);
}

void sim_exact_times(struct sim_exact *a, const struct sim_exact *b)
{
    struct sim_exact product;
    uint32_t count = a->count + b->count;
    for (uint32_t i = 0; i < count && i < SIM_EXACT_LIMBS; i++)
        product.limbs[i] = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        unsigned __int128 carry = 0;
        for (uint32_t k = 0; k <= b->count && i + k < SIM_EXACT_LIMBS; k++) {
            carry += (unsigned __int128)a->limbs[i] * limb(b, k) + product.limbs[i + k];
            product.limbs[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        ASSERT(carry == 0);
    }
    cut_zeros(&product, count);
    *a = product;
}

void sim_exact_times_small(struct sim_exact *a, uint64_t n)
{
    struct sim_exact b;
    sim_exact_set(&b, n);
    sim_exact_times(a, &b);
}

int sim_exact_compare(const struct sim_exact *a, const struct sim_exact *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* Is n times bottom at most top? */
static bool fits(uint64_t n, const struct sim_exact *bottom, const struct sim_exact *top)
{
    struct sim_exact product = *bottom;
    sim_exact_times_small(&product, n);
    return sim_exact_compare(&product, top) <= 0;
}

int64_t sim_exact_amount(const struct sim_exact *top, const struct sim_exact *bottom,
                         enum rounding rounding)
{
    uint64_t down = 0;
    for (int bit = AMOUNT_BITS; bit-- > 0;) /* tried from above, as nobody divides like this */
        if (fits(down | UINT64_C(1) << bit, bottom, top))
            down |= UINT64_C(1) << bit;
    struct sim_exact twice = *top, half = *bottom;
    sim_exact_times_small(&twice, 2);
    sim_exact_times_small(&half, 2 * down + 1);
    int order = sim_exact_compare(&twice, &half);
    if (rounding == ROUND_DOWN || order < 0)
        return (int64_t)down;
    if (order > 0 || rounding == ROUND_HALF_UP)
        return (int64_t)down + 1;
    return (int64_t)(down + (down & 1));
}
