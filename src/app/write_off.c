/* write_off.c - what corrections took below zero (docs/decisions/0009): promotional money is never
 * owed, and cash up to `write_off_minor_max` is written off. It waits until no settlement is under
 * way: between a reversal and the settlement behind it nobody owes anything. "Still to do" is the
 * balances themselves, so a crash loses nothing; accounts are looked at again behind each reversal,
 * so many a turn. */
#include "app/write_off.h"

#include "ledger/adjustment.h"

#define LOOKS_PER_TURN 4096

static void write_off(struct book *book, struct account_ref account, enum ledger_account kind)
{
    struct record_posting postings[ADJUSTMENT_POSTINGS];
    const struct record_adjustment body = shard_adjustment_of(book->state, account, kind, postings);
    struct record_draft draft = {.type = RECORD_ADJUSTMENT,
                                 .time_us = book->wall.us,
                                 .account = account.n,
                                 .body = &body,
                                 .postings = postings,
                                 .postings_count = ADJUSTMENT_POSTINGS};
    commit_record(book->commit, &draft);
    book->stats.write_offs++;
}

/* At most one; true: there was one. */
static bool look_at(struct book *book, struct account_ref account)
{
    const struct shard_account *row = shard_state_account(book->state, account);
    const struct {
        enum ledger_account kind;
        int64_t most;
    } rules[] = {{LEDGER_FREE, INT64_MAX},
                 {LEDGER_BONUS, INT64_MAX},
                 {LEDGER_AVAILABLE, book->options.write_off_minor_max}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        int64_t debt = shard_debt_of(row, rules[i].kind);
        if (debt == 0 || debt > rules[i].most)
            continue;
        write_off(book, account, rules[i].kind);
        return true;
    }
    return false;
}

void book_write_offs_look(struct book *book)
{
    book->write_off_next = 1;
}

void book_write_offs_record(struct book *book, const struct record_view *record)
{
    const struct account_ref account = {record->head->account};
    if (account.n == 0 || book->write_off_next == 1)
        return;
    int64_t debt = shard_debt_of(shard_state_account(book->state, account), LEDGER_AVAILABLE);
    if (debt > 0 && debt <= book->options.write_off_minor_max)
        book_write_offs_look(book);
}

bool book_write_offs_due(const struct book *book)
{
    return book->write_off_next != 0 && book->settle_queue->count == 0 &&
           commit_has_spare(book->commit);
}

void book_write_offs_step(struct book *book)
{
    uint32_t looks = LOOKS_PER_TURN;
    while (book_write_offs_due(book) && looks-- > 0) {
        if (book->write_off_next > shard_state_accounts_count(book->state))
            book->write_off_next = 0;
        else if (!look_at(book, (struct account_ref){book->write_off_next}))
            book->write_off_next++;
    }
}
