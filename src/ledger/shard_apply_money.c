/* shard_apply_money.c - records that move money: deposits, withdrawals, bets, releases,
 * settlements and their reversals. Each is checked whole against the state before it and only
 * then applied, so that a refused record leaves no trace. */
#include "base/assert.h"
#include "base/error.h"
#include "ledger/shard_state_internal.h"

bool shard_postings_are(const struct record_view *record, const struct record_posting *expected,
                        size_t count)
{
    int64_t sum = 0;
    if (record->head->postings_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct record_posting *p = &record->postings[i];
        if (memcmp(p, &expected[i], sizeof *p) != 0)
            return false;
        sum += p->amount;
    }
    return sum == 0; /* L4: all postings of a record are in one currency */
}

static const struct shard_house *find_house(const struct shard_state *state, uint16_t currency)
{
    static const struct shard_house none;
    for (size_t i = 0; i < state->houses_count; i++)
        if (state->houses[i].currency.iso == currency)
            return &state->houses[i];
    return &none;
}

static int64_t balance_of(const struct shard_state *state, const struct record_posting *posting)
{
    const struct shard_house *house = find_house(state, posting->currency);
    switch ((enum ledger_account)posting->kind) {
    case LEDGER_AVAILABLE:
        return state->accounts[posting->account].available;
    case LEDGER_HELD:
        return state->accounts[posting->account].held;
    case LEDGER_HOUSE_CASH:
        return house->cash;
    case LEDGER_HOUSE_STAKES:
        return house->stakes;
    case LEDGER_HOUSE_RESULT:
        break;
    }
    return house->result;
}

bool shard_postings_fit(const struct shard_state *state, const struct record_view *record)
{
    for (size_t i = 0; i < record->head->postings_count; i++) {
        int64_t after = balance_of(state, &record->postings[i]) + record->postings[i].amount;
        if (after > SHARD_BALANCE_MAX || after < -SHARD_BALANCE_MAX)
            return false;
    }
    return true;
}

struct open_sums {
    int64_t stake, returns;
};

/* The market's sums of open stakes and of what they return, of all currencies together, and the
 * currency's have room for one more. */
static bool liability_fits(const struct shard_state *state, uint32_t market, uint16_t currency,
                           struct open_sums sums)
{
    return state->markets[market].stakes_open <= SHARD_BALANCE_MAX - sums.stake &&
           state->markets[market].returns_open <= SHARD_BALANCE_MAX - sums.returns &&
           find_house(state, currency)->returns_open <= SHARD_BALANCE_MAX - sums.returns;
}

int64_t shard_return_if_won(const struct shard_state *state, const struct shard_bet *bet)
{
    struct currency currency = state->accounts[bet->account].currency;
    return settle_single(money_of(bet->stake, currency), bet->odds, LEG_WON,
                         (enum rounding)bet->rounding)
        .minor;
}

/* The bet begins (sign 1) or ends (-1) to be open or pending. */
static void add_liability(struct shard_state *state, const struct shard_bet *bet, int sign)
{
    struct shard_market *market = &state->markets[bet->market];
    int64_t returns = shard_return_if_won(state, bet);
    market->stakes_open += sign * bet->stake;
    market->returns_open += sign * returns;
    shard_house_of(state, state->accounts[bet->account].currency)->returns_open += sign * returns;
}

/* Moves what the postings say; they were checked. */
void shard_post(struct shard_state *state, const struct record_view *record)
{
    for (size_t i = 0; i < record->head->postings_count; i++) {
        const struct record_posting *p = &record->postings[i];
        struct shard_house *house = shard_house_of(state, (struct currency){p->currency});
        switch ((enum ledger_account)p->kind) {
        case LEDGER_AVAILABLE:
            state->accounts[p->account].available += p->amount;
            break;
        case LEDGER_HELD:
            state->accounts[p->account].held += p->amount;
            break;
        case LEDGER_HOUSE_CASH:
            house->cash += p->amount;
            break;
        case LEDGER_HOUSE_STAKES:
            house->stakes += p->amount;
            break;
        case LEDGER_HOUSE_RESULT:
            house->result += p->amount;
            break;
        }
    }
    if (record->head->postings_count > 0) /* all that move money are somebody's */
        state->accounts[record->head->account].seq_last = record->head->seq;
}

/* An outcome, and not "wait". */
static bool verdict_final(unsigned outcome)
{
    return outcome != BET_PENDING && bet_outcome_text((enum bet_outcome)outcome) != NULL;
}

static bool amount_valid(int64_t amount)
{
    return amount > 0 && amount <= MONEY_MINOR_MAX;
}

void shard_state_prefetch(struct shard_state *state, const struct record_view *record)
{
    const struct record_head *head = record->head;
    struct hash128 hash;
    if (state->seq == 0) /* the key of the hashes comes with GENESIS */
        return;
    if (head->account > state->limits.accounts_max) /* apply will say so */
        return;
    if (!shard_verdict_key_of_record(state->hash_key, record, &hash))
        return; /* rare, or about bets that were touched lately */
    struct verdict_hint *hint = &state->hints[head->seq % VERDICT_HINTS];
    *hint = (struct verdict_hint){.seq = head->seq, .crc = head->crc, .hash = hash};
    shard_verdict_prefetch(state, hash);
    __builtin_prefetch(&state->accounts[head->account], 1);
}

/* The record's idempotency key is well formed. */
static bool verdict_is_new(struct shard_state *state, const struct record_view *record,
                           struct hash128 *ret_hash)
{
    const struct record_head *head = record->head;
    const struct verdict_hint *hint = &state->hints[head->seq % VERDICT_HINTS];
    if (hint->seq == head->seq && hint->crc == head->crc)
        *ret_hash = hint->hash;
    else if (!shard_verdict_key_of_record(state->hash_key, record, ret_hash))
        ASSERT(false); /* those who call have such a record */
    return !shard_verdict_known(state, *ret_hash);
}

/* ---- deposits and withdrawals ---- */

static int check_money_done(struct shard_state *state, const struct record_view *record,
                            const struct shard_account *account)
{
    const struct record_money *m = record->body;
    bool deposit = m->kind == MONEY_DEPOSIT;
    int64_t change = deposit ? m->amount : -m->amount;
    uint32_t ref = record->head->account;
    const struct record_posting expected[] = {
        {ref, LEDGER_AVAILABLE, m->currency, change},
        {0, LEDGER_HOUSE_CASH, m->currency, -change},
    };
    REQUIRE(account->currency.iso == m->currency || (deposit && account->currency.iso == 0),
            "L4: an account has one currency");
    REQUIRE(m->balance_after == account->available + change, "L4: the balance is the fold");
    REQUIRE(deposit || m->balance_after >= 0, "L4: a withdrawal never goes below zero");
    REQUIRE(shard_postings_are(record, expected, 2), "L4: the postings are those of the movement");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    return 0;
}

int shard_apply_money(struct shard_state *state, const struct record_view *record)
{
    const struct record_money *m = record->body;
    struct shard_account *account = shard_account_at(state, record->head->account);
    struct slice texts = record->texts;
    struct slice key = record_text(&texts, m->key_bytes);
    struct hash128 hash;
    REQUIRE(account != NULL, "the account is unknown");
    REQUIRE(m->kind == MONEY_DEPOSIT || m->kind == MONEY_WITHDRAWAL, "no such movement");
    REQUIRE(key.bytes > 0 && key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX, "L3: a key has 1 to 64 bytes");
    REQUIRE(amount_valid(m->amount), "L4: the amount is positive and within the limit");
    REQUIRE(currency_known((struct currency){m->currency}), "the currency is not known");
    REQUIRE(verdict_is_new(state, record, &hash), "L3: one key, one verdict");
    if (m->outcome == BET_PLACED) {
        TRY(check_money_done(state, record, account));
    } else {
        REQUIRE(verdict_final(m->outcome), "no such outcome");
        REQUIRE(record->head->postings_count == 0, "L4: a refusal moves no money");
        REQUIRE(m->balance_after == account->available, "L4: the balance is the fold");
    }
    if (shard_verdicts_full(state))
        return -ERR_LIMIT;
    shard_post(state, record);
    if (m->outcome != BET_PLACED)
        state->counts.money_refused++;
    else if (m->kind == MONEY_DEPOSIT)
        state->counts.deposits++, account->currency.iso = m->currency;
    else
        state->counts.withdrawals++;
    shard_verdict_add(state, &(struct shard_verdict){hash,
                                                     {m->request_hash[0], m->request_hash[1]},
                                                     record->head->seq,
                                                     BET_NONE,
                                                     record->head->account});
    return 0;
}

/* ---- bets ---- */

static bool leg_odds_valid(const struct record_leg *leg)
{
    return leg->odds_denominator != 0 && leg->odds_numerator > leg->odds_denominator;
}

/* L6: what the leg says it was bound to must have been open to betting at this place. */
static int check_leg_open(struct shard_state *state, const struct record_leg *leg)
{
    const struct shard_market *market = shard_market_at(state, leg->market);
    REQUIRE(market != NULL, "L6: the market is unknown");
    REQUIRE(leg->selection < market->selections_count, "L6: the selection is unknown");
    REQUIRE(shard_market_effective(market) == MARKET_ACTIVE,
            "L6: no bet stands after a fence that stops it");
    REQUIRE(leg->market_status == MARKET_ACTIVE, "L6: the market was seen active");
    REQUIRE((leg->flags & LEG_PROVIDER_ALIVE) != 0, "P2: the provider's lease held");
    REQUIRE(leg_odds_valid(leg), "L6: there was a price");
    return 0;
}

/* The price taken satisfies what the customer agreed to (within is configuration: not here). */
static bool leg_price_agreed(const struct record_leg *leg, unsigned policy)
{
    struct odds taken = {leg->odds_numerator, leg->odds_denominator};
    struct odds asked = {leg->asked_numerator, leg->asked_denominator};
    if (policy == PRICE_EXACT)
        return odds_equal(taken, asked);
    if (policy == PRICE_BETTER)
        return odds_present(asked) && odds_compare(taken, asked) >= 0;
    return policy == PRICE_WITHIN || policy == PRICE_ANY;
}

static int check_bet_accepted(struct shard_state *state, const struct record_view *record,
                              const struct shard_account *account)
{
    const struct record_bet *b = record->body;
    const struct record_leg *leg = record->items;
    uint32_t ref = record->head->account;
    bool pending = b->outcome == BET_PENDING;
    const struct record_posting expected[] = {
        {ref, LEDGER_AVAILABLE, b->currency, -b->stake},
        {pending ? ref : 0, pending ? LEDGER_HELD : LEDGER_HOUSE_STAKES, b->currency, b->stake},
    };
    REQUIRE(b->bet_id > state->last_bet_id.n, "bet ids rise");
    REQUIRE(b->currency == account->currency.iso, "L4: an account has one currency");
    TRY(check_leg_open(state, leg));
    REQUIRE(leg_price_agreed(leg, b->policy), "L6: the price taken was agreed to");
    REQUIRE(b->rounding >= ROUND_DOWN && b->rounding <= ROUND_HALF_EVEN, "no such rounding");
    REQUIRE(b->balance_after == account->available - b->stake, "L4: the balance is the fold");
    REQUIRE(b->balance_after >= 0, "L4: a bet never goes below zero");
    REQUIRE(!pending || b->decide_at_us >= record->head->time_us, "a pending bet is decided later");
    REQUIRE(settle_single(money_of(b->stake, (struct currency){b->currency}),
                          (struct odds){leg->odds_numerator, leg->odds_denominator}, LEG_WON,
                          (enum rounding)b->rounding)
                    .minor == b->potential_return,
            "L4: the potential return is stake times odds");
    REQUIRE(shard_postings_are(record, expected, 2), "L4: the postings are those of the stake");
    REQUIRE(shard_postings_fit(state, record) &&
                liability_fits(state, leg->market, b->currency,
                               (struct open_sums){b->stake, b->potential_return}),
            "L4: a balance is beyond all limits");
    return 0;
}

static void add_bet(struct shard_state *state, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    const struct record_leg *leg = record->items;
    struct shard_account *account = &state->accounts[record->head->account];
    struct shard_market *market = &state->markets[leg->market];
    uint32_t index = state->bets_count++;
    state->bets[index] = (struct shard_bet){
        .bet_id = b->bet_id,
        .seq_placed = record->head->seq,
        .seq_last = record->head->seq,
        .seq_verdict = record->head->seq,
        .stake = b->stake,
        .decide_at_us = b->decide_at_us,
        .odds = {leg->odds_numerator, leg->odds_denominator},
        .asked = {leg->asked_numerator, leg->asked_denominator},
        .asked_version = leg->asked_version,
        .account = record->head->account,
        .market = leg->market,
        .next_of_account = account->bets_last,
        .next_of_market = market->bets_last,
        .selection = leg->selection,
        .state = b->outcome == BET_PENDING ? BET_STATE_PENDING : BET_STATE_OPEN,
        .policy = b->policy,
        .rounding = b->rounding,
    };
    state->last_bet_id.n = b->bet_id;
    account->bets_last = index;
    account->bets_open++;
    market->bets_last = index;
    add_liability(state, &state->bets[index], 1);
    if (b->outcome == BET_PENDING) {
        market->bets_pending++;
        state->counts.bets_pending++;
    } else {
        market->bets_count++;
        market->bets_unsettled++;
        state->counts.bets_placed++;
    }
}

static int check_bet(struct shard_state *state, const struct record_view *record, struct slice key)
{
    const struct record_bet *b = record->body;
    const struct shard_account *account = shard_account_at(state, record->head->account);
    REQUIRE(account != NULL, "the account is unknown");
    REQUIRE(key.bytes > 0 && key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX, "L3: a key has 1 to 64 bytes");
    REQUIRE(amount_valid(b->stake), "L4: the stake is positive and within the limit");
    REQUIRE(record->head->items_count == 1, "a single has one leg");
    REQUIRE(b->promo_stake == 0 && b->fees == 0, "bonus money and fees are not in this format");
    REQUIRE(currency_known((struct currency){b->currency}), "the currency is not known");
    REQUIRE(bet_outcome_text((enum bet_outcome)b->outcome) != NULL, "no such outcome");
    if (b->outcome == BET_PLACED || b->outcome == BET_PENDING)
        return check_bet_accepted(state, record, account);
    REQUIRE(b->bet_id == 0, "a refused bet has no id");
    REQUIRE(record->head->postings_count == 0, "L4: a refusal moves no money");
    REQUIRE(b->balance_after == account->available, "L4: the balance is the fold");
    return 0;
}

int shard_apply_bet(struct shard_state *state, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    struct slice texts = record->texts;
    struct slice key = record_text(&texts, b->key_bytes);
    struct hash128 hash;
    TRY(check_bet(state, record, key));
    REQUIRE(verdict_is_new(state, record, &hash), "L3: one key, one verdict");
    if (shard_verdicts_full(state) || state->bets_count == state->limits.bets_max)
        return -ERR_LIMIT;
    bool accepted = b->bet_id != 0;
    shard_post(state, record);
    if (accepted)
        add_bet(state, record);
    else
        state->counts.bets_refused++;
    shard_verdict_add(state, &(struct shard_verdict){hash,
                                                     {b->request_hash[0], b->request_hash[1]},
                                                     record->head->seq,
                                                     accepted ? state->bets_count - 1 : BET_NONE,
                                                     record->head->account});
    return 0;
}

/* The bet that a later record is about; its chain and owner must fit. */
static int find_bet(struct shard_state *state, const struct record_view *record, uint64_t bet_id,
                    uint64_t previous_seq, struct shard_bet **ret)
{
    struct shard_bet *bet = shard_bet_of(state, bet_id);
    REQUIRE(bet != NULL, "L7: there is no such bet");
    REQUIRE(bet->account == record->head->account, "L7: the bet is another account's");
    REQUIRE(bet->seq_last == previous_seq, "L7: the bet's records are a chain");
    *ret = bet;
    return 0;
}

int shard_apply_release(struct shard_state *state, const struct record_view *record)
{
    const struct record_release *r = record->body;
    struct shard_bet *bet = NULL;
    TRY(find_bet(state, record, r->bet_id, r->previous_seq, &bet));
    REQUIRE(bet->state == BET_STATE_PENDING, "L7: only a pending bet is released");
    REQUIRE(record->head->items_count == 1, "a single has one leg");
    REQUIRE(verdict_final(r->outcome), "no such outcome");
    struct shard_account *account = &state->accounts[bet->account];
    struct shard_market *market = &state->markets[bet->market];
    bool placed = r->outcome == BET_PLACED;
    const struct record_posting expected[] = {
        {bet->account, LEDGER_HELD, account->currency.iso, -bet->stake},
        {placed ? 0 : bet->account, placed ? LEDGER_HOUSE_STAKES : LEDGER_AVAILABLE,
         account->currency.iso, bet->stake},
    };
    const struct record_leg *leg = record->items;
    if (placed) {
        TRY(check_leg_open(state, leg));
        REQUIRE(leg->market == bet->market && leg->selection == bet->selection,
                "L6: a release is about the bet's own leg");
        REQUIRE(
            odds_compare((struct odds){leg->odds_numerator, leg->odds_denominator}, bet->odds) <= 0,
            "L6: a delay never makes the price better");
    }
    REQUIRE(shard_postings_are(record, expected, 2), "L4: the postings are those of the release");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    REQUIRE(r->balance_after == account->available + (placed ? 0 : bet->stake),
            "L4: the balance is the fold");
    shard_post(state, record);
    bet->seq_last = record->head->seq;
    bet->seq_verdict = record->head->seq; /* the final verdict from now on */
    add_liability(state, bet, -1);
    bet->state = placed ? BET_STATE_OPEN : BET_STATE_NOT_ACCEPTED;
    market->bets_pending--;
    if (placed) {
        bet->odds = (struct odds){leg->odds_numerator, leg->odds_denominator};
        add_liability(state, bet, 1); /* not more than before: the price is not better */
        market->bets_count++;
        market->bets_unsettled++;
        state->counts.bets_placed++;
        return 0;
    }
    account->bets_open--;
    state->counts.bets_not_accepted++;
    return 0;
}

/* ---- settlement ---- */

static int check_settle(struct shard_state *state, const struct record_view *record,
                        const struct shard_bet *bet)
{
    const struct record_settle *s = record->body;
    const struct shard_market *market = &state->markets[bet->market];
    const struct shard_account *account = &state->accounts[bet->account];
    struct record_leg_result factors = shard_state_bet_result(state, bet);
    REQUIRE(bet->state == BET_STATE_OPEN, "L7: settling twice pays once");
    REQUIRE(s->result_seq == market->seq_result && s->result_version == market->result_version &&
                factors.known == 1,
            "L7: a settlement follows from the result in force");
    REQUIRE(memcmp(&s->factors, &factors, sizeof factors) == 0,
            "L7: the factors are those of the result");
    REQUIRE(s->stake == bet->stake && s->odds_numerator == bet->odds.numerator &&
                s->odds_denominator == bet->odds.denominator && s->rounding == bet->rounding &&
                s->currency == account->currency.iso && s->settlement == bet->settlement + 1,
            "L7: the settlement is of this bet");
    REQUIRE(settle_single(money_of(bet->stake, account->currency), bet->odds,
                          record_factors(factors), (enum rounding)bet->rounding)
                    .minor == s->payout,
            "L7: the payout follows from stake, odds and factors");
    /* Only now is the payout known to be one: a forged one could overflow the difference. */
    const struct record_posting expected[] = {
        {0, LEDGER_HOUSE_STAKES, s->currency, -bet->stake},
        {bet->account, LEDGER_AVAILABLE, s->currency, s->payout},
        {0, LEDGER_HOUSE_RESULT, s->currency, bet->stake - s->payout},
    };
    REQUIRE(s->balance_after == account->available + s->payout, "L4: the balance is the fold");
    REQUIRE(shard_postings_are(record, expected, 3), "L4: the postings are those of the payout");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    return 0;
}

int shard_apply_settle(struct shard_state *state, const struct record_view *record)
{
    const struct record_settle *s = record->body;
    struct shard_bet *bet = NULL;
    TRY(find_bet(state, record, s->bet_id, s->previous_seq, &bet));
    TRY(check_settle(state, record, bet));
    shard_post(state, record);
    bet->state = BET_STATE_SETTLED;
    bet->seq_last = bet->seq_settled = record->head->seq;
    bet->seq_result = s->result_seq;
    bet->payout = s->payout;
    bet->factors = s->factors;
    bet->settlement = s->settlement;
    state->markets[bet->market].bets_unsettled--;
    add_liability(state, bet, -1);
    state->accounts[bet->account].bets_open--;
    state->counts.bets_settled++;
    return 0;
}

static int check_reverse(struct shard_state *state, const struct record_view *record,
                         const struct shard_bet *bet)
{
    const struct record_reverse *r = record->body;
    const struct shard_market *market = &state->markets[bet->market];
    const struct shard_account *account = &state->accounts[bet->account];
    const struct record_posting expected[] = {
        {0, LEDGER_HOUSE_STAKES, r->currency, bet->stake},
        {bet->account, LEDGER_AVAILABLE, r->currency, -bet->payout},
        {0, LEDGER_HOUSE_RESULT, r->currency, bet->payout - bet->stake},
    };
    REQUIRE(bet->state == BET_STATE_SETTLED, "L7: only a settlement is reversed");
    REQUIRE(r->reverses_seq == bet->seq_settled && r->payout == bet->payout,
            "L7: a reversal names the settlement in force");
    REQUIRE(r->result_seq == market->seq_result && r->result_version == market->result_version &&
                r->result_seq != bet->seq_result,
            "L7: a reversal follows from a newer result");
    REQUIRE(memcmp(&bet->factors, &(struct record_leg_result[]){shard_state_bet_result(state, bet)},
                   sizeof bet->factors) != 0,
            "L7: the newer result is another one");
    REQUIRE(r->currency == account->currency.iso, "L4: an account has one currency");
    REQUIRE(r->balance_after == account->available - bet->payout, "L4: the balance is the fold");
    REQUIRE(shard_postings_are(record, expected, 3), "L4: a reversal undoes the settlement");
    REQUIRE(shard_postings_fit(state, record) &&
                liability_fits(state, bet->market, r->currency,
                               (struct open_sums){bet->stake, shard_return_if_won(state, bet)}),
            "L4: a balance is beyond all limits");
    return 0;
}

int shard_apply_reverse(struct shard_state *state, const struct record_view *record)
{
    const struct record_reverse *r = record->body;
    struct shard_bet *bet = NULL;
    TRY(find_bet(state, record, r->bet_id, r->previous_seq, &bet));
    TRY(check_reverse(state, record, bet));
    shard_post(state, record);
    bet->state = BET_STATE_OPEN;
    bet->seq_last = record->head->seq;
    bet->seq_settled = 0;
    bet->seq_result = 0;
    bet->payout = 0;
    bet->factors = (struct record_leg_result){0};
    state->markets[bet->market].bets_unsettled++;
    add_liability(state, bet, 1);
    state->accounts[bet->account].bets_open++;
    state->counts.settlements_reversed++;
    return 0;
}
