/* sim_fate.c - contract in sim_fate.h. Nothing of core/ or ledger/ computes here: a bit mask is a
 * line, and all of them are tried. */
#include "sim/sim_fate.h"

#include <string.h>

#include "base/assert.h"
#include "core/deductions.h"
#include "sim/sim_exact.h"
#include "sim/sim_world.h"

static const struct record_leg_result won_factors = {1, 1, 0, 0, 1, 1};
static const struct record_leg_result lost_factors = {1, 0, 0, 0, 1, 1};
static const struct record_leg_result void_factors = {1, 0, 2, 0, 1, 1};

/* ---- one leg: what is in force ---- */

static bool in_a_window(const struct sim_market *market, int64_t placed_us)
{
    for (uint32_t i = 0; i < market->windows_count; i++) {
        const struct sim_window *w = &market->windows[i];
        int64_t at = placed_us + w->skew_us;
        if (w->in_force && w->from_us <= at && at < w->until_us)
            return true;
    }
    return false;
}

/* The place half goes by the position alone; who has won and has none is the first. */
static struct record_leg_result place_of(const struct record_leg_result *win, uint32_t position,
                                         uint32_t tied, uint32_t places)
{
    if (win->void_halves == 2)
        return void_factors;
    if (position == 0) {
        if (!win->won)
            return lost_factors;
        position = 1;
        tied = win->dead_heat_denominator / win->dead_heat_numerator;
    }
    if (tied == 0)
        tied = 1;
    uint32_t left = position <= places ? places + 1 - position : 0;
    if (left == 0)
        return lost_factors;
    if (left >= tied)
        return won_factors;
    return (struct record_leg_result){1, 1, 0, 0, (uint16_t)left, (uint16_t)tied};
}

/* False: they are of several models, or of none. */
static bool note_deductions(const struct sim_market *market, const struct sim_bet *bet,
                            const struct sim_bet_leg *leg, struct sim_leg_fate *fate)
{
    uint32_t pence = 0;
    if (leg->ante_post)
        return true;
    for (uint16_t i = 0; i < market->named_count; i++) {
        const struct record_selection_result *other = &market->named[i].result;
        bool later = other->withdrawn_at_us > bet->placed_us;
        if (i == leg->selection || other->deduction == 0 || !later)
            continue;
        if (market->named[i].model != market->model)
            return false;
        pence += other->deduction / 100u;
        fate->deductions[fate->deductions_count++] = other->deduction;
    }
    fate->deducted_from =
        market->model == DEDUCT_PRICE ? DEDUCTED_FROM_PRICE : DEDUCTED_FROM_WINNINGS;
    if (market->model == DEDUCT_RULE4) {
        pence = pence > market->cap_pence ? market->cap_pence : pence;
        fate->deductions[0] = (uint16_t)(pence * 100);
        fate->deductions_count = pence > market->waive_pence;
    }
    if (fate->deductions_count == 0)
        fate->deducted_from = DEDUCTED_FROM_NOTHING;
    return true;
}

static struct record_leg_result win_of(const struct sim_bet_leg *leg,
                                       const struct record_selection_result *result)
{
    return leg->ante_post && result->withdrawn_at_us != 0 ? lost_factors : result->win;
}

static void leg_fate(const struct sim *sim, const struct sim_bet *bet,
                     const struct sim_bet_leg *leg, struct sim_leg_fate *fate)
{
    const struct sim_market *market = &sim->markets[leg->market];
    const struct record_selection_result *result = &market->named[leg->selection].result;
    const struct sim_leg_fate open = {.cancelled = in_a_window(market, bet->placed_us)};
    *fate = open;
    if (fate->cancelled) {
        fate->win = void_factors;
    } else if (result->win.known == 1) {
        fate->win = win_of(leg, result);
        fate->position = result->position;
        fate->tied = result->tied;
        if (fate->win.void_halves < 2 && !note_deductions(market, bet, leg, fate))
            *fate = open;
    }
    if (fate->win.known == 1 && (bet->flags & BET_EACH_WAY) != 0)
        fate->place = place_of(&fate->win, fate->position, fate->tied, leg->terms.places);
}

/* ---- one leg: a fraction ---- */

/* pays / whole comes back of each unit, survives / whole of it is stake. */
struct leg_sum {
    struct sim_exact pays, survives, whole;
};

struct price {
    struct sim_exact top, bottom;
};

/* 1 + (price - 1) * n / d */
static void keep_of_winnings(struct price *price, uint64_t n, uint64_t d)
{
    sim_exact_subtract(&price->top, &price->bottom);
    sim_exact_times_small(&price->top, n);
    sim_exact_times_small(&price->bottom, d);
    sim_exact_add(&price->top, &price->bottom);
}

/* It ends at 1.01, or where it begins. */
static void reduce(struct price *price, struct odds taken, const struct sim_leg_fate *fate)
{
    struct sim_exact left, right;
    for (int i = 0; i < fate->deductions_count; i++) {
        sim_exact_times_small(&price->top, 10000u - fate->deductions[i]);
        sim_exact_times_small(&price->bottom, 10000);
    }
    bool short_already = (uint64_t)taken.numerator * 100 < (uint64_t)taken.denominator * 101;
    struct odds least = short_already ? taken : (struct odds){101, 100};
    left = price->top;
    right = price->bottom;
    sim_exact_times_small(&left, least.denominator);
    sim_exact_times_small(&right, least.numerator);
    if (sim_exact_compare(&left, &right) < 0) {
        sim_exact_set(&price->top, least.numerator);
        sim_exact_set(&price->bottom, least.denominator);
    }
}

static void leg_price(const struct sim_bet_leg *leg, const struct sim_leg_fate *fate, bool place,
                      struct price *price)
{
    sim_exact_set(&price->top, leg->odds.numerator);
    sim_exact_set(&price->bottom, leg->odds.denominator);
    if (fate->deducted_from == DEDUCTED_FROM_PRICE)
        reduce(price, leg->odds, fate);
    if (place)
        keep_of_winnings(price, leg->terms.numerator, leg->terms.denominator);
    for (int i = 0; fate->deducted_from == DEDUCTED_FROM_WINNINGS && i < fate->deductions_count;
         i++)
        keep_of_winnings(price, 10000u - fate->deductions[i], 10000);
}

/* Of `whole` units `priced` come back at the price, and `back` without it. */
static void sum_of(const struct price *price, uint64_t priced, uint64_t back, uint64_t whole,
                   struct leg_sum *ret)
{
    struct sim_exact stake = price->bottom;
    ret->pays = price->top;
    sim_exact_times_small(&ret->pays, priced);
    sim_exact_times_small(&stake, back);
    sim_exact_add(&ret->pays, &stake);
    ret->survives = price->bottom;
    sim_exact_times_small(&ret->survives, priced + back);
    ret->whole = price->bottom;
    sim_exact_times_small(&ret->whole, whole);
}

/* Of two billion units so many come back, at the price and without it (BETTING-RULES 4.8). */
static void running_sum(const struct sim_bet_leg *leg, const struct sim_leg_fate *fate,
                        struct leg_sum *ret)
{
    const struct leg_chances *c = fate->chances;
    struct price price;
    uint64_t priced = 2 * (uint64_t)c->win + c->half_win;
    uint64_t back = 2 * (uint64_t)c->refund + c->half_win + c->half_lose;
    leg_price(leg, fate, false, &price);
    sum_of(&price, priced, back, UINT64_C(2000000000), ret);
}

/* L = v + (1 - v) * w * d * price (BETTING-RULES 4.1); an open leg wins, unless it has chances. */
static void leg_sum(const struct sim_bet_leg *leg, const struct sim_leg_fate *fate, bool place,
                    struct leg_sum *ret)
{
    const struct record_leg_result *known = place ? &fate->place : &fate->win;
    const struct record_leg_result f = known->known == 1 ? *known : won_factors;
    uint64_t back = (uint64_t)f.void_halves * f.dead_heat_denominator;
    uint64_t priced = f.won ? (uint64_t)(2 - f.void_halves) * f.dead_heat_numerator : 0;
    struct price price;
    if (fate->chances != NULL) {
        running_sum(leg, fate, ret);
        return;
    }
    leg_price(leg, fate, place, &price);
    sum_of(&price, priced, back, UINT64_C(2) * f.dead_heat_denominator, ret);
}

/* ---- all lines ---- */

static uint32_t bankers(const struct sim_shape *shape, const struct sim_bet_leg *legs)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < shape->legs_count; i++)
        mask |= (uint32_t)legs[i].banker << i;
    return mask;
}

/* Is this set of legs a line? */
static bool is_line(const struct sim_shape *shape, uint32_t mask, uint32_t standing)
{
    uint32_t all = (UINT32_C(1) << shape->legs_count) - 1;
    uint32_t size = (uint32_t)__builtin_popcount(mask & ~standing);
    if ((mask & standing) != standing)
        return false;
    return standing == all ? shape->sizes == 0 : size > 0 && (shape->sizes >> (size - 1) & 1) != 0;
}

uint32_t sim_lines(const struct sim_shape *shape, const struct sim_bet_leg *legs)
{
    uint32_t standing = bankers(shape, legs), all = (UINT32_C(1) << shape->legs_count) - 1;
    uint32_t chosen = (uint32_t)__builtin_popcount(all & ~standing), lines = 0;
    if (chosen < 32 && shape->sizes >> chosen != 0)
        return 0;
    for (uint32_t mask = 1; mask <= all; mask++)
        lines += is_line(shape, mask, standing);
    return lines;
}

/* The sum over lines of what they pay, with one denominator for all of them. */
static void sum_lines(const struct sim_shape *shape, uint32_t standing,
                      const struct leg_sum sums[SIM_LEGS_MAX], struct price *ret)
{
    uint32_t all = (UINT32_C(1) << shape->legs_count) - 1;
    sim_exact_set(&ret->top, 0);
    sim_exact_set(&ret->bottom, 1);
    for (uint32_t i = 0; i < shape->legs_count; i++)
        sim_exact_times(&ret->bottom, &sums[i].whole);
    for (uint32_t mask = 1; mask <= all; mask++) {
        struct sim_exact pays, survives;
        if (!is_line(shape, mask, standing))
            continue;
        sim_exact_set(&pays, 1);
        sim_exact_set(&survives, 1);
        for (uint32_t i = 0; i < shape->legs_count; i++) {
            bool in = (mask >> i & 1) != 0;
            sim_exact_times(&pays, in ? &sums[i].pays : &sums[i].whole);
            if ((shape->flags & BET_FREE) != 0)
                sim_exact_times(&survives, in ? &sums[i].survives : &sums[i].whole);
        }
        if ((shape->flags & BET_FREE) != 0)
            sim_exact_subtract(&pays, &survives);
        sim_exact_add(&ret->top, &pays);
    }
}

/* What all lines pay, as a fraction of minor units. */
static struct price sum_ways(const struct sim_shape *shape, const struct sim_bet_leg *legs,
                             const struct sim_leg_fate *fates)
{
    struct leg_sum sums[SIM_LEGS_MAX];
    struct price win, place;
    uint32_t standing = bankers(shape, legs), ways = 1;
    for (uint32_t i = 0; i < shape->legs_count; i++)
        leg_sum(&legs[i], &fates[i], false, &sums[i]);
    sum_lines(shape, standing, sums, &win);
    if ((shape->flags & BET_EACH_WAY) != 0) {
        ways = 2;
        for (uint32_t i = 0; i < shape->legs_count; i++)
            leg_sum(&legs[i], &fates[i], true, &sums[i]);
        sum_lines(shape, standing, sums, &place);
        sim_exact_times(&win.top, &place.bottom);
        sim_exact_times(&place.top, &win.bottom);
        sim_exact_add(&win.top, &place.top);
        sim_exact_times(&win.bottom, &place.bottom);
    }
    sim_exact_times_small(&win.top, (uint64_t)shape->stake);
    sim_exact_times_small(&win.bottom, (uint64_t)ways * sim_lines(shape, legs));
    return win;
}

static int64_t pays(const struct sim *sim, const struct sim_shape *shape,
                    const struct sim_bet_leg *legs, const struct sim_leg_fate *fates)
{
    const struct price sum = sum_ways(shape, legs, fates);
    return sim_exact_amount(&sum.top, &sum.bottom, sim->mix.book.ticket_limits.bet.rounding);
}

int64_t sim_worth(const struct sim_shape *shape, const struct sim_bet_leg *legs,
                  const struct sim_leg_fate *fates, uint32_t margin_permyriad)
{
    struct price sum = sum_ways(shape, legs, fates);
    sim_exact_times_small(&sum.top, 10000u - margin_permyriad);
    sim_exact_times_small(&sum.bottom, 10000);
    return sim_exact_amount(&sum.top, &sum.bottom, ROUND_DOWN);
}

int64_t sim_returns(const struct sim *sim, const struct sim_shape *shape,
                    const struct sim_bet_leg *legs)
{
    static const struct sim_leg_fate open[SIM_LEGS_MAX];
    return pays(sim, shape, legs, open);
}

/* ---- the bet ---- */

static bool is_lost(const struct record_leg_result *f)
{
    return f->known == 1 && f->won == 0 && f->void_halves == 0;
}

void sim_fate_of(const struct sim *sim, const struct sim_bet *bet, struct sim_fate *ret)
{
    const struct sim_bet_leg *legs = &sim->oracle.legs[bet->legs_first];
    const struct sim_shape shape = {bet->stake, bet->sizes, bet->legs_count, bet->flags};
    bool open = false, lost = false, all_void = true;
    ret->result_seq = ret->result_version = 0;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct sim_market *market = &sim->markets[legs[i].market];
        leg_fate(sim, bet, &legs[i], &ret->legs[i]);
        open = open || ret->legs[i].win.known == 0;
        lost = lost || is_lost(&ret->legs[i].win);
        all_void = all_void && ret->legs[i].win.void_halves == 2;
        if (market->result_seq > ret->result_seq) {
            ret->result_seq = market->result_seq;
            ret->result_version = market->newest_version;
        }
    }
    ret->decided = ret->token_back = false;
    ret->payout = 0;
    if (open && !lost)
        return;
    ret->payout = pays(sim, &shape, legs, ret->legs);
    ret->decided = !open || ret->payout == 0;
    ret->token_back = ret->decided && all_void && (bet->flags & BET_FREE) != 0;
}

bool sim_fate_differs(const struct sim *sim, const struct sim_bet *bet, const struct sim_fate *fate)
{
    const struct sim_bet_leg *legs = &sim->oracle.legs[bet->legs_first];
    if (!fate->decided || fate->payout != bet->payout)
        return true;
    for (uint32_t i = 0; i < bet->legs_count; i++)
        if (legs[i].win.known == 1 &&
            (memcmp(&legs[i].win, &fate->legs[i].win, sizeof legs[i].win) != 0 ||
             memcmp(&legs[i].place, &fate->legs[i].place, sizeof legs[i].place) != 0))
            return true;
    return false;
}
