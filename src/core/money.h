/* money.h - amounts as integer minor units of a currency; no floating point anywhere near.
 * Source: DESIGN L4; rounding: BETTING-RULES 4 (one rounding per bet, mode stored with it).
 * Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "base/slice.h"

/* No amount of ours exceeds 10^15 minor units; sums of two always fit. */
#define MONEY_MINOR_MAX INT64_C(1000000000000000)

/* ISO 4217 numeric code; 0 is "none". */
struct currency {
    uint16_t iso;
};

#define CURRENCY_NONE ((struct currency){0})

struct money {
    int64_t minor;
    struct currency currency;
};

enum rounding { ROUND_DOWN = 1, ROUND_HALF_UP, ROUND_HALF_EVEN };

/* "GBP" -> 826. False for a code that is not in our table (see money.c). */
bool currency_parse(struct slice code, struct currency *ret);
/* False for none and for a number that is not in our table: decoders of records ask this first. */
bool currency_known(struct currency currency);
/* "GBP", or "XXX" for none (and for a number that is not in our table); never NULL. */
const char *currency_code(struct currency currency);
/* Places of the minor unit: 2 for GBP, 0 for JPY, 3 for KWD; 2 for none. A number that is not in
 * our table is a programmer error: an amount with a guessed scale would be another amount. */
int currency_scale(struct currency currency);

static inline bool currency_equal(struct currency a, struct currency b)
{
    return a.iso == b.iso;
}

static inline struct money money_of(int64_t minor, struct currency currency)
{
    return (struct money){minor, currency};
}

/* Same currency is a programmer's duty (ASSERT), and so is staying within MONEY_MINOR_MAX:
 * amounts from outside are limited where they enter. */
struct money money_add(struct money a, struct money b);
struct money money_subtract(struct money a, struct money b);

/* An amount as written by a client: 0; -ERR_FORMAT (not a number); -ERR_LIMIT (too many places
 * for the currency, or beyond MONEY_MINOR_MAX). Sign is kept; the caller refuses <= 0. */
int money_parse(struct slice digits, struct currency currency, struct money *ret);
/* "50.00" for 5000 GBP. */
void money_write(struct buf *buf, struct money money);

/* numerator / denominator rounded by mode; the arguments are not negative, the denominator is
 * not 0 and the answer fits int64_t (ASSERT). The one rounding of a bet (BETTING-RULES 4). */
int64_t round_fraction(unsigned __int128 numerator, unsigned __int128 denominator,
                       enum rounding rounding);
