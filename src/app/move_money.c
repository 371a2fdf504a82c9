/* move_money.c - deposits and withdrawals: idempotent like bets, one record, two postings. */
#include "app/book_internal.h"

#include "base/assert.h"

/* The order: currency, amount, balance. */
static enum bet_outcome decide_money(struct book *book, const struct money_request *request,
                                     const struct shard_account *account)
{
    bool deposit = request->kind == MONEY_DEPOSIT;
    bool opened = account->currency.iso != 0;
    if (opened && !currency_equal(account->currency, request->amount.currency))
        return BET_CURRENCY_MISMATCH;
    if (deposit && (request->amount.minor > book->options.deposit_minor_max ||
                    account->available > MONEY_MINOR_MAX - request->amount.minor))
        return BET_AMOUNT_LIMIT;
    if (!deposit && request->amount.minor > account->available)
        return BET_INSUFFICIENT_BALANCE;
    return BET_PLACED;
}

static const struct record_view *record_money(struct book *book,
                                              const struct money_request *request,
                                              struct account_ref ref, enum bet_outcome outcome)
{
    const struct shard_account *account = shard_state_account(book->state, ref);
    uint16_t currency = request->amount.currency.iso;
    int64_t change =
        request->kind == MONEY_DEPOSIT ? request->amount.minor : -request->amount.minor;
    bool done = outcome == BET_PLACED;
    struct record_money body = {
        .request_hash = {request->request_hash[0], request->request_hash[1]},
        .amount = request->amount.minor,
        .balance_after = account->available + (done ? change : 0),
        .kind = (uint16_t)request->kind,
        .outcome = (uint16_t)outcome,
        .currency = currency,
        .key_bytes = (uint16_t)request->key.bytes,
    };
    struct record_posting postings[2] = {
        {ref.n, LEDGER_AVAILABLE, currency, change},
        {0, LEDGER_HOUSE_CASH, currency, -change},
    };
    struct record_draft draft = {.type = RECORD_MONEY,
                                 .time_us = book->wall.us,
                                 .account = ref.n,
                                 .body = &body,
                                 .postings = postings,
                                 .postings_count = done ? 2 : 0,
                                 .texts = &request->key,
                                 .texts_count = 1};
    return commit_record(book->commit, &draft);
}

enum request_outcome book_move_new(struct book *book, const struct money_request *request,
                                   struct account_ref account, const struct book_reply *reply)
{
    enum request_outcome ready = book_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    if (account.n == 0)
        account = book_account(book, request->user_id);
    enum bet_outcome outcome =
        decide_money(book, request, shard_state_account(book->state, account));
    const struct record_view *record = record_money(book, request, account, outcome);
    bool waits = book_answer_record(book, record->head->seq, reply->answer, reply->cookie, false);
    ASSERT(waits); /* book_ready looked */
    return REQUEST_TAKEN;
}

enum request_outcome book_move_money(struct book *book, const struct money_request *request,
                                     book_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_verdict *verdict = NULL;
    const struct book_reply reply = {answer, cookie};
    enum operation operation =
        request->kind == MONEY_DEPOSIT ? OPERATION_DEPOSIT : OPERATION_WITHDRAWAL;
    ASSERT(request->amount.minor > 0 && request->amount.currency.iso != 0);
    ASSERT(request->key.bytes > 0 && request->key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    struct account_ref account = shard_state_find_account(book->state, request->user_id);
    const struct asked_key key = book_asked_key(book, account, operation, request->key);
    switch (book_look_up(book, &key, &verdict)) {
    case KEY_DECIDED:
        return book_replay_verdict(book, verdict, request->request_hash, answer, cookie);
    case KEY_MAYBE_OLD:
        return book_money_waits(book, request, &key, &reply);
    case KEY_NEW:
        break;
    }
    return book_move_new(book, request, account, &reply);
}
