/* decimal.c - contract in decimal.h.
 * Each digit has a weight (a power of ten); a number is exact when no digit other than zero
 * has a weight outside of what the result can hold. Texts and exponents of any length end in
 * an answer: weights are 64-bit and the exponent saturates. */
#include "base/decimal.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/error.h"

#define EXPONENT_MAX (INT64_C(1) << 40) /* beyond any text's length, so a certain refusal */

static const int64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};
#define POWER_MAX ((int)(sizeof powers / sizeof powers[0]) - 1)

/* The grammar of RFC 8259, section 6, taken apart. */
struct parts {
    bool negative;
    struct slice whole, fraction;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct slice take_digits(struct slice *rest)
{
    size_t bytes = 0;
    while (bytes < rest->bytes && is_digit(rest->at[bytes]))
        bytes++;
    struct slice digits = {rest->at, bytes};
    *rest = slice_skip(*rest, bytes);
    return digits;
}

static bool take_char(struct slice *rest, char c)
{
    if (rest->bytes == 0 || rest->at[0] != c)
        return false;
    *rest = slice_skip(*rest, 1);
    return true;
}

static bool take_exponent(struct slice *rest, int64_t *ret_exponent)
{
    bool negative = take_char(rest, '-');
    if (!negative)
        (void)take_char(rest, '+');
    struct slice digits = take_digits(rest);
    int64_t exponent = 0;
    for (size_t i = 0; i < digits.bytes && exponent < EXPONENT_MAX; i++)
        exponent = exponent * 10 + (digits.at[i] - '0');
    *ret_exponent = negative ? -exponent : exponent;
    return digits.bytes > 0;
}

static bool take_apart(struct slice rest, struct parts *ret)
{
    *ret = (struct parts){.negative = take_char(&rest, '-'), .fraction = SLICE_NONE};
    ret->whole = take_digits(&rest);
    if (ret->whole.bytes == 0 || (ret->whole.bytes > 1 && ret->whole.at[0] == '0'))
        return false;
    if (take_char(&rest, '.')) {
        ret->fraction = take_digits(&rest);
        if (ret->fraction.bytes == 0)
            return false;
    }
    if ((take_char(&rest, 'e') || take_char(&rest, 'E')) && !take_exponent(&rest, &ret->exponent))
        return false;
    return rest.bytes == 0;
}

/* Adds the digits, the first of which has `weight`, to a mantissa of `scale` places. */
static int add_digits(int64_t *mantissa, struct slice digits, int64_t weight, int scale)
{
    for (size_t i = 0; i < digits.bytes; i++, weight--) {
        int64_t digit = digits.at[i] - '0';
        if (digit == 0)
            continue;
        if (weight < -scale || weight + scale > POWER_MAX)
            return -ERR_LIMIT;
        if (__builtin_mul_overflow(digit, powers[weight + scale], &digit) ||
            __builtin_add_overflow(*mantissa, digit, mantissa))
            return -ERR_LIMIT;
    }
    return 0;
}

int decimal_parse(struct slice digits, struct decimal *ret)
{
    struct parts parts;
    if (!take_apart(digits, &parts))
        return -ERR_FORMAT;
    int64_t places = (int64_t)parts.fraction.bytes - parts.exponent;
    int scale = places < 0 ? 0 : places > DECIMAL_SCALE_MAX ? DECIMAL_SCALE_MAX : (int)places;
    int64_t weight = (int64_t)parts.whole.bytes - 1 + parts.exponent;
    int64_t mantissa = 0;
    TRY(add_digits(&mantissa, parts.whole, weight, scale));
    TRY(add_digits(&mantissa, parts.fraction, parts.exponent - 1, scale));
    *ret = (struct decimal){parts.negative ? -mantissa : mantissa, scale};
    return 0;
}

int decimal_rescale(struct decimal value, int scale, int64_t *ret_mantissa)
{
    ASSERT(scale >= 0);
    ASSERT(scale <= DECIMAL_SCALE_MAX);
    ASSERT(value.scale >= 0);
    ASSERT(value.scale <= DECIMAL_SCALE_MAX);
    if (scale < value.scale) {
        int64_t divisor = powers[value.scale - scale];
        if (value.mantissa % divisor != 0)
            return -ERR_LIMIT;
        *ret_mantissa = value.mantissa / divisor;
        return 0;
    }
    int64_t mantissa;
    if (__builtin_mul_overflow(value.mantissa, powers[scale - value.scale], &mantissa))
        return -ERR_LIMIT;
    *ret_mantissa = mantissa;
    return 0;
}

void decimal_write(struct buf *buf, int64_t mantissa, int scale)
{
    ASSERT(scale >= 0);
    ASSERT(scale <= POWER_MAX);
    uint64_t left = mantissa < 0 ? (uint64_t)0 - (uint64_t)mantissa : (uint64_t)mantissa;
    char text[24]; /* sign, 19 digits, a point, and a zero before it */
    size_t first = sizeof text;
    for (int place = 0; place <= scale || left > 0; place++) {
        if (place == scale && scale > 0)
            text[--first] = '.';
        text[--first] = (char)('0' + left % 10);
        left /= 10;
    }
    if (mantissa < 0)
        text[--first] = '-';
    buf_put(buf, text + first, sizeof text - first);
}
