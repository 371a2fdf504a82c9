/* shard_settlement.c - contract in shard_settlement.h. */
#include "ledger/shard_settlement.h"

#include "base/assert.h"
#include "core/bet_return.h"
#include "core/rule4.h"
#include "ledger/shard_state_internal.h"

/* ---- one leg ---- */

static bool window_covers(const struct shard_window *window, int64_t placed_us)
{
    int64_t provider_us;
    if (__builtin_add_overflow(placed_us, window->skew_us, &provider_us))
        return false;
    return window->in_force == 1 && provider_us >= window->from_us &&
           provider_us < window->until_us;
}

static bool cancelled(const struct shard_state *state, const struct shard_market *market,
                      int64_t placed_us)
{
    for (uint32_t at = market->windows_last; at != WINDOW_NONE;
         at = state->windows[at].next_of_market)
        if (window_covers(&state->windows[at], placed_us))
            return true;
    return false;
}

/* What those deduct that were withdrawn after the bet was accepted. */
struct withdrawn {
    uint32_t count, pence; /* pence are hundredths of a percent: 25p of a pound's winnings, 2500 */
    bool clear;            /* all were said in the model in force */
    uint16_t numbers[DEDUCTIONS_MAX]; /* the first of them */
};

static void withdrawn_after(const struct shard_state *state, const struct shard_market *market,
                            const struct shard_bet *bet, const struct shard_leg *leg,
                            struct withdrawn *ret)
{
    const struct shard_selection *selections = &state->selections[market->selections_first];
    ret->count = ret->pence = 0;
    ret->clear = true;
    for (uint16_t i = 0; i < market->selections_count; i++) {
        const struct record_selection_result *result = &selections[i].result;
        if (i == leg->selection || result->deduction == 0 ||
            result->withdrawn_at_us <= bet->placed_us)
            continue;
        if (ret->count < DEDUCTIONS_MAX)
            ret->numbers[ret->count] = result->deduction;
        ret->count++;
        ret->pence += result->deduction / 100u;
        ret->clear = ret->clear && selections[i].deduction_model == market->deduction_model;
    }
}

static struct deductions rule4_of(const struct shard_market *market, uint32_t pence)
{
    uint32_t total = pence < market->cap_pence ? pence : market->cap_pence;
    return rule4_deductions(total <= market->waive_pence ? 0 : total);
}

/* False: what the words in force say they deduct cannot be put together, because they name several
 * models, or too many runners for theirs. */
static bool deductions_of(const struct shard_state *state, const struct shard_market *market,
                          const struct shard_bet *bet, const struct shard_leg *leg,
                          struct deductions *ret)
{
    struct withdrawn withdrawn;
    *ret = DEDUCTIONS_NONE;
    if ((leg->flags & LEG_ANTE_POST) != 0)
        return true;
    withdrawn_after(state, market, bet, leg, &withdrawn);
    if (withdrawn.count == 0 || !withdrawn.clear)
        return withdrawn.clear;
    if (market->deduction_model == DEDUCT_RULE4) {
        *ret = rule4_of(market, withdrawn.pence);
        return true;
    }
    if (withdrawn.count > DEDUCTIONS_MAX)
        return false;
    ret->from =
        market->deduction_model == DEDUCT_PRICE ? DEDUCTED_FROM_PRICE : DEDUCTED_FROM_WINNINGS;
    ret->count = (uint8_t)withdrawn.count;
    memcpy(ret->permyriad, withdrawn.numbers, withdrawn.count * sizeof *withdrawn.numbers);
    return true;
}

static struct place_terms terms_of(const struct shard_leg *leg)
{
    return (struct place_terms){leg->places, leg->place_numerator, leg->place_denominator};
}

/* The leg's factors and what they are made of. */
static struct record_settled_leg settle_leg(const struct shard_state *state,
                                            const struct shard_bet *bet,
                                            const struct shard_leg *leg,
                                            struct deductions *ret_deductions)
{
    const struct shard_market *market = &state->markets[leg->market];
    const struct record_selection_result *result =
        &state->selections[market->selections_first + leg->selection].result;
    struct record_settled_leg out = {
        .market = leg->market,
        .selection = leg->selection,
        .odds_numerator = leg->odds.numerator,
        .odds_denominator = leg->odds.denominator,
        .places = leg->places,
        .place_numerator = leg->place_numerator,
        .place_denominator = leg->place_denominator,
    };
    if ((leg->flags & LEG_BANKER) != 0)
        out.flags |= SETTLED_BANKER;
    if ((leg->flags & LEG_ANTE_POST) != 0)
        out.flags |= SETTLED_ANTE_POST;
    *ret_deductions = DEDUCTIONS_NONE;
    if (cancelled(state, market, bet->placed_us)) {
        out.flags |= SETTLED_CANCELLED;
        out.win = record_factors_of(LEG_VOID);
    } else if (result->win.known == 1 && (result->win.void_halves == 2 ||
                                          deductions_of(state, market, bet, leg, ret_deductions))) {
        bool lost = (leg->flags & LEG_ANTE_POST) != 0 && result->withdrawn_at_us != 0;
        out.win = lost ? record_factors_of(LEG_LOST) : result->win;
        out.position = result->position;
        out.tied = result->tied;
    }
    if (out.win.known == 1 && (bet->flags & BET_EACH_WAY) != 0)
        out.place = record_factors_of(
            place_result(record_factors(out.win), out.position, out.tied, terms_of(leg)));
    out.deducted_from = ret_deductions->from;
    out.deductions_count = ret_deductions->count;
    return out;
}

/* ---- the whole bet ---- */

static struct leg_part part_of(struct record_leg_result factors,
                               const struct deductions *deductions)
{
    if (factors.known == 0) /* at best it wins, at the price taken */
        return (struct leg_part){LEG_WON, DEDUCTIONS_NONE, NULL};
    return (struct leg_part){record_factors(factors), *deductions, NULL};
}

static void note_newest(struct settlement *s, const struct shard_market *market)
{
    if (market->seq_result <= s->result_seq)
        return;
    s->result_seq = market->seq_result;
    s->result_version = market->newest_version;
}

static struct bet bet_of(const struct shard_state *state, const struct shard_bet *bet,
                         const struct bet_leg *legs)
{
    return (struct bet){
        .legs = legs,
        .legs_count = bet->legs_count,
        .sizes = {bet->sizes},
        .each_way = (bet->flags & BET_EACH_WAY) != 0,
        .free = (bet->flags & BET_FREE) != 0,
        .stake = money_of(bet->stake, state->accounts[bet->account].currency),
    };
}

void shard_settlement_of(const struct shard_state *state, const struct shard_bet *bet,
                         struct settlement *ret)
{
    struct bet_leg legs[BET_LEGS_MAX];
    uint32_t open = 0, lost = 0, stands = 0;
    ret->deductions_count = 0;
    ret->legs_count = bet->legs_count;
    ret->result_seq = ret->result_version = 0;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = &state->legs[bet->legs_first + i];
        struct record_settled_leg *settled = &ret->legs[i];
        struct deductions deductions;
        note_newest(ret, &state->markets[leg->market]);
        *settled = settle_leg(state, bet, leg, &deductions);
        memcpy(&ret->deductions[ret->deductions_count], deductions.permyriad,
               deductions.count * sizeof *deductions.permyriad);
        ret->deductions_count += deductions.count;
        open += settled->win.known == 0;
        lost += settled->win.known == 1 && settled->win.won == 0 && settled->win.void_halves == 0;
        stands += settled->win.known == 0 || settled->win.void_halves < 2;
        legs[i] = (struct bet_leg){leg->odds, terms_of(leg), (leg->flags & LEG_BANKER) != 0,
                                   part_of(settled->win, &deductions),
                                   part_of(settled->place, &deductions)};
    }
    struct bet whole = bet_of(state, bet, legs);
    struct money payout;
    bool payable = bet_return(&whole, (enum rounding)bet->rounding, &payout);
    ASSERT(payable); /* not above what all legs pay when they win, which was limited */
    /* Nothing without a lost leg is a matter of rounding: a free bet of a penny may still be void.
     */
    ret->decided = open == 0 || (lost > 0 && payout.minor == 0);
    ret->payout = payout.minor;
    ret->token_back = ret->decided && stands == 0 && whole.free;
}

bool shard_settlement_differs(const struct shard_state *state, const struct shard_bet *bet,
                              const struct settlement *settlement)
{
    if (!settlement->decided || settlement->payout != bet->payout)
        return true;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = &state->legs[bet->legs_first + i];
        const struct record_settled_leg *now = &settlement->legs[i];
        if (leg->win.known == 1 && (memcmp(&leg->win, &now->win, sizeof leg->win) != 0 ||
                                    memcmp(&leg->place, &now->place, sizeof leg->place) != 0))
            return true;
    }
    return false;
}

/* ---- money ---- */

enum ledger_account shard_stake_account(unsigned flags)
{
    if ((flags & BET_FREE) != 0)
        return LEDGER_FREE;
    return (flags & BET_BONUS) != 0 ? LEDGER_BONUS : LEDGER_AVAILABLE;
}

size_t shard_settlement_postings(const struct shard_state *state, const struct shard_bet *bet,
                                 struct settled_money money,
                                 struct record_posting ret[SETTLEMENT_POSTINGS_MAX])
{
    uint16_t currency = state->accounts[bet->account].currency.iso;
    bool free = (bet->flags & BET_FREE) != 0;
    uint16_t paid_to = (bet->flags & BET_BONUS) != 0 ? LEDGER_BONUS : LEDGER_AVAILABLE;
    int64_t token = money.token_back ? bet->stake : 0;
    int64_t payout = money.sign * money.payout, stake = money.sign * bet->stake;
    ret[0] = (struct record_posting){0, LEDGER_HOUSE_STAKES, currency, -stake};
    ret[1] = (struct record_posting){bet->account, paid_to, currency, payout};
    ret[2] = (struct record_posting){0, LEDGER_HOUSE_RESULT, currency, (free ? 0 : stake) - payout};
    if (!free)
        return 3;
    ret[3] = (struct record_posting){bet->account, LEDGER_FREE, currency, money.sign * token};
    ret[4] = (struct record_posting){0, LEDGER_HOUSE_PROMO, currency, stake - money.sign * token};
    return 5;
}

int64_t shard_available_after(const struct shard_state *state, uint32_t account,
                              const struct record_posting *postings, size_t count)
{
    int64_t after = state->accounts[account].available;
    for (size_t i = 0; i < count; i++)
        if (postings[i].account == account && postings[i].kind == LEDGER_AVAILABLE)
            after += postings[i].amount;
    return after;
}

static bool return_if_won(struct bet_leg *legs, size_t legs_count, const struct bet_terms *terms,
                          int64_t *ret_minor)
{
    struct bet bet = {.legs = legs,
                      .legs_count = (uint32_t)legs_count,
                      .sizes = {terms->sizes},
                      .each_way = (terms->flags & BET_EACH_WAY) != 0,
                      .free = (terms->flags & BET_FREE) != 0,
                      .stake = terms->stake};
    struct money payout;
    for (size_t i = 0; i < legs_count; i++)
        legs[i].win = legs[i].place = (struct leg_part){LEG_WON, DEDUCTIONS_NONE, NULL};
    if (!bet_valid(&bet) || !bet_return(&bet, terms->rounding, &payout))
        return false;
    *ret_minor = payout.minor;
    return true;
}

bool shard_potential_return(const struct bet_terms *terms, const struct record_leg *legs,
                            size_t legs_count, int64_t *ret_minor)
{
    struct bet_leg won[BET_LEGS_MAX];
    if (legs_count == 0 || legs_count > BET_LEGS_MAX)
        return false;
    for (size_t i = 0; i < legs_count; i++)
        won[i] = (struct bet_leg){
            .odds = {legs[i].odds_numerator, legs[i].odds_denominator},
            .terms = {legs[i].places, legs[i].place_numerator, legs[i].place_denominator},
            .banker = (legs[i].flags & LEG_BANKER) != 0};
    return return_if_won(won, legs_count, terms, ret_minor);
}

int64_t shard_returns_of(const struct shard_state *state, const struct shard_bet *bet)
{
    struct bet_leg won[BET_LEGS_MAX];
    const struct bet_terms terms = {money_of(bet->stake, state->accounts[bet->account].currency),
                                    bet->sizes, bet->flags, (enum rounding)bet->rounding};
    int64_t minor = -1;
    if (bet->legs_count == 0 || bet->legs_count > BET_LEGS_MAX)
        return -1;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = &state->legs[bet->legs_first + i];
        won[i] = (struct bet_leg){
            .odds = leg->odds, .terms = terms_of(leg), .banker = (leg->flags & LEG_BANKER) != 0};
    }
    return return_if_won(won, bet->legs_count, &terms, &minor) ? minor : -1;
}
