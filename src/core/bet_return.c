/* bet_return.c - contract in bet_return.h. */
#include "core/bet_return.h"

#include "base/assert.h"
#include "core/lines_sum.h"
#include "core/settle.h"

static bool is_plain_single(const struct bet *bet)
{
    return bet->legs_count == 1 && !bet->each_way && !bet->free &&
           bet->legs->win.deductions.count == 0;
}

bool bet_return(const struct bet *bet, enum rounding rounding, struct money *ret)
{
    ASSERT(bet_valid(bet));
    ASSERT(!bet_open(bet));
    if (is_plain_single(bet)) {
        const struct bet_leg *leg = bet->legs;
        struct money single = settle_single(bet->stake, leg->odds, leg->win.result, rounding);
        if (single.minor < MONEY_MINOR_MAX) { /* at the most it may mean more than that */
            *ret = single;
            return true;
        }
    }
    return lines_sum(bet, LINES_SHARE_WHOLE, rounding, ret);
}
