/* bet_return.c - contract in bet_return.h. */
#include "core/bet_return.h"

#include "base/assert.h"
#include "core/lines_sum.h"

bool bet_return(const struct bet *bet, enum rounding rounding, struct money *ret)
{
    ASSERT(!bet_open(bet));
    return lines_sum(bet, LINES_SHARE_WHOLE, rounding, ret);
}
