/* deductions.c - contract in deductions.h. */
#include "core/deductions.h"

#include "base/assert.h"

static bool entry_valid(uint32_t permyriad)
{
    return permyriad > 0 && permyriad < DEDUCTION_WHOLE;
}

bool deductions_valid(const struct deductions *deductions)
{
    if (deductions->from == DEDUCTED_FROM_NOTHING)
        return deductions->count == 0;
    if (deductions->from > DEDUCTED_FROM_PRICE || deductions->count > DEDUCTIONS_MAX)
        return false;
    for (uint8_t i = 0; i < deductions->count; i++)
        if (!entry_valid(deductions->permyriad[i]))
            return false;
    return true;
}

bool deductions_add(struct deductions *deductions, enum deducted_from from, uint32_t permyriad)
{
    ASSERT(deductions_valid(deductions));
    ASSERT(from == DEDUCTED_FROM_WINNINGS || from == DEDUCTED_FROM_PRICE);
    if (!entry_valid(permyriad) || deductions->count == DEDUCTIONS_MAX)
        return false;
    if (deductions->count > 0 && deductions->from != from)
        return false;
    deductions->from = (uint8_t)from;
    deductions->permyriad[deductions->count++] = (uint16_t)permyriad;
    return true;
}
