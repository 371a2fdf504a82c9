/* shard_apply_money.c - deposits, withdrawals, promotional money, and what all verdicts have in
 * common. Each record is checked whole against the state before it and only then applied, so that a
 * refused one leaves no trace. */
#include "base/assert.h"
#include "base/error.h"
#include "ledger/money_move.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_state_internal.h"

bool shard_verdict_final(unsigned outcome)
{
    return outcome != BET_PENDING && bet_outcome_text((enum bet_outcome)outcome) != NULL;
}

bool shard_amount_valid(int64_t amount)
{
    return amount > 0 && amount <= MONEY_MINOR_MAX;
}

void shard_state_prefetch(struct shard_state *state, const struct record_view *record)
{
    const struct record_head *head = record->head;
    struct hash128 hash;
    if (state->seq == 0) /* the key of the hashes comes with GENESIS */
        return;
    if (head->account > state->limits.accounts_max) /* apply will say so */
        return;
    if (!shard_verdict_key_of_record(state->hash_key, record, &hash))
        return; /* rare, or about bets that were touched lately */
    struct verdict_hint *hint = &state->hints[head->seq % VERDICT_HINTS];
    *hint = (struct verdict_hint){.seq = head->seq, .crc = head->crc, .hash = hash};
    shard_verdict_prefetch(state, hash);
    __builtin_prefetch(&state->accounts[head->account], 1);
}

bool shard_verdict_is_new(struct shard_state *state, const struct record_view *record,
                          struct hash128 *ret_hash)
{
    const struct record_head *head = record->head;
    const struct verdict_hint *hint = &state->hints[head->seq % VERDICT_HINTS];
    if (hint->seq == head->seq && hint->crc == head->crc)
        *ret_hash = hint->hash;
    else if (!shard_verdict_key_of_record(state->hash_key, record, ret_hash))
        ASSERT(false); /* those who call have such a record */
    return !shard_verdict_known(state, *ret_hash);
}

/* ---- money without a bet ---- */

static int64_t held_in(const struct shard_account *account, enum ledger_account kind)
{
    return kind == LEDGER_FREE    ? account->free
           : kind == LEDGER_BONUS ? account->bonus
                                  : account->available;
}

static bool of_customer(enum ledger_account kind)
{
    return kind == LEDGER_AVAILABLE || kind == LEDGER_FREE || kind == LEDGER_BONUS;
}

static int check_money_done(struct shard_state *state, const struct record_view *record,
                            const struct shard_account *account, const struct money_move *move)
{
    const struct record_money *m = record->body;
    struct record_posting expected[MONEY_POSTINGS];
    money_move_postings(move, record->head->account,
                        money_of(m->amount, (struct currency){m->currency}), expected);
    REQUIRE(account->currency.iso == m->currency || (move->opens && account->currency.iso == 0),
            "L4: an account has one currency");
    REQUIRE(m->balance_after == account->available + money_move_available(move, m->amount),
            "L4: the balance is the fold");
    REQUIRE(!of_customer(move->from) || held_in(account, move->from) >= m->amount,
            "L4: a withdrawal never goes below zero");
    REQUIRE(m->kind != MONEY_WRITE_OFF || account->available + m->amount <= 0,
            "L4: what is below zero is written off, and no more");
    REQUIRE(shard_postings_are(record, expected, MONEY_POSTINGS),
            "L4: the postings are those of the movement");
    REQUIRE(shard_postings_fit(state, record), "L4: a balance is beyond all limits");
    return 0;
}

static void count_money(struct shard_state *state, const struct record_money *m)
{
    if (m->outcome != BET_PLACED)
        state->counts.money_refused++;
    else if (m->kind == MONEY_DEPOSIT)
        state->counts.deposits++;
    else if (m->kind == MONEY_WITHDRAWAL)
        state->counts.withdrawals++;
    else
        state->counts.promotions++;
}

int shard_apply_money(struct shard_state *state, const struct record_view *record)
{
    const struct record_money *m = record->body;
    struct shard_account *account = shard_account_at(state, record->head->account);
    struct slice texts = record->texts;
    struct slice key = record_text(&texts, m->key_bytes);
    struct money_move move;
    struct hash128 hash;
    REQUIRE(account != NULL, "the account is unknown");
    REQUIRE(money_move_of(m->kind, &move), "no such movement");
    REQUIRE((m->actor_bytes > 0) == move.by_desk && (m->reason_bytes > 0) == move.by_desk,
            "who moved it, and why, are said of what the desk moves");
    REQUIRE(key.bytes > 0 && key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX, "L3: a key has 1 to 64 bytes");
    REQUIRE(shard_amount_valid(m->amount), "L4: the amount is positive and within the limit");
    REQUIRE(currency_known((struct currency){m->currency}), "the currency is not known");
    REQUIRE(shard_verdict_is_new(state, record, &hash), "L3: one key, one verdict");
    if (m->outcome == BET_PLACED) {
        TRY(check_money_done(state, record, account, &move));
    } else {
        REQUIRE(shard_verdict_final(m->outcome), "no such outcome");
        REQUIRE(record->head->postings_count == 0, "L4: a refusal moves no money");
        REQUIRE(m->balance_after == account->available, "L4: the balance is the fold");
    }
    if (shard_verdicts_full(state))
        return -ERR_LIMIT;
    shard_post(state, record);
    if (m->outcome == BET_PLACED)
        account->currency.iso = m->currency;
    count_money(state, m);
    shard_verdict_add(state, &(struct shard_verdict){hash,
                                                     {m->request_hash[0], m->request_hash[1]},
                                                     record->head->seq,
                                                     BET_NONE,
                                                     record->head->account});
    return 0;
}
