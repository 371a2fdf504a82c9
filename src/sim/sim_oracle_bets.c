/* sim_oracle_bets.c - the oracle's fold of bets: placed, released, settled, reversed. */
#include <string.h>

#include "base/assert.h"
#include "sim/sim_fate.h"
#include "sim/sim_fold.h"
#include "sim/sim_referrals.h"
#include "sim/sim_tickets.h"
#include "sim/sim_world.h"

bool sim_posted(const struct record_view *record, const struct record_posting *expected,
                size_t count)
{
    return record->head->postings_count == count &&
           (count == 0 || memcmp(record->postings, expected, count * sizeof *expected) == 0);
}

/* ---- placed ---- */

/* L6: the evidence in the record is what was published last before the decision. */
void sim_check_leg(struct sim *sim, const struct sim_view *view, const struct record_leg *leg,
                   struct odds taken)
{
    SIM_CHECK(leg->odds_version == view->version && leg->odds_position == view->position, "L6",
              "bound to version %llx, published was %llx", (unsigned long long)leg->odds_version,
              (unsigned long long)view->version);
    SIM_CHECK(leg->odds_numerator == taken.numerator && leg->odds_denominator == taken.denominator,
              "L6", "bound to %u/%u, published was %u/%u", leg->odds_numerator,
              leg->odds_denominator, taken.numerator, taken.denominator);
    SIM_CHECK(leg->market_status == view->status, "L6", "the status in the record");
    SIM_CHECK(((leg->flags & LEG_PROVIDER_ALIVE) != 0) == view->alive, "P2",
              "the lease in the record");
}

const struct sim_market *sim_check_open(struct sim *sim, const struct record_leg *leg)
{
    SIM_CHECK(leg->market >= 1 && leg->market <= sim->oracle.markets_count, "L6",
              "a bet on no market");
    const struct sim_market *market = &sim->markets[sim->oracle.markets[leg->market]];
    SIM_CHECK(market->fence_status == MARKET_ACTIVE && market->fence_holds == 0 &&
                  !market->has_result,
              "L6", "a bet stands after a fence that stops it");
    SIM_CHECK(leg->selection < market->named_count, "L6", "a bet on no selection");
    SIM_CHECK(market->named[leg->selection].result.win.known == 0, "L6",
              "a bet on a selection that has a result");
    SIM_CHECK(leg->market_status == MARKET_ACTIVE, "L6", "a bet on a market that was not active");
    SIM_CHECK((leg->flags & LEG_PROVIDER_ALIVE) != 0, "P2", "a bet on a silent provider's price");
    return market;
}

struct sim_shape sim_shape_of(const struct sim_bet *bet)
{
    return (struct sim_shape){bet->stake, bet->sizes, bet->legs_count, bet->flags};
}

void sim_count_open(struct sim *sim, const struct sim_bet *bet, int sign)
{
    sim->oracle.accounts[bet->account].stakes_open += sign * bet->stake;
    if (bet->state == BET_STATE_REFERRED)
        return; /* it costs nothing until the desk lets it pass */
    bool cash = (bet->flags & (BET_FREE | BET_BONUS)) == 0;
    bool single = cash && bet->legs_count == 1 && (bet->flags & BET_EACH_WAY) == 0;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct sim_bet_leg *leg = &sim->oracle.legs[bet->legs_first + i];
        struct sim_market *market = &sim->markets[leg->market];
        market->named[leg->selection].costs +=
            sign * (bet->returns - (cash && !single ? bet->stake : 0));
        market->stakes_single += sign * (single ? bet->stake : 0);
    }
}

static void add_bet(struct sim *sim, struct sim_entry *entry, const struct record_view *record)
{
    struct sim_oracle *o = &sim->oracle;
    const struct record_bet *b = record->body;
    const struct record_leg *legs = record->items;
    struct sim_account *account = &o->accounts[record->head->account];
    bool pending = b->outcome == BET_PENDING;
    ASSERT(o->bets_count < o->bets_max && o->legs_max - o->legs_count >= SIM_LEGS_MAX);
    entry->bet = o->bets_count++;
    o->bets[entry->bet] = (struct sim_bet){
        .bet_id = b->bet_id,
        .seq_last = record->head->seq,
        .entry = (uint32_t)(entry - sim->entries),
        .account = record->head->account,
        .next_of_account = account->bets_last,
        .legs_first = o->legs_count,
        .legs_count = record->head->items_count,
        .sizes = b->sizes,
        .flags = b->flags,
        .state = b->referred != REFERRED_NOT ? BET_STATE_REFERRED
                 : pending                   ? BET_STATE_PENDING
                                             : BET_STATE_OPEN,
        .placed_us = record->head->time_us,
        .stake = b->stake,
        .stake_placed = b->stake,
        .returns = b->potential_return,
        .selling = SIM_NONE,
    };
    account->bets_last = entry->bet;
    for (uint32_t i = 0; i < record->head->items_count; i++)
        o->legs[o->legs_count++] = (struct sim_bet_leg){
            .market = o->markets[legs[i].market],
            .selection = legs[i].selection,
            .banker = (legs[i].flags & LEG_BANKER) != 0,
            .ante_post = (legs[i].flags & LEG_ANTE_POST) != 0,
            .terms = {legs[i].places, legs[i].place_numerator, legs[i].place_denominator},
            .odds = {legs[i].odds_numerator, legs[i].odds_denominator},
        };
    o->pending += pending;
    if (b->referred != REFERRED_NOT)
        sim_refer(sim, &o->bets[entry->bet], record);
    sim_count_open(sim, &o->bets[entry->bet], 1);
    enum table_outcome outcome = table_insert(o->bets_by_id, table_key_u64(b->bet_id), entry->bet);
    SIM_CHECK(outcome == TABLE_OK, "L2", "two bets have one id");
}

/* The leg is the one asked for, as it was to be seen, with the terms of then. */
static void check_leg_taken(struct sim *sim, const struct sim_entry *entry,
                            const struct sim_leg *asked, const struct record_leg *leg)
{
    const struct sim_market *market = sim_check_open(sim, leg);
    const struct sim_named *named = &market->named[leg->selection];
    SIM_CHECK(market == &sim->markets[asked->market] &&
                  slice_equal(slice_of(named->id, named->id_bytes),
                              slice_of(asked->selection, asked->selection_bytes)),
              "L6", "the bet is on another selection than asked for");
    sim_check_leg(sim, &asked->view, leg, asked->view.odds);
    struct place_terms terms = entry->each_way ? asked->view.terms : (struct place_terms){0};
    SIM_CHECK(leg->places == terms.places && leg->place_numerator == terms.numerator &&
                  leg->place_denominator == terms.denominator,
              "L6", "the place terms in the record");
    SIM_CHECK(((leg->flags & LEG_BANKER) != 0) == asked->banker &&
                  ((leg->flags & LEG_ANTE_POST) != 0) == asked->view.ante_post,
              "L6", "what the leg is");
}

static void check_accepted(struct sim *sim, const struct sim_entry *entry,
                           const struct record_view *record)
{
    static const uint16_t accounts[] = {LEDGER_AVAILABLE, LEDGER_FREE, LEDGER_BONUS};
    const struct record_bet *b = record->body;
    const struct record_leg *legs = record->items;
    struct sim_bet_leg own[SIM_LEGS_MAX];
    uint32_t ref = record->head->account;
    bool pending = b->outcome == BET_PENDING;
    SIM_CHECK(record->head->items_count == entry->legs_count, "L6", "another number of legs");
    for (uint32_t i = 0; i < entry->legs_count; i++) {
        const struct sim_leg *asked = &sim->legs[entry->legs_first + i];
        check_leg_taken(sim, entry, asked, &legs[i]);
        own[i] = (struct sim_bet_leg){
            .banker = asked->banker, .odds = asked->view.odds, .terms = asked->view.terms};
    }
    SIM_CHECK(b->rounding == sim->mix.book.ticket_limits.bet.rounding, "L7", "another rounding");
    const struct sim_shape shape = {b->stake, entry->sizes, entry->legs_count, b->flags};
    int64_t returns = sim_returns(sim, &shape, own);
    SIM_CHECK(b->potential_return == returns, "L7", "the potential return is %lld, not %lld",
              (long long)b->potential_return, (long long)returns);
    const struct record_posting expected[] = {
        {ref, accounts[entry->stake_kind], entry->currency, -b->stake},
        {pending ? ref : 0, pending ? LEDGER_HELD : LEDGER_HOUSE_STAKES, entry->currency, b->stake},
    };
    SIM_CHECK(sim_posted(record, expected, 2), "L4", "postings of a stake");
}

static void count_verdict(struct sim *sim, const struct sim_entry *entry, enum bet_outcome outcome)
{
    bool accepted = outcome == BET_PLACED || outcome == BET_PENDING;
    bool bankers = false;
    for (uint32_t i = 0; i < entry->legs_count; i++)
        bankers = bankers || sim->legs[entry->legs_first + i].banker;
    sim_count(sim, !accepted                ? SIM_BET_REFUSED
                   : outcome == BET_PENDING ? SIM_BET_PENDING
                                            : SIM_BET_PLACED);
    uint64_t *counts = sim->report.counts;
    counts[SIM_MULTIPLE] += accepted && entry->legs_count > 1;
    counts[SIM_SYSTEM] += accepted && entry->sizes != 0;
    counts[SIM_BANKER] += accepted && entry->sizes != 0 && bankers;
    counts[SIM_FREE_BET] += accepted && entry->stake_kind == STAKE_FREE;
    counts[SIM_BONUS_BET] += accepted && entry->stake_kind == STAKE_BONUS;
    counts[SIM_EACH_WAY] += accepted && entry->each_way;
    counts[SIM_RELATED] += outcome == BET_RELATED_LEGS;
    counts[SIM_NO_TERMS] += outcome == BET_NO_PLACE_TERMS;
    counts[SIM_EACH_WAY_ONLY] += outcome == BET_EACH_WAY_ONLY;
    counts[SIM_TOO_LARGE] +=
        outcome == BET_LEGS_LIMIT || outcome == BET_LINES_LIMIT || outcome == BET_ODDS_LIMIT;
    counts[SIM_LIABILITY] += outcome == BET_LIABILITY_LIMIT;
}

static bool is_request(const struct record_bet *b, const struct sim_entry *entry)
{
    static const uint8_t kinds[] = {0, BET_FREE, BET_BONUS};
    return b->request_hash[0] == entry->hash[0] && b->request_hash[1] == entry->hash[1] &&
           (b->stake == entry->amount || b->stake_asked == entry->amount) &&
           b->currency == entry->currency && b->policy == entry->policy &&
           b->sizes == entry->sizes &&
           b->flags == (kinds[entry->stake_kind] | (entry->each_way ? BET_EACH_WAY : 0));
}

static bool is_limit(enum bet_outcome outcome)
{
    return outcome == BET_STAKE_LIMIT || outcome == BET_LIABILITY_LIMIT;
}

/* Of what a limit refuses the record says what would pass: that does, and a unit more on each line
 * does not. 0: nothing does, not even the least. */
static void check_stake_max(struct sim *sim, const struct sim_entry *entry,
                            const struct sim_account *account, int64_t most)
{
    uint32_t step = sim_expect_step(sim, entry);
    int64_t more = most + step;
    SIM_CHECK(most == 0 ||
                  (most % step == 0 && !is_limit(sim_expect_bet(sim, entry, account, most))),
              "L7", "a stake of %lld is said to pass, and does not", (long long)most);
    SIM_CHECK(is_limit(sim_expect_bet(sim, entry, account, more)), "L7",
              "a stake of %lld is said to be the most, and %lld passes", (long long)most,
              (long long)more);
}

/* The highest stake below what was asked that passes; 0: none. Found by halves, whatever formula
 * the book has. */
static int64_t highest(struct sim *sim, const struct sim_entry *entry,
                       const struct sim_account *account)
{
    int64_t step = sim_expect_step(sim, entry);
    int64_t low = 0, high = entry->amount / step; /* does not pass, or is not below */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        enum bet_outcome outcome = sim_expect_bet(sim, entry, account, middle * step);
        bool low_end =
            outcome == BET_STAKE_LIMIT && middle * step < sim_expect_least(sim, entry, account);
        if (is_limit(outcome) && !low_end)
            high = middle;
        else
            low = middle;
    }
    return low > 0 && !is_limit(sim_expect_bet(sim, entry, account, low * step)) ? low * step : 0;
}

static bool is_accepted(enum bet_outcome outcome)
{
    return outcome == BET_PLACED || outcome == BET_PENDING;
}

/* What becomes of a request, with what stake, and whether the desk is asked. */
struct expected {
    enum bet_outcome outcome;
    int64_t stake;
    enum referral_cause referred, unheard; /* unheard: it would be, were there room */
};

/* Something has to be free for one more that waits. */
static void find_room(const struct sim *sim, struct expected *e)
{
    bool room = sim->oracle.pending < sim->mix.book.pending_max;
    if (e->referred != REFERRED_NOT && (!room || !sim_referrals_room(sim))) {
        e->unheard = e->referred;
        e->referred = REFERRED_NOT;
        if (e->unheard == REFERRED_BY_RULE)
            e->outcome = BET_STAKE_LIMIT;
    }
    if (e->referred != REFERRED_NOT)
        e->outcome = BET_PENDING;
    else if (e->outcome == BET_PENDING && !room)
        e->outcome = BET_MARKET_SUSPENDED;
}

static struct expected expect_request(struct sim *sim, const struct sim_entry *entry,
                                      const struct sim_account *account)
{
    struct expected e = {.stake = entry->amount};
    e.outcome = sim_expect_bet(sim, entry, account, entry->amount);
    int64_t lower =
        entry->accept_alternative && is_limit(e.outcome) ? highest(sim, entry, account) : 0;
    if (lower > 0) {
        e.stake = lower;
        e.outcome = sim_expect_bet(sim, entry, account, lower);
    }
    e.referred = sim_expect_referral(sim, entry, account, e.stake, e.outcome);
    find_room(sim, &e);
    if (!is_accepted(e.outcome))
        e.stake = entry->amount;
    return e;
}

/* The record says what would pass without the desk. */
static void check_most(struct sim *sim, const struct sim_entry *entry,
                       const struct sim_account *account, const struct expected *e, int64_t most)
{
    bool by_rule = e->referred == REFERRED_BY_RULE || e->unheard == REFERRED_BY_RULE;
    if (by_rule && e->stake != entry->amount)
        SIM_CHECK(most == e->stake, "L7", "the most is %lld, not the lower stake", (long long)most);
    else if (by_rule)
        SIM_CHECK(most == sim_expect_refer_above(sim, entry, account), "L7",
                  "%lld is said to pass without the desk", (long long)most);
    else if (is_limit(e->outcome) || e->referred != REFERRED_NOT)
        check_stake_max(sim, entry, account, most);
    sim->report.counts[SIM_REFERRALS_FULL] += e->unheard != REFERRED_NOT;
    sim->report.counts[SIM_REFERRED_LOWER] +=
        e->referred != REFERRED_NOT && e->stake != entry->amount;
}

void sim_oracle_bet(struct sim *sim, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    struct slice texts = record->texts;
    struct sim_entry *entry = sim_entry_of_key(sim, OPERATION_BET, record->head->account,
                                               record_text(&texts, b->key_bytes));
    const struct sim_account *account = &sim->oracle.accounts[record->head->account];
    bool cash = entry->stake_kind == STAKE_CASH;
    SIM_CHECK(entry->seq == 0, "L3", "a second verdict under one key");
    SIM_CHECK(entry->decided_in != 0, "L2", "a bet that nobody asked for");
    sim_vault_record(sim, record, entry);
    SIM_CHECK(is_request(b, entry), "L3", "the verdict is of another request");
    const struct expected e = expect_request(sim, entry, account);
    enum bet_outcome expected = e.outcome;
    SIM_CHECK(b->outcome == expected, sim->legs[entry->legs_first].view.alive ? "L6" : "P2",
              "record %llu: a bet of %u legs ended as %s, the oracle says %s",
              (unsigned long long)record->head->seq, entry->legs_count,
              bet_outcome_text((enum bet_outcome)b->outcome), bet_outcome_text(expected));
    bool accepted = is_accepted(expected);
    SIM_CHECK(
        b->stake == e.stake && b->stake_asked == (e.stake == entry->amount ? 0 : entry->amount),
        "L7", "a stake of %lld, the oracle says %lld", (long long)b->stake, (long long)e.stake);
    SIM_CHECK(b->referred == e.referred, "L7", "a bet is referred for %u, the oracle says %u",
              b->referred, e.referred);
    check_most(sim, entry, account, &e, b->stake_max);
    sim->report.counts[SIM_ALTERNATIVE] += e.stake != entry->amount;
    entry->delay_us = expected == BET_PENDING ? sim_expect_delay(sim, entry, account) : 0;
    SIM_CHECK(b->balance_after == account->available - (accepted && cash ? b->stake : 0), "L4",
              "balance_after of a bet");
    SIM_CHECK(!accepted || !cash || b->balance_after >= 0, "L4", "a bet below zero");
    entry->seq = record->head->seq;
    if (accepted) {
        check_accepted(sim, entry, record);
        add_bet(sim, entry, record);
    } else {
        SIM_CHECK(b->bet_id == 0 && sim_posted(record, NULL, 0), "L4", "a refusal moves no money");
    }
    if (e.referred == REFERRED_NOT)
        count_verdict(sim, entry, expected);
}

/* ---- after that ---- */

struct sim_bet *sim_bet_of(struct sim *sim, const struct record_view *record, uint64_t bet_id)
{
    uint32_t index;
    bool found = table_find(sim->oracle.bets_by_id, table_key_u64(bet_id), &index);
    SIM_CHECK(found, "L7", "there is no such bet");
    struct sim_bet *bet = &sim->oracle.bets[index];
    SIM_CHECK(bet->account == record->head->account, "L7", "the bet is another user's");
    return bet;
}

struct sim_bet *sim_bet_next(struct sim *sim, const struct record_view *record, uint64_t bet_id,
                             uint64_t previous_seq)
{
    struct sim_bet *bet = sim_bet_of(sim, record, bet_id);
    SIM_CHECK(bet->seq_last == previous_seq, "L7", "the bet's records are no chain");
    bet->seq_last = record->head->seq;
    return bet;
}

static struct odds lower_of(struct odds a, struct odds b)
{
    return (uint64_t)a.numerator * b.denominator < (uint64_t)b.numerator * a.denominator ? a : b;
}

uint16_t sim_staked_from(const struct sim_bet *bet)
{
    return (bet->flags & BET_FREE) != 0    ? LEDGER_FREE
           : (bet->flags & BET_BONUS) != 0 ? LEDGER_BONUS
                                           : LEDGER_AVAILABLE;
}

/* Accepted after all, at prices that are no better than before. */
static void place_released(struct sim *sim, struct sim_bet *bet, const struct sim_entry *entry,
                           const struct record_view *record)
{
    const struct record_leg *legs = record->items;
    struct sim_bet_leg *own = &sim->oracle.legs[bet->legs_first];
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct sim_leg *asked = &sim->legs[entry->legs_first + i];
        (void)sim_check_open(sim, &legs[i]);
        if (!own[i].named)
            own[i].odds = lower_of(own[i].odds, asked->release_view.odds);
        sim_check_leg(sim, &asked->release_view, &legs[i], own[i].odds);
        SIM_CHECK(((legs[i].flags & LEG_OFFERED) != 0) == own[i].named, "L6",
                  "whose price a leg has");
    }
    const struct sim_shape shape = sim_shape_of(bet);
    bet->returns = sim_returns(sim, &shape, own);
    bet->placed_us = record->head->time_us;
    sim_count_open(sim, bet, 1);
    sim->report.counts[SIM_MULTIPLE_RELEASED] += bet->legs_count > 1;
}

void sim_oracle_release(struct sim *sim, const struct record_view *record)
{
    const struct record_release *r = record->body;
    struct sim_bet *bet = sim_bet_next(sim, record, r->bet_id, r->previous_seq);
    struct sim_entry *entry = &sim->entries[bet->entry];
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    uint16_t currency = account->currency, from = sim_staked_from(bet);
    SIM_CHECK(sim_bet_waits(bet->state), "L7", "a bet released twice");
    SIM_CHECK(entry->released, "L6", "a release that nobody saw");
    SIM_CHECK(bet->referral.cause != REFERRED_NOT || entry->released_in != entry->decided_in ||
                  entry->released_us >= entry->decided_us + entry->delay_us,
              "L6", "a bet was released before its delay was over");
    enum bet_outcome expected = sim_expect_after_words(sim, bet);
    SIM_CHECK(r->outcome == expected, sim->legs[entry->legs_first].release_view.alive ? "L6" : "P2",
              "record %llu: a release ended as %s, the oracle says %s",
              (unsigned long long)record->head->seq, bet_outcome_text((enum bet_outcome)r->outcome),
              bet_outcome_text(expected));
    bool placed = expected == BET_PLACED;
    const struct record_posting postings[] = {
        {bet->account, LEDGER_HELD, currency, -bet->stake},
        {placed ? 0 : bet->account, placed ? LEDGER_HOUSE_STAKES : from, currency, bet->stake},
    };
    SIM_CHECK(sim_posted(record, postings, 2), "L4", "postings of a release");
    bool back = !placed && from == LEDGER_AVAILABLE;
    SIM_CHECK(r->balance_after == account->available + (back ? bet->stake : 0), "L4",
              "balance_after of a release");
    sim->oracle.pending--;
    entry->seq_final = record->head->seq;
    sim_count_open(sim, bet, -1);
    bet->state = placed ? BET_STATE_OPEN : BET_STATE_NOT_ACCEPTED;
    sim_count(sim, placed ? SIM_BET_RELEASED : SIM_BET_NOT_ACCEPTED);
    if (placed)
        place_released(sim, bet, entry, record);
    if (bet->referral.cause != REFERRED_NOT)
        sim_referral_ends(sim, bet, expected);
}

/* ---- settled ---- */

void sim_check_settled_leg(struct sim *sim, const struct record_settled_leg *item,
                           const struct sim_bet_leg *leg, const struct sim_leg_fate *f,
                           struct slice *texts)
{
    struct slice deductions =
        record_text(texts, (uint16_t)(item->deductions_count * sizeof *f->deductions));
    SIM_CHECK(memcmp(&item->win, &f->win, sizeof f->win) == 0 &&
                  memcmp(&item->place, &f->place, sizeof f->place) == 0 &&
                  item->position == f->position && item->tied == f->tied,
              "L7", "the factors of a settlement");
    SIM_CHECK(
        item->market <= sim->oracle.markets_count &&
            sim->oracle.markets[item->market] == leg->market && item->selection == leg->selection &&
            item->odds_numerator == leg->odds.numerator &&
            item->odds_denominator == leg->odds.denominator && item->places == leg->terms.places &&
            ((item->flags & SETTLED_BANKER) != 0) == leg->banker &&
            ((item->flags & SETTLED_CANCELLED) != 0) == f->cancelled,
        "L7", "the leg of a settlement");
    SIM_CHECK(
        item->deducted_from == f->deducted_from && item->deductions_count == f->deductions_count &&
            (deductions.bytes == 0 || memcmp(deductions.at, f->deductions, deductions.bytes) == 0),
        "L7", "the deductions of a settlement");
}

/* Each leg of the record is what the oracle says of it; the deductions stand behind. */
static void check_settled_legs(struct sim *sim, const struct record_view *record,
                               const struct sim_bet *bet, const struct sim_fate *fate)
{
    const struct record_settled_leg *items = record->items;
    const struct sim_bet_leg *legs = &sim->oracle.legs[bet->legs_first];
    struct slice texts = record->texts;
    SIM_CHECK(record->head->items_count == bet->legs_count, "L7", "a settlement of other legs");
    for (uint32_t i = 0; i < bet->legs_count; i++)
        sim_check_settled_leg(sim, &items[i], &legs[i], &fate->legs[i], &texts);
}

static void count_settled(struct sim *sim, const struct sim_bet *bet, const struct sim_fate *fate)
{
    uint64_t *counts = sim->report.counts;
    bool open = false;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        const struct sim_leg_fate *f = &fate->legs[i];
        const struct sim_bet_leg *leg = &sim->oracle.legs[bet->legs_first + i];
        const struct sim_market *market = &sim->markets[leg->market];
        bool non_runner = market->named[leg->selection].result.withdrawn_at_us != 0;
        open = open || f->win.known == 0;
        counts[SIM_CANCELLED] += f->cancelled;
        counts[SIM_RULE4] += f->deductions_count > 0 && market->model == DEDUCT_RULE4;
        counts[SIM_OFF_WINNINGS] += f->deductions_count > 0 && market->model == DEDUCT_WINNINGS;
        counts[SIM_OFF_PRICE] += f->deducted_from == DEDUCTED_FROM_PRICE;
        counts[SIM_PLACED_LEG] += f->place.won;
        counts[SIM_SHARED_PLACE] += f->place.won && f->place.dead_heat_denominator > 1;
        counts[SIM_NON_RUNNER] += leg->ante_post && !f->cancelled && non_runner;
    }
    counts[SIM_LOST_EARLY] += open;
    counts[SIM_TOKEN_BACK] += fate->token_back;
    counts[SIM_MULTIPLE_SETTLED] += bet->legs_count > 1;
    sim_count(sim, SIM_BET_SETTLED);
}

int64_t sim_check_moved(struct sim *sim, const struct record_view *record,
                        const struct sim_bet *bet, int sign)
{
    uint16_t currency = sim->oracle.accounts[bet->account].currency;
    bool free = (bet->flags & BET_FREE) != 0, bonus = (bet->flags & BET_BONUS) != 0;
    int64_t payout = sign * bet->payout, stake = sign * bet->stake;
    int64_t token = bet->token_back ? stake : 0;
    const struct record_posting postings[] = {
        {0, LEDGER_HOUSE_STAKES, currency, -stake},
        {bet->account, bonus ? LEDGER_BONUS : LEDGER_AVAILABLE, currency, payout},
        {0, LEDGER_HOUSE_RESULT, currency, (free ? 0 : stake) - payout},
        {bet->account, LEDGER_FREE, currency, token},
        {0, LEDGER_HOUSE_PROMO, currency, stake - token},
    };
    SIM_CHECK(sim_posted(record, postings, free ? 5 : 3), "L4", "postings of a settlement");
    return bonus ? 0 : payout;
}

void sim_oracle_settle(struct sim *sim, const struct record_view *record)
{
    const struct record_settle *s = record->body;
    struct sim_bet *bet = sim_bet_next(sim, record, s->bet_id, s->previous_seq);
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    struct sim_fate fate;
    SIM_CHECK(bet->state == BET_STATE_OPEN, "L7", "bet %llu is settled twice",
              (unsigned long long)s->bet_id);
    sim_fate_of(sim, bet, &fate);
    SIM_CHECK(fate.decided, "L7", "bet %llu is settled before it is decided",
              (unsigned long long)s->bet_id);
    SIM_CHECK(s->result_seq == fate.result_seq && s->result_version == fate.result_version, "L7",
              "a settlement by another result than the one in force");
    check_settled_legs(sim, record, bet, &fate);
    SIM_CHECK(s->payout == fate.payout && s->token_back == fate.token_back, "L7",
              "bet %llu of %u legs pays %lld, the oracle says %lld", (unsigned long long)s->bet_id,
              bet->legs_count, (long long)s->payout, (long long)fate.payout);
    bet->payout = fate.payout;
    bet->token_back = fate.token_back;
    int64_t change = sim_check_moved(sim, record, bet, 1);
    SIM_CHECK(s->balance_after == account->available + change && s->stake == bet->stake &&
                  s->sizes == bet->sizes && s->flags == bet->flags,
              "L4", "balance_after of a settlement");
    SIM_CHECK(s->settlement == ++bet->settlements, "L7", "the number of the settlement");
    bet->state = BET_STATE_SETTLED;
    bet->seq_settled = record->head->seq;
    bet->result_seq = s->result_seq;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        sim->oracle.legs[bet->legs_first + i].win = fate.legs[i].win;
        sim->oracle.legs[bet->legs_first + i].place = fate.legs[i].place;
    }
    sim_count_open(sim, bet, -1);
    sim->report.counts[SIM_SOLD_SETTLED] += bet->stake_sold > 0;
    count_settled(sim, bet, &fate);
}

void sim_oracle_reverse(struct sim *sim, const struct record_view *record)
{
    const struct record_reverse *r = record->body;
    struct sim_bet *bet = sim_bet_next(sim, record, r->bet_id, r->previous_seq);
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    struct sim_fate fate;
    SIM_CHECK(bet->state == BET_STATE_SETTLED && r->reverses_seq == bet->seq_settled, "L7",
              "a reversal of nothing");
    sim_fate_of(sim, bet, &fate);
    SIM_CHECK(fate.result_seq > bet->result_seq && r->result_seq == fate.result_seq &&
                  r->result_version == fate.result_version && sim_fate_differs(sim, bet, &fate),
              "L7", "a reversal without a newer result");
    SIM_CHECK(r->payout == bet->payout, "L7", "another payout is taken back");
    int64_t change = sim_check_moved(sim, record, bet, -1);
    SIM_CHECK(r->balance_after == account->available + change, "L4", "balance_after of a reversal");
    bet->state = BET_STATE_OPEN;
    bet->payout = 0;
    bet->token_back = false;
    bet->seq_settled = 0;
    for (uint32_t i = 0; i < bet->legs_count; i++) {
        struct sim_bet_leg *leg = &sim->oracle.legs[bet->legs_first + i];
        leg->win = leg->place = (struct record_leg_result){0};
    }
    sim_count_open(sim, bet, 1);
    sim->report.counts[SIM_SOLD_CORRECTED] += bet->stake_sold > 0;
    sim_count(sim, fate.decided ? SIM_BET_CORRECTED : SIM_BET_REOPENED);
}
