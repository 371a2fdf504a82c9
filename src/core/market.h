/* market.h - what a market, a selection and their states are called. The wire names are the
 * enum's texts (CONTRACT, "Market status"). Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/odds.h"

#define SELECTIONS_MAX 512 /* of one market: 338 runners were seen in a recording */

enum market_status {
    MARKET_ACTIVE = 1,
    MARKET_SUSPENDED_STATUS,
    MARKET_CLOSED_STATUS,
    MARKET_SETTLED,
    MARKET_CANCELLED,
};

enum selection_status {
    SELECTION_ACTIVE = 1,
    SELECTION_SUSPENDED, /* no price, or withheld */
    SELECTION_REMOVED,   /* withdrawn; may come back (FORMATS 1.7 trap 4) */
    SELECTION_WON,
    SELECTION_LOST,
    SELECTION_VOID,
};

/* "active", "suspended", "closed", "settled", "cancelled"; NULL for a number that is no status. */
const char *market_status_text(enum market_status status);
bool market_status_parse(struct slice text, enum market_status *ret);
/* "active", "suspended", "removed", "won", "lost", "void"; NULL for a number that is none. */
const char *selection_status_text(enum selection_status status);

/* odds_version = epoch * 2^32 + n, below 2^53 (DESIGN P1). */
#define ODDS_EPOCH_MAX 0x1FFFFFu
static inline uint64_t odds_version_make(uint32_t epoch, uint32_t n)
{
    return (uint64_t)epoch << 32 | n;
}
