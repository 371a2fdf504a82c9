/* sim_cash_out.c - customers who sell their bets back, whole or in part: with an offer of now, one
 * that they thought about for a while, another bet's, or none; for what was offered, for less and
 * for more. */
#include "sim/sim_cash_out.h"

#include <string.h>

#include "base/assert.h"
#include "sim/sim_world.h"

/* ---- what can be seen ---- */

static uint64_t inverse(struct odds odds)
{
    return (uint64_t)((unsigned __int128)1000000000000000 * odds.denominator / odds.numerator);
}

/* All that can still win has a price, or the sum says nothing. */
static void sum_book(const struct sim_market *market, struct sim_price *price)
{
    price->says = BET_PLACED;
    for (size_t i = 0; i < market->selections_count && price->says == BET_PLACED; i++) {
        const struct sim_selection *s = &market->selections[i];
        if (s->status == SELECTION_ACTIVE && s->odds.denominator != 0)
            price->book += inverse(s->odds);
        else if (s->status == SELECTION_ACTIVE || s->status == SELECTION_SUSPENDED)
            price->says = BET_MARKET_SUSPENDED;
        else if (s->status != SELECTION_LOST)
            price->says = BET_CASH_OUT_UNAVAILABLE;
    }
}

static struct sim_price price_of(const struct sim *sim, const struct sim_bet_leg *leg)
{
    const struct sim_market *market = &sim->markets[leg->market];
    const struct sim_named *named = &market->named[leg->selection];
    struct slice id = slice_of(named->id, named->id_bytes);
    struct sim_price price = {.view = sim_view_of(sim, leg->market, id),
                              .returning = market->returning};
    if (!price.view.known)
        return price;
    for (size_t i = 0; i < market->selections_count; i++)
        if (slice_equal(slice_of(market->selections[i].id, market->selections[i].id_bytes), id))
            price.chances = market->selections[i].chances;
    sum_book(market, &price);
    return price;
}

static void see(const struct sim *sim, const struct sim_bet *bet, struct sim_price *ret)
{
    for (uint32_t i = 0; i < bet->legs_count; i++)
        ret[i] = price_of(sim, &sim->oracle.legs[bet->legs_first + i]);
}

void sim_sale_see(struct sim *sim, const struct sim_entry *entry)
{
    struct sim_sale *sale = &sim->sales[entry->sale];
    see(sim, &sim->oracle.bets[sale->bet], sale->seen);
}

/* ---- asking ---- */

bool sim_sale_is_own(const struct sim *sim, const struct sim_entry *entry)
{
    const struct sim_bet *bet = &sim->oracle.bets[sim->sales[entry->sale].bet];
    return sim->oracle.accounts[bet->account].user == entry->user;
}

enum request_outcome sim_sale_ask(struct sim *sim, const struct sim_entry *entry, bool other,
                                  book_answer_fn answer, struct book_cookie cookie)
{
    char user[32], key[32];
    const struct sim_sale *sale = &sim->sales[entry->sale];
    const struct cash_out_request request = {
        .user_id = sim_user_text(entry, user),
        .key = sim_key_text(entry, key),
        .bet = {sim->oracle.bets[sale->bet].bet_id},
        .offer = sale->nonsense ? SLICE("an offer") : slice_of(sale->offer, sizeof sale->offer),
        .accepted = sale->accepted + other,
        .stake = sale->stake,
        .fraction = sale->fraction,
        .tolerance = sale->tolerance,
        .request_hash = {entry->hash[0], entry->hash[1] + other},
        .transport = TRANSPORT_WEBSOCKET,
    };
    return book_cash_out(sim->book, &request, answer, cookie);
}

/* While nothing is under way the oracle's fold is where the book is. */
static void check_offer(struct sim *sim, const struct sim_bet *bet, enum bet_outcome outcome,
                        const struct cash_out_offer *offer)
{
    struct sim_price prices[SIM_LEGS_MAX];
    struct sim_value value;
    if (shard_state_seq(book_state(sim->book)) != sim->oracle.seq)
        return;
    enum bet_outcome expected = sim_for_sale(sim, bet);
    if (expected == BET_PLACED) {
        see(sim, bet, prices);
        sim_value_of(sim, bet, bet->stake, prices, &value);
        expected = value.says;
    }
    SIM_CHECK(outcome == expected, "L6", "an offer for bet %llu is answered %s, not %s",
              (unsigned long long)bet->bet_id, bet_outcome_text(outcome),
              bet_outcome_text(expected));
    SIM_CHECK(outcome != BET_PLACED ||
                  (offer->amount.minor == value.value && offer->stake.minor == bet->stake &&
                   offer->delay_us == value.delay_us),
              "L7", "bet %llu is offered %lld for, worth %lld", (unsigned long long)bet->bet_id,
              (long long)offer->amount.minor, (long long)value.value);
    sim_count(sim, SIM_OFFER_CHECKED);
}

/* Mostly a late one, and often the one before once more, so that parts follow each other. */
static uint32_t some_bet(struct sim *sim)
{
    const struct sim_oracle *o = &sim->oracle;
    uint32_t back = o->bets_count < 300 ? o->bets_count : 300, bet = 0;
    if (sim->sales_count > 0 && sim_chance(sim, 300))
        return sim->sales[sim->sales_count - 1].bet;
    for (int i = 0; i < 6; i++) {
        bet = o->bets_count - 1 - (uint32_t)sim_below(sim, back);
        if (o->bets[bet].state == BET_STATE_OPEN)
            break;
    }
    return sim_chance(sim, 50) ? (uint32_t)sim_below(sim, o->bets_count) : bet;
}

/* A share of what is offered for the whole, or about that. */
static void choose_part(struct sim *sim, struct sim_sale *sale, int64_t whole, int64_t amount)
{
    int64_t part = whole;
    if (sim_chance(sim, 350)) {
        sale->fraction = sim_chance(sim, 500) ? 10000 : (uint32_t)sim_below(sim, 10001);
        part = whole * sale->fraction / 10000;
    } else {
        if (sim_chance(sim, 600) && whole > 0)
            part = 1 + (int64_t)sim_below(sim, (uint64_t)whole);
        sale->stake = part + (sim_chance(sim, 20) ? whole : 0);
        if (sale->stake == 0)
            sale->stake = 1;
    }
    sale->accepted = whole == 0 ? amount : amount * part / whole;
    if (sim_chance(sim, 250))
        sale->accepted = sale->accepted * (int64_t)(90 + sim_below(sim, 21)) / 100;
    if (sale->accepted < 1)
        sale->accepted = 1;
    if (sim_chance(sim, 400))
        sale->tolerance = (uint32_t)sim_below(sim, sim_chance(sim, 50) ? 10001 : 1000);
}

static void keep_offer(struct sim_sale *sale, const struct cash_out_offer *offer,
                       const struct shard_bet *bet)
{
    memcpy(sale->offer, offer->id, sizeof sale->offer);
    sale->offer_bet = sale->bet;
    sale->offer_seq = bet->seq_last;
    sale->offer_until_us = offer->valid_until.us;
}

/* The entry of a customer with an offer, or who asks without one; SIM_NONE: he leaves it. */
static uint32_t sale_new(struct sim *sim)
{
    struct cash_out_offer offer = {.stake = {0}};
    uint32_t index = some_bet(sim);
    const struct sim_bet *bet = &sim->oracle.bets[index];
    uint32_t live = shard_state_find_bet(book_state(sim->book), (struct bet_id){bet->bet_id});
    SIM_CHECK(live != BET_NONE, "L2", "a durable bet is not there");
    enum bet_outcome outcome = book_offer_cash_out(sim->book, (struct bet_id){bet->bet_id}, &offer);
    check_offer(sim, bet, outcome, &offer);
    sim_count(sim, outcome == BET_PLACED ? SIM_OFFER : SIM_NO_OFFER);
    if ((outcome != BET_PLACED && !sim_chance(sim, 150)) || sim->sales_count == sim->sales_max)
        return SIM_NONE;
    uint32_t sale_index = sim->sales_count++;
    struct sim_sale *sale = &sim->sales[sale_index];
    *sale = (struct sim_sale){.bet = index, .nonsense = true};
    choose_part(sim, sale, bet->stake, 1 + offer.amount.minor);
    if (outcome == BET_PLACED) {
        sale->nonsense = sim_chance(sim, 20);
        choose_part(sim, sale, offer.stake.minor, offer.amount.minor);
        keep_offer(sale, &offer, shard_state_bet(book_state(sim->book), live));
    }
    if (sale_index > 0 && sim_chance(sim, 30) && !sale[-1].nonsense) { /* with another's offer */
        memcpy(sale->offer, sale[-1].offer, sizeof sale->offer);
        sale->nonsense = false;
        sale->offer_bet = sale[-1].offer_bet;
        sale->offer_seq = sale[-1].offer_seq;
        sale->offer_until_us = sale[-1].offer_until_us;
    }
    uint32_t entry =
        sim_entry_new(sim, OPERATION_CASH_OUT, sim->oracle.accounts[bet->account].user);
    sim->entries[entry].sale = sale_index;
    return entry;
}

void sim_sale_step(struct sim *sim)
{
    if (sim->thinking_count > 0 && sim_chance(sim, 300)) {
        uint32_t at = (uint32_t)sim_below(sim, sim->thinking_count);
        uint32_t entry = sim->thinking[at];
        sim->thinking[at] = sim->thinking[--sim->thinking_count];
        (void)sim_ask(sim, entry, false);
        return;
    }
    if (sim->oracle.bets_count == 0)
        return;
    uint32_t entry = sale_new(sim);
    if (entry == SIM_NONE)
        return;
    if (sim->thinking_count < SIM_THINKING_MAX && sim_chance(sim, 250))
        sim->thinking[sim->thinking_count++] = entry;
    else
        (void)sim_ask(sim, entry, false);
}

/* ---- delays ---- */

void sim_sale_waits(struct sim *sim, uint32_t entry, uint32_t cash_out)
{
    ASSERT(sim->selling_count < sim->sales_max);
    sim->selling[sim->selling_count++] = (struct sim_selling){cash_out, entry};
}

void sim_sale_before_end(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->selling_count; i++) {
        struct sim_sale *sale = &sim->sales[sim->entries[sim->selling[i].entry].sale];
        see(sim, &sim->oracle.bets[sale->bet], sale->released_at);
    }
}

void sim_sale_end_turn(struct sim *sim)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sim->selling_count; i++) {
        struct sim_selling s = sim->selling[i];
        const struct shard_cash_out *row = shard_state_cash_out(state, s.cash_out);
        struct sim_sale *sale = &sim->sales[sim->entries[s.entry].sale];
        if (row->seq_verdict == row->seq) {
            sim->selling[kept++] = s;
            continue;
        }
        sale->released = true;
        sale->released_in = sim->incarnation;
        sale->released_us = sim->now_us;
    }
    sim->selling_count = kept;
}

void sim_sale_restored(struct sim *sim)
{
    const struct shard_state *state = book_state(sim->book);
    for (uint32_t i = 0; i < shard_state_bets_count(state); i++) {
        const struct shard_bet *bet = shard_state_bet(state, i);
        uint32_t own;
        if (bet->cash_out_waits == CASH_OUT_NONE)
            continue;
        bool found = table_find(sim->oracle.bets_by_id, table_key_u64(bet->bet_id), &own);
        SIM_CHECK(found && sim->oracle.bets[own].selling != SIM_NONE, "L2",
                  "a cash-out waits that no record asked for");
        sim_sale_waits(sim, sim->oracle.bets[own].selling, bet->cash_out_waits);
    }
}
