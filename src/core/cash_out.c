/* cash_out.c - contract in cash_out.h. */
#include "core/cash_out.h"

#include "base/assert.h"
#include "core/lines_sum.h"

_Static_assert(CASH_OUT_WHOLE == LINES_SHARE_WHOLE, "a margin is a share that is not paid");

bool cash_out_offer(const struct bet *bet, uint32_t margin_permyriad, enum rounding rounding,
                    struct money *ret)
{
    ASSERT(margin_permyriad <= CASH_OUT_WHOLE);
    return lines_sum(bet, CASH_OUT_WHOLE - margin_permyriad, rounding, ret);
}

int64_t cash_out_least(int64_t amount, uint32_t tolerance_permyriad)
{
    ASSERT(amount > 0);
    ASSERT(amount <= MONEY_MINOR_MAX);
    ASSERT(tolerance_permyriad <= CASH_OUT_WHOLE);
    /* 10^15 * 10^4 is above 2^63, not above 2^64 */
    uint64_t product = (uint64_t)amount * (CASH_OUT_WHOLE - tolerance_permyriad);
    return (int64_t)((product + CASH_OUT_WHOLE - 1) / CASH_OUT_WHOLE);
}
