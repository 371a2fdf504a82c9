/* bet_decide.c - contract and order of the refusals in bet_decide.h. */
#include "core/bet_decide.h"

#include "base/assert.h"
#include "core/settle.h"

/* Below, BET_PLACED from one step means "nothing against it": the next step is asked. */

/* `asked` is the slip's price, or at a release the one bound before. */
static enum bet_outcome check_leg(const struct slip *slip, struct odds asked,
                                  const struct market_view *market, const struct bet_limits *limits)
{
    const struct leg_asked leg = {asked, slip->odds_version, slip->policy};
    return leg_decide(&leg, market, limits->tolerance_permyriad);
}

static struct money return_of(struct money stake, struct odds odds, const struct bet_limits *limits)
{
    return settle_single(stake, odds, LEG_WON, limits->rounding);
}

/* The highest stake whose return at `odds` passes. payout / odds rounded down certainly does,
 * and the next may, thanks to rounding; the one after cannot, since a price is above 1. */
static int64_t stake_max_of(struct money stake, struct odds odds, const struct bet_limits *limits)
{
    /* settle_single() answers MONEY_MINOR_MAX for all that is above it: the limit is below. */
    int64_t payout_max = bet_limits_payout_max(limits);
    if (payout_max < 0)
        return 0;
    int64_t most = (int64_t)((unsigned __int128)payout_max * odds.denominator / odds.numerator);
    stake.minor = most + 1;
    if (return_of(stake, odds, limits).minor <= payout_max)
        most++;
    return most < limits->stake_minor_max ? most : limits->stake_minor_max;
}

/* Step 4. */
static enum bet_outcome check_stake(const struct slip *slip, const struct bet_limits *limits,
                                    struct money available, struct bet_verdict *ret)
{
    /* An account without a currency has no money either: step 5 says so. */
    if (!currency_equal(available.currency, CURRENCY_NONE) &&
        !currency_equal(available.currency, slip->stake.currency))
        return BET_CURRENCY_MISMATCH;

    int64_t stake_min = limits->stake_minor_min > 1 ? limits->stake_minor_min : 1;
    int64_t stake_max = stake_max_of(slip->stake, ret->odds, limits);
    if (slip->stake.minor >= stake_min && slip->stake.minor <= stake_max)
        return BET_PLACED;
    if (stake_min <= stake_max) {
        ret->stake_minor_min = stake_min;
        ret->stake_minor_max = stake_max;
    }
    return BET_STAKE_LIMIT;
}

/* Step 5. */
static enum bet_outcome check_balance(const struct slip *slip, struct money available)
{
    if (currency_equal(available.currency, CURRENCY_NONE))
        return BET_INSUFFICIENT_BALANCE;
    return slip->stake.minor > available.minor ? BET_INSUFFICIENT_BALANCE : BET_PLACED; /* L4 */
}

void bet_decide(const struct slip *slip, const struct market_view *market,
                const struct bet_limits *limits, struct money available, struct bet_verdict *ret)
{
    ASSERT(slip->stake.minor > 0);
    ASSERT(slip->stake.minor <= MONEY_MINOR_MAX);
    ASSERT(currency_known(slip->stake.currency));
    ASSERT(slip->policy == PRICE_ANY || odds_present(slip->odds));

    *ret = (struct bet_verdict){.potential_return = money_of(0, slip->stake.currency)};
    if (market->selection_known)
        ret->odds = market->odds;
    ret->outcome = check_leg(slip, slip->odds, market, limits);
    if (ret->outcome == BET_PLACED)
        ret->outcome = check_stake(slip, limits, available, ret);
    if (ret->outcome == BET_PLACED)
        ret->outcome = check_balance(slip, available);
    if (ret->outcome != BET_PLACED)
        return;
    if (market->bet_delay_us > 0)
        ret->outcome = BET_PENDING;
    ret->potential_return = return_of(slip->stake, ret->odds, limits);
}

enum bet_outcome bet_decide_release(const struct slip *slip, struct odds bound,
                                    const struct market_view *market,
                                    const struct bet_limits *limits)
{
    ASSERT(odds_present(bound)); /* a bet without a price never became pending */
    return check_leg(slip, bound, market, limits);
}
