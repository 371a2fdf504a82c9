/* test_wide.c - numbers of many limbs (core/wide.h), against GMP's mpz. */
#include "test.h"

#include <gmp.h>
#include <string.h>

#include "base/prng.h"
#include "core/wide.h"

#define LIMBS  24
#define LARGER 64
#define ROUNDS 20000

struct number {
    struct wide wide;
    mpz_t mpz;
    uint64_t limbs[LARGER];
};

static void begin(struct number *number)
{
    number->wide = WIDE_ZERO_IN(number->limbs);
    mpz_init(number->mpz);
}

static void take_wide(mpz_t ret, const struct wide *wide)
{
    mpz_import(ret, wide->count, -1, sizeof(uint64_t), 0, 0, wide->limb);
}

/* Limbs of ones and of zeros are where carries go wrong. */
static void draw(struct number *number, struct prng *prng, uint32_t limbs_max)
{
    uint32_t count = (uint32_t)prng_below(prng, limbs_max + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t kind = prng_below(prng, 4);
        number->limbs[i] = kind == 0 ? UINT64_MAX : kind == 1 ? 0 : prng_next(prng);
    }
    if (count > 0 && number->limbs[count - 1] == 0)
        number->limbs[count - 1] = 1;
    number->wide.count = count;
    take_wide(number->mpz, &number->wide);
}

static void check(const struct wide *wide, const mpz_t expected)
{
    mpz_t found;
    mpz_init(found);
    take_wide(found, wide);
    assert_int_equal(mpz_cmp(found, expected), 0);
    assert_true(wide->count == 0 || wide->limb[wide->count - 1] > 0);
    mpz_clear(found);
}

TEST(wide, adds_subtracts_and_multiplies_as_whole_numbers_do)
{
    struct number a, b, c, d, sum;
    struct prng prng;
    mpz_t expected;
    prng_seed(&prng, 1);
    begin(&a), begin(&b), begin(&c), begin(&d), begin(&sum);
    mpz_init(expected);
    for (int i = 0; i < ROUNDS; i++) {
        draw(&a, &prng, LIMBS), draw(&b, &prng, prng_below(&prng, 2) ? 1 : LIMBS);
        draw(&c, &prng, LIMBS), draw(&d, &prng, prng_below(&prng, 2) ? 1 : LIMBS);
        int order = mpz_cmp(a.mpz, c.mpz);
        assert_int_equal(wide_compare(&a.wide, &c.wide), (order > 0) - (order < 0));
        wide_multiply(&sum.wide, &a.wide, &b.wide);
        mpz_mul(expected, a.mpz, b.mpz);
        check(&sum.wide, expected);
        wide_multiply_add(&sum.wide, &a.wide, &b.wide, &c.wide, &d.wide);
        mpz_addmul(expected, c.mpz, d.mpz);
        check(&sum.wide, expected);
        wide_copy(&sum.wide, &a.wide);
        wide_add(&sum.wide, &c.wide);
        mpz_add(expected, a.mpz, c.mpz);
        check(&sum.wide, expected);
        wide_subtract(&sum.wide, &a.wide);
        check(&sum.wide, c.mpz);
        uint64_t small = prng_below(&prng, 3) ? prng_next(&prng) : prng_below(&prng, 3);
        wide_multiply_small(&sum.wide, small);
        mpz_mul_ui(expected, c.mpz, small);
        check(&sum.wide, expected);
    }
    mpz_clears(expected, a.mpz, b.mpz, c.mpz, d.mpz, sum.mpz, NULL);
}

/* n = d * q + r is made for each kind of rest, so that every quarter is met. */
TEST(wide, divides_into_quarters)
{
    static const uint64_t most = UINT64_C(1) << 61;
    struct number denominator, numerator;
    struct prng prng;
    mpz_t rest, whole, product;
    prng_seed(&prng, 2);
    begin(&denominator), begin(&numerator);
    mpz_inits(rest, whole, product, NULL);
    int seen[4] = {0}, refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        draw(&denominator, &prng, LIMBS);
        if (denominator.wide.count == 0)
            continue;
        draw(&numerator, &prng, prng_below(&prng, 3) ? 1 : 3);
        mpz_set(whole, numerator.mpz);
        uint64_t kind = prng_below(&prng, 6);
        mpz_fdiv_q_2exp(rest, denominator.mpz, 1); /* half, if it is even */
        if (kind < 2)
            mpz_set_ui(rest, 0);
        else if (kind == 2 && mpz_cmp_ui(rest, 0) > 0)
            mpz_sub_ui(rest, rest, 1);
        else if (kind == 3)
            mpz_sub_ui(rest, denominator.mpz, 1);
        mpz_mul(product, denominator.mpz, whole);
        mpz_add(product, product, rest);
        numerator.wide.count = 0;
        size_t count = 0;
        mpz_export(numerator.limbs, &count, -1, sizeof(uint64_t), 0, 0, product);
        numerator.wide.count = (uint32_t)count;
        uint64_t quarters = 77;
        bool divided = wide_divide_quarters(&numerator.wide, &denominator.wide, most, &quarters);
        assert_int_equal(divided, mpz_cmp_ui(whole, most) <= 0);
        if (!divided) {
            assert_int_equal(quarters, 77);
            refused++;
            continue;
        }
        mpz_mul_2exp(rest, rest, 1);
        int order = mpz_cmp(rest, denominator.mpz);
        uint64_t quarter = mpz_sgn(rest) == 0 ? 0 : order < 0 ? 1 : order == 0 ? 2 : 3;
        assert_int_equal(quarters % 4, quarter);
        assert_int_equal(quarters / 4, mpz_get_ui(whole));
        seen[quarter]++;
    }
    for (int quarter = 0; quarter < 4; quarter++)
        assert_in_range(seen[quarter], 100, ROUNDS);
    assert_in_range(refused, 100, ROUNDS);
    mpz_clears(rest, whole, product, denominator.mpz, numerator.mpz, NULL);
}

TEST(wide, stops_before_an_array_is_too_short)
{
    uint64_t small[2] = {UINT64_MAX, UINT64_MAX};
    uint64_t other[2] = {UINT64_MAX, UINT64_MAX};
    uint64_t room[4];
    struct wide a = {small, 2, 2}, b = {other, 2, 2};
    expect_assert_failure(wide_add(&a, &b));
    a = (struct wide){small, 2, 2};
    small[0] = small[1] = UINT64_MAX;
    expect_assert_failure(wide_multiply_small(&a, 2));
    struct wide product = {room, 0, 3};
    expect_assert_failure(wide_multiply(&product, &a, &b));
    product.capacity = 4;
    expect_assert_failure(wide_multiply_add(&product, &a, &b, &a, &b)); /* no room for the carry */
    struct wide one = {room, 1, 1};
    expect_assert_failure(wide_copy(&one, &a));
    one = (struct wide){room, 0, 1};
    expect_assert_failure(wide_subtract(&one, &b));
    expect_assert_failure(wide_multiply(&a, &a, &b));
}
