/* sim_oracle_debts.c - what corrections took below zero, as the oracle sees it (docs/decisions/
 * 0009): a write-off is all of it and no more, by policy, and only when nothing that is decided is
 * still to be paid; at rest nothing is owed but what policy lets be. */
#include "sim/sim_fate.h"
#include "sim/sim_fold.h"
#include "sim/sim_world.h"

/* Nothing of the account's is on its way: between a reversal and the settlement behind it nobody
 * owes anything. */
static void check_settled(struct sim *sim, const struct sim_account *account)
{
    struct sim_fate fate;
    for (uint32_t at = account->bets_last; at != SIM_NONE;
         at = sim->oracle.bets[at].next_of_account) {
        const struct sim_bet *bet = &sim->oracle.bets[at];
        if (bet->state != BET_STATE_OPEN)
            continue;
        sim_fate_of(sim, bet, &fate);
        SIM_CHECK(!fate.decided, "L7", "a balance is written off, and bet %llu is still to be paid",
                  (unsigned long long)bet->bet_id);
    }
}

void sim_oracle_adjustment(struct sim *sim, const struct record_view *record)
{
    const struct record_adjustment *body = record->body;
    SIM_CHECK(record->head->account >= 1 && record->head->account <= sim->oracle.accounts_count,
              "L4", "no such account");
    const struct sim_account *account = &sim->oracle.accounts[record->head->account];
    bool cash = body->kind == LEDGER_AVAILABLE;
    int64_t balance = body->kind == LEDGER_FREE    ? account->free
                      : body->kind == LEDGER_BONUS ? account->bonus
                                                   : account->available;
    SIM_CHECK(cash || body->kind == LEDGER_FREE || body->kind == LEDGER_BONUS, "L4",
              "a write-off of what no customer has");
    SIM_CHECK(balance < 0 && body->amount == -balance, "L4",
              "%lld is written off of a balance of %lld", (long long)body->amount,
              (long long)balance);
    SIM_CHECK(!cash || body->amount <= sim->mix.book.write_off_minor_max, "L4",
              "more is written off than may be");
    const struct record_posting expected[] = {
        {record->head->account, body->kind, account->currency, body->amount},
        {0, cash ? LEDGER_HOUSE_RESULT : LEDGER_HOUSE_PROMO, account->currency, -body->amount},
    };
    SIM_CHECK(sim_posted(record, expected, 2), "L4", "postings of a write-off");
    SIM_CHECK(body->previous_seq == account->seq_last && body->currency == account->currency, "L1",
              "a write-off that follows on another record");
    check_settled(sim, account);
    sim_count(sim, cash                        ? SIM_WRITE_OFF
                   : body->kind == LEDGER_FREE ? SIM_WRITE_OFF_FREE
                                               : SIM_WRITE_OFF_BONUS);
}

void sim_check_debts(struct sim *sim)
{
    int64_t most = sim->mix.book.write_off_minor_max;
    for (uint32_t i = 1; i <= sim->oracle.accounts_count; i++) {
        const struct sim_account *a = &sim->oracle.accounts[i];
        SIM_CHECK(a->free >= 0 && a->bonus >= 0, "L4",
                  "promotional money below zero is left to account %u", i);
        SIM_CHECK(a->available >= 0 || -a->available > most, "L4",
                  "account %u owes %lld, and %lld are written off", i, (long long)-a->available,
                  (long long)most);
        sim->report.counts[SIM_OWED] += a->available < 0;
    }
}
