/* leg_chances.c - contract in leg_chances.h. */
#include "core/leg_chances.h"

#include "base/assert.h"

bool leg_chances_valid(struct leg_chances chances)
{
    uint64_t sum = (uint64_t)chances.win + chances.half_win + chances.refund + chances.half_lose;
    return sum <= CHANCE_WHOLE;
}

bool leg_chances_known(struct leg_chances chances)
{
    return (chances.win | chances.half_win | chances.refund | chances.half_lose) != 0;
}

bool leg_chances_equal(struct leg_chances a, struct leg_chances b)
{
    return a.win == b.win && a.half_win == b.half_win && a.refund == b.refund &&
           a.half_lose == b.half_lose;
}

bool leg_chances_agree(struct leg_chances chances, struct odds odds)
{
    ASSERT(odds_present(odds));
    ASSERT(leg_chances_valid(chances));
    /* twice the denominator times all of it: below 2^31 * 2^33 each */
    unsigned __int128 n = odds.numerator, d = odds.denominator;
    unsigned __int128 worth = 2 * n * chances.win + (n + d) * chances.half_win +
                              2 * d * chances.refund + d * chances.half_lose;
    return worth <= 2 * d * CHANCE_WHOLE;
}
