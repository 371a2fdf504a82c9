/* market.c - contract in market.h. */
#include "core/market.h"

static const char *const market_texts[] = {
    [MARKET_ACTIVE] = "active",        [MARKET_SUSPENDED_STATUS] = "suspended",
    [MARKET_CLOSED_STATUS] = "closed", [MARKET_SETTLED] = "settled",
    [MARKET_CANCELLED] = "cancelled",
};

static const char *const selection_texts[] = {
    [SELECTION_ACTIVE] = "active",   [SELECTION_SUSPENDED] = "suspended",
    [SELECTION_REMOVED] = "removed", [SELECTION_WON] = "won",
    [SELECTION_LOST] = "lost",       [SELECTION_VOID] = "void",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *market_status_text(enum market_status status)
{
    return (size_t)status < COUNT(market_texts) ? market_texts[status] : NULL;
}

bool market_status_parse(struct slice text, enum market_status *ret)
{
    for (size_t i = MARKET_ACTIVE; i < COUNT(market_texts); i++) {
        if (slice_is(text, market_texts[i])) {
            *ret = (enum market_status)i;
            return true;
        }
    }
    return false;
}

const char *selection_status_text(enum selection_status status)
{
    return (size_t)status < COUNT(selection_texts) ? selection_texts[status] : NULL;
}
