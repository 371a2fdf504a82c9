/* bet_decide.h - the decision of a bet: a pure function of the slip, the market, the limits
 * and the money. No clock, no I/O, no allocation.
 *
 * The order of the refusals is part of the contract (docs/PROTOCOL.md, "Order of refusals"); the
 * first that applies is answered:
 *
 *  1. market closed, settled, cancelled                       MARKET_CLOSED
 *     market suspended, or its provider's lease lost (P2)     MARKET_SUSPENDED
 *  2. no such selection                                       UNKNOWN_SELECTION
 *     selection won, lost, void (has a result already)        MARKET_CLOSED
 *     selection suspended, removed, or without a price        MARKET_SUSPENDED
 *  3. odds_version above the current one, any policy          ODDS_CHANGED
 *     the price policy does not accept the current price      ODDS_CHANGED
 *  4. stake in another currency than the account's            CURRENCY_MISMATCH
 *     stake below the least, above the most, or a potential
 *     return above the most                                   STAKE_LIMIT
 *  5. stake above what is available, or no account yet        INSUFFICIENT_BALANCE
 *
 * Steps 1 to 3 are those of each leg (leg_decide.h). Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/bet_outcome.h"
#include "core/leg_decide.h"
#include "core/money.h"
#include "core/odds.h"

/* One leg as the customer asked for it. */
struct slip {
    struct money stake;
    struct odds odds;      /* ODDS_NONE only with PRICE_ANY */
    uint64_t odds_version; /* 0 = not stated */
    enum price_policy policy;
};

struct bet_limits {
    int64_t stake_minor_min;
    int64_t stake_minor_max;
    int64_t payout_minor_max;     /* potential return of one bet; below MONEY_MINOR_MAX, a higher
                                   * one counts as MONEY_MINOR_MAX - 1 */
    uint32_t tolerance_permyriad; /* of PRICE_WITHIN: 500 = 5 % */
    enum rounding rounding;
};

static inline int64_t bet_limits_payout_max(const struct bet_limits *limits)
{
    return limits->payout_minor_max < MONEY_MINOR_MAX ? limits->payout_minor_max
                                                      : MONEY_MINOR_MAX - 1;
}

struct bet_verdict {
    enum bet_outcome outcome;
    struct odds odds;              /* the price taken (the current one), when known */
    struct money potential_return; /* on PLACED and PENDING */
    int64_t stake_minor_max;       /* on STAKE_LIMIT: what would pass; 0 = nothing would */
    int64_t stake_minor_min;       /* on STAKE_LIMIT: the least that would pass, 0 likewise */
};

/* Decides a new bet. `available` is what the customer may stake now; its currency is none while
 * the account has none. slip->stake is > 0, at most MONEY_MINOR_MAX and of a known currency (a
 * malformed amount never comes here). Every path writes all of *ret. */
void bet_decide(const struct slip *slip, const struct market_view *market,
                const struct bet_limits *limits, struct money available, struct bet_verdict *ret);

/* Decides again at the release of a pending bet: status, selection, version and price (steps 1
 * to 3 above); the money is already held. Answers PLACED or a refusal (the customer sees
 * NOT_ACCEPTED). The price bound at the request is kept if it still satisfies the policy against
 * the current one: the customer never gets a better price by the delay than the one that was
 * shown. So `bound` stands in the place of the price asked for, and the bet is recorded at
 * bet_release_odds(). */
enum bet_outcome bet_decide_release(const struct slip *slip, struct odds bound,
                                    const struct market_view *market,
                                    const struct bet_limits *limits);

/* leg_release_odds() of a single. */
static inline struct odds bet_release_odds(struct odds bound, struct odds current)
{
    return leg_release_odds(bound, current);
}
