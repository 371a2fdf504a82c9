/* bet_decide.c - contract and order of the refusals in bet_decide.h. */
#include "core/bet_decide.h"

#include "base/assert.h"
#include "core/settle.h"

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

/* `asked` is the slip's price, or at a release the one bound before. */
static bool policy_accepts(const struct slip *slip, struct odds asked,
                           const struct market_view *market, uint32_t tolerance_permyriad)
{
    switch (slip->policy) {
    case PRICE_ANY:
        return true;
    case PRICE_EXACT:
        return (slip->odds_version == 0 || slip->odds_version == market->odds_version) &&
               odds_equal(market->odds, asked);
    case PRICE_BETTER:
        return odds_compare(market->odds, asked) >= 0;
    case PRICE_WITHIN:
        break;
    }
    ASSERT(slip->policy == PRICE_WITHIN);
    return odds_within(market->odds, asked, tolerance_permyriad);
}

/* Steps 1 to 3: what a new bet and the release of a pending one have in common. */
static enum bet_outcome check_market(const struct slip *slip, struct odds asked,
                                     const struct market_view *market,
                                     const struct bet_limits *limits)
{
    enum bet_outcome outcome = check_status(market);
    if (outcome == BET_PLACED)
        outcome = check_selection(market);
    if (outcome != BET_PLACED)
        return outcome;
    /* Nobody can have seen a version that is not there yet (P1). */
    if (slip->odds_version > market->odds_version)
        return BET_ODDS_CHANGED;
    if (!policy_accepts(slip, asked, market, limits->tolerance_permyriad))
        return BET_ODDS_CHANGED;
    return BET_PLACED;
}

/* settle_single() answers MONEY_MINOR_MAX for all that is above it, so a limit must be below. */
static int64_t payout_max_of(const struct bet_limits *limits)
{
    return limits->payout_minor_max < MONEY_MINOR_MAX ? limits->payout_minor_max
                                                      : MONEY_MINOR_MAX - 1;
}

static struct money return_of(struct money stake, struct odds odds, const struct bet_limits *limits)
{
    return settle_single(stake, odds, LEG_WON, limits->rounding);
}

/* The highest stake whose return at `odds` passes. payout / odds rounded down certainly does,
 * and the next may, thanks to rounding; the one after cannot, since a price is above 1. */
static int64_t stake_max_of(struct money stake, struct odds odds, const struct bet_limits *limits)
{
    int64_t payout_max = payout_max_of(limits);
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
    ret->outcome = check_market(slip, slip->odds, market, limits);
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
    return check_market(slip, bound, market, limits);
}

struct odds bet_release_odds(struct odds bound, struct odds current)
{
    return odds_compare(current, bound) < 0 ? current : bound;
}

const char *bet_outcome_text(enum bet_outcome outcome)
{
    switch (outcome) {
#define CASE(code, number, http)                                                                   \
    case BET_##code:                                                                               \
        return #code;
        BET_OUTCOME_LIST(CASE)
#undef CASE
    }
    return NULL;
}

int bet_outcome_http(enum bet_outcome outcome)
{
    switch (outcome) {
#define CASE(code, number, http)                                                                   \
    case BET_##code:                                                                               \
        return http;
        BET_OUTCOME_LIST(CASE)
#undef CASE
    }
    return 0;
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
