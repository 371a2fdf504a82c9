/* bet_decide.h - the decision of a bet: a pure function of the slip, the market, the limits
 * and the money. No clock, no I/O, no allocation.
 *
 * The order of the refusals is part of the contract (docs/PROTOCOL.md, "Order of refusals"):
 * status, selection, version and price policy, stake limits, balance. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/market.h"
#include "core/money.h"
#include "core/odds.h"

enum price_policy {
    PRICE_BETTER = 1, /* default: the current price is at least the one asked for */
    PRICE_EXACT,      /* equal price, and the version is compared */
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
    struct odds odds;         /* ODDS_NONE only with PRICE_ANY */
    uint64_t odds_version;    /* 0 = not stated */
    enum price_policy policy;
};

/* The market at this instant. */
struct market_view {
    enum market_status status;
    bool provider_alive;            /* P2: the lease of its prices' provider holds */
    bool selection_known;
    enum selection_status selection_status;
    struct odds odds;               /* ODDS_NONE: no price now */
    uint64_t odds_version;
    int64_t bet_delay_us;           /* in play; 0 = accept at once */
};

struct bet_limits {
    int64_t stake_minor_min;
    int64_t stake_minor_max;
    int64_t payout_minor_max;       /* potential return of one bet */
    uint32_t tolerance_permyriad;   /* of PRICE_WITHIN: 500 = 5 % */
    enum rounding rounding;
};

struct bet_verdict {
    enum bet_outcome outcome;
    struct odds odds;               /* the price taken (the current one), when known */
    struct money potential_return;  /* on PLACED and PENDING */
    int64_t stake_minor_max;        /* on STAKE_LIMIT: what would pass; 0 = nothing would */
};

/* Decides a new bet. `available` is what the customer may stake now. slip->stake is > 0 (a
 * malformed amount never comes here). Every path writes *ret. */
void bet_decide(const struct slip *slip, const struct market_view *market,
                const struct bet_limits *limits, struct money available, struct bet_verdict *ret);

/* Decides again at the release of a pending bet: status, selection, version and price; the
 * money is already held. Answers PLACED or a refusal (the customer sees NOT_ACCEPTED). The
 * price bound at the request is kept if it still satisfies the policy against the current one:
 * the customer never gets a better price by the delay than the one that was shown. */
enum bet_outcome bet_decide_release(const struct slip *slip, struct odds bound,
                                    const struct market_view *market,
                                    const struct bet_limits *limits);

bool price_policy_parse(struct slice text, enum price_policy *ret);
const char *price_policy_text(enum price_policy policy);
