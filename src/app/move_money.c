/* move_money.c - deposits, withdrawals, promotional money: idempotent like bets, one record, two
 * postings. */
#include "app/book_internal.h"

#include "base/assert.h"
#include "ledger/money_move.h"

static int64_t held_in(const struct shard_account *account, enum ledger_account kind)
{
    return kind == LEDGER_FREE    ? account->free
           : kind == LEDGER_BONUS ? account->bonus
                                  : account->available;
}

static bool of_house(enum ledger_account kind)
{
    return kind == LEDGER_HOUSE_CASH || kind == LEDGER_HOUSE_PROMO || kind == LEDGER_HOUSE_RESULT;
}

/* The order: currency, amount, balance. */
static enum bet_outcome decide_money(struct book *book, const struct money_request *request,
                                     const struct shard_account *account,
                                     const struct money_move *move)
{
    bool opened = account->currency.iso != 0;
    if (opened && !currency_equal(account->currency, request->amount.currency))
        return BET_CURRENCY_MISMATCH;
    if (request->kind == MONEY_WRITE_OFF && request->amount.minor > -account->available)
        return BET_AMOUNT_LIMIT; /* no more than what is owed */
    if ((move->opens && request->amount.minor > book->options.deposit_minor_max) ||
        (!of_house(move->to) &&
         held_in(account, move->to) > MONEY_MINOR_MAX - request->amount.minor))
        return BET_AMOUNT_LIMIT;
    if (!of_house(move->from) && request->amount.minor > held_in(account, move->from))
        return BET_INSUFFICIENT_BALANCE;
    return BET_PLACED;
}

static const struct record_view *record_money(struct book *book,
                                              const struct money_request *request,
                                              struct account_ref ref, enum bet_outcome outcome,
                                              const struct money_move *move)
{
    const struct shard_account *account = shard_state_account(book->state, ref);
    int64_t change = money_move_available(move, request->amount.minor);
    bool done = outcome == BET_PLACED;
    struct record_posting postings[MONEY_POSTINGS];
    struct slice texts[3] = {request->key, request->actor, request->reason};
    struct record_money body = {
        .request_hash = {request->request_hash[0], request->request_hash[1]},
        .amount = request->amount.minor,
        .balance_after = account->available + (done ? change : 0),
        .kind = (uint16_t)request->kind,
        .outcome = (uint16_t)outcome,
        .currency = request->amount.currency.iso,
        .key_bytes = (uint16_t)request->key.bytes,
        .actor_bytes = (uint16_t)request->actor.bytes,
        .reason_bytes = (uint16_t)request->reason.bytes,
    };
    money_move_postings(move, ref.n, request->amount, postings);
    struct record_draft draft = {.type = RECORD_MONEY,
                                 .time_us = book->wall.us,
                                 .account = ref.n,
                                 .body = &body,
                                 .postings = postings,
                                 .postings_count = done ? MONEY_POSTINGS : 0,
                                 .texts = texts,
                                 .texts_count = 3};
    return commit_record(book->commit, &draft);
}

enum request_outcome book_move_new(struct book *book, const struct money_request *request,
                                   struct account_ref account, const struct book_reply *reply)
{
    struct money_move move;
    bool known = money_move_of(request->kind, &move);
    ASSERT(known);
    enum request_outcome ready = book_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    if (account.n == 0)
        account = book_account(book, request->user_id);
    enum bet_outcome outcome =
        decide_money(book, request, shard_state_account(book->state, account), &move);
    const struct record_view *record = record_money(book, request, account, outcome, &move);
    bool waits = book_answer_record(book, record->head->seq, reply->answer, reply->cookie, false);
    ASSERT(waits); /* book_ready looked */
    return REQUEST_TAKEN;
}

enum request_outcome book_move_money(struct book *book, const struct money_request *request,
                                     book_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_verdict *verdict = NULL;
    const struct book_reply reply = {answer, cookie};
    enum operation operation = operation_of_money(request->kind);
    ASSERT(request->amount.minor > 0 && request->amount.currency.iso != 0);
    ASSERT(request->key.bytes > 0 && request->key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    if (!book_has_user(book, request->user_id))
        return REQUEST_ELSEWHERE;
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
