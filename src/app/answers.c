/* answers.c - how a request waits for its record, and how a repeated one finds the first's. */
#include "app/cash_out_internal.h"
#include "app/refer_bet.h"
#include "app/relay_internal.h"

#include "base/assert.h"

/* A waiter's context: the answer function, the cookie, and whether it is a replay. */
struct answer_context {
    book_answer_fn answer;
    struct book_cookie cookie;
    uint64_t replayed;
};

_Static_assert(sizeof(struct answer_context) <= sizeof(((struct commit_waiter *)0)->context),
               "an answer's context fits a waiter");

static void on_waited(const uint64_t context[8], bool failed, const struct record_view *record)
{
    struct answer_context c;
    memcpy(&c, context, sizeof c);
    struct book_answer answer = {
        .cookie = c.cookie, .failed = failed, .replayed = c.replayed != 0, .record = record};
    c.answer(&answer);
}

bool book_answer_record(struct book *book, uint64_t seq, book_answer_fn answer,
                        struct book_cookie cookie, bool replayed)
{
    struct answer_context context = {answer, cookie, replayed};
    struct commit_waiter waiter = {.call = on_waited};
    memcpy(waiter.context, &context, sizeof context);
    return commit_wait(book->commit, seq, &waiter);
}

enum request_outcome book_busy(struct book *book, const char *limit)
{
    book->busy_limit = limit;
    book->stats.bets_shed++;
    return REQUEST_BUSY;
}

enum request_outcome book_desk_ready(struct book *book)
{
    if (commit_stopped(book->commit))
        return REQUEST_STOPPED;
    if (book->paused != NULL)
        return book_busy(book, book->paused);
    return commit_has_room(book->commit) ? REQUEST_TAKEN : book_busy(book, "commit_group");
}

enum request_outcome book_all_shards_ready(struct book *book)
{
    return book->options.has_desk ? REQUEST_ELSEWHERE : book_desk_ready(book);
}

/* What the ledger's disk has left to give, or when it gives nothing, is not for bets: results,
 * payouts and fences go on. */
static enum request_outcome ledger_ready(struct book *book)
{
    switch (book->ports.log->ops->trouble(book->ports.log)) {
    case LEDGER_WELL:
        break;
    case LEDGER_STALLED:
        book->stats.ledger_stalled++;
        return REQUEST_STALLED;
    case LEDGER_FULL:
        book->stats.ledger_full++;
        return REQUEST_FULL;
    }
    return REQUEST_TAKEN;
}

/* `limit`: of the state, or NULL. */
static enum request_outcome ready_within(struct book *book, const char *limit)
{
    if (commit_stopped(book->commit))
        return REQUEST_STOPPED;
    enum request_outcome ready = ledger_ready(book);
    if (ready == REQUEST_TAKEN)
        ready = book_desk_ready(book);
    return ready == REQUEST_TAKEN && limit != NULL ? book_busy(book, limit) : ready;
}

enum request_outcome book_ready(struct book *book)
{
    return ready_within(book, shard_state_room(book->state));
}

enum request_outcome book_bet_ready(struct book *book)
{
    if (!book_desk_away(book))
        return book_ready(book);
    book->stats.desk_away++;
    return REQUEST_DESK_AWAY;
}

/* For a word of a customer that takes no place in any table but `limit`'s. */
static enum request_outcome customer_ready(struct book *book, const char *limit)
{
    if (!book_desk_away(book))
        return ready_within(book, limit);
    book->stats.desk_away++;
    return REQUEST_DESK_AWAY;
}

enum request_outcome book_cash_out_ready(struct book *book)
{
    return customer_ready(book, shard_state_cash_out_room(book->state));
}

enum request_outcome book_offer_answer_ready(struct book *book)
{
    return customer_ready(book, NULL);
}

enum request_outcome book_unregistered(struct book *book, struct slice market_id)
{
    const char *limit = shard_state_market_room(book->state);
    bool offered = book->ports.store->ops->get(book->ports.store, market_id) != NULL;
    return offered && limit != NULL ? book_busy(book, limit) : REQUEST_UNKNOWN;
}

enum request_outcome book_replay_verdict(struct book *book, const struct shard_verdict *verdict,
                                         const uint64_t request_hash[2], book_answer_fn answer,
                                         struct book_cookie cookie)
{
    if (verdict->request_hash[0] != request_hash[0] ||
        verdict->request_hash[1] != request_hash[1]) {
        book->stats.bets_conflict++;
        return REQUEST_CONFLICT;
    }
    if (commit_stopped(book->commit))
        return REQUEST_STOPPED;
    uint64_t seq = shard_state_verdict_seq(book->state, verdict);
    bool durable = seq <= commit_durable_seq(book->commit);
    if (!durable && book->paused != NULL)
        return book_busy(book, book->paused);
    /* From before this start, and not yet confirmed by all who must have it. */
    if (!durable && commit_find(book->commit, seq) == NULL)
        return book_busy(book, "unconfirmed");
    book->stats.bets_replayed++;
    if (!durable) /* the first one still waits: so do we */
        return book_answer_record(book, seq, answer, cookie, true)
                   ? REQUEST_TAKEN
                   : book_busy(book, "commit_waiters_max");
    return book_read_answer(book, seq, answer, cookie);
}

enum request_outcome book_when_durable(struct book *book, book_answer_fn answer,
                                       struct book_cookie cookie)
{
    if (commit_stopped(book->commit))
        return REQUEST_STOPPED;
    if (book->paused != NULL && !commit_idle(book->commit))
        return book_busy(book, book->paused);
    return book_answer_record(book, 0, answer, cookie, false)
               ? REQUEST_TAKEN
               : book_busy(book, "commit_waiters_max");
}
