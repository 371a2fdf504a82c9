/* place_bet.c - the path of a bet: key, decision, one record, one durable group, one answer. */
#include "app/book_internal.h"

#include "base/assert.h"

/* Everything that is known before the record is made. */
struct placing {
    const struct bet_request *request;
    const struct odds_image *image; /* NULL: unknown market */
    size_t selection;
    struct account_ref account;
    struct bet_verdict verdict;
};

static void decide(struct book *book, struct placing *p)
{
    const struct bet_request *request = p->request;
    p->image = book->ports.store->ops->get(book->ports.store, request->market_id);
    p->selection = p->image == NULL ? SELECTION_NOT_FOUND
                                    : book_find_selection(p->image, request->selection_id);
    const struct shard_account *account = shard_state_account(book->state, p->account);
    struct market_view market = book_view(book, p->image, p->selection);
    if (!request->single) {
        p->verdict = (struct bet_verdict){.outcome = BET_UNSUPPORTED_BET_TYPE};
        return;
    }
    bet_decide(&request->slip, &market, &book->options.bet_limits,
               money_of(account->available, account->currency), &p->verdict);
    if (p->verdict.outcome == BET_PENDING && book->pending_count == book->options.pending_max)
        p->verdict.outcome = BET_MARKET_SUSPENDED; /* S2: pending_max; nothing is held for it */
}

/* What was asked, as text, when a ref cannot say it. */
static struct slice asked_text(const struct placing *p, char *memory, size_t capacity)
{
    struct buf text = buf_over(memory, capacity);
    if (p->image != NULL && p->selection != SELECTION_NOT_FOUND)
        return SLICE_NONE;
    buf_put_slice(&text, p->request->market_id);
    buf_put_char(&text, '\n');
    buf_put_slice(&text, p->request->selection_id);
    return text.overflow ? SLICE_NONE : buf_slice(&text);
}

static struct slice seal_personal(struct book *book, const struct placing *p,
                                  char sealed[PERSONAL_SEALED_BYTES_MAX])
{
    size_t bytes = 0;
    if (book->ports.vault == NULL || p->request->personal.bytes == 0)
        return SLICE_NONE;
    if (book->ports.vault->ops->seal(book->ports.vault, p->account, p->request->personal, sealed,
                                     &bytes) < 0)
        return SLICE_NONE; /* erased, or no key: the field stays empty, never in clear */
    return slice_of(sealed, bytes);
}

static struct record_bet bet_body(struct book *book, const struct placing *p, bool accepted)
{
    const struct slip *slip = &p->request->slip;
    const struct shard_account *account = shard_state_account(book->state, p->account);
    struct record_bet body = {
        .request_hash = {p->request->request_hash[0], p->request->request_hash[1]},
        .stake = slip->stake.minor,
        .balance_after = account->available - (accepted ? slip->stake.minor : 0),
        .outcome = (uint16_t)p->verdict.outcome,
        .currency = slip->stake.currency.iso,
        .policy = (uint8_t)slip->policy,
        .rounding = (uint8_t)book->options.bet_limits.rounding,
        .transport = (uint8_t)p->request->transport,
        .key_bytes = (uint16_t)p->request->key.bytes,
        .redemption_days = book->options.redemption_days,
        .stake_max = p->verdict.stake_minor_max,
    };
    if (!accepted)
        return body;
    body.potential_return = p->verdict.potential_return.minor;
    body.bet_id = bet_id_next(shard_state_last_bet_id(book->state), book->wall,
                              shard_state_shard(book->state))
                      .n;
    if (p->verdict.outcome == BET_PENDING)
        body.decide_at_us = book->wall.us + p->image->bet_delay_us;
    return body;
}

static const struct record_view *record_bet(struct book *book, const struct placing *p)
{
    char asked[MARKET_ID_BYTES_MAX + SELECTION_ID_BYTES_MAX + 1];
    char sealed[PERSONAL_SEALED_BYTES_MAX];
    bool accepted = p->verdict.outcome == BET_PLACED || p->verdict.outcome == BET_PENDING;
    bool pending = p->verdict.outcome == BET_PENDING;
    struct record_leg leg = book_leg(book, p->image, p->selection, &p->request->slip);
    struct record_bet body = bet_body(book, p, accepted);
    struct slice texts[3] = {p->request->key, seal_personal(book, p, sealed),
                             asked_text(p, asked, sizeof asked)};
    body.personal_bytes = (uint16_t)texts[1].bytes;
    body.asked_bytes = (uint16_t)texts[2].bytes;
    if (body.decide_at_us != 0 && body.decide_at_us < shard_state_time_us(book->state))
        body.decide_at_us = shard_state_time_us(book->state); /* a clock set back: L1 */
    struct record_posting postings[2] = {
        {p->account.n, LEDGER_AVAILABLE, body.currency, -body.stake},
        {pending ? p->account.n : 0, pending ? LEDGER_HELD : LEDGER_HOUSE_STAKES, body.currency,
         body.stake},
    };
    struct record_draft draft = {.type = RECORD_BET,
                                 .time_us = book->wall.us,
                                 .account = p->account.n,
                                 .body = &body,
                                 .items = &leg,
                                 .items_count = 1,
                                 .postings = postings,
                                 .postings_count = accepted ? 2 : 0,
                                 .texts = texts,
                                 .texts_count = 3};
    return commit_record(book->commit, &draft);
}

enum request_outcome book_place_new(struct book *book, const struct bet_request *request,
                                    struct account_ref account, const struct book_reply *reply)
{
    struct placing p = {.request = request, .account = account};
    enum request_outcome ready = book_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    if (p.account.n == 0)
        p.account = book_account(book, request->user_id);
    decide(book, &p);
    const struct record_view *record = record_bet(book, &p);
    book->stats.bets_by_outcome[p.verdict.outcome & 31]++;
    if (p.verdict.outcome == BET_PENDING) {
        bool added = book_pending_add(book, shard_state_bets_count(book->state) - 1,
                                      book->now.us + p.image->bet_delay_us);
        ASSERT(added); /* decide() looked */
    }
    bool waits = book_answer_record(book, record->head->seq, reply->answer, reply->cookie, false);
    ASSERT(waits); /* book_ready looked */
    return REQUEST_TAKEN;
}

enum request_outcome book_place_bet(struct book *book, const struct bet_request *request,
                                    book_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_verdict *verdict = NULL;
    const struct book_reply reply = {answer, cookie};
    ASSERT(request->key.bytes > 0 && request->key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    ASSERT(request->user_id.bytes > 0 && request->user_id.bytes <= USER_ID_BYTES_MAX);
    struct account_ref account = shard_state_find_account(book->state, request->user_id);
    const struct asked_key key = book_asked_key(book, account, OPERATION_BET, request->key);
    switch (book_look_up(book, &key, &verdict)) {
    case KEY_DECIDED:
        return book_replay_verdict(book, verdict, request->request_hash, answer, cookie);
    case KEY_MAYBE_OLD:
        return book_bet_waits(book, request, &key, &reply);
    case KEY_NEW:
        break;
    }
    return book_place_new(book, request, account, &reply);
}
