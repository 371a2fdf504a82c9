/* bet_events.c - contract in bet_events.h. */
#include "ledger/bet_events.h"

#include "ledger/record_json_words.h"
#include "ledger/settle_record.h"

/* ---- which records are messages ---- */

static const char *type_of_bet(const struct record_bet *bet)
{
    return bet->bet_id == 0 ? NULL : bet->outcome == BET_PENDING ? "pending" : "placed";
}

/* Those that wait or were refused move nothing. */
static const char *type_of_cash_out(const struct record_cash_out *cash_out)
{
    return cash_out->outcome == BET_PLACED ? "cash_out" : NULL;
}

static const char *type_of_release(const struct record_release *release)
{
    if (release->outcome == BET_PENDING)
        return NULL; /* it waits on, as was told */
    return release->outcome == BET_PLACED ? "placed" : "not_accepted";
}

/* What the record is called, and its bet's id; NULL: it is no message. */
static const char *type_of(const struct record_view *record, uint64_t *ret_bet_id)
{
    const void *body = record->body;
    switch ((enum record_type)record->head->type) {
    case RECORD_BET:
        *ret_bet_id = ((const struct record_bet *)body)->bet_id;
        return type_of_bet(body);
    case RECORD_RELEASE:
        *ret_bet_id = ((const struct record_release *)body)->bet_id;
        return type_of_release(body);
    case RECORD_SETTLE:
        *ret_bet_id = ((const struct record_settle *)body)->bet_id;
        return "settled";
    case RECORD_REVERSE:
        *ret_bet_id = ((const struct record_reverse *)body)->bet_id;
        return "reversed";
    case RECORD_CASH_OUT:
        *ret_bet_id = ((const struct record_cash_out *)body)->bet_id;
        return type_of_cash_out(body);
    case RECORD_GENESIS:
    case RECORD_OPENED:
    case RECORD_ACCOUNT:
    case RECORD_MARKET:
    case RECORD_SELECTIONS:
    case RECORD_MONEY:
    case RECORD_FENCE:
    case RECORD_RESULT:
    case RECORD_PROPOSAL:
    case RECORD_DECISION:
    case RECORD_LIMITS:
    case RECORD_REFERRAL:
    case RECORD_ADJUSTMENT:
    case RECORD_RELAYED:
        break;
    }
    return NULL;
}

static const struct shard_leg *leg_of(const struct bet_events *events, uint32_t leg)
{
    return shard_state_leg(events->state, events->bet->legs_first + leg);
}

static const struct shard_market *market_of(const struct bet_events *events, uint32_t leg)
{
    return shard_state_market(events->state, (struct market_ref){leg_of(events, leg)->market});
}

/* Events are few in a bet: markets of one have the same symbol. */
static void find_events(struct bet_events *events)
{
    for (uint16_t leg = 0; leg < events->bet->legs_count; leg++) {
        uint32_t event = market_of(events, leg)->event_id;
        uint32_t n = 0;
        while (n < events->count && market_of(events, events->legs[n])->event_id != event)
            n++;
        if (n == events->count)
            events->legs[events->count++] = leg;
    }
}

void bet_events_of(const struct shard_state *state, const struct record_view *record,
                   struct bet_events *ret)
{
    uint64_t bet_id = 0;
    ret->state = state;
    ret->record = record;
    ret->count = 0;
    ret->type = type_of(record, &bet_id);
    if (ret->type == NULL)
        return;
    uint32_t index = shard_state_find_bet(state, (struct bet_id){bet_id});
    if (index == BET_NONE)
        return;
    ret->bet = shard_state_bet(state, index);
    find_events(ret);
}

/* ---- as JSON ---- */

struct slice bet_events_key(const struct bet_events *events, uint32_t number)
{
    return shard_state_text(events->state, market_of(events, events->legs[number])->event_id);
}

void bet_events_seq(const struct bet_events *events, struct buf *text)
{
    buf_put_u64(text, shard_state_shard(events->state));
    buf_put_char(text, '-');
    buf_put_u64(text, events->record->head->seq);
}

static void put_seq(struct dump *d, const char *key, uint64_t seq)
{
    char memory[40];
    struct buf text = buf_over(memory, sizeof memory);
    buf_put_u64(&text, shard_state_shard(d->state));
    buf_put_char(&text, '-');
    buf_put_u64(&text, seq);
    dump_text(d, key, buf_slice(&text));
}

static void put_selection(struct dump *d, const struct shard_leg *leg)
{
    struct market_ref market = {leg->market};
    const struct shard_selection *selection =
        shard_state_selection(d->state, market, leg->selection);
    dump_text(d, "market_id", shard_state_market_id(d->state, market));
    dump_text(d, "selection_id", shard_state_text(d->state, selection->id));
    dump_odds(d, "odds", "odds_exact", leg->odds);
}

/* In a SETTLE the legs stand in the order of the bet's. */
static const struct record_settled_leg *settled_leg(const struct dump *d, uint32_t leg)
{
    const struct record_settled_leg *legs = d->record->items;
    return d->record->head->type == RECORD_SETTLE ? &legs[leg] : NULL;
}

static void put_result(struct dump *d, const char *key, struct record_leg_result factors)
{
    enum leg_outcome outcome =
        factors.known == 0 ? LEG_OUTCOME_OPEN : leg_result_outcome(record_factors(factors));
    dump_word(d, key, leg_outcome_text(outcome), outcome);
}

/* Those on the message's event. */
static void put_legs(struct dump *d, const struct bet_events *events, uint32_t number)
{
    uint32_t event = market_of(events, events->legs[number])->event_id;
    json_write_key(&d->writer, "legs");
    json_write_array_open(&d->writer);
    for (uint32_t i = events->legs[number]; i < events->bet->legs_count; i++) {
        const struct record_settled_leg *settled = settled_leg(d, i);
        if (market_of(events, i)->event_id != event)
            continue;
        json_write_object_open(&d->writer);
        dump_u64(d, "leg_no", i + 1);
        put_selection(d, leg_of(events, i));
        if (settled != NULL)
            put_result(d, "result", settled->win);
        if (settled != NULL && settled->place.known == 1)
            put_result(d, "place_result", settled->place);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

static const char *outcome_text(const struct record_view *record)
{
    const struct record_settle *settle = record->body;
    const struct record_settled_leg *legs = record->items;
    struct settled_results results = {0};
    for (size_t i = 0; i < record->head->items_count; i++) {
        if (legs[i].win.known == 1)
            settled_results_add(&results, record_factors(legs[i].win));
        if (legs[i].place.known == 1)
            settled_results_add(&results, record_factors(legs[i].place));
    }
    return settled_results_text(&results, settle->payout);
}

static void put_settle(struct dump *d, uint16_t currency)
{
    const struct record_settle *settle = d->record->body;
    dump_word(d, "outcome", outcome_text(d->record), 0);
    dump_money(d, "payout", settle->payout, currency);
    dump_money(d, "delta", settle->payout, currency);
    dump_u64(d, "settlement", settle->settlement);
    dump_u64(d, "result_version", settle->result_version);
    dump_time(d, "settled_at", d->record->head->time_us);
}

static void put_reverse(struct dump *d, uint16_t currency)
{
    const struct record_reverse *reverse = d->record->body;
    dump_money(d, "payout", 0, currency);
    dump_money(d, "delta", -reverse->payout, currency);
    put_seq(d, "reverses", reverse->reverses_seq);
    dump_u64(d, "result_version", reverse->result_version);
}

static void put_cash_out(struct dump *d, uint16_t currency)
{
    const struct record_cash_out *cash_out = d->record->body;
    dump_money(d, "bought_back", cash_out->stake, currency);
    dump_money(d, "stake_left", cash_out->stake_left, currency);
    dump_money(d, "payout", cash_out->paid, currency);
    dump_money(d, "delta", cash_out->paid, currency);
}

/* What each kind says beside what all of them do. */
static void put_kind(struct dump *d, const struct shard_bet *bet, uint16_t currency)
{
    switch ((enum record_type)d->record->head->type) {
    case RECORD_BET:
    case RECORD_RELEASE:
        dump_money(d, "potential_return", bet->returns, currency);
        if (bet->state == BET_STATE_NOT_ACCEPTED)
            dump_word(
                d, "reason",
                bet_outcome_text(
                    (enum bet_outcome)((const struct record_release *)d->record->body)->outcome),
                0);
        break;
    case RECORD_SETTLE:
        put_settle(d, currency);
        break;
    case RECORD_REVERSE:
        put_reverse(d, currency);
        break;
    case RECORD_CASH_OUT:
        put_cash_out(d, currency);
        break;
    case RECORD_GENESIS:
    case RECORD_OPENED:
    case RECORD_ACCOUNT:
    case RECORD_MARKET:
    case RECORD_SELECTIONS:
    case RECORD_MONEY:
    case RECORD_FENCE:
    case RECORD_RESULT:
    case RECORD_PROPOSAL:
    case RECORD_DECISION:
    case RECORD_LIMITS:
    case RECORD_REFERRAL:
    case RECORD_ADJUSTMENT:
    case RECORD_RELAYED:
        break;
    }
}

void bet_events_write(const struct bet_events *events, uint32_t number, struct buf *json)
{
    const struct shard_bet *bet = events->bet;
    struct account_ref account = {bet->account};
    uint16_t currency = shard_state_account(events->state, account)->currency.iso;
    struct dump d = {json_write_begin(json), events->record, events->state, SLICE_NONE};
    json_write_object_open(&d.writer);
    dump_text(&d, "type", slice_text(events->type));
    dump_u64(&d, "format", BET_EVENTS_FORMAT);
    put_seq(&d, "seq", events->record->head->seq);
    dump_time(&d, "recorded_at", events->record->head->time_us);
    dump_bet_id(&d, bet->bet_id);
    dump_text(&d, "event_id", bet_events_key(events, number));
    dump_text(&d, "user_id", shard_state_user_id(events->state, account));
    dump_currency(&d, currency);
    dump_money(&d, "stake", bet->stake_placed, currency);
    dump_word(&d, "stake_kind",
              (bet->flags & BET_FREE) != 0    ? "free"
              : (bet->flags & BET_BONUS) != 0 ? "bonus"
                                              : "cash",
              0);
    put_kind(&d, bet, currency);
    dump_u64(&d, "event_no", number + 1);
    dump_u64(&d, "events_count", events->count);
    dump_u64(&d, "legs_count", bet->legs_count);
    put_selection(&d, leg_of(events, events->legs[number]));
    put_legs(&d, events, number);
    json_write_object_close(&d.writer);
}
