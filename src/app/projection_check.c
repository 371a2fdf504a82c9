/* projection_check.c - contract in projection_check.h. */
#include "app/projection_check.h"

#include <stdlib.h>

#include "app/refold.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/reserve.h"
#include "ledger/bet_rows.h"

struct table {
    struct slice line; /* the next row that is there */
    bool there;
    uint64_t rows; /* compared */
};

struct check {
    const struct projection_check_source *source;
    struct projection_check_report *report;
    struct projection_place place;
    struct shard_state *state; /* owned, as all below */
    struct bet_rows *rows;
    uint64_t *balance_seq; /* by account: of the last row that was compared */
    struct table tables[2];
};

static const char *const names[] = {[PROJECTION_BETS] = "bets", [PROJECTION_BALANCES] = "balances"};

/* ---- saying ---- */

static struct buf text_of(struct check *check)
{
    return buf_over(check->report->text, sizeof check->report->text - 1);
}

static int said(struct check *check, const struct buf *text, int error)
{
    check->report->text[text->bytes] = '\0';
    return error;
}

static int say(struct check *check, int error, const char *what, const char *why)
{
    struct buf text = text_of(check);
    buf_put_text(&text, what);
    buf_put_text(&text, why);
    return said(check, &text, error);
}

/* An empty slice: there is none. */
static int say_difference(struct check *check, enum projection_table table, struct slice there,
                          struct slice expected)
{
    struct buf text = text_of(check);
    buf_printf(&text, "table %s, record %u-%llu: there is ", names[table],
               shard_state_shard(check->state), (unsigned long long)shard_state_seq(check->state));
    buf_put_slice(&text, there.bytes == 0 ? SLICE("no row") : there);
    buf_put_text(&text, "; the log says ");
    buf_put_slice(&text, expected.bytes == 0 ? SLICE("no row") : expected);
    return said(check, &text, -ERR_CORRUPT);
}

static int say_store(struct check *check, int error)
{
    const char *why = check->source->store->ops->problem(check->source->store);
    return say(check, error,
               "the projection cannot be read: ", why[0] != '\0' ? why : error_text(error));
}

/* ---- rows ---- */

static int advance(struct check *check, enum projection_table which)
{
    struct table *table = &check->tables[which];
    int more = check->source->store->ops->next(check->source->store, which, &table->line);
    table->there = more == 1;
    if (!table->there)
        table->line = SLICE_NONE;
    return more < 0 ? say_store(check, more) : 0;
}

static int compare(struct check *check, enum projection_table which, const struct buf *expected)
{
    struct table *table = &check->tables[which];
    if (!table->there || !slice_equal(table->line, buf_slice(expected)))
        return say_difference(check, which, table->line, buf_slice(expected));
    table->rows++;
    return advance(check, which);
}

/* The number in a column of the row that is next; 0: it has none. */
static uint64_t number_at(struct slice line, unsigned column)
{
    uint64_t number = 0;
    size_t at = 0;
    for (; column > 0 && at < line.bytes; at++)
        column -= line.at[at] == '\t';
    for (; at < line.bytes && line.at[at] >= '0' && line.at[at] <= '9'; at++)
        number = number * 10 + (uint64_t)(line.at[at] - '0');
    return number;
}

#define BALANCE_ACCOUNT 1
#define BALANCE_SEQ     2

/* Those that say that they are of the record just folded. */
static int compare_balances(struct check *check)
{
    const struct table *table = &check->tables[PROJECTION_BALANCES];
    char memory[PROJECTED_ROW_BYTES_MAX];
    uint64_t seq = shard_state_seq(check->state);
    while (table->there && number_at(table->line, BALANCE_SEQ) == seq) {
        uint64_t account = number_at(table->line, BALANCE_ACCOUNT);
        struct buf expected = buf_over(memory, sizeof memory);
        if (account == 0 || account > shard_state_accounts_count(check->state))
            return say_difference(check, PROJECTION_BALANCES, table->line, SLICE_NONE);
        const struct balance_row row = balance_row_of(check->state, (uint32_t)account);
        if (row.currency.iso == 0)
            return say_difference(check, PROJECTION_BALANCES, table->line, SLICE_NONE);
        balance_row_write(&expected, &row);
        TRY(compare(check, PROJECTION_BALANCES, &expected));
        check->balance_seq[account] = seq;
    }
    return 0;
}

static int compare_bets(struct check *check, const struct record_view *record)
{
    char memory[PROJECTED_ROW_BYTES_MAX];
    size_t count = 0;
    const struct bet_row *rows = bet_rows_after(check->rows, record, check->state, &count);
    for (size_t i = 0; i < count; i++) {
        struct buf expected = buf_over(memory, sizeof memory);
        bet_row_write(&expected, &rows[i]);
        TRY(compare(check, PROJECTION_BETS, &expected));
    }
    return 0;
}

static int visit(void *owner, const struct record_view *record, const struct shard_state *state)
{
    struct check *check = owner;
    (void)state;
    TRY(compare_bets(check, record));
    TRY(compare_balances(check));
    if (record->head->seq == check->place.seq && record->head->crc != check->place.crc)
        return say(check, -ERR_CORRUPT, "the projection is of another ledger", "");
    return 0;
}

/* ---- the end ---- */

static int check_rest(struct check *check, enum projection_table which, uint64_t written)
{
    const struct table *table = &check->tables[which];
    struct buf text = text_of(check);
    if (table->there)
        return say_difference(check, which, table->line, SLICE_NONE);
    if (table->rows == written)
        return 0;
    buf_printf(&text, "table %s has %llu rows, and %llu were written", names[which],
               (unsigned long long)table->rows, (unsigned long long)written);
    return said(check, &text, -ERR_CORRUPT);
}

/* Every account's newest movement of money is told. */
static int check_newest(struct check *check)
{
    for (uint32_t i = 1; i <= shard_state_accounts_count(check->state); i++) {
        const struct shard_account *account =
            shard_state_account(check->state, (struct account_ref){i});
        struct buf text = text_of(check);
        if (account->seq_last <= check->balance_seq[i])
            continue;
        buf_printf(&text, "table balances lacks account %u after record %u-%llu", i,
                   check->source->shard, (unsigned long long)account->seq_last);
        return said(check, &text, -ERR_CORRUPT);
    }
    return 0;
}

static int check_strays(struct check *check)
{
    struct buf text = text_of(check);
    uint64_t rows = 0;
    int error = check->source->store->ops->strays(check->source->store, &rows);
    if (error < 0)
        return say_store(check, error);
    if (rows == 0)
        return 0;
    buf_printf(&text,
               "there are %llu rows that no projector wrote: of no shard, or behind its place",
               (unsigned long long)rows);
    return said(check, &text, -ERR_CORRUPT);
}

static int check_end(struct check *check)
{
    if (shard_state_seq(check->state) < check->place.seq)
        return say(check, -ERR_CORRUPT, "the projection has records that the ledger has not", "");
    TRY(check_rest(check, PROJECTION_BETS, check->place.bets));
    TRY(check_rest(check, PROJECTION_BALANCES, check->place.balances));
    TRY(check_newest(check));
    return check_strays(check);
}

/* ---- all ---- */

static int begin(struct check *check)
{
    struct projection_store *store = check->source->store;
    TRY(shard_state_new(&check->source->limits, &check->state));
    TRY(bet_rows_new(shard_state_limits(check->state), &check->rows));
    check->balance_seq =
        reserve_new((size_t)shard_state_limits(check->state)->accounts_max + 1, sizeof(uint64_t));
    if (check->balance_seq == NULL)
        return -ERR_MEMORY;
    int error = store->ops->place(store, check->source->shard, &check->place);
    for (int table = PROJECTION_BETS; error == 0 && table <= PROJECTION_BALANCES; table++) {
        const struct projection_range range = {(enum projection_table)table, check->source->shard,
                                               check->place.seq};
        error = store->ops->read(store, &range);
        if (error == 0)
            TRY(advance(check, range.table));
    }
    return error < 0 ? say_store(check, error) : 0;
}

static int fold(struct check *check)
{
    const struct refold_source source = {.log = check->source->log,
                                         .shard = check->source->shard,
                                         .seq_last = check->place.seq,
                                         .forget = true};
    struct refold_end end;
    int error = check->place.seq == 0 ? 0 : refold(&source, check->state, visit, check, &end);
    if (error < 0 && check->report->text[0] == '\0')
        return say(check, error, "the ledger cannot be folded: ",
                   end.reason[0] != '\0' ? end.reason : error_text(error));
    return error;
}

int projection_check(const struct projection_check_source *source,
                     struct projection_check_report *ret)
{
    struct check check = {.source = source, .report = ret};
    *ret = (struct projection_check_report){.tail =
                                                source->log->ops->tail(source->log, source->shard)};
    int error = begin(&check);
    if (error == 0)
        error = fold(&check);
    if (error == 0)
        error = check_end(&check);
    ret->seq = check.place.seq;
    ret->bets = check.tables[PROJECTION_BETS].rows;
    ret->balances = check.tables[PROJECTION_BALANCES].rows;
    if (check.balance_seq != NULL)
        reserve_free(check.balance_seq, (size_t)shard_state_limits(check.state)->accounts_max + 1,
                     sizeof(uint64_t));
    bet_rows_free(check.rows);
    shard_state_free(check.state);
    return error;
}
