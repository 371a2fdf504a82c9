/* money.c - contract in money.h. */
#include "core/money.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"

/* X(code, ISO 4217 number, places of the minor unit), in alphabetical order. */
#define CURRENCY_LIST(X)                                                                           \
    X(AED, 784, 2)                                                                                 \
    X(ARS, 32, 2)                                                                                  \
    X(AUD, 36, 2)                                                                                  \
    X(BGN, 975, 2)                                                                                 \
    X(BHD, 48, 3)                                                                                  \
    X(BRL, 986, 2)                                                                                 \
    X(CAD, 124, 2)                                                                                 \
    X(CHF, 756, 2)                                                                                 \
    X(CLP, 152, 0)                                                                                 \
    X(CNY, 156, 2)                                                                                 \
    X(COP, 170, 2)                                                                                 \
    X(CZK, 203, 2)                                                                                 \
    X(DKK, 208, 2)                                                                                 \
    X(EUR, 978, 2)                                                                                 \
    X(GBP, 826, 2)                                                                                 \
    X(GEL, 981, 2)                                                                                 \
    X(GHS, 936, 2)                                                                                 \
    X(HKD, 344, 2)                                                                                 \
    X(HUF, 348, 2)                                                                                 \
    X(IDR, 360, 2)                                                                                 \
    X(ILS, 376, 2)                                                                                 \
    X(INR, 356, 2)                                                                                 \
    X(ISK, 352, 0)                                                                                 \
    X(JOD, 400, 3)                                                                                 \
    X(JPY, 392, 0)                                                                                 \
    X(KES, 404, 2)                                                                                 \
    X(KRW, 410, 0)                                                                                 \
    X(KWD, 414, 3)                                                                                 \
    X(KZT, 398, 2)                                                                                 \
    X(MAD, 504, 2)                                                                                 \
    X(MXN, 484, 2)                                                                                 \
    X(MYR, 458, 2)                                                                                 \
    X(NGN, 566, 2)                                                                                 \
    X(NOK, 578, 2)                                                                                 \
    X(NZD, 554, 2)                                                                                 \
    X(OMR, 512, 3)                                                                                 \
    X(PEN, 604, 2)                                                                                 \
    X(PHP, 608, 2)                                                                                 \
    X(PLN, 985, 2)                                                                                 \
    X(PYG, 600, 0)                                                                                 \
    X(RON, 946, 2)                                                                                 \
    X(RSD, 941, 2)                                                                                 \
    X(SEK, 752, 2)                                                                                 \
    X(SGD, 702, 2)                                                                                 \
    X(THB, 764, 2)                                                                                 \
    X(TND, 788, 3)                                                                                 \
    X(TRY, 949, 2)                                                                                 \
    X(TZS, 834, 2)                                                                                 \
    X(UAH, 980, 2)                                                                                 \
    X(UGX, 800, 0)                                                                                 \
    X(USD, 840, 2)                                                                                 \
    X(UYU, 858, 2)                                                                                 \
    X(VND, 704, 0)                                                                                 \
    X(XAF, 950, 0)                                                                                 \
    X(XOF, 952, 0)                                                                                 \
    X(ZAR, 710, 2)                                                                                 \
    X(ZMW, 967, 2)

#define CURRENCY_BYTES 3

static const struct row {
    char code[CURRENCY_BYTES + 1];
    uint16_t iso;
    int scale;
} rows[] = {
#define ROW(code, iso, scale) {#code, iso, scale},
    CURRENCY_LIST(ROW)
#undef ROW
};

/* NULL for none and for a number that is not listed. A switch, because every amount that is
 * written asks: the compiler makes it a jump and refuses a number that stands twice. */
static const struct row *find_row(struct currency currency)
{
    enum {
#define INDEX(code, iso, scale) INDEX_##code,
        CURRENCY_LIST(INDEX)
#undef INDEX
    };
    switch (currency.iso) {
#define CASE(code, iso, scale)                                                                     \
    case iso:                                                                                      \
        return &rows[INDEX_##code];
        CURRENCY_LIST(CASE)
#undef CASE
    default:
        return NULL;
    }
}

bool currency_parse(struct slice code, struct currency *ret)
{
    if (code.bytes != CURRENCY_BYTES)
        return false;
    size_t low = 0;
    size_t high = sizeof rows / sizeof *rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(code.at, rows[middle].code, CURRENCY_BYTES);
        if (order == 0) {
            *ret = (struct currency){rows[middle].iso};
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

bool currency_known(struct currency currency)
{
    return find_row(currency) != NULL;
}

const char *currency_code(struct currency currency)
{
    const struct row *row = find_row(currency);
    return row != NULL ? row->code : "XXX";
}

int currency_scale(struct currency currency)
{
    if (currency_equal(currency, CURRENCY_NONE))
        return 2;
    const struct row *row = find_row(currency);
    ASSERT(row != NULL);
    return row->scale;
}

static bool within_bounds(int64_t minor)
{
    return minor >= -MONEY_MINOR_MAX && minor <= MONEY_MINOR_MAX;
}

struct money money_add(struct money a, struct money b)
{
    ASSERT(currency_equal(a.currency, b.currency));
    ASSERT(within_bounds(a.minor));
    ASSERT(within_bounds(b.minor));
    int64_t sum = a.minor + b.minor;
    ASSERT(within_bounds(sum)); /* L4 */
    return money_of(sum, a.currency);
}

struct money money_subtract(struct money a, struct money b)
{
    ASSERT(within_bounds(b.minor)); /* or the negation could overflow */
    return money_add(a, money_of(-b.minor, b.currency));
}

int money_parse(struct slice digits, struct currency currency, struct money *ret)
{
    struct decimal value;
    int64_t minor;
    TRY(decimal_parse(digits, &value));
    TRY(decimal_rescale(value, currency_scale(currency), &minor));
    if (!within_bounds(minor))
        return -ERR_LIMIT;
    *ret = money_of(minor, currency);
    return 0;
}

void money_write(struct buf *buf, struct money money)
{
    decimal_write(buf, money.minor, currency_scale(money.currency));
}

/* `rest` is what the division left: does the mode give the quotient one more? */
static bool rounds_up(unsigned __int128 rest, unsigned __int128 denominator, bool odd,
                      enum rounding rounding)
{
    unsigned __int128 missing = denominator - rest; /* 2 * rest could overflow */
    switch (rounding) {
    case ROUND_DOWN:
        return false;
    case ROUND_HALF_UP:
        return rest >= missing;
    case ROUND_HALF_EVEN:
        break;
    }
    ASSERT(rounding == ROUND_HALF_EVEN);
    return rest > missing || (rest == missing && odd);
}

int64_t round_fraction(unsigned __int128 numerator, unsigned __int128 denominator,
                       enum rounding rounding)
{
    ASSERT(denominator > 0);
    unsigned __int128 quotient = numerator / denominator;
    unsigned __int128 rest = numerator % denominator;
    ASSERT(quotient <= INT64_MAX);
    if (rounds_up(rest, denominator, quotient % 2 == 1, rounding))
        quotient++;
    ASSERT(quotient <= INT64_MAX);
    return (int64_t)quotient;
}
