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
