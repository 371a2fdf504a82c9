/* uof_number.c - contract in uof_number.h. */
#include "feeds/uof/uof_number.h"

#include "core/market_line.h"

#define DIGITS_MAX   18 /* significant ones: what fits 64 bits */
#define EXPONENT_MAX 400
#define BILLION      UINT64_C(1000000000)

/* mantissa * 10^exponent; without trailing zeros. */
struct number {
    uint64_t mantissa;
    int exponent;
    bool negative;
    bool cut; /* further digits were lost, so it is a little more */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char first(struct slice text)
{
    return text.bytes > 0 ? text.at[0] : 0;
}

bool uof_whole(struct slice text, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = first(text) == '-';
    uint64_t value = 0;
    if (negative)
        text = slice_skip(text, 1);
    if (text.bytes == 0 || text.bytes > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        if (!is_digit(text.at[i]))
            return false;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    int64_t whole = negative ? -(int64_t)value : (int64_t)value;
    if (whole < min || whole > max)
        return false;
    *ret = whole;
    return true;
}

static void add_digit(struct number *number, unsigned *significant, char digit, bool fraction)
{
    if (number->mantissa == 0 && digit == '0') {
        number->exponent -= fraction;
        return;
    }
    if (*significant == DIGITS_MAX) {
        number->cut = number->cut || digit != '0';
        number->exponent += !fraction;
        return;
    }
    number->mantissa = number->mantissa * 10 + (uint64_t)(digit - '0');
    number->exponent -= fraction;
    (*significant)++;
}

/* Digits with at most one point among them; answers how many bytes it took, 0: no digit. */
static size_t take_digits(struct slice text, struct number *number)
{
    unsigned significant = 0;
    bool point = false, any = false;
    size_t i = 0;
    for (; i < text.bytes; i++) {
        if (text.at[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(text.at[i]))
            break;
        any = true;
        add_digit(number, &significant, text.at[i], point);
    }
    return any ? i : 0;
}

static bool parse(struct slice text, struct number *ret)
{
    struct number number = {0};
    int64_t exponent = 0;
    if (text.bytes > EXPONENT_MAX)
        return false;
    number.negative = first(text) == '-';
    if (first(text) == '-' || first(text) == '+')
        text = slice_skip(text, 1);
    size_t taken = take_digits(text, &number);
    text = slice_skip(text, taken);
    if (taken == 0)
        return false;
    if (first(text) == 'e' || first(text) == 'E') {
        text = slice_skip(text, 1);
        if (first(text) == '+')
            text = slice_skip(text, 1);
        if (!uof_whole(text, -EXPONENT_MAX, EXPONENT_MAX, &exponent))
            return false;
    } else if (text.bytes > 0)
        return false;
    number.exponent += (int)exponent;
    while (number.mantissa != 0 && number.mantissa % 10 == 0) {
        number.mantissa /= 10;
        number.exponent++;
    }
    *ret = number;
    return true;
}

static uint64_t power_of_ten(int exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* The value times 10^places, cut off; false when it is above `max`, which is at most 10^18. */
static bool scale(const struct number *number, int places, uint64_t max, uint64_t *ret)
{
    int shift = number->exponent + places;
    uint64_t value = number->mantissa;
    if (value == 0 || shift <= -DIGITS_MAX) {
        *ret = 0;
        return true;
    }
    if (shift < 0)
        value /= power_of_ten(-shift);
    else if (shift > DIGITS_MAX || value > max / power_of_ten(shift))
        return false;
    else
        value *= power_of_ten(shift);
    *ret = value;
    return value <= max;
}

bool uof_odds(struct slice text, struct odds *ret)
{
    struct number number;
    uint64_t numerator;
    *ret = ODDS_NONE;
    if (!parse(text, &number))
        return false;
    int places = number.exponent < 0 ? -number.exponent : 0;
    if (!number.negative && !number.cut && places <= 9 &&
        scale(&number, places, ODDS_DECIMAL_MAX * BILLION, &numerator) &&
        !odds_make(numerator, power_of_ten(places), ret))
        *ret = ODDS_NONE;
    return true;
}

bool uof_chance(struct slice text, uint32_t *ret_billionths)
{
    struct number number;
    uint64_t value;
    if (!parse(text, &number))
        return false;
    bool whole = number.mantissa == 1 && number.exponent == 0; /* what is a bit more is no chance */
    bool possible = scale(&number, 9, BILLION, &value) && (!number.negative || value == 0) &&
                    (value < BILLION || whole);
    *ret_billionths = possible ? (uint32_t)value : UINT32_MAX;
    return true;
}

bool uof_score(struct slice text, uint16_t *ret)
{
    struct number number;
    uint64_t value;
    if (!parse(text, &number) || (number.negative && number.mantissa != 0) ||
        !scale(&number, 0, LINE_SCORE_MAX, &value))
        return false;
    *ret = (uint16_t)value;
    return true;
}

bool uof_void_factor(struct slice text, struct leg_result *result)
{
    struct number number;
    uint64_t halves;
    if (!parse(text, &number) || number.negative || number.cut || number.exponent < -1 ||
        !scale(&number, 1, 10, &halves) || halves % 5 != 0)
        return false;
    result->void_halves = (uint8_t)(halves / 5);
    return true;
}

bool uof_dead_heat_factor(struct slice text, struct leg_result *result)
{
    struct number number;
    uint64_t value;
    if (!parse(text, &number) || number.negative || !scale(&number, 9, BILLION, &value) ||
        value == 0)
        return false;
    uint64_t slack = number.exponent < -4 ? 1 : 0;
    for (uint64_t below = 1; below <= DEAD_HEAT_TERM_MAX; below++) {
        uint64_t above = (value * below + BILLION / 2) / BILLION;
        uint64_t whole = above * BILLION, wanted = value * below;
        if (above == 0 || (whole > wanted ? whole - wanted : wanted - whole) > slack * below)
            continue;
        result->dead_heat_numerator = (uint16_t)above;
        result->dead_heat_denominator = (uint16_t)below;
        return true;
    }
    return false;
}
