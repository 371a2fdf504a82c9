/* each_way.c - contract in each_way.h. */
#include "core/each_way.h"

#include <stddef.h>

#include "base/assert.h"
#include "core/dead_heat.h"

/* From the largest field down; the last row is the smallest field that has places. */
static const struct row {
    bool handicap;
    uint32_t runners_least;
    struct place_terms terms;
} rows[] = {
    {true, 16, {4, 1, 4}}, {true, 12, {3, 1, 4}}, {true, 8, {3, 1, 5}},
    {true, 5, {2, 1, 4}},  {false, 8, {3, 1, 5}}, {false, 5, {2, 1, 4}},
};

bool place_terms_valid(struct place_terms terms)
{
    return terms.places > 0 && terms.numerator > 0 && terms.numerator <= terms.denominator;
}

bool place_terms_standard(bool handicap, uint32_t runners, struct place_terms *ret)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].handicap == handicap && runners >= rows[i].runners_least) {
            *ret = rows[i].terms;
            return true;
        }
    }
    return false;
}

bool place_price(struct odds odds, struct place_terms terms, struct odds *ret)
{
    ASSERT(odds_present(odds));
    ASSERT(place_terms_valid(terms));
    uint64_t denominator = (uint64_t)odds.denominator * terms.denominator;
    uint64_t winnings = (uint64_t)(odds.numerator - odds.denominator) * terms.numerator;
    return odds_make(denominator + winnings, denominator, ret);
}

struct leg_result place_result(struct leg_result win, uint32_t position, uint32_t tied,
                               struct place_terms terms)
{
    struct leg_result result = LEG_LOST;
    ASSERT(leg_result_valid(win));
    ASSERT(place_terms_valid(terms));
    if (win.void_halves == 2)
        return LEG_VOID;
    if (position == 0 && !win.won)
        return LEG_LOST;
    if (position == 0) { /* the winner, who shares the first place with as many as his share says */
        position = 1;
        tied = win.dead_heat_denominator / win.dead_heat_numerator;
    }
    bool known = dead_heat_result(position, tied == 0 ? 1 : tied, terms.places, &result);
    ASSERT(known); /* the record's numbers are within their limits */
    return result;
}
