/* odds.c - contract in odds.h: what a price is. How it is written stands in odds_write.c. */
#include "core/odds.h"

#include "base/assert.h"
#include "base/decimal.h"
#include "base/divisor.h"
#include "base/error.h"

#define DECIMAL_PLACES   4
#define DECIMAL_UNIT     10000u
#define PERMYRIAD        10000u
#define EXACT_DIGITS_MAX 18 /* of one term before it is reduced: fits 64 bits */

bool odds_make(uint64_t numerator, uint64_t denominator, struct odds *ret)
{
    if (denominator == 0 || numerator <= denominator)
        return false;
    uint64_t divisor = common_divisor(numerator, denominator);
    numerator /= divisor;
    denominator /= divisor;
    if (numerator > ODDS_TERM_MAX || numerator > denominator * ODDS_DECIMAL_MAX)
        return false; /* the denominator is smaller still, so the product fits */
    *ret = (struct odds){(uint32_t)numerator, (uint32_t)denominator};
    return true;
}

bool odds_multiply(struct odds *total, struct odds next)
{
    uint64_t numerator = (uint64_t)total->numerator * next.numerator; /* terms fit 30 bits */
    if (odds_present(*total) && odds_present(next) &&
        odds_make(numerator, (uint64_t)total->denominator * next.denominator, total))
        return true;
    *total = ODDS_NONE;
    return false;
}

int odds_parse_decimal(struct slice digits, struct odds *ret)
{
    struct decimal value;
    int64_t mantissa;
    TRY(decimal_parse(digits, &value));
    TRY(decimal_rescale(value, DECIMAL_PLACES, &mantissa));
    if (mantissa <= 0 || !odds_make((uint64_t)mantissa, DECIMAL_UNIT, ret))
        return -ERR_LIMIT;
    return 0;
}

/* Takes the digits at the front of *text; false when there are none or the first is 0. */
static bool take_term(struct slice *text, uint64_t *ret_term, size_t *ret_digits)
{
    uint64_t term = 0;
    size_t digits = 0;
    while (digits < text->bytes && text->at[digits] >= '0' && text->at[digits] <= '9') {
        if (digits < EXACT_DIGITS_MAX)
            term = term * 10 + (uint64_t)(text->at[digits] - '0');
        digits++;
    }
    if (digits == 0 || text->at[0] == '0')
        return false;
    *text = slice_skip(*text, digits);
    *ret_term = term;
    *ret_digits = digits;
    return true;
}

int odds_parse_exact(struct slice text, struct odds *ret)
{
    uint64_t numerator;
    uint64_t denominator;
    size_t numerator_digits;
    size_t denominator_digits;
    if (!take_term(&text, &numerator, &numerator_digits))
        return -ERR_FORMAT;
    if (text.bytes == 0 || text.at[0] != '/')
        return -ERR_FORMAT;
    text = slice_skip(text, 1);
    if (!take_term(&text, &denominator, &denominator_digits) || text.bytes != 0)
        return -ERR_FORMAT;
    if (numerator_digits > EXACT_DIGITS_MAX || denominator_digits > EXACT_DIGITS_MAX)
        return -ERR_LIMIT;
    return odds_make(numerator, denominator, ret) ? 0 : -ERR_LIMIT;
}

int odds_compare(struct odds a, struct odds b)
{
    ASSERT(odds_present(a));
    ASSERT(odds_present(b));
    uint64_t left = (uint64_t)a.numerator * b.denominator;
    uint64_t right = (uint64_t)b.numerator * a.denominator;
    return (left > right) - (left < right);
}

bool odds_is_decimal(struct odds odds)
{
    ASSERT(odds_present(odds));
    return DECIMAL_UNIT % odds.denominator == 0;
}

bool odds_within(struct odds current, struct odds asked, uint32_t tolerance_permyriad)
{
    ASSERT(odds_present(current));
    ASSERT(odds_present(asked));
    if (tolerance_permyriad >= PERMYRIAD)
        return true;
    unsigned __int128 left = (unsigned __int128)current.numerator * asked.denominator * PERMYRIAD;
    unsigned __int128 right = (unsigned __int128)asked.numerator * current.denominator *
                              (PERMYRIAD - tolerance_permyriad);
    return left >= right;
}
