/* leg_decide.c - contract in leg_decide.h. */
#include "core/leg_decide.h"

#include <stddef.h>

#include "base/assert.h"

/* Below, BET_PLACED from one step means "nothing against it": the next step is asked. */

static enum bet_outcome check_status(const struct market_view *market)
{
    switch (market->status) {
    case MARKET_CLOSED_STATUS:
    case MARKET_SETTLED:
    case MARKET_CANCELLED:
        return BET_MARKET_CLOSED;
    case MARKET_SUSPENDED_STATUS:
        return BET_MARKET_SUSPENDED;
    case MARKET_ACTIVE:
        break;
    }
    ASSERT(market->status == MARKET_ACTIVE); /* and no number that is no status */
    return market->provider_alive ? BET_PLACED : BET_MARKET_SUSPENDED; /* P2 */
}

static enum bet_outcome check_selection(const struct market_view *market)
{
    if (!market->selection_known)
        return BET_UNKNOWN_SELECTION;
    switch (market->selection_status) {
    case SELECTION_WON:
    case SELECTION_LOST:
    case SELECTION_VOID:
        return BET_MARKET_CLOSED; /* has a result in a market that goes on: an outright's */
    case SELECTION_SUSPENDED:
    case SELECTION_REMOVED:
        return BET_MARKET_SUSPENDED;
    case SELECTION_ACTIVE:
        break;
    }
    ASSERT(market->selection_status == SELECTION_ACTIVE);
    return odds_present(market->odds) ? BET_PLACED : BET_MARKET_SUSPENDED;
}

static bool policy_accepts(const struct leg_asked *asked, const struct market_view *market,
                           uint32_t tolerance_permyriad)
{
    switch (asked->policy) {
    case PRICE_ANY:
        return true;
    case PRICE_EXACT:
        return (asked->odds_version == 0 || asked->odds_version == market->odds_version) &&
               odds_equal(market->odds, asked->odds);
    case PRICE_BETTER:
        return odds_compare(market->odds, asked->odds) >= 0;
    case PRICE_WITHIN:
        break;
    }
    ASSERT(asked->policy == PRICE_WITHIN);
    return odds_within(market->odds, asked->odds, tolerance_permyriad);
}

enum bet_outcome leg_decide(const struct leg_asked *asked, const struct market_view *market,
                            uint32_t tolerance_permyriad)
{
    enum bet_outcome outcome = check_status(market);
    if (outcome == BET_PLACED)
        outcome = check_selection(market);
    if (outcome != BET_PLACED)
        return outcome;
    /* Nobody can have seen a version that is not there yet (P1). */
    if (asked->odds_version > market->odds_version)
        return BET_ODDS_CHANGED;
    return policy_accepts(asked, market, tolerance_permyriad) ? BET_PLACED : BET_ODDS_CHANGED;
}

struct odds leg_release_odds(struct odds bound, struct odds current)
{
    return odds_compare(current, bound) < 0 ? current : bound;
}

static const char *const policy_texts[] = {
    [PRICE_BETTER] = "better",
    [PRICE_EXACT] = "exact",
    [PRICE_WITHIN] = "within",
    [PRICE_ANY] = "any",
};

#define POLICIES_COUNT (sizeof policy_texts / sizeof *policy_texts)

bool price_policy_parse(struct slice text, enum price_policy *ret)
{
    for (size_t i = PRICE_BETTER; i < POLICIES_COUNT; i++) {
        if (slice_is(text, policy_texts[i])) {
            *ret = (enum price_policy)i;
            return true;
        }
    }
    return false;
}

const char *price_policy_text(enum price_policy policy)
{
    return (size_t)policy < POLICIES_COUNT ? policy_texts[policy] : NULL;
}
