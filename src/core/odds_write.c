/* odds_write.c - the written forms of a price (contract in odds.h; BETTING-RULES 4.10). For
 * display only: nothing is ever settled from a rounded form. */
#include "base/assert.h"
#include "base/decimal.h"
#include "core/money.h"
#include "core/odds.h"

/* Profit per unit staked, h = D - 1; in lowest terms because the price is. */
struct profit {
    uint32_t numerator;
    uint32_t denominator;
};

static void put_hundredths(struct buf *buf, uint64_t numerator, uint64_t denominator)
{
    decimal_write(
        buf, round_fraction((unsigned __int128)numerator * 100, denominator, ROUND_HALF_UP), 2);
}

/* -1/h; also as "-0.00" the sign says which side of evens the price is on. */
static void put_inverse(struct buf *buf, struct profit profit)
{
    buf_put_char(buf, '-');
    put_hundredths(buf, profit.denominator, profit.numerator);
}

/* +100h from evens on, else -100/h. */
static void put_american(struct buf *buf, struct profit profit, bool longer_or_evens)
{
    uint64_t gain = longer_or_evens ? profit.numerator : profit.denominator;
    uint64_t per = longer_or_evens ? profit.denominator : profit.numerator;
    buf_put_char(buf, longer_or_evens ? '+' : '-');
    buf_put_i64(buf, round_fraction((unsigned __int128)gain * 100, per, ROUND_HALF_UP));
}

static void put_fraction(struct buf *buf, uint32_t numerator, uint32_t denominator)
{
    buf_put_u64(buf, numerator);
    buf_put_char(buf, '/');
    buf_put_u64(buf, denominator);
}

void odds_write(struct buf *buf, struct odds odds, enum odds_format format)
{
    ASSERT(odds_present(odds));
    struct profit profit = {odds.numerator - odds.denominator, odds.denominator};
    bool longer_or_evens = profit.numerator >= profit.denominator;
    bool shorter_or_evens = profit.numerator <= profit.denominator;
    bool straight = true; /* h itself, not -1/h */

    switch (format) {
    case ODDS_DECIMAL:
        odds_write_decimal(buf, odds);
        return;
    case ODDS_FRACTIONAL:
        put_fraction(buf, profit.numerator, profit.denominator);
        return;
    case ODDS_AMERICAN:
        put_american(buf, profit, longer_or_evens);
        return;
    case ODDS_HONG_KONG:
        break;
    case ODDS_MALAY:
        straight = shorter_or_evens;
        break;
    case ODDS_INDONESIAN:
        straight = longer_or_evens;
        break;
    default:
        assert_failed(__FILE__, __LINE__, "a format of odds");
    }
    if (straight)
        put_hundredths(buf, profit.numerator, profit.denominator);
    else
        put_inverse(buf, profit);
}

void odds_write_decimal(struct buf *buf, struct odds odds)
{
    ASSERT(odds_present(odds));
    int64_t mantissa =
        round_fraction((unsigned __int128)odds.numerator * 10000, odds.denominator, ROUND_HALF_UP);
    int scale = 4;
    while (scale > 2 && mantissa % 10 == 0) {
        mantissa /= 10;
        scale--;
    }
    decimal_write(buf, mantissa, scale);
}

void odds_write_exact(struct buf *buf, struct odds odds)
{
    ASSERT(odds_present(odds));
    put_fraction(buf, odds.numerator, odds.denominator);
}
