/* stake_limits.c - contract in stake_limits.h. */
#include "core/stake_limits.h"

#include <stddef.h>

#include "base/assert.h"

static const char *const scope_texts[] = {
    [LIMIT_OF_NONE] = "NONE",         [LIMIT_OF_PLAYER] = "PLAYER", [LIMIT_OF_MARKET] = "MARKET",
    [LIMIT_OF_EVENT] = "EVENT",       [LIMIT_OF_LEAGUE] = "LEAGUE", [LIMIT_OF_SPORT] = "SPORT",
    [LIMIT_OF_PLATFORM] = "PLATFORM",
};

_Static_assert(sizeof scope_texts / sizeof *scope_texts == LIMIT_SCOPES, "every scope has a name");

/* The factors of all narrower scopes: times / over. Five of 10^5 by 10^15 are below 2^128. */
struct scale {
    unsigned __int128 times;
    unsigned __int128 over;
};

/* Once for all comparisons: nothing below 0, one number for "unlimited". */
static int64_t most_of(int64_t minor)
{
    if (minor < 0)
        return 0;
    return minor > MONEY_MINOR_MAX ? INT64_MAX : minor;
}

/* Unlimited stays so, but by a factor of 0. */
static int64_t scaled(int64_t minor, const struct scale *scale)
{
    minor = most_of(minor);
    if (scale->times == 0)
        return 0;
    if (minor == INT64_MAX)
        return minor;
    unsigned __int128 product = (unsigned __int128)minor * scale->times / scale->over;
    return product > MONEY_MINOR_MAX ? INT64_MAX : (int64_t)product;
}

static void lower_to(int64_t *limit, enum limit_scope *of, int64_t other, enum limit_scope scope)
{
    if (other >= *limit)
        return;
    *limit = other;
    *of = scope;
}

static void raise_to(int64_t *limit, enum limit_scope *of, int64_t other, enum limit_scope scope)
{
    if (other <= *limit)
        return;
    *limit = other;
    *of = scope;
}

void stake_limits_combine(const struct stake_limits *const scopes[LIMIT_SCOPES],
                          struct stake_limits_combined *ret)
{
    struct scale scale = {1, 1};
    struct stake_limits *all = &ret->limits;
    *ret = (struct stake_limits_combined){.limits = STAKE_LIMITS_NONE};
    for (enum limit_scope scope = LIMIT_OF_PLAYER; scope < LIMIT_SCOPES; scope++) {
        const struct stake_limits *limits = scopes[scope];
        if (limits == NULL)
            continue;
        ASSERT(limits->factor_permyriad <= LIMIT_FACTOR_MAX);
        raise_to(&all->stake_minor_min, &ret->stake_min_of, limits->stake_minor_min, scope);
        lower_to(&all->stake_minor_max, &ret->stake_max_of, scaled(limits->stake_minor_max, &scale),
                 scope);
        lower_to(&all->payout_minor_max, &ret->payout_of, most_of(limits->payout_minor_max), scope);
        lower_to(&all->liability_minor_max, &ret->liability_of,
                 scaled(limits->liability_minor_max, &scale), scope);
        raise_to(&all->delay_us, &ret->delay_of, limits->delay_us, scope);
        lower_to(&all->refer_minor_above, &ret->refer_of, most_of(limits->refer_minor_above),
                 scope);
        lower_to(&all->payout_day_minor_max, &ret->payout_day_of,
                 most_of(limits->payout_day_minor_max), scope);
        all->refers |= limits->refers;
        scale.times *= limits->factor_permyriad;
        scale.over *= LIMIT_FACTOR_WHOLE;
    }
}

void stake_limits_join(struct stake_limits_combined *all, const struct stake_limits_combined *leg)
{
    struct stake_limits *limits = &all->limits;
    raise_to(&limits->stake_minor_min, &all->stake_min_of, leg->limits.stake_minor_min,
             leg->stake_min_of);
    lower_to(&limits->stake_minor_max, &all->stake_max_of, leg->limits.stake_minor_max,
             leg->stake_max_of);
    lower_to(&limits->payout_minor_max, &all->payout_of, leg->limits.payout_minor_max,
             leg->payout_of);
    lower_to(&limits->liability_minor_max, &all->liability_of, leg->limits.liability_minor_max,
             leg->liability_of);
    raise_to(&limits->delay_us, &all->delay_of, leg->limits.delay_us, leg->delay_of);
    lower_to(&limits->refer_minor_above, &all->refer_of, leg->limits.refer_minor_above,
             leg->refer_of);
    lower_to(&limits->payout_day_minor_max, &all->payout_day_of, leg->limits.payout_day_minor_max,
             leg->payout_day_of);
    limits->refers |= leg->limits.refers;
}

enum limit_scope stake_limits_binding(const struct stake_limits_combined *combined,
                                      enum bet_outcome outcome, int64_t stake_minor)
{
    if (outcome == BET_LIABILITY_LIMIT)
        return combined->liability_of;
    if (outcome != BET_STAKE_LIMIT)
        return LIMIT_OF_NONE;
    if (stake_minor < combined->limits.stake_minor_min)
        return combined->stake_min_of;
    if (stake_minor > combined->limits.stake_minor_max)
        return combined->stake_max_of;
    return combined->payout_of;
}

int64_t stake_limits_left(int64_t stake_minor_max, int64_t staked_minor)
{
    ASSERT(staked_minor >= 0);
    int64_t most = most_of(stake_minor_max);
    if (most == INT64_MAX)
        return most;
    return staked_minor < most ? most - staked_minor : 0;
}

void stake_limits_take_day(struct stake_limits_combined *all, int64_t paid_minor)
{
    lower_to(&all->limits.payout_minor_max, &all->payout_of,
             stake_limits_left(all->limits.payout_day_minor_max, paid_minor), all->payout_day_of);
}

const char *limit_scope_text(enum limit_scope scope)
{
    return (size_t)scope < LIMIT_SCOPES ? scope_texts[scope] : NULL;
}
