/* odds.h - decimal prices as exact fractions: 2.10 is 21/10 and 8/13 fractional is 21/13.
 * Source: BETTING-RULES 4.10; CONTRACT (odds are decimal rounded half up to 4 places, and
 * odds_exact binds where the price is no such decimal). Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* In lowest terms; numerator > denominator for a price, {0, 0} is "no price". Both at most
 * ODDS_TERM_MAX, so that a cross product fits 64 bits. */
struct odds {
    uint32_t numerator;
    uint32_t denominator;
};

#define ODDS_NONE        ((struct odds){0, 0})
#define ODDS_TERM_MAX    1000000000u
#define ODDS_DECIMAL_MAX 100000 /* as MTS: 1.0000 .. 100,000.0000 */

static inline bool odds_present(struct odds odds)
{
    return odds.denominator != 0;
}

/* Lowest terms. False when denominator is 0, numerator <= denominator, a term in lowest terms is
 * above ODDS_TERM_MAX or the price above ODDS_DECIMAL_MAX; *ret is then not written. */
bool odds_make(uint64_t numerator, uint64_t denominator, struct odds *ret);
/* The price of a multiple: total * next, exact. False when that is no price (odds_make), and ever
 * after when total is ODDS_NONE; *total is then ODDS_NONE. */
bool odds_multiply(struct odds *total, struct odds next);
/* "2.10" (at most 4 places, exact). 0, -ERR_FORMAT, -ERR_LIMIT (also <= 1). */
int odds_parse_decimal(struct slice digits, struct odds *ret);
/* The decimal price as an exact fraction: "21/13"; need not be in lowest terms. No sign, space or
 * leading zero; more than 18 digits in a term are -ERR_LIMIT. Errors as above. */
int odds_parse_exact(struct slice text, struct odds *ret);

static inline bool odds_equal(struct odds a, struct odds b)
{
    return a.numerator == b.numerator && a.denominator == b.denominator;
}
/* -1, 0, 1 as a <, =, > b. From here on every price given is present (ASSERT). */
int odds_compare(struct odds a, struct odds b);
/* True when the price is a decimal of at most 4 places, so that `odds` alone says it. */
bool odds_is_decimal(struct odds odds);

/* Is `current` acceptable to one who asked for `asked` with a relative, one-sided tolerance?
 * current * 10000 >= asked * (10000 - tolerance); an improvement always is (DESIGN 6.1). A
 * tolerance of 10000 or more accepts every price. */
bool odds_within(struct odds current, struct odds asked, uint32_t tolerance_permyriad);

enum odds_format {
    ODDS_DECIMAL = 1,
    ODDS_FRACTIONAL,
    ODDS_AMERICAN,
    ODDS_HONG_KONG,
    ODDS_MALAY,
    ODDS_INDONESIAN,
};

/* Writes the display form (BETTING-RULES 4.10). Fractional is exact; the others are rounded half
 * up (half away from zero) to 2 places (American: whole), decimal to at least 2 and at most 4. */
void odds_write(struct buf *buf, struct odds odds, enum odds_format format);
/* The JSON form of CONTRACT: at least 2 and at most 4 places, half up. */
void odds_write_decimal(struct buf *buf, struct odds odds);
/* "21/13". */
void odds_write_exact(struct buf *buf, struct odds odds);
