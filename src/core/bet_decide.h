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
 * Versions (DESIGN 6.2): a version is a market's, so another selection's move raises it too.
 * Under `exact` the price must be equal and a stated odds_version must be the current one: who
 * states one says "nothing about this market has changed", and is refused when something has,
 * although this price is the same. Who means the price alone leaves odds_version out. Under the
 * other policies a lower version is evidence only. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/market.h"
#include "core/money.h"
#include "core/odds.h"

enum price_policy {
    PRICE_BETTER = 1, /* default: the current price is at least the one asked for */
    PRICE_EXACT,      /* equal price, and equal version where one is stated */
    PRICE_WITHIN,     /* at most the configured tolerance worse */
    PRICE_ANY,
};

/* X(code, number, HTTP status): stored in records by number, so a number is never reused. */
#define BET_OUTCOME_LIST(X)                                                                        \
    X(PLACED, 1, 201)                                                                              \
    X(PENDING, 2, 202)                                                                             \
    X(MARKET_SUSPENDED, 10, 409)                                                                   \
    X(MARKET_CLOSED, 11, 409)                                                                      \
    X(UNKNOWN_SELECTION, 12, 422)                                                                  \
    X(ODDS_CHANGED, 13, 409)                                                                       \
    X(STAKE_LIMIT, 14, 422)                                                                        \
    X(INSUFFICIENT_BALANCE, 15, 400)                                                               \
    X(CURRENCY_MISMATCH, 16, 422)                                                                  \
    X(UNSUPPORTED_BET_TYPE, 17, 422)                                                               \
    X(AMOUNT_LIMIT, 18, 422)

#define BET_OUTCOME_ENUM(code, number, http) BET_##code = number,
enum bet_outcome { BET_OUTCOME_LIST(BET_OUTCOME_ENUM) };
#undef BET_OUTCOME_ENUM

/* The wire name ("ODDS_CHANGED"), and the HTTP status that answers it; NULL and 0 for a number
 * that is no outcome. */
const char *bet_outcome_text(enum bet_outcome outcome);
int bet_outcome_http(enum bet_outcome outcome);

/* One leg as the customer asked for it. */
struct slip {
    struct money stake;
    struct odds odds;      /* ODDS_NONE only with PRICE_ANY */
    uint64_t odds_version; /* 0 = not stated */
    enum price_policy policy;
};

/* The market at this instant. */
struct market_view {
    enum market_status status;
    bool provider_alive; /* P2: the lease of its prices' provider holds */
    bool selection_known;
    enum selection_status selection_status;
    struct odds odds; /* ODDS_NONE: no price now */
    uint64_t odds_version;
    int64_t bet_delay_us; /* in play; 0 = accept at once */
};

struct bet_limits {
    int64_t stake_minor_min;
    int64_t stake_minor_max;
    int64_t payout_minor_max;     /* potential return of one bet; below MONEY_MINOR_MAX, a higher
                                   * one counts as MONEY_MINOR_MAX - 1 */
    uint32_t tolerance_permyriad; /* of PRICE_WITHIN: 500 = 5 % */
    enum rounding rounding;
};

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

/* The price of a bet that is placed at its release: `bound`, or the current one where that is
 * lower, which only `within` and `any` accept. Kept at `bound` there, a delay would protect
 * nobody: `any` would sell the price of before the goal. */
struct odds bet_release_odds(struct odds bound, struct odds current);

/* "better", "exact", "within", "any"; false for another word, NULL for another number. */
bool price_policy_parse(struct slice text, enum price_policy *ret);
const char *price_policy_text(enum price_policy policy);
