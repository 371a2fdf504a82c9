/* ticket.h - the decision of a whole ticket: a single, a multiple, a system, with bankers,
 * each-way, with cash, a token or bonus money. Pure; core/bet.h says how legs and sizes make lines.
 * A bet builder is one leg with the joint price.
 *
 * The order of the refusals is part of the contract (docs/PROTOCOL.md, "Order of refusals"); the
 * first that applies is answered:
 *
 *  1. no leg                                                 UNSUPPORTED_BET_TYPE
 *     more legs than allowed, or than can be chosen from      LEGS_LIMIT
 *     sizes that do not fit the legs                          UNSUPPORTED_BET_TYPE
 *     more lines than allowed (each-way ones count twice)     LINES_LIMIT
 *     a stake that is no whole amount on each line            UNSUPPORTED_BET_TYPE
 *  2. two legs of one event, or of one market                 RELATED_LEGS
 *  3. leg by leg, in their order: steps 1 to 3 of a single
 *     (bet_decide.h), then, each-way, no place terms          NO_PLACE_TERMS
 *     to win only, where all bets are each-way                EACH_WAY_ONLY
 *  4. total odds above the most                               ODDS_LIMIT
 *  5. stake in another currency than the account's            CURRENCY_MISMATCH
 *     stake below the least, above the most, or a potential
 *     return above the most                                   STAKE_LIMIT
 *     an outcome would cost the book more than it may         LIABILITY_LIMIT
 *  6. stake above what is available, or no account yet        INSUFFICIENT_BALANCE
 *
 * Total odds are those of the longest line at the highest prices: all bankers, and of the others
 * as many as the largest size, each to win. The potential return is exact: every leg won, each-way
 * placed as well; of a token its winnings. A ticket of one leg to win, with cash, is decided as
 * bet_decide() does.
 *
 * Uses up to 140 KB of stack for a system, none of the heap. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/bet.h"
#include "core/bet_decide.h"
#include "core/bet_outcome.h"
#include "core/each_way.h"
#include "core/leg_decide.h"
#include "core/money.h"
#include "core/odds.h"
#include "core/system.h"

/* Whose money is staked (BETTING-RULES 4.9). A token does not come back with the winnings. */
enum stake_kind { STAKE_CASH = 0, STAKE_FREE = 1, STAKE_BONUS = 2 };

struct ticket_leg {
    struct odds odds;      /* asked for; ODDS_NONE only with PRICE_ANY */
    uint64_t odds_version; /* 0 = not stated */
    bool banker;
};

/* Borrows legs. */
struct ticket {
    struct money stake; /* of all lines and both ways together */
    enum price_policy policy;
    const struct ticket_leg *legs;
    uint32_t legs_count;
    struct system_sizes sizes;
    bool each_way;
    enum stake_kind stake_kind;
};

#define LIABILITY_UNLIMITED INT64_MAX

/* A leg's market at this instant. */
struct ticket_leg_view {
    struct market_view market;
    uint32_t event;           /* the same number for legs of one event only; 0: not known, which
                               * is related to everything */
    uint32_t market_number;   /* likewise; 0: no such market, which step 3 says */
    struct place_terms terms; /* of the market, each-way; places 0: none */
    bool each_way_only;       /* its price is of a bet to win and one to be placed, together */
    int64_t liability_room;   /* what this outcome may cost the book yet (core/liability.h) */
};

#define TOTAL_ODDS_UNLIMITED UINT32_MAX

struct ticket_limits {
    struct bet_limits bet; /* stake and payout of the whole ticket */
    uint32_t legs_max;     /* above BET_LEGS_MAX counts as that */
    uint64_t lines_max;
    uint32_t total_odds_max; /* 1000 = 1000.00 */
};

#define TICKET_NO_LEG UINT32_MAX

struct ticket_verdict {
    enum bet_outcome outcome;
    uint32_t leg;                    /* that is refused: of RELATED_LEGS the later one, of
                                      * LIABILITY_LIMIT the first with the least room; else
                                      * TICKET_NO_LEG */
    uint64_t lines;                  /* each-way ones twice; 0 when step 1 refuses */
    struct money potential_return;   /* on PLACED and PENDING */
    int64_t bet_delay_us;            /* on PENDING: the longest of its legs' */
    int64_t stake_minor_max;         /* on STAKE_LIMIT and LIABILITY_LIMIT: the highest stake, whole
                                      * on each line, that both would let pass; 0: none would */
    int64_t stake_minor_min;         /* and the lowest, 0 likewise */
    struct odds taken[BET_LEGS_MAX]; /* of each leg the current price, when known; ODDS_NONE else.
                                      * Of the ticket's legs only; nothing after LEGS_LIMIT */
};

/* Decides a new ticket. `available` is what the customer may stake now of that kind of money; its
 * currency is none while the account has none. The stake is > 0, at most MONEY_MINOR_MAX and of a
 * known currency; views has one for each leg. Every path writes all of *ret. */
void ticket_decide(const struct ticket *ticket, const struct ticket_leg_view *views,
                   const struct ticket_limits *limits, struct money available,
                   struct ticket_verdict *ret);

/* What a pending ticket's leg is bound to: the price taken and the place terms of its request. */
struct ticket_bound_leg {
    struct odds odds;
    struct place_terms terms; /* each-way; else anything */
};

/* Decides again at the release of a ticket that is pending: step 3 for each leg, with the price
 * that was bound in the place of the one asked for, as bet_decide_release() does; structure, limits
 * and money are not asked again. PLACED, at the lower of bound and current price of each leg, with
 * the potential return that follows; or the refusal (the customer sees NOT_ACCEPTED). What `views`
 * say of each-way bets does not count. Every path writes all of *ret. */
void ticket_decide_release(const struct ticket *ticket, const struct ticket_bound_leg *bound,
                           const struct ticket_leg_view *views, const struct ticket_limits *limits,
                           struct ticket_verdict *ret);
