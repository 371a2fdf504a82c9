/* bet_answer.c - contract in bet_answer.h.
 * A switch over outcomes has no default: a new outcome cannot go unexplained. */
#include "roles/bet/bet_answer.h"

#include "base/assert.h"
#include "core/bet.h"
#include "ledger/shard_settlement.h"
#include "roles/bet/bet_json.h"
#include "roles/shared/problem.h"

static const char *outcome_detail(enum bet_outcome outcome)
{
    switch (outcome) {
    case BET_PLACED:
    case BET_PENDING:
        return "";
    case BET_MARKET_SUSPENDED:
        return "The market or the selection takes no bets at this moment.";
    case BET_MARKET_CLOSED:
        return "The market takes no more bets.";
    case BET_UNKNOWN_SELECTION:
        return "There is no such market or selection.";
    case BET_ODDS_CHANGED:
        return "The price is not what was agreed to; the current one is given.";
    case BET_STAKE_LIMIT:
        return "The stake is outside the limits for this price; the most that would pass is given.";
    case BET_INSUFFICIENT_BALANCE:
        return "The amount is more than what is available.";
    case BET_CURRENCY_MISMATCH:
        return "The account is in another currency.";
    case BET_UNSUPPORTED_BET_TYPE:
        return "Legs, sizes and stake do not make a bet.";
    case BET_AMOUNT_LIMIT:
        return "The amount is above the limit of one movement.";
    case BET_RELATED_LEGS:
        return "Two legs depend on each other: one event can be bet on once in a bet.";
    case BET_LIABILITY_LIMIT:
        return "The book takes no more on this outcome; the most that would pass is given.";
    case BET_LEGS_LIMIT:
        return "The bet has more legs than are taken.";
    case BET_LINES_LIMIT:
        return "The bet has more lines than are taken.";
    case BET_ODDS_LIMIT:
        return "The total odds are higher than are taken.";
    case BET_SCORE_CHANGED:
        return "The score or the cards changed since the bet was asked for.";
    case BET_REFERRAL_TIMEOUT:
        return "Nobody decided the referred bet in time.";
    case BET_RE_OFFERED:
        return "The bet was not taken as it is; another stake or price is offered.";
    case BET_NOT_ACCEPTED_BY_TRADER:
        return "A trader did not accept the bet.";
    case BET_NO_PLACE_TERMS:
        return "A leg has no place terms: it can be backed to win only.";
    case BET_EACH_WAY_ONLY:
        return "A leg is bet on each-way only: its price is of a win and a place together.";
    case BET_OFFER_EXPIRED:
        return "The offer has ended, or the bet has changed since; ask for another.";
    case BET_CASH_OUT_CHANGED:
        return "The value is less than what was accepted; the current one is given.";
    case BET_CASH_OUT_UNAVAILABLE:
        return "No cash-out is offered for this bet at this moment.";
    case BET_CASH_OUT_LIMIT:
        return "The bet had as many cash-outs as it may have.";
    case BET_CASH_OUT_PENDING:
        return "Another cash-out of the bet waits for its decision.";
    }
    return "";
}

/* What the account has and in which currency, after the record. */
static struct money balance_of(const struct shard_state *state, const struct record_view *record,
                               int64_t balance_after)
{
    struct account_ref ref = {record->head->account};
    return money_of(balance_after, shard_state_account(state, ref)->currency);
}

static void put_record_members(struct json_writer *writer, const struct shard_state *state,
                               const struct record_view *record, int64_t balance_after)
{
    struct money balance = balance_of(state, record, balance_after);
    put_money_member(writer, "balance", balance);
    if (!currency_equal(balance.currency, CURRENCY_NONE))
        put_word_member(writer, "currency", currency_code(balance.currency));
    put_seq_member(writer, "ledger_seq", shard_state_shard(state), record->head->seq);
}

/* ---- refusals ---- */

static void put_price_now(struct json_writer *writer, const struct shard_state *state,
                          const struct record_leg *leg)
{
    put_choice_members(writer, state, leg->market, leg->selection);
    put_odds_members(writer, leg_odds(leg));
    json_write_key(writer, "odds_version");
    json_write_u64(writer, leg->odds_version);
}

/* The leg that a refusal is about; NULL: all of them, or the record does not say. */
static const struct record_leg *refused_leg(const struct record_view *record)
{
    const struct record_leg *legs = record->items;
    const struct record_bet *bet = record->body;
    if (record->head->items_count == 1)
        return legs;
    return record->head->type == RECORD_BET && bet->refused_leg != 0 ? &legs[bet->refused_leg - 1]
                                                                     : NULL;
}

/* The leg's price of a refusal is the current one (record.h). */
static void put_refusal_members(struct json_writer *writer, const struct shard_state *state,
                                const struct record_view *record, enum bet_outcome outcome)
{
    const struct record_leg *leg = refused_leg(record), *legs = record->items;
    if (leg != NULL && record->head->items_count > 1) {
        json_write_key(writer, "leg");
        json_write_u64(writer, (uint64_t)(leg - legs) + 1);
    }
    if (leg != NULL && leg->market != 0 && outcome != BET_UNKNOWN_SELECTION)
        put_price_now(writer, state, leg);
    if ((outcome == BET_STAKE_LIMIT || outcome == BET_LIABILITY_LIMIT) &&
        record->head->type == RECORD_BET) {
        const struct record_bet *bet = record->body;
        put_money_member(writer, "stake_max",
                         money_of(bet->stake_max, (struct currency){bet->currency}));
        if (bet->limit_scope != LIMIT_OF_NONE)
            put_word_member(writer, "limited_by",
                            limit_scope_text((enum limit_scope)bet->limit_scope));
    }
}

static struct json_writer open_refusal(enum bet_outcome outcome, struct buf *out)
{
    return problem_open(out, bet_outcome_http(outcome), bet_outcome_text(outcome),
                        slice_text(outcome_detail(outcome)));
}

static int write_bet_refusal(const struct shard_state *state, const struct record_view *record,
                             struct buf *out)
{
    const struct record_bet *bet = record->body;
    enum bet_outcome outcome = (enum bet_outcome)bet->outcome;
    struct json_writer writer = open_refusal(outcome, out);
    put_refusal_members(&writer, state, record, outcome);
    put_record_members(&writer, state, record, bet->balance_after);
    json_write_object_close(&writer);
    return bet_outcome_http(outcome);
}

/* ---- bets ---- */

/* What a placed or pending bet is, from the fold; legs and balance are the record's. */
struct bet_facts {
    struct bet_id id;
    const char *status;
    int64_t balance_after;
    const struct shard_bet *bet;
    const struct record_leg *legs; /* as many as the bet has */
};

static struct bet_facts facts_of(const struct shard_state *state, const struct record_view *record,
                                 uint64_t bet_id)
{
    struct bet_facts facts = {.id = {bet_id}, .legs = record->items};
    uint32_t index = shard_state_find_bet(state, facts.id);
    ASSERT(index != BET_NONE); /* L7: a durable record names a bet of the fold */
    facts.bet = shard_state_bet(state, index);
    ASSERT(record->head->items_count == facts.bet->legs_count);
    return facts;
}

static struct money stake_of(const struct shard_state *state, const struct bet_facts *facts)
{
    struct account_ref ref = {facts->bet->account};
    return money_of(facts->bet->stake_placed, shard_state_account(state, ref)->currency);
}

/* What the record took; of a leg without a price, what the bet has. */
static struct odds taken_odds(const struct shard_state *state, const struct bet_facts *facts,
                              uint32_t leg)
{
    if (facts->legs[leg].odds_denominator != 0)
        return leg_odds(&facts->legs[leg]);
    return shard_state_leg(state, facts->bet->legs_first + leg)->odds;
}

/* Of a system there are none: each of its lines has its own. */
static struct odds total_odds(const struct shard_state *state, const struct bet_facts *facts)
{
    struct odds total = taken_odds(state, facts, 0);
    for (uint32_t i = 1; i < facts->bet->legs_count; i++)
        (void)odds_multiply(&total, taken_odds(state, facts, i));
    return facts->bet->sizes == 0 ? total : ODDS_NONE;
}

static void put_legs(struct json_writer *writer, const struct shard_state *state,
                     const struct bet_facts *facts)
{
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < facts->bet->legs_count; i++) {
        const struct record_leg *leg = &facts->legs[i];
        json_write_object_open(writer);
        put_choice_members(writer, state, leg->market, leg->selection);
        put_odds_members(writer, taken_odds(state, facts, i));
        if (leg->odds_version != 0) {
            json_write_key(writer, "odds_version");
            json_write_u64(writer, leg->odds_version);
        }
        put_leg_terms(writer, leg, facts->bet->sizes);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

/* What a bet of these legs, at the record's prices, pays if all of them win. */
static struct money potential_return(const struct shard_state *state, const struct bet_facts *facts)
{
    struct money stake = stake_of(state, facts);
    struct record_leg legs[BET_LEGS_MAX];
    int64_t minor = 0;
    const struct bet_terms terms = {stake, facts->bet->sizes, facts->bet->flags,
                                    (enum rounding)facts->bet->rounding};
    for (uint32_t i = 0; i < facts->bet->legs_count; i++) {
        struct odds odds = taken_odds(state, facts, i);
        legs[i] = facts->legs[i];
        legs[i].odds_numerator = odds.numerator;
        legs[i].odds_denominator = odds.denominator;
    }
    bool valid = shard_potential_return(&terms, legs, facts->bet->legs_count, &minor);
    ASSERT(valid); /* the fold has accepted it, and no price is better since */
    return money_of(minor, stake.currency);
}

/* Where the stake is a lower one than was asked for. */
static void put_stake_asked(struct json_writer *writer, const struct record_view *record)
{
    const struct record_bet *bet = record->body;
    if (record->head->type == RECORD_BET && bet->stake_asked != 0)
        put_money_member(writer, "stake_asked",
                         money_of(bet->stake_asked, (struct currency){bet->currency}));
}

static void put_bet_members(struct json_writer *writer, const struct shard_state *state,
                            const struct record_view *record, const struct bet_facts *facts)
{
    put_bet_id_member(writer, facts->id);
    put_word_member(writer, "status", facts->status);
    put_type_members(writer, facts->bet->legs_count, facts->bet->sizes, facts->bet->flags);
    put_odds_members(writer, total_odds(state, facts));
    put_money_member(writer, "stake", stake_of(state, facts));
    put_stake_asked(writer, record);
    put_money_member(writer, "potential_return", potential_return(state, facts));
    put_record_members(writer, state, record, facts->balance_after);
    put_time_member(writer, "created_at", bet_id_instant(facts->id));
    put_legs(writer, state, facts);
}

static int write_accepted(const struct shard_state *state, const struct record_view *record,
                          bool replayed, struct buf *out)
{
    const struct record_bet *bet = record->body;
    bool pending = bet->outcome == BET_PENDING;
    struct bet_facts facts = facts_of(state, record, bet->bet_id);
    struct json_writer writer = json_write_begin(out);
    facts.status = pending ? "PENDING" : "PLACED";
    facts.balance_after = bet->balance_after;
    json_write_object_open(&writer);
    put_bet_members(&writer, state, record, &facts);
    if (pending)
        put_time_member(&writer, "decide_at", (struct instant){bet->decide_at_us});
    put_referred_members(&writer, bet);
    json_write_object_close(&writer);
    if (pending)
        return 202;
    return replayed ? 200 : 201;
}

/* Asked for by its key while it was told to be placed, and written late. */
static int write_waiting(const struct shard_state *state, const struct record_view *record,
                         const struct bet_facts *facts, struct buf *out)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_bet_members(&writer, state, record, facts);
    put_time_member(&writer, "decide_at", (struct instant){record->head->time_us});
    json_write_object_close(&writer);
    return 202;
}

static int write_released(const struct shard_state *state, const struct record_view *record,
                          struct buf *out)
{
    const struct record_release *release = record->body;
    enum bet_outcome outcome = (enum bet_outcome)release->outcome;
    struct bet_facts facts = facts_of(state, record, release->bet_id);
    facts.balance_after = release->balance_after;
    if (outcome == BET_PENDING) {
        facts.status = "PENDING";
        return write_waiting(state, record, &facts, out);
    }
    if (outcome == BET_PLACED) {
        struct json_writer writer = json_write_begin(out);
        facts.status = "PLACED";
        json_write_object_open(&writer);
        put_bet_members(&writer, state, record, &facts);
        json_write_object_close(&writer);
        return 200;
    }
    struct json_writer writer = open_refusal(outcome, out);
    put_bet_id_member(&writer, facts.id);
    put_word_member(&writer, "bet_status", "NOT_ACCEPTED"); /* `status` is the problem's */
    put_refusal_members(&writer, state, record, outcome);
    put_record_members(&writer, state, record, release->balance_after);
    json_write_object_close(&writer);
    return bet_outcome_http(outcome);
}

/* ---- cash-outs ---- */

void bet_answer_write_outcome(enum bet_outcome outcome, struct buf *out)
{
    struct json_writer writer = open_refusal(outcome, out);
    json_write_object_close(&writer);
}

static void put_part_members(struct json_writer *writer, const struct record_cash_out *cash_out)
{
    struct currency currency = {cash_out->currency};
    put_money_member(writer, "stake", money_of(cash_out->stake, currency));
    put_money_member(writer, "stake_left", money_of(cash_out->stake_left, currency));
}

/* Of one that is done or waits. */
static void put_cash_out_members(struct json_writer *writer, const struct shard_state *state,
                                 const struct record_view *record)
{
    const struct record_cash_out *cash_out = record->body;
    struct currency currency = {cash_out->currency};
    bool pending = cash_out->outcome == BET_PENDING;
    put_bet_id_member(writer, (struct bet_id){cash_out->bet_id});
    put_word_member(writer, "cash_out", pending ? "PENDING" : "DONE");
    if (!pending)
        put_word_member(writer, "money", cash_out->stake_left == 0 ? "CASHED_OUT" : "PART_CASHED");
    put_money_member(writer, "amount",
                     money_of(pending ? cash_out->value : cash_out->paid, currency));
    put_part_members(writer, cash_out);
    put_record_members(writer, state, record, cash_out->balance_after);
    put_time_member(writer, "created_at", (struct instant){record->head->time_us});
    if (pending)
        put_time_member(writer, "decide_at", (struct instant){cash_out->decide_at_us});
}

static int write_cash_out(const struct shard_state *state, const struct record_view *record,
                          bool replayed, struct buf *out)
{
    const struct record_cash_out *cash_out = record->body;
    enum bet_outcome outcome = (enum bet_outcome)cash_out->outcome;
    if (outcome == BET_PLACED || outcome == BET_PENDING) {
        struct json_writer writer = json_write_begin(out);
        json_write_object_open(&writer);
        put_cash_out_members(&writer, state, record);
        json_write_object_close(&writer);
        if (outcome == BET_PENDING)
            return 202;
        return replayed ? 200 : 201;
    }
    struct json_writer writer = open_refusal(outcome, out);
    put_bet_id_member(&writer, (struct bet_id){cash_out->bet_id});
    if (outcome == BET_CASH_OUT_CHANGED)
        put_money_member(&writer, "amount",
                         money_of(cash_out->value, (struct currency){cash_out->currency}));
    put_part_members(&writer, cash_out);
    put_record_members(&writer, state, record, cash_out->balance_after);
    json_write_object_close(&writer);
    return bet_outcome_http(outcome);
}

/* ---- money ---- */

static int write_money(const struct shard_state *state, const struct record_view *record,
                       bool replayed, struct buf *out)
{
    const struct record_money *money = record->body;
    enum bet_outcome outcome = (enum bet_outcome)money->outcome;
    if (outcome != BET_PLACED) {
        struct json_writer writer = open_refusal(outcome, out);
        put_record_members(&writer, state, record, money->balance_after);
        json_write_object_close(&writer);
        return bet_outcome_http(outcome);
    }
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_seq_member(&writer, "transaction_id", shard_state_shard(state), record->head->seq);
    put_money_member(&writer, "amount",
                     money_of(money->amount, (struct currency){money->currency}));
    put_record_members(&writer, state, record, money->balance_after);
    put_time_member(&writer, "created_at", (struct instant){record->head->time_us});
    json_write_object_close(&writer);
    return replayed ? 200 : 201;
}

/* ---- offers of the desk ---- */

static int write_offer_answer(const struct shard_state *state, const struct record_view *record,
                              bool replayed, struct buf *out)
{
    const struct record_referral *word = record->body;
    struct currency currency = {word->currency};
    bool taken = word->word == REFERRAL_TAKEN;
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_bet_id_member(&writer, (struct bet_id){word->bet_id});
    put_word_member(&writer, "offer", taken ? "ACCEPTED" : "DECLINED");
    put_seq_member(&writer, "offer_id", shard_state_shard(state), word->offer_seq);
    if (taken) {
        put_word_member(&writer, "status", "PENDING");
        put_money_member(&writer, "stake", money_of(word->stake, currency));
        put_money_member(&writer, "potential_return", money_of(word->potential_return, currency));
        put_time_member(&writer, "decide_at", (struct instant){word->until_us});
    }
    put_record_members(&writer, state, record, word->balance_after);
    put_time_member(&writer, "created_at", (struct instant){record->head->time_us});
    json_write_object_close(&writer);
    return taken && !replayed ? 202 : 200;
}

int bet_answer_write(const struct shard_state *state, const struct record_view *record,
                     bool replayed, struct buf *out)
{
    uint16_t type = record->head->type;
    if (type == RECORD_MONEY)
        return write_money(state, record, replayed, out);
    if (type == RECORD_RELEASE)
        return write_released(state, record, out);
    if (type == RECORD_CASH_OUT)
        return write_cash_out(state, record, replayed, out);
    if (type == RECORD_REFERRAL)
        return write_offer_answer(state, record, replayed, out);
    ASSERT(type == RECORD_BET);
    const struct record_bet *bet = record->body;
    if (bet->bet_id != 0)
        return write_accepted(state, record, replayed, out);
    return write_bet_refusal(state, record, out);
}

/* ---- pushed ---- */

static bool push_release(const struct shard_state *state, const struct record_view *record,
                         struct json_writer *writer)
{
    const struct record_release *release = record->body;
    enum bet_outcome outcome = (enum bet_outcome)release->outcome;
    if (outcome == BET_PENDING) /* it waits on */
        return false;
    struct bet_facts facts = facts_of(state, record, release->bet_id);
    facts.status = outcome == BET_PLACED ? "PLACED" : "NOT_ACCEPTED";
    facts.balance_after = release->balance_after;
    put_bet_members(writer, state, record, &facts);
    if (outcome != BET_PLACED)
        put_word_member(writer, "reason", bet_outcome_text(outcome));
    return true;
}

static bool push_bet(const struct shard_state *state, const struct record_view *record,
                     struct json_writer *writer)
{
    const struct record_bet *bet = record->body;
    if (bet->bet_id == 0)
        return false;
    struct bet_facts facts = facts_of(state, record, bet->bet_id);
    facts.status = bet->outcome == BET_PENDING ? "PENDING" : "PLACED";
    facts.balance_after = bet->balance_after;
    put_bet_members(writer, state, record, &facts);
    if (bet->outcome == BET_PENDING)
        put_time_member(writer, "decide_at", (struct instant){bet->decide_at_us});
    put_referred_members(writer, bet);
    return true;
}

static bool push_settle(const struct shard_state *state, const struct record_view *record,
                        struct json_writer *writer)
{
    const struct record_settle *settle = record->body;
    const struct record_settled_leg *legs = record->items;
    struct currency currency = {settle->currency};
    struct settled_results results = settled_results_of(record);
    put_bet_id_member(writer, (struct bet_id){settle->bet_id});
    put_word_member(writer, "status", settled_results_text(&results, settle->payout));
    if (record->head->items_count == 1)
        put_result_members(writer, legs[0].win, legs[0].place);
    put_money_member(writer, "stake", money_of(settle->stake, currency));
    put_money_member(writer, "payout", money_of(settle->payout, currency));
    put_money_member(writer, "delta", money_of(settle->payout, currency));
    json_write_key(writer, "settlement");
    json_write_u64(writer, settle->settlement);
    put_record_members(writer, state, record, settle->balance_after);
    return true;
}

static bool push_reverse(const struct shard_state *state, const struct record_view *record,
                         struct json_writer *writer)
{
    const struct record_reverse *reverse = record->body;
    struct currency currency = {reverse->currency};
    put_bet_id_member(writer, (struct bet_id){reverse->bet_id});
    put_word_member(writer, "status", "PLACED");
    put_word_member(writer, "reason", "RESULT_CORRECTED");
    put_money_member(writer, "payout", money_of(0, currency));
    put_money_member(writer, "delta", money_of(-reverse->payout, currency));
    put_seq_member(writer, "reverses", shard_state_shard(state), reverse->reverses_seq);
    put_record_members(writer, state, record, reverse->balance_after);
    return true;
}

/* What was refused at once is its own answer, and nothing of the bet's. */
static bool push_cash_out(const struct shard_state *state, const struct record_view *record,
                          struct json_writer *writer)
{
    const struct record_cash_out *cash_out = record->body;
    enum bet_outcome outcome = (enum bet_outcome)cash_out->outcome;
    if (cash_out->previous_seq == 0)
        return false;
    if (outcome == BET_PLACED || outcome == BET_PENDING) {
        put_cash_out_members(writer, state, record);
        return true;
    }
    put_bet_id_member(writer, (struct bet_id){cash_out->bet_id});
    put_word_member(writer, "cash_out", "NOT_ACCEPTED");
    put_word_member(writer, "reason", bet_outcome_text(outcome));
    put_part_members(writer, cash_out);
    put_record_members(writer, state, record, cash_out->balance_after);
    return true;
}

static void push_offer(const struct shard_state *state, const struct record_view *record,
                       struct json_writer *writer)
{
    const struct record_referral *word = record->body;
    const struct record_leg *legs = record->items;
    struct currency currency = {word->currency};
    put_seq_member(writer, "offer_id", shard_state_shard(state), record->head->seq);
    put_money_member(writer, "stake", money_of(word->stake, currency));
    put_money_member(writer, "potential_return", money_of(word->potential_return, currency));
    put_time_member(writer, "valid_until", (struct instant){word->until_us});
    json_write_key(writer, "legs");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < record->head->items_count; i++) {
        json_write_object_open(writer);
        put_choice_members(writer, state, legs[i].market, legs[i].selection);
        put_odds_members(writer, leg_odds(&legs[i]));
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

/* What ends in a release at once is told by that. */
static bool push_referral(const struct shard_state *state, const struct record_view *record,
                          struct json_writer *writer)
{
    const struct record_referral *word = record->body;
    if (word->word == REFERRAL_REJECTED || word->word == REFERRAL_DECLINED)
        return false;
    put_bet_id_member(writer, (struct bet_id){word->bet_id});
    put_word_member(writer, "status", "PENDING");
    put_word_member(writer, "referral", word->word == REFERRAL_OFFERED ? "OFFERED" : "ACCEPTED");
    if (word->word == REFERRAL_OFFERED)
        push_offer(state, record, writer);
    else
        put_time_member(writer, "decide_at", (struct instant){word->until_us});
    put_record_members(writer, state, record, word->balance_after);
    return true;
}

static bool push_money(const struct shard_state *state, const struct record_view *record,
                       struct json_writer *writer)
{
    const struct record_money *money = record->body;
    if (money->outcome != BET_PLACED)
        return false;
    put_record_members(writer, state, record, money->balance_after);
    return true;
}

static bool push_adjustment(const struct shard_state *state, const struct record_view *record,
                            struct json_writer *writer)
{
    const struct record_adjustment *adjustment = record->body;
    put_record_members(writer, state, record, adjustment->balance_after);
    return true;
}

bool bet_answer_push(const struct shard_state *state, const struct record_view *record,
                     struct buf *out, const char **ret_op)
{
    struct json_writer writer = json_write_begin(out);
    size_t begin = out->bytes;
    const char *op = "bet_update";
    bool pushed = false;
    json_write_object_open(&writer);
    switch ((enum record_type)record->head->type) {
    case RECORD_BET:
        pushed = push_bet(state, record, &writer);
        break;
    case RECORD_RELEASE:
        pushed = push_release(state, record, &writer);
        break;
    case RECORD_SETTLE:
        pushed = push_settle(state, record, &writer);
        break;
    case RECORD_REVERSE:
        pushed = push_reverse(state, record, &writer);
        break;
    case RECORD_MONEY:
        pushed = push_money(state, record, &writer);
        op = "balance";
        break;
    case RECORD_ADJUSTMENT:
        pushed = push_adjustment(state, record, &writer);
        op = "balance";
        break;
    case RECORD_CASH_OUT:
        pushed = push_cash_out(state, record, &writer);
        break;
    case RECORD_REFERRAL:
        pushed = push_referral(state, record, &writer);
        break;
    case RECORD_GENESIS:
    case RECORD_OPENED:
    case RECORD_ACCOUNT:
    case RECORD_MARKET:
    case RECORD_SELECTIONS:
    case RECORD_FENCE:
    case RECORD_RESULT:
    case RECORD_LIMITS:
    case RECORD_PROPOSAL:
    case RECORD_DECISION:
    case RECORD_RELAYED:
        break;
    }
    json_write_object_close(&writer);
    if (!pushed) {
        out->bytes = begin;
        return false;
    }
    *ret_op = op;
    return true;
}
