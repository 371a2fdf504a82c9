/* sim_oracle_cash_out.c - the oracle's fold of cash-outs, and BETTING-RULES 4.8 with
 * docs/decisions/0007 once more, written apart from core/, app/ and ledger/. */
#include <string.h>

#include "base/assert.h"
#include "sim/sim_cash_out.h"
#include "sim/sim_fold.h"
#include "sim/sim_world.h"

#define BOOK_WHOLE UINT64_C(1000000000000000)

/* ---- what it is worth ---- */

static bool says_any(struct leg_chances c)
{
    return c.win > 0 || c.half_win > 0 || c.refund > 0 || c.half_lose > 0;
}

/* A unit at this price is worth no more than itself by these chances. */
static bool are_possible(struct leg_chances c, struct odds price)
{
    unsigned __int128 n = price.numerator, d = price.denominator;
    unsigned __int128 twice = 2 * n * c.win + (n + d) * c.half_win;
    twice += (2 * (unsigned __int128)c.refund + c.half_lose) * d;
    return twice <= 2 * d * CHANCE_WHOLE;
}

/* The chances of an open leg; else why it has none. */
static enum bet_outcome chances_of(const struct sim_price *price, struct leg_chances *ret,
                                   uint64_t *ret_book)
{
    const struct sim_view *view = &price->view;
    if (!view->known || view->status == MARKET_SUSPENDED_STATUS)
        return BET_MARKET_SUSPENDED;
    if (view->status != MARKET_ACTIVE)
        return BET_MARKET_CLOSED;
    if (!view->alive)
        return BET_MARKET_SUSPENDED;
    if (!view->selection_known)
        return BET_CASH_OUT_UNAVAILABLE;
    if (view->selection_status == SELECTION_SUSPENDED)
        return BET_MARKET_SUSPENDED;
    if (view->selection_status != SELECTION_ACTIVE || view->odds.denominator == 0)
        return BET_CASH_OUT_UNAVAILABLE;
    *ret = price->chances;
    *ret_book = 0;
    if (says_any(price->chances))
        return are_possible(price->chances, view->odds) ? BET_PLACED : BET_CASH_OUT_UNAVAILABLE;
    if (price->says != BET_PLACED)
        return price->says;
    if (price->returning || price->book > 2 * BOOK_WHOLE)
        return BET_CASH_OUT_UNAVAILABLE;
    uint64_t over = price->book < BOOK_WHOLE ? BOOK_WHOLE : price->book;
    uint64_t own =
        (uint64_t)((unsigned __int128)BOOK_WHOLE * view->odds.denominator / view->odds.numerator);
    *ret_book = price->book;
    ret->win = (uint32_t)((unsigned __int128)own * CHANCE_WHOLE / over);
    return ret->win > 0 ? BET_PLACED : BET_CASH_OUT_UNAVAILABLE;
}

static enum bet_outcome value_legs(const struct sim_bet *bet, const struct sim_price *prices,
                                   struct sim_value *value)
{
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        if (value->fate.legs[i].win.known == 1)
            continue;
        enum bet_outcome says = chances_of(&prices[i], &value->chances[i], &value->books[i]);
        if (says != BET_PLACED)
            return says;
        value->fate.legs[i].chances = &value->chances[i];
        if (prices[i].view.in_play && prices[i].view.delay_us > value->delay_us)
            value->delay_us = prices[i].view.delay_us;
    }
    return BET_PLACED;
}

void sim_value_of(const struct sim *sim, const struct sim_bet *bet, int64_t stake,
                  const struct sim_price *prices, struct sim_value *ret)
{
    struct sim_shape shape = sim_shape_of(bet);
    ret->says = BET_CASH_OUT_UNAVAILABLE;
    ret->fair = ret->value = ret->delay_us = 0;
    if (!sim->mix.book.cash_out.on || bet->state != BET_STATE_OPEN || stake < 1 ||
        stake > bet->stake || (bet->flags & BET_EACH_WAY) != 0)
        return;
    sim_fate_of(sim, bet, &ret->fate);
    if (ret->fate.decided) {
        ret->says = BET_MARKET_CLOSED;
        return;
    }
    ret->says = value_legs(bet, prices, ret);
    if (ret->says != BET_PLACED)
        return;
    const struct sim_bet_leg *legs = &sim->oracle.legs[bet->legs_first];
    shape.stake = stake;
    ret->fair = sim_worth(&shape, legs, ret->fate.legs, 0);
    ret->value = sim_worth(&shape, legs, ret->fate.legs, sim->mix.book.cash_out.margin_permyriad);
    if (ret->value == 0)
        ret->says = BET_CASH_OUT_UNAVAILABLE;
}

/* ---- what is expected ---- */

enum bet_outcome sim_for_sale(const struct sim *sim, const struct sim_bet *bet)
{
    if (!sim->mix.book.cash_out.on || bet->state != BET_STATE_OPEN)
        return BET_CASH_OUT_UNAVAILABLE;
    if (bet->selling != SIM_NONE)
        return BET_CASH_OUT_PENDING;
    return bet->cash_outs < 20 ? BET_PLACED : BET_CASH_OUT_LIMIT;
}

/* Is it enough? The customer takes so much, less his tolerance. */
static bool is_enough(const struct sim_sale *sale, int64_t value)
{
    __int128 least = (__int128)sale->accepted * (10000 - sale->tolerance);
    return (__int128)value * 10000 >= least;
}

static bool holds(const struct sim_sale *sale, const struct sim_bet *bet, int64_t time_us)
{
    return !sale->nonsense && sale->offer_bet == sale->bet && sale->offer_seq == bet->seq_last &&
           time_us <= sale->offer_until_us;
}

static enum bet_outcome expect_asked(const struct sim *sim, const struct sim_sale *sale,
                                     const struct sim_bet *bet, int64_t time_us,
                                     struct sim_value *value)
{
    enum bet_outcome outcome = sim_for_sale(sim, bet);
    if (outcome != BET_PLACED)
        return outcome;
    if (!holds(sale, bet, time_us))
        return BET_OFFER_EXPIRED;
    sim_value_of(sim, bet, sale->part, sale->seen, value);
    if (value->says != BET_PLACED)
        return value->says;
    if (!is_enough(sale, value->value))
        return BET_CASH_OUT_CHANGED;
    if (value->delay_us == 0)
        return BET_PLACED;
    return sim->oracle.pending < sim->mix.book.pending_max ? BET_PENDING : BET_MARKET_SUSPENDED;
}

/* A market of its legs, settled or not, was stopped; or the provider of a price was silent. */
static bool was_stopped(const struct sim *sim, const struct sim_bet *bet,
                        const struct sim_sale *sale, uint64_t asked_seq,
                        const struct sim_fate *fate)
{
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        uint32_t market = sim->oracle.legs[bet->legs_first + i].market;
        if (sim->markets[market].stopped_seq > asked_seq ||
            (fate->legs[i].win.known == 0 &&
             sale->released_at[i].view.back > sale->seen[i].view.breaks))
            return true;
    }
    return false;
}

static enum bet_outcome expect_decided(const struct sim *sim, const struct sim_sale *sale,
                                       const struct sim_bet *bet, uint64_t asked_seq,
                                       struct sim_value *value)
{
    sim_value_of(sim, bet, sale->part, sale->released_at, value);
    if (value->says != BET_PLACED)
        return value->says;
    if (was_stopped(sim, bet, sale, asked_seq, &value->fate))
        return BET_MARKET_SUSPENDED;
    return is_enough(sale, value->value) ? BET_PLACED : BET_CASH_OUT_CHANGED;
}

/* ---- the record ---- */

static void check_leg(struct sim *sim, const struct record_cash_out_leg *leg,
                      const struct sim_price *price, const struct sim_value *value, uint32_t i)
{
    static const struct record_cash_out_leg none;
    const size_t now = offsetof(struct record_cash_out_leg, now_numerator);
    const struct sim_view *view = &price->view;
    if (value->fate.legs[i].win.known == 1) {
        SIM_CHECK(memcmp((const char *)leg + now, (const char *)&none + now, sizeof none - now) ==
                      0,
                  "L6", "a settled leg has a price of now");
        return;
    }
    SIM_CHECK(leg->now_numerator == view->odds.numerator &&
                  leg->now_denominator == view->odds.denominator &&
                  leg->odds_version == view->version && leg->odds_position == view->position,
              "L6", "a cash-out at another price than was published");
    SIM_CHECK(leg->book == value->books[i] &&
                  memcmp(&leg->chances, &value->chances[i], sizeof leg->chances) == 0,
              "L7", "a cash-out by other chances than were published");
    SIM_CHECK(leg->market_status == MARKET_ACTIVE &&
                  leg->flags == (LEG_PROVIDER_ALIVE | (view->in_play ? LEG_IN_PLAY : 0)),
              "L6", "what a cash-out has seen of a market");
}

static void check_value(struct sim *sim, const struct record_view *record,
                        const struct sim_bet *bet, const struct sim_price *prices,
                        const struct sim_value *value)
{
    const struct record_cash_out *c = record->body;
    const struct record_cash_out_leg *legs = record->items;
    struct slice texts = record->texts;
    (void)record_text(&texts, c->key_bytes);
    SIM_CHECK(record->head->items_count == bet->legs_count, "L7", "a cash-out of other legs");
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct sim_bet_leg *own = &sim->oracle.legs[bet->legs_first + i];
        sim_check_settled_leg(sim, &legs[i].settled, own, &value->fate.legs[i], &texts);
        check_leg(sim, &legs[i], &prices[i], value, i);
        sim->report.counts[SIM_SOLD_BY_PROVIDER] +=
            c->outcome == BET_PLACED && value->fate.legs[i].win.known == 0 && value->books[i] == 0;
    }
    SIM_CHECK(c->margin == sim->mix.book.cash_out.margin_permyriad && c->fair == value->fair &&
                  c->value == value->value,
              "L7", "bet %llu: %lld of its stake are worth %lld, the oracle says %lld",
              (unsigned long long)c->bet_id, (long long)c->stake, (long long)c->value,
              (long long)value->value);
}

static bool says_value(enum bet_outcome outcome)
{
    return outcome == BET_PLACED || outcome == BET_PENDING || outcome == BET_CASH_OUT_CHANGED;
}

/* What is sold is no bet any more: nobody pays it again. */
static void sell(struct sim *sim, const struct record_view *record, struct sim_bet *bet,
                 int64_t paid)
{
    const struct record_cash_out *c = record->body;
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    struct sim_bet part = *bet;
    part.stake = c->stake;
    part.payout = paid;
    part.token_back = false;
    int64_t change = sim_check_moved(sim, record, &part, 1);
    SIM_CHECK(c->paid == paid && c->balance_after == account->available + change, "L4",
              "bet %llu: %lld are paid for a part, the oracle says %lld",
              (unsigned long long)c->bet_id, (long long)c->paid, (long long)paid);
    sim_count_open(sim, bet, -1);
    bet->stake -= c->stake;
    bet->stake_sold += c->stake;
    bet->cashed_out += paid;
    SIM_CHECK(c->stake_left == bet->stake, "L7", "what is left of a stake");
    sim_count(sim, bet->stake == 0 ? SIM_SOLD : SIM_SOLD_PART);
    sim->report.counts[SIM_SOLD_MULTIPLE] += bet->legs_count > 1;
    sim->report.counts[SIM_FREE_SOLD] += (bet->flags & BET_FREE) != 0;
    sim->report.counts[SIM_SOLD_AFTER_DELAY] += c->asked_seq != 0;
    bet->returns = 0;
    bet->state = bet->stake == 0 ? BET_STATE_CASHED_OUT : BET_STATE_OPEN;
    if (bet->stake == 0)
        return;
    const struct sim_shape shape = sim_shape_of(bet);
    bet->returns = sim_returns(sim, &shape, &sim->oracle.legs[bet->legs_first]);
    sim_count_open(sim, bet, 1);
}

static void check_outcome(struct sim *sim, const struct record_view *record,
                          const struct sim_bet *bet, const struct sim_price *prices,
                          const struct sim_value *value)
{
    const struct record_cash_out *c = record->body;
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    enum bet_outcome expected = value->expected;
    SIM_CHECK(c->outcome == expected, "L6",
              "record %llu: a cash-out ended as %s, the oracle says %s",
              (unsigned long long)record->head->seq, bet_outcome_text((enum bet_outcome)c->outcome),
              bet_outcome_text(expected));
    SIM_CHECK(c->currency == account->currency && c->sizes == bet->sizes && c->flags == bet->flags,
              "L7", "a cash-out of another bet");
    if (says_value(expected))
        check_value(sim, record, bet, prices, value);
    else
        SIM_CHECK(record->head->items_count == 0 && c->fair == 0 && c->value == 0, "L7",
                  "a refusal says a value");
    if (expected != BET_PLACED)
        SIM_CHECK(sim_posted(record, NULL, 0) && c->paid == 0 && c->stake_left == bet->stake &&
                      c->balance_after == account->available,
                  "L4", "a cash-out that is not paid moves money");
}

/* ---- requests ---- */

static struct sim_entry *check_request(struct sim *sim, const struct record_view *record,
                                       const struct sim_bet *bet)
{
    const struct record_cash_out *c = record->body;
    struct slice texts = record->texts;
    struct sim_entry *entry = sim_entry_of_key(sim, OPERATION_CASH_OUT, record->head->account,
                                               record_text(&texts, c->key_bytes));
    struct sim_sale *sale = &sim->sales[entry->sale];
    SIM_CHECK(entry->seq == 0, "L3", "a second verdict under one key");
    SIM_CHECK(entry->decided_in != 0, "L2", "a cash-out that nobody asked for");
    sale->part =
        sale->stake != 0 ? sale->stake : (int64_t)((__int128)bet->stake * sale->fraction / 10000);
    SIM_CHECK(c->request_hash[0] == entry->hash[0] && c->request_hash[1] == entry->hash[1] &&
                  &sim->oracle.bets[sale->bet] == bet && c->stake == sale->part &&
                  c->accepted == sale->accepted && c->tolerance == sale->tolerance &&
                  c->transport == TRANSPORT_WEBSOCKET,
              "L3", "the verdict is of another request");
    return entry;
}

static void begin_waiting(struct sim *sim, const struct record_view *record, struct sim_bet *bet,
                          struct sim_entry *entry, const struct sim_value *value)
{
    const struct record_cash_out *c = record->body;
    struct sim_sale *sale = &sim->sales[entry->sale];
    SIM_CHECK(c->decide_at_us == record->head->time_us + value->delay_us, "L6",
              "a cash-out waits for another delay");
    sale->bound = value->value;
    sale->delay_us = value->delay_us;
    bet->selling = (uint32_t)(entry - sim->entries);
    sim->oracle.pending++;
}

static void count_verdict(struct sim *sim, enum bet_outcome outcome)
{
    if (outcome != BET_PLACED)
        sim_count(sim, outcome == BET_PENDING            ? SIM_SALE_PENDING
                       : outcome == BET_OFFER_EXPIRED    ? SIM_SALE_EXPIRED
                       : outcome == BET_CASH_OUT_CHANGED ? SIM_SALE_CHANGED
                                                         : SIM_SALE_REFUSED);
}

static void take_asked(struct sim *sim, const struct record_view *record, struct sim_bet *bet)
{
    const struct record_cash_out *c = record->body;
    struct sim_entry *entry = check_request(sim, record, bet);
    struct sim_sale *sale = &sim->sales[entry->sale];
    struct sim_value value;
    bool looked = sim_for_sale(sim, bet) == BET_PLACED && !sale->nonsense;
    enum bet_outcome expected = expect_asked(sim, sale, bet, record->head->time_us, &value);
    value.expected = expected;
    bool chained = expected == BET_PLACED || expected == BET_PENDING;
    check_outcome(sim, record, bet, sale->seen, &value);
    SIM_CHECK(c->offer_until_us == (looked ? sale->offer_until_us : 0), "L6",
              "the end of the offer in the record");
    SIM_CHECK(c->previous_seq == (chained ? bet->seq_last : 0), "L7",
              "the bet's records are no chain");
    entry->seq = record->head->seq;
    if (chained) {
        bet->cash_outs++;
        bet->seq_last = record->head->seq;
    }
    if (expected == BET_PENDING)
        begin_waiting(sim, record, bet, entry, &value);
    if (expected == BET_PLACED)
        sell(sim, record, bet, value.value);
    count_verdict(sim, expected);
}

static void take_decided(struct sim *sim, const struct record_view *record, struct sim_bet *bet)
{
    const struct record_cash_out *c = record->body;
    SIM_CHECK(bet->selling != SIM_NONE, "L7", "a cash-out decided twice");
    struct sim_entry *entry = &sim->entries[bet->selling];
    struct sim_sale *sale = &sim->sales[entry->sale];
    struct sim_value value;
    SIM_CHECK(sale->released && c->asked_seq == entry->seq && c->previous_seq == bet->seq_last,
              "L7", "a cash-out is decided that was not asked for");
    SIM_CHECK(c->stake == sale->part && c->accepted == sale->accepted &&
                  c->tolerance == sale->tolerance && c->key_bytes == 0,
              "L3", "another cash-out is decided than was asked for");
    bool same = entry->decided_in == sale->released_in;
    SIM_CHECK(!same || sale->released_us >= entry->decided_us + sale->delay_us, "L6",
              "a cash-out was decided before its delay was over");
    enum bet_outcome expected = expect_decided(sim, sale, bet, entry->seq, &value);
    value.expected = expected;
    check_outcome(sim, record, bet, sale->released_at, &value);
    bet->selling = SIM_NONE;
    bet->seq_last = entry->seq_final = record->head->seq;
    sim->oracle.pending--;
    sim->report.counts[SIM_SALE_RESTARTED] += !same;
    if (expected == BET_PLACED)
        sell(sim, record, bet, value.value < sale->bound ? value.value : sale->bound);
    else if (value.says == BET_PLACED && expected == BET_MARKET_SUSPENDED)
        sim_count(sim, SIM_SALE_STOPPED);
    count_verdict(sim, expected);
}

void sim_oracle_cash_out(struct sim *sim, const struct record_view *record)
{
    const struct record_cash_out *c = record->body;
    struct sim_bet *bet = sim_bet_of(sim, record, c->bet_id);
    if (c->asked_seq == 0)
        take_asked(sim, record, bet);
    else
        take_decided(sim, record, bet);
}
