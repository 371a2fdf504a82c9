/* bet_history.c - contract in bet_history.h.
 * A bet's page is folded from its records alone, so it never tells more than is durable, however
 * far the book's state has gone on since. */
#include "roles/bet/bet_history.h"

#include "base/assert.h"
#include "core/bet_decide.h"
#include "ledger/shard_settlement.h"
#include "roles/bet/bet_explain.h"
#include "roles/bet/bet_json.h"

static const char *status_text(enum bet_state state, const struct settled_results *results,
                               int64_t payout)
{
    switch (state) {
    case BET_STATE_PENDING:
    case BET_STATE_REFERRED:
        return "PENDING";
    case BET_STATE_OPEN:
        return "PLACED";
    case BET_STATE_NOT_ACCEPTED:
        return "NOT_ACCEPTED";
    case BET_STATE_SETTLED:
        return settled_results_text(results, payout);
    case BET_STATE_CASHED_OUT:
        return "SETTLED";
    case BET_STATES:
        break;
    }
    return "PLACED";
}

/* What happened to the money; `part`: some of the stake was bought back. */
static const char *money_text(enum bet_state state, const struct settled_results *results,
                              uint16_t settlement, bool part)
{
    switch (state) {
    case BET_STATE_PENDING:
    case BET_STATE_REFERRED:
        return "HELD";
    case BET_STATE_OPEN:
        return part ? "PART_CASHED" : "OPEN";
    case BET_STATE_NOT_ACCEPTED:
        return "RETURNED";
    case BET_STATE_CASHED_OUT:
        return "CASHED_OUT";
    case BET_STATE_SETTLED:
    case BET_STATES:
        break;
    }
    if (settlement > 1)
        return "RESETTLED";
    return results->count > 0 && results->voids == results->count ? "VOIDED" : "SETTLED";
}

/* The bet as far as its records were read. */
struct folded {
    const struct record_bet *bet;
    const struct record_leg *legs; /* as bound now */
    uint32_t legs_count;
    uint32_t account;
    enum bet_state state;
    struct currency currency;
    const struct record_view *settled; /* the SETTLE in force, or NULL */
    uint64_t reversed_seq;             /* the newest SETTLE that was taken back; 0: none */
    uint64_t last_seq;
    int64_t stake; /* as bound now */
    int64_t stake_left, cashed_out;
    const struct record_view *offer; /* the OFFERED that waits for an answer, or NULL */
    const struct record_view *records;
    size_t count;
};

static const struct record_settle *settle_of(const struct folded *bet)
{
    return bet->settled == NULL ? NULL : bet->settled->body;
}

static struct settled_results results_of(const struct folded *bet)
{
    return bet->settled == NULL ? (struct settled_results){0} : settled_results_of(bet->settled);
}

/* ---- one entry of the history ---- */

static void put_delta(struct json_writer *writer, const struct folded *bet, int64_t delta,
                      int64_t balance)
{
    put_money_member(writer, "delta", money_of(delta, bet->currency));
    put_money_member(writer, "balance", money_of(balance, bet->currency));
}

static void put_leg_evidence(struct json_writer *writer, const struct record_leg *leg)
{
    put_odds_members(writer, leg_odds(leg));
    json_write_key(writer, "odds_version");
    json_write_u64(writer, leg->odds_version);
    if (leg->asked_version != 0) {
        json_write_key(writer, "asked_odds_version");
        json_write_u64(writer, leg->asked_version);
    }
    put_word_member(writer, "market_status",
                    market_status_text((enum market_status)leg->market_status));
    json_write_key(writer, "in_play");
    json_write_bool(writer, (leg->flags & LEG_IN_PLAY) != 0);
    json_write_key(writer, "odds_log_position");
    json_write_u64(writer, leg->odds_position);
    json_write_key(writer, "price_age_ms");
    json_write_i64(writer, leg->price_age_us / 1000);
}

/* Of a single beside the rest of the entry; of more, leg by leg. */
static void put_evidence(struct json_writer *writer, const struct record_view *record)
{
    const struct record_leg *legs = record->items;
    if (record->head->items_count == 1) {
        put_leg_evidence(writer, legs);
        return;
    }
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    for (size_t i = 0; i < record->head->items_count; i++) {
        json_write_object_open(writer);
        put_leg_evidence(writer, &legs[i]);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

static void tell_bet(struct json_writer *writer, struct folded *bet,
                     const struct record_view *record)
{
    bool pending = bet->bet->outcome == BET_PENDING;
    bet->state = pending ? BET_STATE_PENDING : BET_STATE_OPEN;
    put_word_member(writer, "event", pending ? "PENDING" : "PLACED");
    put_evidence(writer, record);
    if (pending)
        put_time_member(writer, "decide_at", (struct instant){bet->bet->decide_at_us});
    put_referred_members(writer, bet->bet);
    put_delta(writer, bet, -bet->bet->stake, bet->bet->balance_after);
}

/* It was not written in time, and waits on: what it would have been placed at. */
static void tell_waiting(struct json_writer *writer, const struct folded *bet,
                         const struct record_view *record)
{
    const struct record_release *release = record->body;
    put_word_member(writer, "event", "PENDING");
    put_evidence(writer, record);
    put_time_member(writer, "decide_at", (struct instant){record->head->time_us});
    put_delta(writer, bet, 0, release->balance_after);
}

static void tell_release(struct json_writer *writer, struct folded *bet,
                         const struct record_view *record)
{
    const struct record_release *release = record->body;
    bool placed = release->outcome == BET_PLACED;
    if (release->outcome == BET_PENDING) {
        tell_waiting(writer, bet, record);
        return;
    }
    bet->state = placed ? BET_STATE_OPEN : BET_STATE_NOT_ACCEPTED;
    put_word_member(writer, "event", placed ? "PLACED" : "NOT_ACCEPTED");
    if (!placed)
        put_word_member(writer, "reason", bet_outcome_text((enum bet_outcome)release->outcome));
    put_evidence(writer, record);
    if (placed)
        bet->legs = record->items;
    bet->offer = NULL;
    put_delta(writer, bet, placed ? 0 : bet->stake, release->balance_after);
}

static void put_cause_members(struct json_writer *writer, const struct shard_state *state,
                              uint64_t result_seq, uint64_t result_version)
{
    put_seq_member(writer, "result_seq", shard_state_shard(state), result_seq);
    json_write_key(writer, "result_version");
    json_write_u64(writer, result_version);
}

static void tell_settle(struct json_writer *writer, const struct shard_state *state,
                        struct folded *bet, const struct record_view *record)
{
    const struct record_settle *settle = record->body;
    const struct record_settled_leg *legs = record->items;
    struct settled_results results = settled_results_of(record);
    put_word_member(writer, "event", "SETTLED");
    json_write_key(writer, "settlement");
    json_write_u64(writer, settle->settlement);
    put_word_member(writer, "status", settled_results_text(&results, settle->payout));
    if (bet->legs_count == 1)
        put_result_members(writer, legs[0].win, legs[0].place);
    put_money_member(writer, "payout", money_of(settle->payout, bet->currency));
    put_delta(writer, bet, settle->payout, settle->balance_after);
    if (bet->reversed_seq != 0)
        put_seq_member(writer, "reverses", shard_state_shard(state), bet->reversed_seq);
    put_cause_members(writer, state, settle->result_seq, settle->result_version);
    bet->state = BET_STATE_SETTLED;
    bet->settled = record;
}

static void tell_reverse(struct json_writer *writer, const struct shard_state *state,
                         struct folded *bet, const struct record_view *record)
{
    const struct record_reverse *reverse = record->body;
    const struct record_settle *settle = settle_of(bet);
    put_word_member(writer, "event", "REVERSED");
    if (settle != NULL) {
        json_write_key(writer, "settlement");
        json_write_u64(writer, settle->settlement);
    }
    put_money_member(writer, "payout", money_of(0, bet->currency));
    put_delta(writer, bet, -reverse->payout, reverse->balance_after);
    put_seq_member(writer, "reverses", shard_state_shard(state), reverse->reverses_seq);
    put_cause_members(writer, state, reverse->result_seq, reverse->result_version);
    bet->state = BET_STATE_OPEN;
    bet->settled = NULL;
    bet->reversed_seq = reverse->reverses_seq;
}

/* What an offer is: its stake, and the prices that the trader named. */
static void put_offer_members(struct json_writer *writer, const struct shard_state *state,
                              const struct folded *bet, const struct record_view *record)
{
    const struct record_referral *word = record->body;
    const struct record_leg *legs = record->items;
    put_seq_member(writer, "offer_id", shard_state_shard(state), record->head->seq);
    put_money_member(writer, "stake", money_of(word->stake, bet->currency));
    put_money_member(writer, "potential_return", money_of(word->potential_return, bet->currency));
    put_time_member(writer, "valid_until", (struct instant){word->until_us});
    json_write_key(writer, "prices");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < record->head->items_count; i++) {
        if ((legs[i].flags & LEG_OFFERED) == 0)
            continue;
        json_write_object_open(writer);
        json_write_key(writer, "leg");
        json_write_u64(writer, i + 1);
        put_odds_members(writer, leg_odds(&legs[i]));
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

static void tell_referral(struct json_writer *writer, const struct shard_state *state,
                          struct folded *bet, const struct record_view *record)
{
    static const char *const events[] = {
        [REFERRAL_ACCEPTED] = "REFERRAL_ACCEPTED",
        [REFERRAL_REJECTED] = "REFERRAL_REJECTED",
        [REFERRAL_OFFERED] = "OFFERED",
        [REFERRAL_TAKEN] = "OFFER_ACCEPTED",
        [REFERRAL_DECLINED] = "OFFER_DECLINED",
    };
    const struct record_referral *word = record->body;
    int64_t rest = word->word == REFERRAL_TAKEN ? bet->stake - word->stake : 0;
    put_word_member(writer, "event", events[word->word]);
    bet->offer = word->word == REFERRAL_OFFERED ? record : NULL;
    if (word->word == REFERRAL_OFFERED) {
        put_offer_members(writer, state, bet, record);
        bet->legs = record->items;
    } else if (word->until_us != 0) {
        put_time_member(writer, "decide_at", (struct instant){word->until_us});
    }
    if (word->offer_seq != 0)
        put_seq_member(writer, "offer_id", shard_state_shard(state), word->offer_seq);
    bet->stake -= rest;
    bet->stake_left = bet->stake;
    put_delta(writer, bet, rest, word->balance_after);
}

static void tell_cash_out(struct json_writer *writer, const struct shard_state *state,
                          struct folded *bet, const struct record_view *record)
{
    const struct record_cash_out *cash_out = record->body;
    enum bet_outcome outcome = (enum bet_outcome)cash_out->outcome;
    bool done = outcome == BET_PLACED, pending = outcome == BET_PENDING;
    put_word_member(writer, "event",
                    pending                     ? "CASH_OUT_PENDING"
                    : !done                     ? "CASH_OUT_NOT_ACCEPTED"
                    : cash_out->stake_left == 0 ? "CASHED_OUT"
                                                : "PART_CASHED");
    if (!done && !pending)
        put_word_member(writer, "reason", bet_outcome_text(outcome));
    if (cash_out->asked_seq != 0)
        put_seq_member(writer, "asked", shard_state_shard(state), cash_out->asked_seq);
    put_money_member(writer, "stake", money_of(cash_out->stake, bet->currency));
    put_money_member(writer, "accepted", money_of(cash_out->accepted, bet->currency));
    if (record->head->items_count > 0) {
        put_money_member(writer, "fair", money_of(cash_out->fair, bet->currency));
        json_write_key(writer, "margin_permyriad");
        json_write_u64(writer, cash_out->margin);
        put_money_member(writer, "value", money_of(cash_out->value, bet->currency));
    }
    if (pending)
        put_time_member(writer, "decide_at", (struct instant){cash_out->decide_at_us});
    put_money_member(writer, "stake_left", money_of(cash_out->stake_left, bet->currency));
    put_delta(writer, bet, cash_out->paid, cash_out->balance_after);
    bet->stake_left = cash_out->stake_left;
    bet->cashed_out += cash_out->paid;
    if (done && cash_out->stake_left == 0)
        bet->state = BET_STATE_CASHED_OUT;
}

static void tell(struct json_writer *writer, const struct shard_state *state, struct folded *bet,
                 const struct record_view *record)
{
    uint16_t type = record->head->type;
    if (type == RECORD_RESULT)
        return;
    json_write_object_open(writer);
    put_seq_member(writer, "ledger_seq", shard_state_shard(state), record->head->seq);
    put_time_member(writer, "time", (struct instant){record->head->time_us});
    if (type == RECORD_BET)
        tell_bet(writer, bet, record);
    else if (type == RECORD_RELEASE)
        tell_release(writer, bet, record);
    else if (type == RECORD_SETTLE)
        tell_settle(writer, state, bet, record);
    else if (type == RECORD_REVERSE)
        tell_reverse(writer, state, bet, record);
    else if (type == RECORD_CASH_OUT)
        tell_cash_out(writer, state, bet, record);
    else if (type == RECORD_REFERRAL)
        tell_referral(writer, state, bet, record);
    json_write_object_close(writer);
    bet->last_seq = record->head->seq;
}

/* ---- the bet ---- */

static void put_legs(struct json_writer *writer, const struct shard_state *state,
                     const struct folded *bet)
{
    const struct record_settled_leg *settled = bet->settled == NULL ? NULL : bet->settled->items;
    static const struct record_leg_result open;
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct record_leg *leg = &bet->legs[i];
        json_write_object_open(writer);
        put_choice_members(writer, state, leg->market, leg->selection);
        put_odds_members(writer, leg_odds(leg));
        json_write_key(writer, "odds_version");
        json_write_u64(writer, leg->odds_version);
        put_leg_terms(writer, leg, bet->bet->sizes);
        put_result_members(writer, settled == NULL ? open : settled[i].win,
                           settled == NULL ? open : settled[i].place);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

static void put_state(struct json_writer *writer, const struct folded *bet)
{
    const struct record_settle *settle = settle_of(bet);
    struct settled_results results = results_of(bet);
    int64_t payout = settle == NULL ? 0 : settle->payout;
    put_word_member(writer, "status", status_text(bet->state, &results, payout));
    put_word_member(writer, "money",
                    money_text(bet->state, &results, settle == NULL ? 0 : settle->settlement,
                               bet->stake_left < bet->stake));
    put_money_member(writer, "payout", money_of(payout, bet->currency));
    put_money_member(writer, "cashed_out", money_of(bet->cashed_out, bet->currency));
    put_money_member(writer, "stake_left", money_of(bet->stake_left, bet->currency));
}

static void put_text_element(void *writer, struct slice sentence)
{
    json_write_text(writer, sentence);
}

static void put_explanation(struct json_writer *writer, const struct folded *bet, uint32_t shard)
{
    json_write_key(writer, "explanation");
    const struct bet_explain_to to = {put_text_element, writer};
    json_write_array_open(writer);
    for (size_t i = 0; i < bet->count; i++)
        if (bet->records[i].head->type == RECORD_CASH_OUT &&
            bet->records[i].head->postings_count > 0)
            bet_explain_cash_out(&bet->records[i], shard, &to);
    if (bet->settled != NULL)
        bet_explain_settlement(bet->settled, shard, &to);
    json_write_array_close(writer);
}

/* At the prices that are bound now. */
static struct money potential_return(const struct folded *bet)
{
    const struct bet_terms terms = {money_of(bet->stake, bet->currency), bet->bet->sizes,
                                    bet->bet->flags, (enum rounding)bet->bet->rounding};
    int64_t minor = 0;
    bool valid = shard_potential_return(&terms, bet->legs, bet->legs_count, &minor);
    ASSERT(valid); /* the fold has accepted it */
    return money_of(minor, bet->currency);
}

/* Of a system there are none: each of its lines has its own. */
static struct odds total_odds(const struct folded *bet)
{
    struct odds total = leg_odds(&bet->legs[0]);
    for (uint32_t i = 1; i < bet->legs_count; i++)
        (void)odds_multiply(&total, leg_odds(&bet->legs[i]));
    return bet->bet->sizes == 0 ? total : ODDS_NONE;
}

static void put_bet(struct json_writer *writer, const struct shard_state *state,
                    const struct folded *bet)
{
    put_odds_members(writer, total_odds(bet));
    put_money_member(writer, "stake", money_of(bet->stake, bet->currency));
    put_word_member(writer, "currency", currency_code(bet->currency));
    put_money_member(writer, "potential_return", potential_return(bet));
    put_word_member(writer, "price_policy", price_policy_text((enum price_policy)bet->bet->policy));
    put_text_member(writer, "user_id",
                    shard_state_user_id(state, (struct account_ref){bet->account}));
    json_write_key(writer, "redemption_days");
    json_write_u64(writer, bet->bet->redemption_days);
}

bool bet_history_write(const struct shard_state *state, const struct record_view *records,
                       size_t count, struct buf *out)
{
    if (count == 0 || records[0].head->type != RECORD_BET)
        return false;
    struct folded bet = {.bet = records[0].body,
                         .legs = records[0].items,
                         .legs_count = records[0].head->items_count,
                         .account = records[0].head->account,
                         .records = records,
                         .count = count};
    if (bet.bet->bet_id == 0)
        return false;
    bet.currency.iso = bet.bet->currency;
    bet.stake = bet.stake_left = bet.bet->stake;

    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_bet_id_member(&writer, (struct bet_id){bet.bet->bet_id});
    put_type_members(&writer, bet.legs_count, bet.bet->sizes, bet.bet->flags);
    put_time_member(&writer, "created_at", bet_id_instant((struct bet_id){bet.bet->bet_id}));
    json_write_key(&writer, "history");
    json_write_array_open(&writer);
    for (size_t i = 0; i < count; i++)
        tell(&writer, state, &bet, &records[i]);
    json_write_array_close(&writer);
    put_state(&writer, &bet);
    put_bet(&writer, state, &bet);
    put_seq_member(&writer, "ledger_seq", shard_state_shard(state), records[0].head->seq);
    put_legs(&writer, state, &bet);
    if (bet.offer != NULL) {
        json_write_key(&writer, "offer");
        json_write_object_open(&writer);
        put_offer_members(&writer, state, &bet, bet.offer);
        json_write_object_close(&writer);
    }
    put_explanation(&writer, &bet, shard_state_shard(state));
    json_write_object_close(&writer);
    return true;
}

static struct settled_results row_results(const struct shard_state *state,
                                          const struct shard_bet *bet)
{
    struct settled_results results = {0};
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = shard_state_leg(state, bet->legs_first + i);
        if (leg->win.known == 1)
            settled_results_add(&results, record_factors(leg->win));
        if (leg->place.known == 1)
            settled_results_add(&results, record_factors(leg->place));
    }
    return results;
}

static struct odds row_odds(const struct shard_state *state, const struct shard_bet *bet)
{
    struct odds total = shard_state_leg(state, bet->legs_first)->odds;
    for (uint32_t i = 1; i < bet->legs_count; i++)
        (void)odds_multiply(&total, shard_state_leg(state, bet->legs_first + i)->odds);
    return bet->sizes == 0 ? total : ODDS_NONE;
}

static void put_row_legs(struct json_writer *writer, const struct shard_state *state,
                         const struct shard_bet *bet)
{
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct shard_leg *leg = shard_state_leg(state, bet->legs_first + i);
        json_write_object_open(writer);
        put_choice_members(writer, state, leg->market, leg->selection);
        put_odds_members(writer, leg->odds);
        put_result_members(writer, leg->win, leg->place);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

void bet_history_write_row(struct json_writer *writer, const struct shard_state *state,
                           const struct shard_bet *bet)
{
    struct currency currency =
        shard_state_account(state, (struct account_ref){bet->account})->currency;
    struct settled_results results = row_results(state, bet);
    enum bet_state bet_state = (enum bet_state)bet->state;
    json_write_object_open(writer);
    put_bet_id_member(writer, (struct bet_id){bet->bet_id});
    put_word_member(writer, "status", status_text(bet_state, &results, bet->payout));
    put_word_member(
        writer, "money",
        money_text(bet_state, &results, bet->settlement, bet->stake < bet->stake_placed));
    put_type_members(writer, bet->legs_count, bet->sizes, bet->flags);
    put_odds_members(writer, row_odds(state, bet));
    put_money_member(writer, "stake", money_of(bet->stake_placed, currency));
    put_word_member(writer, "currency", currency_code(currency));
    put_money_member(writer, "potential_return", money_of(bet->returns, currency));
    put_money_member(writer, "payout", money_of(bet->payout, currency));
    put_money_member(writer, "cashed_out", money_of(bet->cashed_out, currency));
    put_money_member(writer, "stake_left", money_of(bet->stake, currency));
    put_time_member(writer, "created_at", bet_id_instant((struct bet_id){bet->bet_id}));
    put_seq_member(writer, "ledger_seq", shard_state_shard(state), bet->seq_placed);
    put_row_legs(writer, state, bet);
    json_write_object_close(writer);
}
