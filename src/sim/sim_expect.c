/* sim_expect.c - the rules of docs/PROTOCOL.md and BETTING-RULES once more, written apart from
 * core/: what the oracle expects of every verdict and payout. Slow and plain on purpose. */
#include "base/assert.h"
#include "sim/sim_world.h"

/* ---- fractions ---- */

struct ratio {
    unsigned __int128 top, bottom;
};

static struct ratio reduced(struct ratio r)
{
    unsigned __int128 a = r.top, b = r.bottom;
    while (b != 0) {
        unsigned __int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a == 0 ? r : (struct ratio){r.top / a, r.bottom / a};
}

static struct ratio times(struct ratio a, struct ratio b)
{
    return reduced((struct ratio){a.top * b.top, a.bottom * b.bottom});
}

static struct ratio plus(struct ratio a, struct ratio b)
{
    return reduced((struct ratio){a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom});
}

static struct ratio whole(uint64_t n)
{
    return (struct ratio){n, 1};
}

static int64_t rounded(struct ratio r, enum rounding rounding)
{
    int64_t down = (int64_t)(r.top / r.bottom);
    unsigned __int128 twice = r.top % r.bottom * 2;
    if (rounding == ROUND_DOWN || twice < r.bottom)
        return down;
    if (twice > r.bottom || rounding == ROUND_HALF_UP)
        return down + 1;
    return down + (down & 1);
}

/* L = v + (1 - v) * w * d * odds (BETTING-RULES 4.1). */
int64_t sim_payout(int64_t stake, struct odds odds, struct record_leg_result factors,
                   enum rounding rounding)
{
    struct ratio returned = {factors.void_halves, 2};
    struct ratio kept = {2u - factors.void_halves, 2};
    if (factors.won) {
        struct ratio heat = {factors.dead_heat_numerator, factors.dead_heat_denominator};
        struct ratio price = {odds.numerator, odds.denominator};
        returned = plus(returned, times(times(kept, heat), price));
    }
    return rounded(times(whole((uint64_t)stake), returned), rounding);
}

static int64_t payout_if_won(int64_t stake, struct odds odds, enum rounding rounding)
{
    return sim_payout(stake, odds, (struct record_leg_result){1, 1, 0, 0, 1, 1}, rounding);
}

/* ---- decisions ---- */

static int compare(struct odds a, struct odds b)
{
    uint64_t x = (uint64_t)a.numerator * b.denominator, y = (uint64_t)b.numerator * a.denominator;
    return x < y ? -1 : x > y;
}

static bool agreed(const struct sim *sim, const struct sim_entry *entry, struct odds asked,
                   const struct sim_view *view)
{
    uint32_t tolerance = sim->mix.book.ticket_limits.bet.tolerance_permyriad;
    unsigned __int128 now = (unsigned __int128)view->odds.numerator * asked.denominator * 10000;
    unsigned __int128 least =
        (unsigned __int128)asked.numerator * view->odds.denominator * (10000 - tolerance);
    if (entry->odds_version > view->version)
        return false;
    if (entry->policy == PRICE_ANY)
        return true;
    if (entry->policy == PRICE_EXACT)
        return compare(view->odds, asked) == 0 &&
               (entry->odds_version == 0 || entry->odds_version == view->version);
    return entry->policy == PRICE_BETTER ? compare(view->odds, asked) >= 0 : now >= least;
}

static enum bet_outcome market_says(const struct sim *sim, const struct sim_entry *entry,
                                    struct odds asked, const struct sim_view *view)
{
    if (!view->known)
        return BET_MARKET_SUSPENDED;
    if (view->status >= MARKET_CLOSED_STATUS)
        return BET_MARKET_CLOSED;
    if (view->status != MARKET_ACTIVE || !view->alive)
        return BET_MARKET_SUSPENDED;
    if (!view->selection_known)
        return BET_UNKNOWN_SELECTION;
    if (view->selection_status >= SELECTION_WON)
        return BET_MARKET_CLOSED;
    if (view->selection_status != SELECTION_ACTIVE || view->odds.denominator == 0)
        return BET_MARKET_SUSPENDED;
    return agreed(sim, entry, asked, view) ? BET_PLACED : BET_ODDS_CHANGED;
}

/* Repeated identical bets are summed: what the account's others on the selection stake. */
static int64_t staked_alike(const struct sim *sim, const struct sim_entry *entry, uint32_t account)
{
    const struct sim_oracle *o = &sim->oracle;
    int64_t staked = 0;
    for (uint32_t i = 0; i < o->bets_count; i++) {
        const struct sim_bet *bet = &o->bets[i];
        const struct sim_named *named = &sim->markets[bet->market].named[bet->selection];
        if (bet->account == account && bet->market == entry->market &&
            (bet->state == BET_STATE_OPEN || bet->state == BET_STATE_PENDING) &&
            slice_equal(slice_of(named->id, named->id_bytes),
                        slice_of(entry->selection, entry->selection_bytes)))
            staked += bet->stake;
    }
    return staked;
}

enum bet_outcome sim_expect_bet(const struct sim *sim, const struct sim_entry *entry,
                                const struct sim_account *account)
{
    const struct bet_limits *limits = &sim->mix.book.ticket_limits.bet;
    if (!entry->single)
        return BET_UNSUPPORTED_BET_TYPE;
    enum bet_outcome outcome = market_says(sim, entry, entry->odds, &entry->view);
    if (outcome != BET_PLACED)
        return outcome;
    if (account->currency != 0 && account->currency != entry->currency)
        return BET_CURRENCY_MISMATCH;
    int64_t alike = staked_alike(sim, entry, (uint32_t)(account - sim->oracle.accounts));
    if (entry->amount < limits->stake_minor_min ||
        entry->amount + alike > limits->stake_minor_max ||
        payout_if_won(entry->amount, entry->view.odds, limits->rounding) > limits->payout_minor_max)
        return BET_STAKE_LIMIT;
    if (account->currency == 0 || entry->amount > account->available)
        return BET_INSUFFICIENT_BALANCE;
    if (!entry->view.in_play || entry->view.delay_us == 0)
        return BET_PLACED;
    return sim->oracle.pending < sim->mix.book.pending_max ? BET_PENDING : BET_MARKET_SUSPENDED;
}

enum bet_outcome sim_expect_release(const struct sim *sim, const struct sim_entry *entry,
                                    struct odds bound)
{
    enum bet_outcome outcome = market_says(sim, entry, bound, &entry->release_view);
    if (outcome != BET_PLACED && outcome != BET_ODDS_CHANGED)
        return outcome;
    bool stopped = sim->markets[entry->market].stopped_seq > entry->seq ||
                   entry->release_view.back > entry->view.breaks;
    return stopped ? BET_MARKET_SUSPENDED : outcome;
}

enum bet_outcome sim_expect_money(const struct sim *sim, const struct sim_entry *entry,
                                  const struct sim_account *account)
{
    if (account->currency != 0 && account->currency != entry->currency)
        return BET_CURRENCY_MISMATCH;
    if (entry->operation == OPERATION_DEPOSIT)
        return entry->amount > sim->mix.book.deposit_minor_max ? BET_AMOUNT_LIMIT : BET_PLACED;
    return entry->amount > account->available ? BET_INSUFFICIENT_BALANCE : BET_PLACED;
}
