/* random_bets.c - contract in random_bets.h. */
#include "random_bets.h"

#include <string.h>

static bool one_in(struct prng *prng, uint64_t n)
{
    return prng_below(prng, n) == 0;
}

struct odds random_odds(struct prng *prng)
{
    struct odds odds;
    uint64_t kind = prng_below(prng, 10);
    uint64_t denominator = kind < 7 ? 100 : prng_below(prng, kind < 9 ? 40 : ODDS_TERM_MAX) + 1;
    uint64_t most = kind < 9 ? denominator * 20 : ODDS_TERM_MAX;
    while (!odds_make(prng_below(prng, most) + 1, denominator, &odds))
        ;
    return odds;
}

struct leg_result random_result(struct prng *prng)
{
    static const struct leg_result plain[] = {LEG_WON,  LEG_WON,      LEG_WON,      LEG_LOST,
                                              LEG_VOID, LEG_HALF_WON, LEG_HALF_LOST};
    if (!one_in(prng, 5))
        return plain[prng_below(prng, sizeof plain / sizeof *plain)];
    uint64_t tied = prng_below(prng, one_in(prng, 8) ? DEAD_HEAT_TERM_MAX : 6) + 1;
    return (struct leg_result){!one_in(prng, 4), (uint8_t)prng_below(prng, 3),
                               (uint16_t)(prng_below(prng, tied) + 1), (uint16_t)tied};
}

static struct deductions any_deductions(struct prng *prng)
{
    struct deductions deductions = DEDUCTIONS_NONE;
    if (!one_in(prng, 3))
        return deductions;
    bool price = one_in(prng, 2);
    uint64_t count = prng_below(prng, one_in(prng, 10) ? DEDUCTIONS_MAX : 3) + 1;
    for (uint64_t i = 0; i < count; i++)
        (void)deductions_add(&deductions, price ? DEDUCTED_FROM_PRICE : DEDUCTED_FROM_WINNINGS,
                             (uint32_t)prng_below(prng, one_in(prng, 2) ? 2000 : 9999) + 1);
    return deductions;
}

static struct leg_chances any_chances(struct prng *prng)
{
    uint64_t left = CHANCE_WHOLE;
    struct leg_chances chances = {0};
    uint32_t *const fields[] = {&chances.win, &chances.half_win, &chances.refund,
                                &chances.half_lose};
    for (size_t i = 0; i < 4; i++) {
        if (i > 0 && one_in(prng, 2))
            continue;
        *fields[i] = (uint32_t)prng_below(prng, left + 1);
        left -= *fields[i];
    }
    return chances;
}

static struct leg_part any_part(struct prng *prng, bool open, struct leg_chances *chances)
{
    struct leg_part part = {random_result(prng), any_deductions(prng), NULL};
    if (open && one_in(prng, 2)) {
        *chances = any_chances(prng);
        part.open = chances;
    }
    return part;
}

static struct place_terms any_terms(struct prng *prng)
{
    static const uint8_t denominators[] = {1, 2, 3, 4, 5, 6, 8, 255};
    uint8_t denominator = denominators[prng_below(prng, sizeof denominators)];
    uint8_t numerator = (uint8_t)(one_in(prng, 4) ? prng_below(prng, denominator) + 1 : 1);
    return (struct place_terms){(uint8_t)(prng_below(prng, 4) + 1), numerator, denominator};
}

/* Singles, accumulators, systems, systems with bankers; a free bet has few legs. */
static void any_shape(struct random_bet *random, struct prng *prng)
{
    uint64_t kind = prng_below(prng, 10);
    uint64_t chosen_max = random->bet.free ? 4 : one_in(prng, 8) ? RANDOM_CHOSEN_MAX : 5;
    uint64_t bankers =
        kind < 6 ? prng_below(prng, random->bet.free ? 3 : RANDOM_BANKERS_MAX + 1) : 0;
    uint64_t chosen = kind < 2 ? 0 : prng_below(prng, chosen_max) + 1;
    if (bankers + chosen == 0)
        bankers = 1;
    random->bet.legs_count = (uint32_t)(bankers + chosen);
    for (uint64_t i = 0; i < bankers; i++) /* among the others, not before them */
        random->legs[(i * 5 + 2) % random->bet.legs_count].banker = true;
    uint32_t found = 0;
    for (uint32_t i = 0; i < random->bet.legs_count; i++)
        found += !random->legs[i].banker;
    uint64_t sets = (UINT64_C(1) << found) - 1;
    random->bet.sizes.mask = found == 0 ? 0 : (uint32_t)(prng_below(prng, sets) + 1);
    if (found > 1 && one_in(prng, 3)) /* a full cover, as the named ones */
        random->bet.sizes.mask = (uint32_t)sets & ~(uint32_t)prng_below(prng, 2);
}

void random_bet_make(struct random_bet *random, struct prng *prng, bool open)
{
    memset(random, 0, sizeof *random);
    random->bet.legs = random->legs;
    random->bet.each_way = one_in(prng, 3);
    random->bet.free = one_in(prng, 5);
    random->bet.stake = money_of((int64_t)(prng_below(prng, MONEY_MINOR_MAX + 1) >>
                                           (one_in(prng, 9) ? 0 : 25 + prng_below(prng, 25))),
                                 (struct currency){826});
    any_shape(random, prng);
    for (uint32_t i = 0; i < random->bet.legs_count; i++) {
        struct bet_leg *leg = &random->legs[i];
        leg->odds = random_odds(prng);
        leg->terms = any_terms(prng);
        leg->win = any_part(prng, open, &random->chances[2 * i]);
        leg->place = any_part(prng, open, &random->chances[2 * i + 1]);
    }
}
