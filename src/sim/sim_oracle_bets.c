/* sim_oracle_bets.c - the oracle's fold of bets: placed, released, settled, reversed. */
#include <string.h>

#include "base/assert.h"
#include "sim/sim_world.h"

static bool posted(const struct record_view *record, const struct record_posting *expected,
                   size_t count)
{
    return record->head->postings_count == count &&
           (count == 0 || memcmp(record->postings, expected, count * sizeof *expected) == 0);
}

/* ---- placed ---- */

/* L6: the evidence in the record is what was published last before the decision. */
static void check_leg(struct sim *sim, const struct sim_view *view, const struct record_leg *leg,
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

static const struct sim_market *check_open(struct sim *sim, const struct record_leg *leg)
{
    SIM_CHECK(leg->market >= 1 && leg->market <= sim->oracle.markets_count, "L6",
              "a bet on no market");
    const struct sim_market *market = &sim->markets[sim->oracle.markets[leg->market]];
    SIM_CHECK(market->fence_status == MARKET_ACTIVE && market->fence_holds == 0 &&
                  market->result_seq == 0,
              "L6", "a bet stands after a fence that stops it");
    SIM_CHECK(leg->selection < market->named_count, "L6", "a bet on no selection");
    SIM_CHECK(leg->market_status == MARKET_ACTIVE, "L6", "a bet on a market that was not active");
    SIM_CHECK((leg->flags & LEG_PROVIDER_ALIVE) != 0, "P2", "a bet on a silent provider's price");
    return market;
}

static void add_bet(struct sim *sim, struct sim_entry *entry, const struct record_view *record)
{
    struct sim_oracle *o = &sim->oracle;
    const struct record_bet *b = record->body;
    const struct record_leg *leg = record->items;
    bool pending = b->outcome == BET_PENDING;
    ASSERT(o->bets_count < o->bets_max);
    entry->bet = o->bets_count++;
    o->bets[entry->bet] = (struct sim_bet){
        .bet_id = b->bet_id,
        .seq_last = record->head->seq,
        .entry = (uint32_t)(entry - sim->entries),
        .account = record->head->account,
        .market = o->markets[leg->market],
        .selection = leg->selection,
        .state = pending ? BET_STATE_PENDING : BET_STATE_OPEN,
        .stake = b->stake,
        .odds = {leg->odds_numerator, leg->odds_denominator},
    };
    o->pending += pending;
    enum table_outcome outcome = table_insert(o->bets_by_id, table_key_u64(b->bet_id), entry->bet);
    SIM_CHECK(outcome == TABLE_OK, "L2", "two bets have one id");
}

static void check_accepted(struct sim *sim, const struct sim_entry *entry,
                           const struct record_view *record)
{
    const struct record_bet *b = record->body;
    const struct record_leg *leg = record->items;
    uint32_t ref = record->head->account;
    bool pending = b->outcome == BET_PENDING;
    const struct sim_market *market = check_open(sim, leg);
    const struct sim_named *named = &market->named[leg->selection];
    const struct sim_market *asked = &sim->markets[entry->market];
    SIM_CHECK(market == asked && slice_equal(slice_of(named->id, named->id_bytes),
                                             slice_of(entry->selection, entry->selection_bytes)),
              "L6", "the bet is on another selection than asked for");
    check_leg(sim, &entry->view, leg, entry->view.odds);
    SIM_CHECK(b->rounding == sim->mix.book.ticket_limits.bet.rounding, "L7", "another rounding");
    struct record_leg_result won = {1, 1, 0, 0, 1, 1};
    SIM_CHECK(b->potential_return ==
                  sim_payout(b->stake, entry->view.odds, won, (enum rounding)b->rounding),
              "L7", "the potential return");
    const struct record_posting expected[] = {
        {ref, LEDGER_AVAILABLE, entry->currency, -b->stake},
        {pending ? ref : 0, pending ? LEDGER_HELD : LEDGER_HOUSE_STAKES, entry->currency, b->stake},
    };
    SIM_CHECK(posted(record, expected, 2), "L4", "postings of a stake");
}

void sim_oracle_bet(struct sim *sim, const struct record_view *record)
{
    const struct record_bet *b = record->body;
    struct slice texts = record->texts;
    struct sim_entry *entry = sim_entry_of_key(sim, OPERATION_BET, record->head->account,
                                               record_text(&texts, b->key_bytes));
    const struct sim_account *account = &sim->oracle.accounts[record->head->account];
    SIM_CHECK(entry->seq == 0, "L3", "a second verdict under one key");
    SIM_CHECK(entry->decided_in != 0, "L2", "a bet that nobody asked for");
    sim_vault_record(sim, record, entry);
    SIM_CHECK(b->request_hash[0] == entry->hash[0] && b->request_hash[1] == entry->hash[1] &&
                  b->stake == entry->amount && b->currency == entry->currency &&
                  b->policy == entry->policy,
              "L3", "the verdict is of another request");
    enum bet_outcome expected = sim_expect_bet(sim, entry, account);
    SIM_CHECK(b->outcome == expected, entry->view.alive ? "L6" : "P2",
              "record %llu: a bet ended as %s, the oracle says %s",
              (unsigned long long)record->head->seq, bet_outcome_text((enum bet_outcome)b->outcome),
              bet_outcome_text(expected));
    bool accepted = expected == BET_PLACED || expected == BET_PENDING;
    SIM_CHECK(b->balance_after == account->available - (accepted ? b->stake : 0), "L4",
              "balance_after of a bet");
    SIM_CHECK(!accepted || b->balance_after >= 0, "L4", "a bet below zero");
    entry->seq = record->head->seq;
    if (accepted) {
        check_accepted(sim, entry, record);
        add_bet(sim, entry, record);
    } else {
        SIM_CHECK(b->bet_id == 0 && posted(record, NULL, 0), "L4", "a refusal moves no money");
    }
    sim_count(sim, !accepted                 ? SIM_BET_REFUSED
                   : expected == BET_PENDING ? SIM_BET_PENDING
                                             : SIM_BET_PLACED);
}

/* ---- after that ---- */

static struct sim_bet *bet_of(struct sim *sim, const struct record_view *record, uint64_t bet_id,
                              uint64_t previous_seq)
{
    uint32_t index;
    bool found = table_find(sim->oracle.bets_by_id, table_key_u64(bet_id), &index);
    SIM_CHECK(found, "L7", "there is no such bet");
    struct sim_bet *bet = &sim->oracle.bets[index];
    SIM_CHECK(bet->account == record->head->account, "L7", "the bet is another user's");
    SIM_CHECK(bet->seq_last == previous_seq, "L7", "the bet's records are no chain");
    bet->seq_last = record->head->seq;
    return bet;
}

static struct odds lower_of(struct odds a, struct odds b)
{
    return (uint64_t)a.numerator * b.denominator < (uint64_t)b.numerator * a.denominator ? a : b;
}

void sim_oracle_release(struct sim *sim, const struct record_view *record)
{
    const struct record_release *r = record->body;
    const struct record_leg *leg = record->items;
    struct sim_bet *bet = bet_of(sim, record, r->bet_id, r->previous_seq);
    struct sim_entry *entry = &sim->entries[bet->entry];
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    uint16_t currency = account->currency;
    SIM_CHECK(bet->state == BET_STATE_PENDING, "L7", "a bet released twice");
    SIM_CHECK(entry->released, "L6", "a release that nobody saw");
    enum bet_outcome expected = sim_expect_release(sim, entry, bet->odds);
    SIM_CHECK(r->outcome == expected, entry->release_view.alive ? "L6" : "P2",
              "record %llu: a release ended as %s, the oracle says %s",
              (unsigned long long)record->head->seq, bet_outcome_text((enum bet_outcome)r->outcome),
              bet_outcome_text(expected));
    bool placed = expected == BET_PLACED;
    const struct record_posting postings[] = {
        {bet->account, LEDGER_HELD, currency, -bet->stake},
        {placed ? 0 : bet->account, placed ? LEDGER_HOUSE_STAKES : LEDGER_AVAILABLE, currency,
         bet->stake},
    };
    SIM_CHECK(posted(record, postings, 2), "L4", "postings of a release");
    SIM_CHECK(r->balance_after == account->available + (placed ? 0 : bet->stake), "L4",
              "balance_after of a release");
    sim->oracle.pending--;
    entry->seq_final = record->head->seq;
    bet->state = placed ? BET_STATE_OPEN : BET_STATE_NOT_ACCEPTED;
    sim_count(sim, placed ? SIM_BET_RELEASED : SIM_BET_NOT_ACCEPTED);
    if (!placed)
        return;
    (void)check_open(sim, leg);
    bet->odds = lower_of(bet->odds, entry->release_view.odds);
    check_leg(sim, &entry->release_view, leg, bet->odds);
}

static struct record_leg_result result_of(const struct sim *sim, const struct sim_bet *bet)
{
    return sim->markets[bet->market].named[bet->selection].result;
}

void sim_oracle_settle(struct sim *sim, const struct record_view *record)
{
    const struct record_settle *s = record->body;
    struct sim_bet *bet = bet_of(sim, record, s->bet_id, s->previous_seq);
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    struct record_leg_result factors = result_of(sim, bet);
    SIM_CHECK(bet->state == BET_STATE_OPEN, "L7", "bet %llu is settled twice",
              (unsigned long long)s->bet_id);
    const struct record_settled_leg *leg = record->items;
    SIM_CHECK(record->head->items_count == 1 && memcmp(&leg->win, &factors, sizeof factors) == 0 &&
                  leg->odds_numerator == bet->odds.numerator &&
                  leg->odds_denominator == bet->odds.denominator,
              "L7", "the factors of a settlement");
    SIM_CHECK(factors.known == 1 && s->result_seq == sim->markets[bet->market].result_seq, "L7",
              "a settlement by another result than the one in force");
    int64_t payout =
        sim_payout(bet->stake, bet->odds, factors, sim->mix.book.ticket_limits.bet.rounding);
    SIM_CHECK(s->payout == payout, "L7", "bet %llu pays %lld, the oracle says %lld",
              (unsigned long long)s->bet_id, (long long)s->payout, (long long)payout);
    const struct record_posting postings[] = {
        {0, LEDGER_HOUSE_STAKES, account->currency, -bet->stake},
        {bet->account, LEDGER_AVAILABLE, account->currency, payout},
        {0, LEDGER_HOUSE_RESULT, account->currency, bet->stake - payout},
    };
    SIM_CHECK(posted(record, postings, 3), "L4", "postings of a settlement");
    SIM_CHECK(s->balance_after == account->available + payout && s->stake == bet->stake, "L4",
              "balance_after of a settlement");
    SIM_CHECK(s->settlement == ++bet->settlements, "L7", "the number of the settlement");
    bet->state = BET_STATE_SETTLED;
    bet->payout = payout;
    bet->factors = factors;
    bet->seq_settled = record->head->seq;
    bet->result_seq = s->result_seq;
    sim_count(sim, SIM_BET_SETTLED);
}

void sim_oracle_reverse(struct sim *sim, const struct record_view *record)
{
    const struct record_reverse *r = record->body;
    struct sim_bet *bet = bet_of(sim, record, r->bet_id, r->previous_seq);
    const struct sim_account *account = &sim->oracle.accounts[bet->account];
    struct record_leg_result factors = result_of(sim, bet);
    SIM_CHECK(bet->state == BET_STATE_SETTLED && r->reverses_seq == bet->seq_settled, "L7",
              "a reversal of nothing");
    SIM_CHECK(sim->markets[bet->market].result_seq > bet->result_seq &&
                  memcmp(&factors, &bet->factors, sizeof factors) != 0,
              "L7", "a reversal without a newer result");
    const struct record_posting postings[] = {
        {0, LEDGER_HOUSE_STAKES, account->currency, bet->stake},
        {bet->account, LEDGER_AVAILABLE, account->currency, -bet->payout},
        {0, LEDGER_HOUSE_RESULT, account->currency, bet->payout - bet->stake},
    };
    SIM_CHECK(posted(record, postings, 3) && r->payout == bet->payout, "L4",
              "postings of a reversal");
    SIM_CHECK(r->balance_after == account->available - bet->payout, "L4",
              "balance_after of a reversal");
    bet->state = BET_STATE_OPEN;
    bet->payout = 0;
    bet->seq_settled = 0;
    sim_count(sim, SIM_BET_CORRECTED);
}
