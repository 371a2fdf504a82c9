/* slow.c - contract in slow.h. */
#include "test.h"

#include "slow.h"

struct slow slow_of(uint64_t value)
{
    struct slow slow = {{0}};
    for (int i = 0; value > 0; i++, value /= 10)
        slow.digit[i] = (uint8_t)(value % 10);
    return slow;
}

struct slow slow_add(struct slow a, struct slow b)
{
    int carry = 0;
    for (int i = 0; i < SLOW_DIGITS; i++) {
        carry += a.digit[i] + b.digit[i];
        a.digit[i] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    assert_int_equal(carry, 0);
    return a;
}

static struct slow subtract(struct slow a, struct slow b)
{
    int borrow = 0;
    for (int i = 0; i < SLOW_DIGITS; i++) {
        int digit = a.digit[i] - b.digit[i] - borrow;
        borrow = digit < 0;
        a.digit[i] = (uint8_t)(digit + (borrow ? 10 : 0));
    }
    assert_int_equal(borrow, 0);
    return a;
}

static struct slow times_ten(struct slow a)
{
    assert_int_equal(a.digit[SLOW_DIGITS - 1], 0);
    for (int i = SLOW_DIGITS - 1; i > 0; i--)
        a.digit[i] = a.digit[i - 1];
    a.digit[0] = 0;
    return a;
}

struct slow slow_multiply(struct slow a, struct slow b)
{
    struct slow product = slow_of(0);
    for (int i = SLOW_DIGITS - 1; i >= 0; i--) {
        product = times_ten(product);
        for (int n = 0; n < b.digit[i]; n++)
            product = slow_add(product, a);
    }
    return product;
}

int slow_compare(struct slow a, struct slow b)
{
    for (int i = SLOW_DIGITS - 1; i >= 0; i--)
        if (a.digit[i] != b.digit[i])
            return a.digit[i] < b.digit[i] ? -1 : 1;
    return 0;
}

struct slow slow_divide(struct slow a, struct slow b, enum rounding rounding)
{
    struct slow quotient = slow_of(0);
    struct slow rest = slow_of(0);
    for (int i = SLOW_DIGITS - 1; i >= 0; i--) {
        rest = times_ten(rest);
        rest.digit[0] = a.digit[i];
        for (; slow_compare(rest, b) >= 0; quotient.digit[i]++)
            rest = subtract(rest, b);
    }
    int half = slow_compare(slow_add(rest, rest), b); /* below, exactly, above a half */
    bool more = (rounding == ROUND_HALF_UP && half >= 0) ||
                (rounding == ROUND_HALF_EVEN && (half > 0 || (half == 0 && quotient.digit[0] % 2)));
    return more ? slow_add(quotient, slow_of(1)) : quotient;
}
