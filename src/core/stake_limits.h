/* stake_limits.h - how much may be staked, by whose limits. Source: BETTING-RULES 4.12: limits of
 * the player, of entities (market, event, league, sport) and of the platform; the most restrictive
 * applies.
 *
 * A scope's factor scales what the wider scopes, those after it, let be staked and lost: a player
 * with 2500 gets a quarter of what his market, its sport and the platform allow, and his own limits
 * as they stand. It scales neither payouts nor the least stake nor what is referred. Amounts are
 * rounded down, and minor units of one currency; which tables they come from is the caller's. Pure;
 * thread: any. */
#pragma once

#include <stdint.h>

#include "core/bet_outcome.h"
#include "core/money.h"

/* From the narrowest to the widest: of two that are equally restrictive the first is named. */
enum limit_scope {
    LIMIT_OF_NONE = 0, /* nobody limits it */
    LIMIT_OF_PLAYER,
    LIMIT_OF_MARKET,
    LIMIT_OF_EVENT,
    LIMIT_OF_LEAGUE,
    LIMIT_OF_SPORT,
    LIMIT_OF_PLATFORM,
    LIMIT_SCOPES, /* how many, with LIMIT_OF_NONE */
};

#define LIMIT_FACTOR_WHOLE 10000u
#define LIMIT_FACTOR_MAX   (10u * LIMIT_FACTOR_WHOLE)
#define LIMIT_DELAY_US_MAX INT64_C(60000000)

/* INT64_MAX, as all above MONEY_MINOR_MAX, is "unlimited"; below 0 counts as 0. */
struct stake_limits {
    int64_t stake_minor_min;
    int64_t stake_minor_max;      /* of a bet; of identical ones together: stake_limits_left() */
    int64_t payout_minor_max;     /* potential return of a bet */
    int64_t liability_minor_max;  /* of one outcome (core/liability.h) */
    int64_t delay_us;             /* before a bet is decided */
    uint64_t factor_permyriad;    /* at most LIMIT_FACTOR_MAX; 0: nothing may be staked */
    int64_t refer_minor_above;    /* a higher stake waits for the desk (core/referral.h) */
    uint64_t refers;              /* 1: what these limits refuse is referred to the desk; else 0 */
    int64_t payout_day_minor_max; /* of all that a customer asks for in one day (UTC), together */
};

#define STAKE_LIMITS_NONE                                                                          \
    ((struct stake_limits){0, INT64_MAX, INT64_MAX, INT64_MAX, 0, LIMIT_FACTOR_WHOLE, INT64_MAX,   \
                           0, INT64_MAX})

/* The most restrictive of all, and whose each one is. */
struct stake_limits_combined {
    struct stake_limits limits; /* scaled; the factor is 1 */
    enum limit_scope stake_min_of;
    enum limit_scope stake_max_of;
    enum limit_scope payout_of;
    enum limit_scope liability_of;
    enum limit_scope delay_of;
    enum limit_scope refer_of;
    enum limit_scope payout_day_of;
};

/* scopes[scope]: its limits, NULL where it has none; [LIMIT_OF_NONE] is not looked at. Of delays
 * and of least stakes the highest is the most restrictive; refusals are referred where one says
 * so. */
void stake_limits_combine(const struct stake_limits *const scopes[LIMIT_SCOPES],
                          struct stake_limits_combined *ret);
/* A bet of several legs: `all` (begins as that of the first leg) with the limits of one more. Its
 * liability stays a limit of each leg: that of `all` is not to be used then. */
void stake_limits_join(struct stake_limits_combined *all, const struct stake_limits_combined *leg);

/* Whose limit a verdict stands for: STAKE_LIMIT with this stake, LIABILITY_LIMIT (combined are
 * those of the leg that was refused). LIMIT_OF_NONE for any other outcome. */
enum limit_scope stake_limits_binding(const struct stake_limits_combined *combined,
                                      enum bet_outcome outcome, int64_t stake_minor);

/* What is left of a customer's highest stake on one selection (or set of selections) when his
 * accepted bets on the same already stake so much: repeated identical bets are summed. Never below
 * 0; unlimited stays so. staked_minor >= 0. */
int64_t stake_limits_left(int64_t stake_minor_max, int64_t staked_minor);

/* The highest payout is no more than what is left of the day's, when the customer's bets of that
 * day have paid, and may yet pay, `paid_minor` (>= 0). */
void stake_limits_take_day(struct stake_limits_combined *all, int64_t paid_minor);

/* "PLAYER" .. "PLATFORM", "NONE"; NULL for another number. */
const char *limit_scope_text(enum limit_scope scope);
