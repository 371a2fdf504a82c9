/* ticket.c - contract and order of the refusals in ticket.h.
 *
 * Below, BET_PLACED from one step means "nothing against it": the next step is asked. */
#include "core/ticket.h"

#include "base/assert.h"
#include "core/bet_return.h"
#include "core/bet_stake.h"
#include "core/liability.h"
#include "core/settle.h"
#include "core/wide.h"

/* A hundred prices of 30 bits, the limit's 32, and a limb of carry. */
#define ODDS_BITS        30u
#define TOTAL_ODDS_LIMBS ((BET_LEGS_MAX * ODDS_BITS + 32u) / WIDE_LIMB_BITS + 2u)

_Static_assert(ODDS_TERM_MAX <= UINT32_C(1) << ODDS_BITS, "a price has 30 bits");

struct deciding {
    const struct ticket *ticket;
    const struct ticket_leg_view *views;
    const struct ticket_limits *limits;
    struct money available;
};

static void verdict_init(struct ticket_verdict *verdict, const struct ticket *ticket)
{
    verdict->outcome = BET_PLACED;
    verdict->leg = TICKET_NO_LEG;
    verdict->lines = 0;
    verdict->potential_return = money_of(0, ticket->stake.currency);
    verdict->bet_delay_us = 0;
    verdict->stake_minor_max = 0;
    verdict->stake_minor_min = 0;
}

/* ---- 1: structure ---- */

static uint32_t chosen_count(const struct ticket *ticket)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ticket->legs_count; i++)
        count += !ticket->legs[i].banker;
    return count;
}

static enum bet_outcome check_structure(const struct ticket *ticket,
                                        const struct ticket_limits *limits, uint64_t *ret_lines)
{
    if (ticket->legs_count == 0)
        return BET_UNSUPPORTED_BET_TYPE;
    if (ticket->legs_count > limits->legs_max || ticket->legs_count > BET_LEGS_MAX)
        return BET_LEGS_LIMIT;
    uint32_t chosen = chosen_count(ticket);
    if (chosen > SYSTEM_LEGS_MAX)
        return BET_LEGS_LIMIT;
    if (!system_valid(chosen, ticket->sizes))
        return BET_UNSUPPORTED_BET_TYPE;
    uint64_t lines = system_lines(chosen, ticket->sizes) * (ticket->each_way ? 2 : 1);
    if (lines > limits->lines_max)
        return BET_LINES_LIMIT;
    if ((uint64_t)ticket->stake.minor % lines > 0)
        return BET_UNSUPPORTED_BET_TYPE;
    *ret_lines = lines;
    return BET_PLACED;
}

/* ---- 2: related legs ---- */

static bool are_related(const struct ticket_leg_view *a, const struct ticket_leg_view *b)
{
    if (a->market_number == 0 || b->market_number == 0)
        return false; /* nothing is known of one: its own step says so */
    return a->market_number == b->market_number || a->event == b->event || a->event == 0 ||
           b->event == 0;
}

static enum bet_outcome check_related(const struct deciding *d, uint32_t *ret_leg)
{
    for (uint32_t i = 1; i < d->ticket->legs_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (are_related(&d->views[i], &d->views[j])) {
                *ret_leg = i;
                return BET_RELATED_LEGS;
            }
        }
    }
    return BET_PLACED;
}

/* ---- 3: each leg ---- */

static enum bet_outcome check_market(const struct ticket *ticket, uint32_t leg, struct odds asked,
                                     const struct market_view *market,
                                     const struct ticket_limits *limits)
{
    const struct leg_asked want = {asked, ticket->legs[leg].odds_version, ticket->policy};
    return leg_decide(&want, market, limits->bet.tolerance_permyriad);
}

static enum bet_outcome check_ways(const struct ticket *ticket, const struct ticket_leg_view *view)
{
    if (ticket->each_way)
        return place_terms_valid(view->terms) ? BET_PLACED : BET_NO_PLACE_TERMS;
    return view->each_way_only ? BET_EACH_WAY_ONLY : BET_PLACED;
}

static enum bet_outcome check_legs(const struct deciding *d, uint32_t *ret_leg)
{
    for (uint32_t i = 0; i < d->ticket->legs_count; i++) {
        enum bet_outcome outcome =
            check_market(d->ticket, i, d->ticket->legs[i].odds, &d->views[i].market, d->limits);
        if (outcome == BET_PLACED)
            outcome = check_ways(d->ticket, &d->views[i]);
        if (outcome != BET_PLACED) {
            *ret_leg = i;
            return outcome;
        }
    }
    return BET_PLACED;
}

static int64_t longest_delay(const struct deciding *d)
{
    int64_t longest = 0;
    for (uint32_t i = 0; i < d->ticket->legs_count; i++)
        if (d->views[i].market.bet_delay_us > longest)
            longest = d->views[i].market.bet_delay_us;
    return longest;
}

/* ---- 4: total odds ---- */

struct total_odds {
    struct wide numerator;
    struct wide denominator;
    uint64_t numerator_limbs[TOTAL_ODDS_LIMBS];
    uint64_t denominator_limbs[TOTAL_ODDS_LIMBS];
};

static void multiply_odds(struct total_odds *total, struct odds odds)
{
    wide_multiply_small(&total->numerator, odds.numerator);
    wide_multiply_small(&total->denominator, odds.denominator);
}

/* The highest of them goes to the end and out. */
static struct odds take_highest(struct odds *odds, uint32_t *count)
{
    uint32_t last = --*count;
    for (uint32_t i = 0; i < last; i++) {
        if (odds_compare(odds[i], odds[last]) > 0) {
            struct odds higher = odds[i];
            odds[i] = odds[last];
            odds[last] = higher;
        }
    }
    return odds[last];
}

static void multiply_longest_line(struct total_odds *total, const struct ticket *ticket,
                                  const struct odds *taken)
{
    struct odds chosen[SYSTEM_LEGS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < ticket->legs_count; i++) {
        if (ticket->legs[i].banker)
            multiply_odds(total, taken[i]);
        else
            chosen[count++] = taken[i];
    }
    for (uint32_t size = system_largest(ticket->sizes); size > 0; size--)
        multiply_odds(total, take_highest(chosen, &count));
}

static enum bet_outcome check_total_odds(const struct deciding *d, const struct odds *taken)
{
    uint32_t most = d->limits->total_odds_max;
    if (most == TOTAL_ODDS_UNLIMITED)
        return BET_PLACED;
    struct total_odds total;
    total.numerator = WIDE_ZERO_IN(total.numerator_limbs);
    total.denominator = WIDE_ZERO_IN(total.denominator_limbs);
    wide_set(&total.numerator, 1);
    wide_set(&total.denominator, 1);
    multiply_longest_line(&total, d->ticket, taken);
    wide_multiply_small(&total.denominator, most);
    return wide_compare(&total.numerator, &total.denominator) > 0 ? BET_ODDS_LIMIT : BET_PLACED;
}

/* ---- 5: stake, return, liability ---- */

static bool is_plain_single(const struct ticket *ticket)
{
    return ticket->legs_count == 1 && !ticket->each_way && ticket->stake_kind != STAKE_FREE;
}

static struct bet_leg won_leg(struct odds odds, struct place_terms terms, bool banker)
{
    return (struct bet_leg){.odds = odds,
                            .terms = terms,
                            .banker = banker,
                            .win = {.result = LEG_WON},
                            .place = {.result = LEG_WON}};
}

static struct bet won_bet(const struct ticket *ticket, const struct bet_leg *legs)
{
    return (struct bet){.legs = legs,
                        .legs_count = ticket->legs_count,
                        .sizes = ticket->sizes,
                        .each_way = ticket->each_way,
                        .free = ticket->stake_kind == STAKE_FREE,
                        .stake = ticket->stake};
}

static struct bet won_now(const struct deciding *d, const struct odds *taken,
                          struct bet_leg legs[BET_LEGS_MAX])
{
    for (uint32_t i = 0; i < d->ticket->legs_count; i++)
        legs[i] = won_leg(taken[i], d->views[i].terms, d->ticket->legs[i].banker);
    return won_bet(d->ticket, legs);
}

/* MONEY_MINOR_MAX stands for all that is above it, too: every limit is below. */
static int64_t potential_return(const struct deciding *d, const struct odds *taken)
{
    struct money money;
    if (is_plain_single(d->ticket)) /* nearly every ticket */
        return settle_single(d->ticket->stake, taken[0], LEG_WON, d->limits->bet.rounding).minor;
    struct bet_leg legs[BET_LEGS_MAX];
    struct bet bet = won_now(d, taken, legs);
    return bet_return(&bet, d->limits->bet.rounding, &money) ? money.minor : MONEY_MINOR_MAX;
}

static uint32_t leg_of_least_room(const struct deciding *d)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < d->ticket->legs_count; i++)
        if (d->views[i].liability_room < d->views[least].liability_room)
            least = i;
    return least;
}

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t stake_most(const struct deciding *d, const struct ticket_verdict *verdict,
                          int64_t room)
{
    struct bet_leg legs[BET_LEGS_MAX];
    struct bet bet = won_now(d, verdict->taken, legs);
    struct stake_bounds bounds = {bet_limits_payout_max(&d->limits->bet), STAKE_COST_UNBOUNDED};
    int64_t step = (int64_t)verdict->lines;
    int64_t most = d->limits->bet.stake_minor_max;
    if (most < step)
        return 0;
    if (d->ticket->stake_kind == STAKE_CASH)
        bounds.cost_minor_max = room;
    else
        bounds.return_minor_max = lower(bounds.return_minor_max, room);
    return lower(most - most % step,
                 bet_stake_highest(&bet, step, bounds, d->limits->bet.rounding));
}

static int64_t stake_least(const struct deciding *d)
{
    return d->limits->bet.stake_minor_min > 1 ? d->limits->bet.stake_minor_min : 1;
}

static void offer_stake(const struct deciding *d, int64_t room, struct ticket_verdict *ret)
{
    int64_t most = stake_most(d, ret, room);
    if (stake_least(d) > most)
        return;
    int64_t step = (int64_t)ret->lines;
    int64_t least = (stake_least(d) + step - 1) / step * step;
    ret->stake_minor_min = least; /* at most `most`, which is a multiple, too */
    ret->stake_minor_max = most;
}

static enum bet_outcome check_stake(const struct deciding *d, int64_t return_minor,
                                    struct ticket_verdict *ret)
{
    /* An account without a currency has no money either: step 6 says so. */
    if (!currency_equal(d->available.currency, CURRENCY_NONE) &&
        !currency_equal(d->available.currency, d->ticket->stake.currency))
        return BET_CURRENCY_MISMATCH;

    const struct bet_limits *limits = &d->limits->bet;
    int64_t stake = d->ticket->stake.minor;
    uint32_t leg = leg_of_least_room(d);
    int64_t room = d->views[leg].liability_room;
    bool within = stake >= stake_least(d) && stake <= limits->stake_minor_max &&
                  return_minor <= bet_limits_payout_max(limits);
    if (within && liability_cost(d->ticket, return_minor) <= room)
        return BET_PLACED;
    offer_stake(d, room, ret);
    if (!within)
        return BET_STAKE_LIMIT;
    ret->leg = leg;
    return BET_LIABILITY_LIMIT;
}

/* ---- 6: money ---- */

static enum bet_outcome check_balance(const struct ticket *ticket, struct money available)
{
    if (currency_equal(available.currency, CURRENCY_NONE))
        return BET_INSUFFICIENT_BALANCE;
    return ticket->stake.minor > available.minor ? BET_INSUFFICIENT_BALANCE : BET_PLACED; /* L4 */
}

/* ---- a new ticket ---- */

static void check_ticket(const struct ticket *ticket)
{
    ASSERT(ticket->stake.minor > 0);
    ASSERT(ticket->stake.minor <= MONEY_MINOR_MAX);
    ASSERT(currency_known(ticket->stake.currency));
    ASSERT(ticket->stake_kind <= STAKE_BONUS);
}

static void take_prices(const struct deciding *d, struct odds *taken)
{
    for (uint32_t i = 0; i < d->ticket->legs_count; i++) {
        ASSERT(d->ticket->policy == PRICE_ANY || odds_present(d->ticket->legs[i].odds));
        taken[i] = d->views[i].market.selection_known ? d->views[i].market.odds : ODDS_NONE;
    }
}

/* Steps 1 to 4. */
static enum bet_outcome check_bet(const struct deciding *d, struct ticket_verdict *ret)
{
    enum bet_outcome outcome = check_structure(d->ticket, d->limits, &ret->lines);
    if (outcome != BET_LEGS_LIMIT)
        take_prices(d, ret->taken);
    if (outcome == BET_PLACED)
        outcome = check_related(d, &ret->leg);
    if (outcome == BET_PLACED)
        outcome = check_legs(d, &ret->leg);
    return outcome == BET_PLACED ? check_total_odds(d, ret->taken) : outcome;
}

void ticket_decide(const struct ticket *ticket, const struct ticket_leg_view *views,
                   const struct ticket_limits *limits, struct money available,
                   struct ticket_verdict *ret)
{
    check_ticket(ticket);
    verdict_init(ret, ticket);
    const struct deciding d = {ticket, views, limits, available};
    ret->outcome = check_bet(&d, ret);
    if (ret->outcome != BET_PLACED)
        return;
    int64_t return_minor = potential_return(&d, ret->taken);
    ret->outcome = check_stake(&d, return_minor, ret);
    if (ret->outcome == BET_PLACED)
        ret->outcome = check_balance(ticket, available);
    if (ret->outcome != BET_PLACED)
        return;
    ret->potential_return.minor = return_minor;
    ret->bet_delay_us = longest_delay(&d);
    if (ret->bet_delay_us > 0)
        ret->outcome = BET_PENDING;
}

/* ---- the release ---- */

static uint64_t lines_of(const struct ticket *ticket)
{
    return system_lines(chosen_count(ticket), ticket->sizes) * (ticket->each_way ? 2 : 1);
}

void ticket_decide_release(const struct ticket *ticket, const struct ticket_bound_leg *bound,
                           const struct ticket_leg_view *views, const struct ticket_limits *limits,
                           struct ticket_verdict *ret)
{
    struct bet_leg legs[BET_LEGS_MAX];
    check_ticket(ticket);
    ASSERT(ticket->legs_count > 0);
    ASSERT(ticket->legs_count <= BET_LEGS_MAX);
    verdict_init(ret, ticket);
    ret->lines = lines_of(ticket);
    for (uint32_t i = 0; i < ticket->legs_count; i++) {
        const struct market_view *market = &views[i].market;
        ASSERT(odds_present(bound[i].odds)); /* a ticket without a price never became pending */
        enum bet_outcome outcome = check_market(ticket, i, bound[i].odds, market, limits);
        bool first = outcome != BET_PLACED && ret->outcome == BET_PLACED;
        ret->taken[i] = market->selection_known ? market->odds : ODDS_NONE;
        if (outcome == BET_PLACED)
            ret->taken[i] = leg_release_odds(bound[i].odds, market->odds);
        if (first) {
            ret->outcome = outcome;
            ret->leg = i;
        }
        legs[i] = won_leg(ret->taken[i], bound[i].terms, ticket->legs[i].banker);
    }
    if (ret->outcome != BET_PLACED)
        return;
    struct bet bet = won_bet(ticket, legs);
    /* No price is above the bound one, with which the return was within the limits. */
    bool paid = bet_return(&bet, limits->bet.rounding, &ret->potential_return);
    ASSERT(paid);
}
