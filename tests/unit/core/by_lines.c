/* by_lines.c - contract in by_lines.h.
 *
 * A leg is a stake in two parts: one comes back as it is, one comes back times the price, and what
 * is left of it is lost. A line visits every choice of parts of its legs; a choice pays its
 * product of prices, or, with a free stake, that product less one. */
#include "by_lines.h"

#include "test.h"

#define LEGS_MAX 12
#define WHOLE    10000

struct parts {
    mpq_t back, priced, price, both; /* both = back + priced * price */
};

static void times(mpq_t value, int64_t numerator, int64_t denominator)
{
    mpq_t factor;
    mpq_init(factor);
    mpq_set_si(factor, numerator, (unsigned long)denominator);
    mpq_canonicalize(factor);
    mpq_mul(value, value, factor);
    mpq_clear(factor);
}

static void shrink_winnings(mpq_t price, int64_t numerator, int64_t denominator)
{
    mpq_t one;
    mpq_init(one);
    mpq_set_si(one, 1, 1);
    mpq_sub(price, price, one);
    times(price, numerator, denominator);
    mpq_add(price, price, one);
    mpq_clear(one);
}

void by_lines_price(mpq_t ret, const struct bet_leg *leg, bool place)
{
    const struct deductions *deductions = place ? &leg->place.deductions : &leg->win.deductions;
    mpq_set_si(ret, leg->odds.numerator, leg->odds.denominator);
    if (deductions->from == DEDUCTED_FROM_PRICE) {
        mpq_t least;
        mpq_init(least);
        mpq_set_si(least, 101, 100);
        if (mpq_cmp(ret, least) < 0)
            mpq_set(least, ret);
        for (int i = 0; i < deductions->count; i++)
            times(ret, WHOLE - deductions->permyriad[i], WHOLE);
        if (mpq_cmp(ret, least) < 0)
            mpq_set(ret, least);
        mpq_clear(least);
    }
    if (place)
        shrink_winnings(ret, leg->terms.numerator, leg->terms.denominator);
    if (deductions->from == DEDUCTED_FROM_WINNINGS)
        for (int i = 0; i < deductions->count; i++)
            shrink_winnings(ret, WHOLE - deductions->permyriad[i], WHOLE);
}

static void add_part(mpq_t to, int64_t numerator, int64_t denominator)
{
    mpq_t part;
    mpq_init(part);
    mpq_set_si(part, 1, 1);
    times(part, numerator, denominator);
    mpq_add(to, to, part);
    mpq_clear(part);
}

/* Half stake by half stake. */
static void split_settled(struct parts *parts, struct leg_result result)
{
    for (int half = 0; half < 2; half++) {
        if (half < result.void_halves)
            add_part(parts->back, 1, 2);
        else if (result.won)
            add_part(parts->priced, result.dead_heat_numerator, 2 * result.dead_heat_denominator);
    }
}

static void split_open(struct parts *parts, const struct leg_chances *chances)
{
    const int64_t whole = CHANCE_WHOLE;
    add_part(parts->priced, chances->win, whole);
    add_part(parts->priced, chances->half_win, 2 * whole);
    add_part(parts->back, chances->half_win, 2 * whole);
    add_part(parts->back, chances->refund, whole);
    add_part(parts->back, chances->half_lose, 2 * whole);
}

static void make_parts(struct parts *parts, const struct bet_leg *leg, bool place)
{
    mpq_inits(parts->back, parts->priced, parts->price, parts->both, NULL);
    const struct leg_part *part = place ? &leg->place : &leg->win;
    if (part->open != NULL)
        split_open(parts, part->open);
    else
        split_settled(parts, part->result);
    by_lines_price(parts->price, leg, place);
    mpq_mul(parts->both, parts->priced, parts->price);
    mpq_add(parts->both, parts->both, parts->back);
}

/* A free line: every choice of parts, each paying (product of prices - 1) on its share. */
static void add_free_line(mpq_t sum, const struct parts *legs, uint32_t in_line)
{
    mpq_t share, price, one;
    mpq_inits(share, price, one, NULL);
    mpq_set_si(one, 1, 1);
    for (uint32_t priced = in_line;; priced = (priced - 1) & in_line) {
        mpq_set(share, one);
        mpq_set(price, one);
        for (uint32_t i = 0; i < LEGS_MAX; i++) {
            if ((in_line >> i & 1) == 0)
                continue;
            bool at_price = (priced >> i & 1) > 0;
            mpq_mul(share, share, at_price ? legs[i].priced : legs[i].back);
            if (at_price)
                mpq_mul(price, price, legs[i].price);
        }
        mpq_sub(price, price, one);
        mpq_mul(share, share, price);
        mpq_add(sum, sum, share);
        if (priced == 0)
            break;
    }
    mpq_clears(share, price, one, NULL);
}

/* The same product of all denominators stands under every line, so that lines are whole numbers. */
static void add_line(mpz_t sum, const struct parts *legs, uint32_t count, uint32_t in_line)
{
    mpz_t line;
    mpz_init_set_ui(line, 1);
    for (uint32_t i = 0; i < count; i++)
        mpz_mul(line, line,
                (in_line >> i & 1) > 0 ? mpq_numref(legs[i].both) : mpq_denref(legs[i].both));
    mpz_add(sum, sum, line);
    mpz_clear(line);
}

static bool line_counts(const struct bet *bet, uint32_t in_line)
{
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        bool in = (in_line >> i & 1) > 0;
        if (bet->legs[i].banker && !in)
            return false;
        chosen += in && !bet->legs[i].banker;
    }
    return bet->sizes.mask == 0 ? chosen == 0 : system_has_size(bet->sizes, chosen);
}

static uint64_t add_way(mpq_t total, const struct bet *bet, bool place)
{
    struct parts legs[LEGS_MAX];
    uint64_t lines = 0;
    mpq_t way, denominators;
    mpq_inits(way, denominators, NULL);
    mpq_set_si(denominators, 1, 1);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        make_parts(&legs[i], &bet->legs[i], place);
        mpz_mul(mpq_numref(denominators), mpq_numref(denominators), mpq_denref(legs[i].both));
    }
    for (uint32_t in_line = 1; in_line < UINT32_C(1) << bet->legs_count; in_line++) {
        if (!line_counts(bet, in_line))
            continue;
        lines++;
        if (bet->free)
            add_free_line(way, legs, in_line);
        else
            add_line(mpq_numref(way), legs, bet->legs_count, in_line);
    }
    if (!bet->free)
        mpq_div(way, way, denominators);
    mpq_add(total, total, way);
    for (uint32_t i = 0; i < bet->legs_count; i++)
        mpq_clears(legs[i].back, legs[i].priced, legs[i].price, legs[i].both, NULL);
    mpq_clears(way, denominators, NULL);
    return lines;
}

static int64_t rounded(const mpq_t value, enum rounding rounding)
{
    mpz_t whole, rest;
    mpz_inits(whole, rest, NULL);
    mpz_fdiv_qr(whole, rest, mpq_numref(value), mpq_denref(value));
    mpz_mul_2exp(rest, rest, 1);
    int order = mpz_cmp(rest, mpq_denref(value));
    bool up = (rounding == ROUND_HALF_UP && order >= 0) ||
              (rounding == ROUND_HALF_EVEN && (order > 0 || (order == 0 && mpz_odd_p(whole))));
    mpz_add_ui(whole, whole, up);
    int64_t minor = mpz_cmp_si(whole, MONEY_MINOR_MAX) > 0 ? -1 : mpz_get_si(whole);
    mpz_clears(whole, rest, NULL);
    return minor;
}

int64_t by_lines(const struct bet *bet, uint32_t share_permyriad, enum rounding rounding)
{
    assert_in_range(bet->legs_count, 1, LEGS_MAX);
    mpq_t total;
    mpq_init(total);
    uint64_t lines = add_way(total, bet, false);
    if (bet->each_way)
        lines += add_way(total, bet, true);
    assert_int_equal(bet_lines(bet), lines);
    times(total, bet->stake.minor, (int64_t)lines);
    times(total, share_permyriad, WHOLE);
    int64_t minor = rounded(total, rounding);
    mpq_clear(total);
    return minor;
}
