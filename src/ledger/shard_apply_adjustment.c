/* shard_apply_adjustment.c - balances that a correction took below zero, and their way back to zero
 * (docs/decisions/0009). Contract in adjustment.h. */
#include "base/error.h"
#include "ledger/adjustment.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_state_internal.h"

int64_t shard_debt_of(const struct shard_account *account, enum ledger_account kind)
{
    int64_t balance = kind == LEDGER_FREE    ? account->free
                      : kind == LEDGER_BONUS ? account->bonus
                                             : account->available;
    return balance < 0 ? -balance : 0;
}

struct record_adjustment shard_adjustment_of(const struct shard_state *state,
                                             struct account_ref account, enum ledger_account kind,
                                             struct record_posting ret[ADJUSTMENT_POSTINGS])
{
    const struct shard_account *row = &state->accounts[account.n];
    uint16_t currency = row->currency.iso;
    uint16_t house = kind == LEDGER_AVAILABLE ? LEDGER_HOUSE_RESULT : LEDGER_HOUSE_PROMO;
    int64_t amount = shard_debt_of(row, kind);
    ret[0] = (struct record_posting){account.n, (uint16_t)kind, currency, amount};
    ret[1] = (struct record_posting){0, house, currency, -amount};
    return (struct record_adjustment){.previous_seq = row->seq_last,
                                      .before_seq = state->counts.adjustment_seq,
                                      .amount = amount,
                                      .balance_after =
                                          kind == LEDGER_AVAILABLE ? 0 : row->available,
                                      .kind = (uint16_t)kind,
                                      .currency = currency};
}

int shard_apply_adjustment(struct shard_state *state, const struct record_view *record)
{
    const struct record_adjustment *body = record->body;
    struct record_posting expected[ADJUSTMENT_POSTINGS];
    enum ledger_account kind = (enum ledger_account)body->kind;
    REQUIRE(shard_account_at(state, record->head->account) != NULL, "the account is unknown");
    REQUIRE(kind == LEDGER_AVAILABLE || kind == LEDGER_FREE || kind == LEDGER_BONUS,
            "no such balance is written off");
    const struct record_adjustment due =
        shard_adjustment_of(state, (struct account_ref){record->head->account}, kind, expected);
    REQUIRE(due.amount > 0 && memcmp(&due, body, sizeof due) == 0,
            "L4: what is below zero is written off, and no more");
    REQUIRE(shard_postings_are(record, expected, ADJUSTMENT_POSTINGS),
            "L4: the postings are those of the movement");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    shard_post(state, record);
    state->counts.adjustments++;
    state->counts.adjustment_seq = record->head->seq;
    return 0;
}
