/* bet_history.c - contract in bet_history.h.
 * A bet's page is folded from its records alone, so it never tells more than is durable, however
 * far the book's state has gone on since. */
#include "roles/bet/bet_history.h"

#include "base/assert.h"
#include "core/bet_decide.h"
#include "roles/bet/bet_explain.h"
#include "roles/bet/bet_json.h"

static const char *status_text(enum bet_state state, struct record_leg_result factors)
{
    switch (state) {
    case BET_STATE_PENDING:
        return "PENDING";
    case BET_STATE_OPEN:
        return "PLACED";
    case BET_STATE_NOT_ACCEPTED:
        return "NOT_ACCEPTED";
    case BET_STATE_SETTLED:
        return settled_status_text(record_factors(factors));
    }
    return "PLACED";
}

static const char *money_text(enum bet_state state, struct record_leg_result factors,
                              uint16_t settlement)
{
    switch (state) {
    case BET_STATE_PENDING:
        return "HELD";
    case BET_STATE_OPEN:
        return "OPEN";
    case BET_STATE_NOT_ACCEPTED:
        return "RETURNED";
    case BET_STATE_SETTLED:
        break;
    }
    if (settlement > 1)
        return "RESETTLED";
    return factors.void_halves == 2 ? "VOIDED" : "SETTLED";
}

/* The bet as far as its records were read. */
struct folded {
    const struct record_bet *bet;
    struct record_leg leg; /* as bound now */
    uint32_t account;
    enum bet_state state;
    struct odds odds;
    struct currency currency;
    const struct record_view *settled; /* the SETTLE in force, or NULL */
    uint64_t reversed_seq;             /* the newest SETTLE that was taken back; 0: none */
    uint64_t last_seq;
    const struct record_view *records;
    size_t count;
};

static const struct record_settle *settle_of(const struct folded *bet)
{
    return bet->settled == NULL ? NULL : bet->settled->body;
}

static struct record_leg_result factors_of(const struct folded *bet)
{
    const struct record_settle *settle = settle_of(bet);
    return settle == NULL ? (struct record_leg_result){0} : settle->factors;
}

/* ---- one entry of the history ---- */

static void put_delta(struct json_writer *writer, const struct folded *bet, int64_t delta,
                      int64_t balance)
{
    put_money_member(writer, "delta", money_of(delta, bet->currency));
    put_money_member(writer, "balance", money_of(balance, bet->currency));
}

static void put_evidence(struct json_writer *writer, const struct record_leg *leg)
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

static void tell_bet(struct json_writer *writer, struct folded *bet,
                     const struct record_view *record)
{
    bool pending = bet->bet->outcome == BET_PENDING;
    bet->state = pending ? BET_STATE_PENDING : BET_STATE_OPEN;
    put_word_member(writer, "event", pending ? "PENDING" : "PLACED");
    put_evidence(writer, record->items);
    if (pending)
        put_time_member(writer, "decide_at", (struct instant){bet->bet->decide_at_us});
    put_delta(writer, bet, -bet->bet->stake, bet->bet->balance_after);
}

static void tell_release(struct json_writer *writer, struct folded *bet,
                         const struct record_view *record)
{
    const struct record_release *release = record->body;
    const struct record_leg *leg = record->items;
    bool placed = release->outcome == BET_PLACED;
    bet->state = placed ? BET_STATE_OPEN : BET_STATE_NOT_ACCEPTED;
    put_word_member(writer, "event", placed ? "PLACED" : "NOT_ACCEPTED");
    if (!placed)
        put_word_member(writer, "reason", bet_outcome_text((enum bet_outcome)release->outcome));
    put_evidence(writer, leg);
    if (placed && leg->odds_denominator != 0) {
        bet->leg = *leg;
        bet->odds = leg_odds(leg);
    }
    put_delta(writer, bet, placed ? 0 : bet->bet->stake, release->balance_after);
}

static void put_result_members(struct json_writer *writer, const struct shard_state *state,
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
    struct leg_result factors = record_factors(settle->factors);
    put_word_member(writer, "event", "SETTLED");
    json_write_key(writer, "settlement");
    json_write_u64(writer, settle->settlement);
    put_word_member(writer, "status", settled_status_text(factors));
    put_word_member(writer, "result", leg_outcome_text(leg_result_outcome(factors)));
    put_money_member(writer, "payout", money_of(settle->payout, bet->currency));
    put_delta(writer, bet, settle->payout, settle->balance_after);
    if (bet->reversed_seq != 0)
        put_seq_member(writer, "reverses", shard_state_shard(state), bet->reversed_seq);
    put_result_members(writer, state, settle->result_seq, settle->result_version);
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
    put_result_members(writer, state, reverse->result_seq, reverse->result_version);
    bet->state = BET_STATE_OPEN;
    bet->settled = NULL;
    bet->reversed_seq = reverse->reverses_seq;
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
    json_write_object_close(writer);
    bet->last_seq = record->head->seq;
}

/* ---- the bet ---- */

static void put_leg(struct json_writer *writer, const struct shard_state *state,
                    const struct folded *bet)
{
    struct record_leg_result factors = factors_of(bet);
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    json_write_object_open(writer);
    put_choice_members(writer, state, bet->leg.market, bet->leg.selection);
    put_odds_members(writer, bet->odds);
    json_write_key(writer, "odds_version");
    json_write_u64(writer, bet->leg.odds_version);
    put_word_member(writer, "result",
                    factors.known == 0
                        ? leg_outcome_text(LEG_OUTCOME_OPEN)
                        : leg_outcome_text(leg_result_outcome(record_factors(factors))));
    json_write_object_close(writer);
    json_write_array_close(writer);
}

static void put_state(struct json_writer *writer, const struct folded *bet)
{
    const struct record_settle *settle = settle_of(bet);
    struct record_leg_result factors = factors_of(bet);
    put_word_member(writer, "status", status_text(bet->state, factors));
    put_word_member(writer, "money",
                    money_text(bet->state, factors, settle == NULL ? 0 : settle->settlement));
    put_money_member(writer, "payout",
                     money_of(settle == NULL ? 0 : settle->payout, bet->currency));
}

static void put_explanation(struct json_writer *writer, const struct folded *bet, uint32_t shard)
{
    json_write_key(writer, "explanation");
    json_write_array_open(writer);
    if (bet->settled != NULL)
        bet_explain_settlement(writer, bet->settled, shard);
    json_write_array_close(writer);
}

static void put_bet(struct json_writer *writer, const struct shard_state *state,
                    const struct folded *bet)
{
    struct money stake = money_of(bet->bet->stake, bet->currency);
    put_odds_members(writer, bet->odds);
    put_money_member(writer, "stake", stake);
    put_word_member(writer, "currency", currency_code(bet->currency));
    put_money_member(writer, "potential_return",
                     settle_single(stake, bet->odds, LEG_WON, (enum rounding)bet->bet->rounding));
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
    struct folded bet = {.bet = records[0].body, .records = records, .count = count};
    if (bet.bet->bet_id == 0)
        return false;
    memcpy(&bet.leg, records[0].items, sizeof bet.leg);
    bet.account = records[0].head->account;
    bet.odds = leg_odds(&bet.leg);
    bet.currency.iso = bet.bet->currency;

    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_bet_id_member(&writer, (struct bet_id){bet.bet->bet_id});
    put_word_member(&writer, "type", "single");
    put_time_member(&writer, "created_at", bet_id_instant((struct bet_id){bet.bet->bet_id}));
    json_write_key(&writer, "history");
    json_write_array_open(&writer);
    for (size_t i = 0; i < count; i++)
        tell(&writer, state, &bet, &records[i]);
    json_write_array_close(&writer);
    put_state(&writer, &bet);
    put_bet(&writer, state, &bet);
    put_seq_member(&writer, "ledger_seq", shard_state_shard(state), records[0].head->seq);
    put_leg(&writer, state, &bet);
    put_explanation(&writer, &bet, shard_state_shard(state));
    json_write_object_close(&writer);
    return true;
}

void bet_history_write_row(struct json_writer *writer, const struct shard_state *state,
                           const struct shard_bet *bet)
{
    struct currency currency =
        shard_state_account(state, (struct account_ref){bet->account})->currency;
    struct money stake = money_of(bet->stake, currency);
    enum bet_state bet_state = (enum bet_state)bet->state;
    json_write_object_open(writer);
    put_bet_id_member(writer, (struct bet_id){bet->bet_id});
    put_word_member(writer, "status", status_text(bet_state, bet->factors));
    put_word_member(writer, "money", money_text(bet_state, bet->factors, bet->settlement));
    put_odds_members(writer, bet->odds);
    put_money_member(writer, "stake", stake);
    put_word_member(writer, "currency", currency_code(currency));
    put_money_member(writer, "potential_return",
                     settle_single(stake, bet->odds, LEG_WON, (enum rounding)bet->rounding));
    put_money_member(writer, "payout", money_of(bet->payout, currency));
    put_time_member(writer, "created_at", bet_id_instant((struct bet_id){bet->bet_id}));
    put_seq_member(writer, "ledger_seq", shard_state_shard(state), bet->seq_placed);
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    json_write_object_open(writer);
    put_choice_members(writer, state, bet->market, bet->selection);
    put_odds_members(writer, bet->odds);
    put_word_member(writer, "result",
                    bet->factors.known == 0
                        ? leg_outcome_text(LEG_OUTCOME_OPEN)
                        : leg_outcome_text(leg_result_outcome(record_factors(bet->factors))));
    json_write_object_close(writer);
    json_write_array_close(writer);
    json_write_object_close(writer);
}
