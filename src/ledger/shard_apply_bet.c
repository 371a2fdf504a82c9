/* shard_apply_bet.c - bets and the release of those that were pending. Each record is checked whole
 * against the state before it and only then applied, so that a refused one leaves no trace. */
#include "base/assert.h"
#include "base/error.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_referrals_internal.h"
#include "ledger/shard_settlement.h"

/* ---- legs ---- */

static struct odds taken_of(const struct record_leg *leg)
{
    return (struct odds){leg->odds_numerator, leg->odds_denominator};
}

/* L6: what the leg says it was bound to must have been open to betting at this place. */
int shard_check_leg_open(struct shard_state *state, const struct record_leg *leg)
{
    const struct shard_market *market = shard_market_at(state, leg->market);
    REQUIRE(market != NULL, "L6: the market is unknown");
    REQUIRE(leg->selection < market->selections_count, "L6: the selection is unknown");
    REQUIRE(shard_market_effective(market) == MARKET_ACTIVE,
            "L6: no bet stands after a fence that stops it");
    REQUIRE(state->selections[market->selections_first + leg->selection].result.win.known == 0,
            "L6: no bet stands on a selection that has a result");
    REQUIRE(leg->market_status == MARKET_ACTIVE, "L6: the market was seen active");
    REQUIRE((leg->flags & LEG_PROVIDER_ALIVE) != 0, "P2: the provider's lease held");
    REQUIRE(leg->odds_denominator != 0 && leg->odds_numerator > leg->odds_denominator,
            "L6: there was a price");
    REQUIRE(((unsigned)leg->flags & ~LEG_FLAGS_ALL) == 0, "a leg's flags are known");
    return 0;
}

/* The price taken satisfies what the customer agreed to (within is configuration: not here). */
static bool leg_price_agreed(const struct record_leg *leg, unsigned policy)
{
    struct odds taken = taken_of(leg);
    struct odds asked = {leg->asked_numerator, leg->asked_denominator};
    if (policy == PRICE_EXACT)
        return odds_equal(taken, asked);
    if (policy == PRICE_BETTER)
        return odds_present(asked) && odds_compare(taken, asked) >= 0;
    return policy == PRICE_WITHIN || policy == PRICE_ANY;
}

static bool stands_before(const struct record_leg *legs, size_t leg)
{
    for (size_t i = 0; i < leg; i++)
        if (legs[i].market == legs[leg].market)
            return true;
    return false;
}

static int check_legs_open(struct shard_state *state, const struct record_view *record)
{
    const struct record_leg *legs = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        TRY(shard_check_leg_open(state, &legs[i]));
        REQUIRE(!stands_before(legs, i), "a bet has one leg of a market");
    }
    return 0;
}

static int check_legs_agreed(struct shard_state *state, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    const struct record_leg *legs = record->items;
    bool each_way = (b->flags & BET_EACH_WAY) != 0;
    for (size_t i = 0; i < record->head->items_count; i++) {
        REQUIRE(leg_price_agreed(&legs[i], b->policy), "L6: the price taken was agreed to");
        REQUIRE((legs[i].flags & LEG_OFFERED) == 0, "only an offer names another price");
        REQUIRE(each_way || (legs[i].places == 0 && legs[i].place_numerator == 0 &&
                             legs[i].place_denominator == 0),
                "place terms are of each-way bets");
    }
    return 0;
}

static struct shard_leg leg_row(const struct record_leg *leg, uint32_t bet)
{
    return (struct shard_leg){
        .odds = taken_of(leg),
        .asked = {leg->asked_numerator, leg->asked_denominator},
        .asked_version = leg->asked_version,
        .bet = bet,
        .market = leg->market,
        .next_of_market = LEG_NONE,
        .selection = leg->selection,
        .flags = leg->flags,
        .places = leg->places,
        .place_numerator = leg->place_numerator,
        .place_denominator = leg->place_denominator,
        .score = {leg->score[0], leg->score[1]},
        .red_cards = {leg->red_cards[0], leg->red_cards[1]},
    };
}

/* ---- bets ---- */

/* The bet's row as it will be; its legs stand behind the last ones, not yet counted. */
static struct shard_bet draft_bet(struct shard_state *state, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    const struct record_leg *legs = record->items;
    for (size_t i = 0; i < record->head->items_count; i++)
        state->legs[state->legs_count + i] = leg_row(&legs[i], state->bets_count);
    return (struct shard_bet){
        .bet_id = b->bet_id,
        .seq_placed = record->head->seq,
        .seq_last = record->head->seq,
        .seq_verdict = record->head->seq,
        .placed_us = record->head->time_us,
        .stake = b->stake,
        .stake_placed = b->stake,
        .returns = b->potential_return,
        .account = record->head->account,
        .next_of_account = state->accounts[record->head->account].bets_last,
        .legs_first = state->legs_count,
        .sizes = b->sizes,
        .legs_count = record->head->items_count,
        .state = b->outcome == BET_PLACED ? BET_STATE_OPEN
                 : b->referred != 0       ? BET_STATE_REFERRED
                                          : BET_STATE_PENDING,
        .policy = b->policy,
        .rounding = b->rounding,
        .flags = b->flags,
        .cash_out_waits = CASH_OUT_NONE,
    };
}

static int64_t staked_from(const struct shard_account *account, unsigned flags)
{
    if ((flags & BET_FREE) != 0)
        return account->free;
    return (flags & BET_BONUS) != 0 ? account->bonus : account->available;
}

static int check_stake(struct shard_state *state, const struct record_view *record,
                       const struct shard_account *account)
{
    const struct record_bet *b = record->body;
    uint32_t ref = record->head->account;
    bool pending = b->outcome == BET_PENDING, cash = (b->flags & (BET_FREE | BET_BONUS)) == 0;
    const struct record_posting expected[] = {
        {ref, shard_stake_account(b->flags), b->currency, -b->stake},
        {pending ? ref : 0, pending ? LEDGER_HELD : LEDGER_HOUSE_STAKES, b->currency, b->stake},
    };
    REQUIRE(b->currency == account->currency.iso, "L4: an account has one currency");
    REQUIRE(b->balance_after == account->available - (cash ? b->stake : 0),
            "L4: the balance is the fold");
    REQUIRE(staked_from(account, b->flags) >= b->stake, "L4: a bet never goes below zero");
    REQUIRE(shard_postings_are(record, expected, 2), "L4: the postings are those of the stake");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    return 0;
}

static int check_bet_accepted(struct shard_state *state, const struct record_view *record,
                              const struct shard_account *account, struct shard_bet *ret_draft)
{
    const struct record_bet *b = record->body;
    size_t legs_count = record->head->items_count;
    const struct bet_terms terms = {money_of(b->stake, (struct currency){b->currency}), b->sizes,
                                    b->flags, (enum rounding)b->rounding};
    int64_t returns;
    REQUIRE(b->bet_id > state->last_bet_id.n, "bet ids rise");
    REQUIRE(b->refused_leg == 0, "no leg of an accepted bet was refused");
    TRY(shard_check_referred(state, b));
    REQUIRE(b->stake_asked == 0 || (b->stake_asked > b->stake && b->stake == b->stake_max &&
                                    shard_amount_valid(b->stake_asked)),
            "the alternative to a stake is the highest that passes");
    TRY(check_legs_open(state, record));
    TRY(check_legs_agreed(state, record));
    REQUIRE(b->rounding >= ROUND_DOWN && b->rounding <= ROUND_HALF_EVEN, "no such rounding");
    TRY(check_stake(state, record, account));
    REQUIRE(b->outcome != BET_PENDING || b->decide_at_us >= record->head->time_us,
            "a pending bet is decided later");
    REQUIRE(shard_potential_return(&terms, record->items, legs_count, &returns) &&
                returns == b->potential_return,
            "L4: the potential return is stake times odds");
    if (state->bets_count == state->limits.bets_max ||
        state->limits.legs_max - state->legs_count < legs_count)
        return -ERR_LIMIT;
    *ret_draft = draft_bet(state, record);
    REQUIRE(shard_liability_fits(state, ret_draft, &state->legs[state->legs_count]),
            "L4: a balance is beyond all limits");
    return 0;
}

void shard_count_bet(struct shard_state *state, const struct shard_bet *bet)
{
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        struct shard_market *market = &state->markets[state->legs[bet->legs_first + i].market];
        market->bets_pending += bet->state == BET_STATE_PENDING;
        market->bets_count += bet->state == BET_STATE_OPEN;
        market->bets_unsettled += bet->state == BET_STATE_OPEN;
    }
}

static void add_bet(struct shard_state *state, const struct shard_bet *draft)
{
    uint32_t index = state->bets_count++;
    struct shard_account *account = &state->accounts[draft->account];
    state->bets[index] = *draft;
    state->legs_count += draft->legs_count;
    for (uint32_t i = draft->legs_first; i < state->legs_count; i++) {
        struct shard_market *market = &state->markets[state->legs[i].market];
        state->legs[i].next_of_market = market->legs_last;
        market->legs_last = i;
    }
    state->last_bet_id.n = draft->bet_id;
    account->bets_last = index;
    account->bets_open++;
    if (draft->state == BET_STATE_REFERRED) { /* it costs nothing until it is let pass */
        account->stakes_open += draft->stake;
        state->counts.bets_referred++;
    } else {
        shard_add_liability(state, draft, 1);
        shard_count_bet(state, draft);
    }
    if (draft->state == BET_STATE_OPEN)
        state->counts.bets_placed++;
    else
        state->counts.bets_pending++;
}

static int check_bet(struct shard_state *state, const struct record_view *record, struct slice key,
                     struct shard_bet *ret_draft)
{
    const struct record_bet *b = record->body;
    const struct shard_account *account = shard_account_at(state, record->head->account);
    REQUIRE(account != NULL, "the account is unknown");
    REQUIRE(key.bytes > 0 && key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX, "L3: a key has 1 to 64 bytes");
    REQUIRE(shard_amount_valid(b->stake), "L4: the stake is positive and within the limit");
    REQUIRE(record->head->items_count >= 1 && record->head->items_count <= BET_LEGS_MAX,
            "a bet has 1 to 100 legs");
    REQUIRE(((unsigned)b->flags & ~BET_FLAGS_ALL) == 0 &&
                (b->flags & (BET_FREE | BET_BONUS)) != (BET_FREE | BET_BONUS),
            "a bet's flags are known");
    REQUIRE(b->fees == 0, "fees are not in this format");
    REQUIRE(b->promo_stake == ((b->flags & (BET_FREE | BET_BONUS)) == 0 ? 0 : b->stake),
            "L4: what is no cash is the whole stake");
    REQUIRE(currency_known((struct currency){b->currency}), "the currency is not known");
    REQUIRE(bet_outcome_text((enum bet_outcome)b->outcome) != NULL, "no such outcome");
    if (b->outcome == BET_PLACED || b->outcome == BET_PENDING)
        return check_bet_accepted(state, record, account, ret_draft);
    REQUIRE(b->bet_id == 0, "a refused bet has no id");
    REQUIRE(b->stake_asked == 0, "a refused bet has no other stake");
    REQUIRE(b->referred == 0, "a refused bet is not referred");
    REQUIRE(b->refused_leg <= record->head->items_count, "the leg that was refused is of the bet");
    REQUIRE(b->limit_scope < LIMIT_SCOPES &&
                (b->limit_scope == 0 || b->outcome == BET_STAKE_LIMIT ||
                 b->outcome == BET_LIABILITY_LIMIT),
            "whose limit refused a bet is known");
    REQUIRE(record->head->postings_count == 0, "L4: a refusal moves no money");
    REQUIRE(b->balance_after == account->available, "L4: the balance is the fold");
    return 0;
}

int shard_apply_bet(struct shard_state *state, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    struct slice texts = record->texts;
    struct slice key = record_text(&texts, b->key_bytes);
    struct shard_bet draft;
    struct hash128 hash;
    TRY(check_bet(state, record, key, &draft));
    REQUIRE(shard_verdict_is_new(state, record, &hash), "L3: one key, one verdict");
    if (shard_verdicts_full(state))
        return -ERR_LIMIT;
    bool accepted = b->bet_id != 0;
    shard_post(state, record);
    if (accepted)
        add_bet(state, &draft);
    else
        state->counts.bets_refused++;
    if (b->referred != 0)
        shard_add_referral(state, record);
    shard_verdict_add(state, &(struct shard_verdict){hash,
                                                     {b->request_hash[0], b->request_hash[1]},
                                                     record->head->seq,
                                                     accepted ? state->bets_count - 1 : BET_NONE,
                                                     record->head->account});
    return 0;
}

int shard_find_bet(struct shard_state *state, const struct record_view *record, uint64_t bet_id,
                   uint64_t previous_seq, struct shard_bet **ret)
{
    struct shard_bet *bet = shard_bet_of(state, bet_id);
    REQUIRE(bet != NULL, "L7: there is no such bet");
    REQUIRE(bet->account == record->head->account, "L7: the bet is another account's");
    REQUIRE(bet->seq_last == previous_seq, "L7: the bet's records are a chain");
    *ret = bet;
    return 0;
}

/* ---- releases ---- */

bool shard_score_differs(const struct shard_leg *taken, const struct record_leg *seen)
{
    return memcmp(taken->score, seen->score, sizeof taken->score) != 0 ||
           memcmp(taken->red_cards, seen->red_cards, sizeof taken->red_cards) != 0;
}

int shard_check_leg_own(struct shard_state *state, const struct record_leg *leg,
                        const struct shard_leg *own)
{
    REQUIRE(leg->market == own->market && leg->selection == own->selection,
            "L6: a release is about the bet's own leg");
    REQUIRE(((leg->flags ^ own->flags) & (LEG_BANKER | LEG_ANTE_POST)) == 0 &&
                leg->places == own->places && leg->place_numerator == own->place_numerator &&
                leg->place_denominator == own->place_denominator,
            "L6: a release changes no terms");
    return 0;
}

static int check_release_legs(struct shard_state *state, const struct record_view *record,
                              const struct shard_bet *bet)
{
    const struct record_leg *legs = record->items;
    const struct shard_referral *referral = shard_referral_of(state, bet);
    uint64_t bound = referral == NULL ? bet->seq_placed : referral->seq_bound;
    TRY(check_legs_open(state, record));
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *own = &state->legs[bet->legs_first + i];
        REQUIRE(state->markets[own->market].seq_stopped < bound,
                "L6: no bet stands after a suspension during its delay");
        bool offered = (own->flags & LEG_OFFERED) != 0;
        TRY(shard_check_leg_own(state, &legs[i], own));
        REQUIRE(((legs[i].flags & LEG_OFFERED) != 0) == offered, "L6: a release changes no terms");
        REQUIRE(offered ? odds_equal(taken_of(&legs[i]), own->odds)
                        : odds_compare(taken_of(&legs[i]), own->odds) <= 0,
                "L6: a delay never makes the price better");
    }
    return 0;
}

/* The evidence of SCORE_CHANGED: in a leg of it the score or the cards are others than before. */
static bool score_changed(const struct shard_state *state, const struct record_view *record,
                          const struct shard_bet *bet)
{
    const struct record_leg *legs = record->items;
    for (uint32_t i = 0; i < bet->legs_count; i++)
        if (shard_score_differs(&state->legs[bet->legs_first + i], &legs[i]))
            return true;
    return false;
}

static int check_release(struct shard_state *state, const struct record_view *record,
                         const struct shard_bet *bet, int64_t *ret_returns)
{
    const struct record_release *r = record->body;
    const struct shard_account *account = &state->accounts[bet->account];
    bool placed = r->outcome == BET_PLACED, waits_on = r->outcome == BET_PENDING;
    uint16_t back = waits_on ? LEDGER_HELD : (uint16_t)shard_stake_account(bet->flags);
    const struct record_posting expected[] = {
        {bet->account, LEDGER_HELD, account->currency.iso, -bet->stake},
        {placed ? 0 : bet->account, placed ? LEDGER_HOUSE_STAKES : back, account->currency.iso,
         bet->stake},
    };
    REQUIRE(bet->state == BET_STATE_PENDING || bet->state == BET_STATE_REFERRED,
            "L7: only a pending bet is released");
    REQUIRE(record->head->items_count == bet->legs_count, "a release speaks of every leg");
    REQUIRE(waits_on || shard_verdict_final(r->outcome), "no such outcome");
    TRY(shard_check_release_word(state, bet, r->outcome));
    REQUIRE(r->outcome != BET_SCORE_CHANGED || score_changed(state, record, bet),
            "L7: a score that changed is another one");
    if (placed || waits_on) { /* it was to be placed, too */
        const struct bet_terms terms = {money_of(bet->stake, account->currency), bet->sizes,
                                        bet->flags, (enum rounding)bet->rounding};
        TRY(check_release_legs(state, record, bet));
        REQUIRE(shard_potential_return(&terms, record->items, bet->legs_count, ret_returns),
                "L4: the potential return is stake times odds");
    }
    REQUIRE(shard_postings_are(record, expected, 2), "L4: the postings are those of the release");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    REQUIRE(r->balance_after == shard_available_after(state, bet->account, record->postings, 2),
            "L4: the balance is the fold");
    return 0;
}

static void place_released(struct shard_state *state, const struct record_view *record,
                           struct shard_bet *bet, int64_t returns)
{
    const struct record_leg *legs = record->items;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        state->legs[bet->legs_first + i].odds = taken_of(&legs[i]);
        state->legs[bet->legs_first + i].flags = legs[i].flags;
    }
    bet->placed_us = record->head->time_us;
    bet->returns = returns;
    shard_add_liability(state, bet, 1); /* not more than before: no price is better */
    shard_count_bet(state, bet);
    state->counts.bets_placed++;
}

static void end_waiting(struct shard_state *state, const struct shard_bet *bet)
{
    if (bet->state == BET_STATE_REFERRED) {
        state->accounts[bet->account].stakes_open -= bet->stake;
        return;
    }
    shard_add_liability(state, bet, -1);
    for (uint32_t i = 0; i < bet->legs_count; i++)
        state->markets[state->legs[bet->legs_first + i].market].bets_pending--;
}

int shard_apply_release(struct shard_state *state, const struct record_view *record)
{
    const struct record_release *r = record->body;
    struct shard_bet *bet = NULL;
    int64_t returns = 0;
    TRY(shard_find_bet(state, record, r->bet_id, r->previous_seq, &bet));
    TRY(check_release(state, record, bet, &returns));
    bool placed = r->outcome == BET_PLACED;
    shard_post(state, record);
    bet->seq_last = record->head->seq;
    if (r->outcome == BET_PENDING) /* it was not written in time, and changes nothing */
        return 0;
    bet->seq_verdict = record->head->seq; /* the final verdict from now on */
    end_waiting(state, bet);
    bet->state = placed ? BET_STATE_OPEN : BET_STATE_NOT_ACCEPTED;
    shard_drop_referral(state, bet);
    if (placed) {
        place_released(state, record, bet, returns);
        return 0;
    }
    state->accounts[bet->account].bets_open--;
    state->counts.bets_not_accepted++;
    return 0;
}
