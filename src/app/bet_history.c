/* bet_history.c - reads from the log for answers: one verdict, a bet's chain of records from its
 * newest back to its BET, or so many write-offs, which are a chain as well. Slots are fixed in
 * number; each reads one record at a time. */
#include "app/book_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

#define READS_MAX 64

struct history_read {
    struct book *book;
    bool busy;
    book_answer_fn answer;   /* of one verdict, or NULL */
    book_history_fn history; /* of a chain, or NULL */
    struct book_cookie cookie;
    struct ledger_read read;
    uint32_t count; /* records so far, newest first */
    struct record_view views[BOOK_HISTORY_MAX];
    char (*memory)[RECORD_BET_BYTES_MAX]; /* owns; BOOK_HISTORY_MAX of them */
};

static void on_read(struct ledger_read *read, int error, size_t bytes);

int book_reads_new(struct book *book)
{
    book->reads = calloc(READS_MAX, sizeof *book->reads);
    for (int i = 0; book->reads != NULL && i < READS_MAX; i++) {
        book->reads[i].book = book;
        book->reads[i].memory = aligned_alloc(8, (size_t)BOOK_HISTORY_MAX * RECORD_BET_BYTES_MAX);
        if (book->reads[i].memory == NULL)
            return -ERR_MEMORY;
    }
    return book->reads == NULL ? -ERR_MEMORY : 0;
}

void book_reads_free(struct book *book)
{
    for (int i = 0; book->reads != NULL && i < READS_MAX; i++)
        free(book->reads[i].memory);
    free(book->reads);
}

static struct history_read *take_slot(struct book *book)
{
    for (int i = 0; i < READS_MAX; i++)
        if (!book->reads[i].busy)
            return &book->reads[i];
    return NULL;
}

static int begin_read(struct history_read *r, uint64_t seq)
{
    r->read = (struct ledger_read){
        .shard = shard_state_shard(r->book->state),
        .seq_first = seq,
        .count = 1,
        .memory = r->memory[r->count],
        .capacity = RECORD_BET_BYTES_MAX,
        .on_done = on_read,
        .owner = r,
    };
    return r->book->ports.log->ops->read(r->book->ports.log, &r->read);
}

/* The record before this one in its chain; 0 at the first. */
static uint64_t previous_of(const struct record_view *view)
{
    switch ((enum record_type)view->head->type) {
    case RECORD_RELEASE:
        return ((const struct record_release *)view->body)->previous_seq;
    case RECORD_SETTLE:
        return ((const struct record_settle *)view->body)->previous_seq;
    case RECORD_REVERSE:
        return ((const struct record_reverse *)view->body)->previous_seq;
    case RECORD_CASH_OUT:
        return ((const struct record_cash_out *)view->body)->previous_seq;
    case RECORD_REFERRAL:
        return ((const struct record_referral *)view->body)->previous_seq;
    case RECORD_ADJUSTMENT:
        return ((const struct record_adjustment *)view->body)->before_seq;
    case RECORD_GENESIS:
    case RECORD_OPENED:
    case RECORD_ACCOUNT:
    case RECORD_MARKET:
    case RECORD_SELECTIONS:
    case RECORD_MONEY:
    case RECORD_BET:
    case RECORD_FENCE:
    case RECORD_RESULT:
    case RECORD_LIMITS:
    case RECORD_PROPOSAL:
    case RECORD_DECISION:
    case RECORD_RELAYED:
        return 0;
    }
    return 0;
}

static void finish(struct history_read *r, bool failed)
{
    for (uint32_t i = 0; i < r->count / 2; i++) { /* oldest first */
        struct record_view t = r->views[i];
        r->views[i] = r->views[r->count - 1 - i];
        r->views[r->count - 1 - i] = t;
    }
    if (r->history != NULL) {
        r->history(r->cookie, r->views, failed ? 0 : r->count);
    } else {
        struct book_answer answer = {.cookie = r->cookie,
                                     .failed = failed,
                                     .replayed = true,
                                     .record = failed ? NULL : &r->views[0]};
        r->answer(&answer);
    }
    r->busy = false;
}

static void on_read(struct ledger_read *read, int error, size_t bytes)
{
    struct history_read *r = read->owner;
    ASSERT(r->busy);
    if (error < 0 || record_view_of(read->memory, bytes, &r->views[r->count]) < 0) {
        finish(r, true);
        return;
    }
    uint64_t previous = previous_of(&r->views[r->count]);
    r->count++;
    if (r->history == NULL || previous == 0 || r->count == BOOK_HISTORY_MAX)
        finish(r, false); /* a longer chain is told from its newest BOOK_HISTORY_MAX records */
    else if (begin_read(r, previous) < 0)
        finish(r, true);
}

static enum request_outcome begin(struct book *book, uint64_t seq, book_answer_fn answer,
                                  book_history_fn history, struct book_cookie cookie)
{
    struct history_read *r = take_slot(book);
    if (r == NULL)
        return book_busy(book, "ledger_reads_max");
    r->answer = answer;
    r->history = history;
    r->cookie = cookie;
    r->count = 0;
    if (begin_read(r, seq) < 0)
        return book_busy(book, "ledger_reads_max");
    r->busy = true;
    return REQUEST_TAKEN;
}

enum request_outcome book_read_answer(struct book *book, uint64_t seq, book_answer_fn answer,
                                      struct book_cookie cookie)
{
    return begin(book, seq, answer, NULL, cookie);
}

#define SEQ_UNCONFIRMED UINT64_MAX /* from before this start: ports/ledger_log.h, confirmed() */

/* A bet whose newest record is not durable yet is told as of the newest that is. */
static uint64_t newest_durable(const struct book *book, uint64_t seq)
{
    while (seq > commit_durable_seq(book->commit)) {
        const struct record_view *view = commit_find(book->commit, seq);
        if (view == NULL)
            return SEQ_UNCONFIRMED;
        seq = previous_of(view);
        if (seq == 0)
            return 0;
    }
    return seq;
}

enum request_outcome book_bet_history(struct book *book, struct bet_id id, book_history_fn answer,
                                      struct book_cookie cookie)
{
    uint32_t index = shard_state_find_bet(book->state, id);
    if (index == BET_NONE)
        return REQUEST_UNKNOWN;
    uint64_t seq = newest_durable(book, shard_state_bet(book->state, index)->seq_last);
    if (seq == SEQ_UNCONFIRMED)
        return book_busy(book, "unconfirmed");
    return seq == 0 ? REQUEST_UNKNOWN : begin(book, seq, NULL, answer, cookie);
}

enum request_outcome book_adjustments(struct book *book, uint64_t from_seq, book_history_fn answer,
                                      struct book_cookie cookie)
{
    uint64_t newest = shard_state_counts(book->state)->adjustment_seq;
    uint64_t seq = newest_durable(book, newest);
    if (seq == SEQ_UNCONFIRMED)
        return book_busy(book, "unconfirmed");
    if (from_seq > seq || seq == 0)
        return REQUEST_UNKNOWN;
    return begin(book, from_seq == 0 ? seq : from_seq, NULL, answer, cookie);
}
