/* leg_decide.h - may this selection be bet on now, at a price that the customer agrees to? Steps 1
 * to 3 of the order of refusals (bet_decide.h), for a single as for each leg of a ticket. Pure.
 *
 * Versions (DESIGN 6.2): a version is a market's, so another selection's move raises it too.
 * Under `exact` the price must be equal and a stated odds_version must be the current one: who
 * states one says "nothing about this market has changed", and is refused when something has,
 * although this price is the same. Who means the price alone leaves odds_version out. Under the
 * other policies a lower version is evidence only. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/bet_outcome.h"
#include "core/market.h"
#include "core/odds.h"

enum price_policy {
    PRICE_BETTER = 1, /* default: the current price is at least the one asked for */
    PRICE_EXACT,      /* equal price, and equal version where one is stated */
    PRICE_WITHIN,     /* at most the configured tolerance worse */
    PRICE_ANY,
};

/* "better", "exact", "within", "any"; false for another word, NULL for another number. */
bool price_policy_parse(struct slice text, enum price_policy *ret);
const char *price_policy_text(enum price_policy policy);

/* What the customer agrees to. */
struct leg_asked {
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

/* BET_PLACED: nothing is against it. Else the first refusal. Under PRICE_WITHIN the price may be
 * tolerance_permyriad worse: 500 = 5 %. */
enum bet_outcome leg_decide(const struct leg_asked *asked, const struct market_view *market,
                            uint32_t tolerance_permyriad);

/* The price of a leg that is placed at its release: `bound`, or the current one where that is
 * lower, which only `within` and `any` accept. Kept at `bound` there, a delay would protect
 * nobody: `any` would sell the price of before the goal. Both are present. */
struct odds leg_release_odds(struct odds bound, struct odds current);
