/* sim_expect.c - the rules of docs/PROTOCOL.md and BETTING-RULES once more, written apart from
 * core/: what the oracle expects of every verdict. Slow and plain on purpose. */
#include "base/assert.h"
#include "sim/sim_fate.h"
#include "sim/sim_referrals.h"
#include "sim/sim_tickets.h"
#include "sim/sim_world.h"

#define DAY_US (24 * 60 * 60 * US_PER_SECOND)

/* ---- decisions ---- */

static int compare(struct odds a, struct odds b)
{
    uint64_t x = (uint64_t)a.numerator * b.denominator, y = (uint64_t)b.numerator * a.denominator;
    return x < y ? -1 : x > y;
}

/* What the customer wants of a price. */
struct wish {
    uint8_t policy; /* enum price_policy */
    uint64_t version;
    struct odds odds;
};

static bool agreed(const struct sim *sim, const struct wish *wish, const struct sim_view *view)
{
    const struct odds asked = wish->odds;
    uint32_t tolerance = sim->mix.book.ticket_limits.bet.tolerance_permyriad;
    unsigned __int128 now = (unsigned __int128)view->odds.numerator * asked.denominator * 10000;
    unsigned __int128 least =
        (unsigned __int128)asked.numerator * view->odds.denominator * (10000 - tolerance);
    if (wish->version > view->version)
        return false;
    if (wish->policy == PRICE_ANY)
        return true;
    if (wish->policy == PRICE_EXACT)
        return compare(view->odds, asked) == 0 &&
               (wish->version == 0 || wish->version == view->version);
    return wish->policy == PRICE_BETTER ? compare(view->odds, asked) >= 0 : now >= least;
}

static enum bet_outcome market_says(const struct sim *sim, const struct wish *wish,
                                    const struct sim_view *view)
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
    return agreed(sim, wish, view) ? BET_PLACED : BET_ODDS_CHANGED;
}

/* ---- tickets ---- */

static const struct sim_leg *legs_of(const struct sim *sim, const struct sim_entry *entry)
{
    return &sim->legs[entry->legs_first];
}

/* The ticket as it would be accepted, at the prices that were seen. */
static struct sim_shape shape_of(const struct sim *sim, const struct sim_entry *entry,
                                 int64_t stake, struct sim_bet_leg legs[SIM_LEGS_MAX])
{
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        const struct sim_leg *leg = &legs_of(sim, entry)[i];
        legs[i] = (struct sim_bet_leg){
            .banker = leg->banker, .odds = leg->view.odds, .terms = leg->view.terms};
    }
    unsigned flags =
        (entry->each_way ? BET_EACH_WAY : 0u) | (entry->stake_kind == STAKE_FREE    ? BET_FREE
                                                 : entry->stake_kind == STAKE_BONUS ? BET_BONUS
                                                                                    : 0u);
    return (struct sim_shape){stake, entry->sizes, entry->legs_count, (uint8_t)flags};
}

static enum bet_outcome expect_structure(const struct sim *sim, const struct sim_entry *entry,
                                         const struct sim_shape *shape,
                                         const struct sim_bet_leg *legs)
{
    const struct ticket_limits *limits = &sim->mix.book.ticket_limits;
    uint64_t lines = (uint64_t)sim_lines(shape, legs) * (entry->each_way ? 2 : 1);
    if (entry->legs_count > limits->legs_max)
        return BET_LEGS_LIMIT;
    if (lines == 0)
        return BET_UNSUPPORTED_BET_TYPE;
    if (lines > limits->lines_max)
        return BET_LINES_LIMIT;
    return (uint64_t)shape->stake % lines == 0 ? BET_PLACED : BET_UNSUPPORTED_BET_TYPE;
}

/* Of one event: who is offered nothing there is not asked. */
static bool has_related(const struct sim *sim, const struct sim_entry *entry)
{
    const struct sim_leg *legs = legs_of(sim, entry);
    for (uint32_t i = 0; i < entry->legs_count; i++)
        for (uint32_t k = 0; k < i; k++) {
            if (!legs[i].view.known || !legs[k].view.known)
                continue;
            const struct sim_market *a = &sim->markets[legs[i].market];
            const struct sim_market *b = &sim->markets[legs[k].market];
            if (a->event_bytes == 0 || b->event_bytes == 0 ||
                slice_equal(slice_of(a->event, a->event_bytes), slice_of(b->event, b->event_bytes)))
                return true;
        }
    return false;
}

static bool have_terms(struct place_terms terms)
{
    return terms.places > 0 && terms.numerator > 0 && terms.numerator <= terms.denominator;
}

static enum bet_outcome expect_legs(const struct sim *sim, const struct sim_entry *entry)
{
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        const struct sim_leg *leg = &legs_of(sim, entry)[i];
        const struct wish wish = {entry->policy, leg->odds_version, leg->odds};
        enum bet_outcome outcome = market_says(sim, &wish, &leg->view);
        if (outcome != BET_PLACED)
            return outcome;
        if (entry->each_way && !have_terms(leg->view.terms))
            return BET_NO_PLACE_TERMS;
        if (!entry->each_way && leg->view.each_way_only)
            return BET_EACH_WAY_ONLY;
    }
    return BET_PLACED;
}

/* Is the dearest line above the most? All lines are looked at. */
static bool odds_too_long(const struct sim *sim, const struct sim_shape *shape,
                          const struct sim_bet_leg *legs)
{
    uint32_t most = sim->mix.book.ticket_limits.total_odds_max;
    for (uint32_t mask = 1; mask < UINT32_C(1) << shape->legs_count; mask++) {
        unsigned __int128 top = 1, bottom = 1;
        uint32_t size = 0, chosen = 0;
        bool whole = true;
        for (uint32_t i = 0; i < shape->legs_count; i++) {
            bool in = (mask >> i & 1) != 0;
            whole = whole && (in || !legs[i].banker);
            chosen += !legs[i].banker;
            size += in && !legs[i].banker;
            top *= in ? legs[i].odds.numerator : 1;
            bottom *= in ? legs[i].odds.denominator : 1;
        }
        bool is_one = whole && (chosen == 0 || (size > 0 && (shape->sizes >> (size - 1) & 1) != 0));
        if (is_one && top > bottom * most)
            return true;
    }
    return false;
}

/* The same selections, in whatever order and shape. */
static bool is_alike(const struct sim *sim, const struct sim_entry *entry,
                     const struct sim_bet *bet)
{
    if (bet->legs_count != entry->legs_count)
        return false;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct sim_bet_leg *own = &sim->oracle.legs[bet->legs_first + i];
        const struct sim_named *named = &sim->markets[own->market].named[own->selection];
        bool found = false;
        for (uint32_t k = 0; k < entry->legs_count; k++) {
            const struct sim_leg *leg = &legs_of(sim, entry)[k];
            found = found || (leg->market == own->market &&
                              slice_equal(slice_of(named->id, named->id_bytes),
                                          slice_of(leg->selection, leg->selection_bytes)));
        }
        if (!found)
            return false;
    }
    return true;
}

static bool is_running(const struct sim_bet *bet)
{
    return bet->state == BET_STATE_OPEN || sim_bet_waits(bet->state);
}

/* Repeated identical bets are summed: what the account's others on the selections stake. */
static int64_t staked_alike(const struct sim *sim, const struct sim_entry *entry,
                            const struct sim_account *account, const struct sim_bet *but)
{
    int64_t staked = 0;
    for (uint32_t at = account->bets_last; at != SIM_NONE;
         at = sim->oracle.bets[at].next_of_account) {
        const struct sim_bet *bet = &sim->oracle.bets[at];
        if (bet != but && is_running(bet) && is_alike(sim, entry, bet))
            staked += bet->stake;
    }
    return staked;
}

/* What an outcome may cost the book is the limit: with this bet on it, and with those before. */
static bool costs_too_much(const struct sim *sim, const struct sim_entry *entry, uint32_t account,
                           int64_t costs)
{
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        const struct sim_leg *leg = &legs_of(sim, entry)[i];
        int64_t most = sim_bounds_of(sim, account, leg->market).liability_max;
        if (most == LIABILITY_UNLIMITED)
            continue;
        const struct sim_market *market = &sim->markets[leg->market];
        int64_t liability = 0;
        for (uint16_t k = 0; k < market->named_count; k++)
            if (slice_equal(slice_of(market->named[k].id, market->named[k].id_bytes),
                            slice_of(leg->selection, leg->selection_bytes)))
                liability = market->named[k].costs - market->stakes_single;
        if (costs > most - liability)
            return true;
    }
    return false;
}

/* Of all legs together, but for the liability, which is each leg's. */
static struct sim_bounds bounds_of(const struct sim *sim, const struct sim_entry *entry,
                                   uint32_t account)
{
    struct sim_bounds all = sim_bounds_of(sim, account, legs_of(sim, entry)[0].market);
    for (uint32_t i = 1; i < entry->legs_count; i++) {
        struct sim_bounds leg = sim_bounds_of(sim, account, legs_of(sim, entry)[i].market);
        all.stake_min = leg.stake_min > all.stake_min ? leg.stake_min : all.stake_min;
        all.stake_max = leg.stake_max < all.stake_max ? leg.stake_max : all.stake_max;
        all.payout_max = leg.payout_max < all.payout_max ? leg.payout_max : all.payout_max;
        all.payout_day_max =
            leg.payout_day_max < all.payout_day_max ? leg.payout_day_max : all.payout_day_max;
        all.delay_us = leg.delay_us > all.delay_us ? leg.delay_us : all.delay_us;
        all.refer_above = leg.refer_above < all.refer_above ? leg.refer_above : all.refer_above;
        all.refers = all.refers || leg.refers;
    }
    return all;
}

static uint32_t ref_of(const struct sim *sim, const struct sim_account *account)
{
    return (uint32_t)(account - sim->oracle.accounts);
}

static int64_t longer(const struct sim_view *view, int64_t longest)
{
    return view->in_play && view->delay_us > longest ? view->delay_us : longest;
}

int64_t sim_expect_delay(const struct sim *sim, const struct sim_entry *entry,
                         const struct sim_account *account)
{
    int64_t longest = bounds_of(sim, entry, ref_of(sim, account)).delay_us;
    for (uint32_t i = 0; i < entry->legs_count; i++)
        longest = longer(&legs_of(sim, entry)[i].view, longest);
    return longest;
}

int64_t sim_expect_least(const struct sim *sim, const struct sim_entry *entry,
                         const struct sim_account *account)
{
    return bounds_of(sim, entry, ref_of(sim, account)).stake_min;
}

static int64_t day_of(const struct sim_bet *bet)
{
    return bet_id_instant((struct bet_id){bet->bet_id}).us / DAY_US;
}

/* What the account's bets of that day have paid, and may pay yet. */
static int64_t paid_in_day(const struct sim *sim, const struct sim_account *account,
                           int64_t time_us, const struct sim_bet *but)
{
    int64_t today = time_us / DAY_US, paid = 0;
    for (uint32_t at = account->bets_last; at != SIM_NONE;
         at = sim->oracle.bets[at].next_of_account) {
        const struct sim_bet *bet = &sim->oracle.bets[at];
        if (bet != but && day_of(bet) == today && bet->state != BET_STATE_NOT_ACCEPTED)
            paid += bet->cashed_out + (is_running(bet) ? bet->returns : bet->payout);
    }
    return paid;
}

/* A ticket, or a bet that waits, beside the limits. */
struct limited {
    const struct sim_entry *entry;
    const struct sim_account *account;
    const struct sim_bet *bet; /* NULL: it is new */
    unsigned lifted;           /* enum referral_lift */
    int64_t time_us;
};

static enum bet_outcome expect_limits(const struct sim *sim, const struct limited *l,
                                      const struct sim_shape *shape, int64_t returns)
{
    const uint32_t ref = ref_of(sim, l->account);
    const struct sim_bounds bounds = bounds_of(sim, l->entry, ref);
    bool cash = l->entry->stake_kind == STAKE_CASH;
    int64_t stake = shape->stake, alike = 0, most = bounds.payout_max;
    if (l->bet != NULL || l->account->stakes_open > bounds.stake_max - l->entry->amount)
        alike = staked_alike(sim, l->entry, l->account, l->bet); /* else within the limit */
    if (bounds.payout_day_max != INT64_MAX) {
        int64_t left = bounds.payout_day_max - paid_in_day(sim, l->account, l->time_us, l->bet);
        left = left > 0 ? left : 0; /* what pays nothing passes whatever was paid */
        most = left < most ? left : most;
    }
    bool free_stake = (l->lifted & LIFT_STAKE) != 0 && bounds.stake_max > 0;
    if (stake < bounds.stake_min || stake < 1)
        return BET_STAKE_LIMIT;
    if (!free_stake && (stake > bounds.stake_max - alike || returns > most))
        return BET_STAKE_LIMIT;
    if ((l->lifted & LIFT_LIABILITY) == 0 &&
        costs_too_much(sim, l->entry, ref, returns - (cash ? stake : 0)))
        return BET_LIABILITY_LIMIT;
    return BET_PLACED;
}

static enum bet_outcome expect_stake(const struct sim *sim, const struct limited *l,
                                     const struct sim_shape *shape, const struct sim_bet_leg *legs)
{
    const struct sim_account *account = l->account;
    int64_t funds = l->entry->stake_kind == STAKE_CASH    ? account->available
                    : l->entry->stake_kind == STAKE_BONUS ? account->bonus
                                                          : account->free;
    if (account->currency != 0 && account->currency != l->entry->currency)
        return BET_CURRENCY_MISMATCH;
    enum bet_outcome outcome = expect_limits(sim, l, shape, sim_returns(sim, shape, legs));
    if (outcome != BET_PLACED)
        return outcome;
    if (account->available < 0) /* who owes stakes nothing, promotional money neither */
        return BET_INSUFFICIENT_BALANCE;
    return account->currency == 0 || shape->stake > funds ? BET_INSUFFICIENT_BALANCE : BET_PLACED;
}

static enum bet_outcome expect_new(const struct sim *sim, const struct limited *l, int64_t stake)
{
    const struct sim_entry *entry = l->entry;
    struct sim_bet_leg legs[SIM_LEGS_MAX];
    const struct sim_shape shape = shape_of(sim, entry, stake, legs);
    enum bet_outcome outcome = expect_structure(sim, entry, &shape, legs);
    if (outcome == BET_PLACED && has_related(sim, entry))
        outcome = BET_RELATED_LEGS;
    if (outcome == BET_PLACED)
        outcome = expect_legs(sim, entry);
    if (outcome == BET_PLACED && odds_too_long(sim, &shape, legs))
        outcome = BET_ODDS_LIMIT;
    if (outcome == BET_PLACED)
        outcome = expect_stake(sim, l, &shape, legs);
    if (outcome == BET_PLACED && sim_expect_delay(sim, entry, l->account) > 0)
        outcome = BET_PENDING;
    return outcome;
}

enum bet_outcome sim_expect_bet(const struct sim *sim, const struct sim_entry *entry,
                                const struct sim_account *account, int64_t stake)
{
    const struct limited l = {entry, account, NULL, 0, sim->oracle.time_us};
    return expect_new(sim, &l, stake);
}

enum referral_cause sim_expect_referral(const struct sim *sim, const struct sim_entry *entry,
                                        const struct sim_account *account, int64_t stake,
                                        enum bet_outcome outcome)
{
    const struct sim_bounds bounds = bounds_of(sim, entry, ref_of(sim, account));
    const struct limited l = {entry, account, NULL, LIFT_STAKE | LIFT_LIABILITY,
                              sim->oracle.time_us};
    if (bounds.stake_max <= 0 || stake < bounds.stake_min)
        return REFERRED_NOT; /* that is no question of risk */
    if (outcome == BET_PLACED || outcome == BET_PENDING)
        return stake > bounds.refer_above ? REFERRED_BY_RULE : REFERRED_NOT;
    if ((outcome != BET_STAKE_LIMIT && outcome != BET_LIABILITY_LIMIT) || !bounds.refers)
        return REFERRED_NOT;
    enum bet_outcome without = expect_new(sim, &l, stake);
    if (without != BET_PLACED && without != BET_PENDING)
        return REFERRED_NOT;
    return outcome == BET_STAKE_LIMIT ? REFERRED_STAKE_LIMIT : REFERRED_LIABILITY_LIMIT;
}

int64_t sim_expect_refer_above(const struct sim *sim, const struct sim_entry *entry,
                               const struct sim_account *account)
{
    return bounds_of(sim, entry, ref_of(sim, account)).refer_above;
}

uint32_t sim_expect_step(const struct sim *sim, const struct sim_entry *entry)
{
    struct sim_bet_leg legs[SIM_LEGS_MAX];
    const struct sim_shape shape = shape_of(sim, entry, entry->amount, legs);
    return sim_lines(&shape, legs) * (entry->each_way ? 2 : 1);
}

/* ---- bets that wait ---- */

enum bet_outcome sim_expect_look(const struct sim *sim, const struct sim_bet *bet,
                                 const struct sim_look *look, int64_t stake)
{
    static const struct wish any = {.policy = PRICE_ANY};
    const struct sim_entry *entry = &sim->entries[bet->entry];
    struct sim_shape shape = sim_shape_of(bet);
    shape.stake = stake;
    const struct limited l = {entry, &sim->oracle.accounts[bet->account], bet, look->lifted,
                              look->time_us};
    enum bet_outcome outcome = expect_structure(sim, entry, &shape, look->legs);
    for (uint32_t i = 0; outcome == BET_PLACED && i < bet->legs_count; i++) {
        struct sim_view view = look->views[i];
        view.odds = look->legs[i].odds; /* what is bound, or named, whatever it is now */
        outcome = market_says(sim, &any, &view);
    }
    if (outcome == BET_PLACED && odds_too_long(sim, &shape, look->legs))
        outcome = BET_ODDS_LIMIT;
    return outcome == BET_PLACED
               ? expect_limits(sim, &l, &shape, sim_returns(sim, &shape, look->legs))
               : outcome;
}

int64_t sim_expect_look_delay(const struct sim *sim, const struct sim_bet *bet,
                              const struct sim_look *look)
{
    int64_t longest = bounds_of(sim, &sim->entries[bet->entry], bet->account).delay_us;
    for (uint32_t i = 0; i < bet->legs_count; i++)
        longest = longer(&look->views[i], longest);
    return longest;
}

/* The market was stopped or its provider silent, and all is well again. */
static bool was_stopped(const struct sim *sim, const struct sim_bet *bet, const struct sim_leg *leg)
{
    const struct sim_referral *r = &bet->referral;
    uint64_t bound = r->cause != REFERRED_NOT ? r->bound_seq : sim->entries[bet->entry].seq;
    int64_t breaks = r->offers > 0 ? r->breaks : leg->view.breaks;
    return sim->markets[leg->market].stopped_seq > bound || leg->release_view.back > breaks;
}

enum bet_outcome sim_expect_release(const struct sim *sim, const struct sim_bet *bet)
{
    const struct sim_entry *entry = &sim->entries[bet->entry];
    const struct sim_bet_leg *bound = &sim->oracle.legs[bet->legs_first];
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        const struct sim_leg *leg = &legs_of(sim, entry)[i];
        uint8_t policy = bound[i].named ? PRICE_ANY : entry->policy;
        const struct wish wish = {policy, leg->odds_version, bound[i].odds};
        enum bet_outcome outcome = market_says(sim, &wish, &leg->release_view);
        if ((outcome == BET_PLACED || outcome == BET_ODDS_CHANGED) && was_stopped(sim, bet, leg))
            return BET_MARKET_SUSPENDED;
        if (outcome != BET_PLACED)
            return outcome;
    }
    return BET_PLACED;
}

enum bet_outcome sim_expect_money(const struct sim *sim, const struct sim_entry *entry,
                                  const struct sim_account *account)
{
    if (account->currency != 0 && account->currency != entry->currency)
        return BET_CURRENCY_MISMATCH;
    int64_t funds = account->available;
    switch ((enum money_kind)entry->money_kind) {
    case MONEY_DEPOSIT:
    case MONEY_GRANT_FREE:
    case MONEY_GRANT_BONUS:
        return entry->amount > sim->mix.book.deposit_minor_max ? BET_AMOUNT_LIMIT : BET_PLACED;
    case MONEY_FORFEIT_FREE:
        funds = account->free;
        break;
    case MONEY_FORFEIT_BONUS:
    case MONEY_BONUS_TO_CASH:
        funds = account->bonus;
        break;
    case MONEY_WRITE_OFF:
        return entry->amount > -account->available ? BET_AMOUNT_LIMIT : BET_PLACED;
    case MONEY_WITHDRAWAL:
        break;
    }
    return entry->amount > funds ? BET_INSUFFICIENT_BALANCE : BET_PLACED;
}
