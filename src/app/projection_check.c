/* projection_check.c - contract in projection_check.h. */
#include "app/projection_check.h"

#include <stdlib.h>

#include "app/projection_keyed.h"
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
    struct projection_keyed *keyed; /* owned, as all below; NULL: rows come in order */
    struct shard_state *state;
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
static int say_at(struct check *check, enum projection_table table, uint64_t seq,
                  struct slice there, struct slice expected)
{
    struct buf text = text_of(check);
    buf_printf(&text, "table %s, record %u-%llu: there is ", names[table], check->source->shard,
               (unsigned long long)seq);
    buf_put_slice(&text, there.bytes == 0 ? SLICE("no row") : there);
    buf_put_text(&text, "; the log says ");
    buf_put_slice(&text, expected.bytes == 0 ? SLICE("no row") : expected);
    return said(check, &text, -ERR_CORRUPT);
}

static int say_difference(struct check *check, enum projection_table table, struct slice there,
                          struct slice expected)
{
    return say_at(check, table, shard_state_seq(check->state), there, expected);
}

static int say_store(struct check *check, int error)
{
    const char *why = check->source->store->ops->problem(check->source->store);
    return say(check, error,
               "the projection cannot be read: ", why[0] != '\0' ? why : error_text(error));
}

/* ---- rows by their keys ---- */

static int say_bet(struct check *check)
{
    const struct projection_difference *other = &check->keyed->other;
    const struct bet_row *row = &check->keyed->bets[other->row];
    char memory[PROJECTED_ROW_BYTES_MAX];
    struct buf expected = buf_over(memory, sizeof memory);
    bet_row_write(&expected, row);
    return say_at(check, PROJECTION_BETS, row->seq, other->there, buf_slice(&expected));
}

static int say_balance(struct check *check)
{
    const struct projection_difference *other = &check->keyed->other;
    const struct balance_row *row = &check->keyed->balances[other->row];
    char memory[PROJECTED_ROW_BYTES_MAX];
    struct buf expected = buf_over(memory, sizeof memory);
    balance_row_write(&expected, row);
    return say_at(check, PROJECTION_BALANCES, row->moved_seq, other->there, buf_slice(&expected));
}

static int say_keyed(struct check *check, int result, int (*say_row)(struct check *))
{
    if (result < 0)
        return say_store(check, result);
    return result == 0 ? 0 : say_row(check);
}

/* ---- rows in order ---- */

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
    if (check->keyed != NULL)
        return say_keyed(check, projection_keyed_put(check->keyed, rows, count), say_bet);
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
    if (check->keyed == NULL)
        TRY(compare_balances(check));
    if (record->head->seq == check->place.seq && record->head->crc != check->place.crc)
        return say(check, -ERR_CORRUPT, "the projection is of another ledger", "");
    return 0;
}

/* ---- the end, of rows by their keys ---- */

static int check_count(struct check *check, const char *table, uint64_t there, uint64_t said_rows)
{
    struct buf text = text_of(check);
    if (there == said_rows)
        return 0;
    buf_printf(&text, "table %s has %llu rows, and the log says %llu", table,
               (unsigned long long)there, (unsigned long long)said_rows);
    return said(check, &text, -ERR_CORRUPT);
}

static int check_keyed_strays(struct check *check)
{
    const struct projection_count *count = &check->source->place.count;
    struct buf text = text_of(check);
    if (count->seq_max > check->report->tail)
        return say(check, -ERR_CORRUPT, "there are rows of records that the ledger has not", "");
    if (count->strays == 0)
        return 0;
    buf_printf(&text, "there are %llu rows of no shard, which no projector wrote",
               (unsigned long long)count->strays);
    return said(check, &text, -ERR_CORRUPT);
}

/* Of balances a newer one may have taken the place of one that was counted. */
static int check_keyed_end(struct check *check)
{
    struct projection_keyed *keyed = check->keyed;
    const struct projection_count *count = &check->source->place.count;
    TRY(say_keyed(check, projection_keyed_end_bets(keyed), say_bet));
    TRY(check_count(check, "bets", count->bets, keyed->bets_same));
    if (count->balances_kept) {
        TRY(say_keyed(check, projection_keyed_balances(keyed, check->state), say_balance));
        uint64_t most = keyed->balances_same + keyed->ahead;
        uint64_t there = count->balances;
        if (there < keyed->balances_same || there > most)
            TRY(check_count(check, "balances", there, most));
    }
    return check_keyed_strays(check);
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
    if (check->keyed != NULL)
        return check_keyed_end(check);
    TRY(check_rest(check, PROJECTION_BETS, check->place.bets));
    TRY(check_rest(check, PROJECTION_BALANCES, check->place.balances));
    TRY(check_newest(check));
    return check_strays(check);
}

/* ---- all ---- */

static int begin_reading(struct check *check)
{
    struct projection_store *store = check->source->store;
    if (check->keyed != NULL)
        return 0;
    for (int table = PROJECTION_BETS; table <= PROJECTION_BALANCES; table++) {
        const struct projection_range range = {(enum projection_table)table, check->source->shard,
                                               check->place.seq};
        int error = store->ops->read(store, &range);
        if (error < 0)
            return say_store(check, error);
        TRY(advance(check, range.table));
    }
    return 0;
}

static int begin(struct check *check)
{
    struct projection_store *store = check->source->store;
    if (store->ops->compare != NULL) {
        check->keyed = reserve_new(1, sizeof *check->keyed);
        if (check->keyed == NULL)
            return -ERR_MEMORY;
        check->keyed->store = store;
        check->keyed->seq_last = check->place.seq;
    }
    TRY(shard_state_new(&check->source->limits, &check->state));
    TRY(bet_rows_new(shard_state_limits(check->state), &check->rows));
    check->balance_seq =
        reserve_new((size_t)shard_state_limits(check->state)->accounts_max + 1, sizeof(uint64_t));
    if (check->balance_seq == NULL)
        return -ERR_MEMORY;
    return begin_reading(check);
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

int projection_check_begin(struct projection_store *store, uint32_t shard,
                           struct projection_check_place *ret)
{
    *ret = (struct projection_check_place){.at.seq = 0};
    TRY(store->ops->place(store, shard, &ret->at));
    const struct projection_range range = {PROJECTION_BETS, shard, ret->at.seq};
    return store->ops->count == NULL ? 0 : store->ops->count(store, &range, &ret->count);
}

static void report_rows(const struct check *check)
{
    const struct projection_count *count = &check->source->place.count;
    struct projection_check_report *report = check->report;
    report->seq = check->place.seq;
    report->bets =
        check->keyed != NULL ? check->keyed->bets_same : check->tables[PROJECTION_BETS].rows;
    report->balances = check->keyed != NULL ? check->keyed->balances_same
                                            : check->tables[PROJECTION_BALANCES].rows;
    report->ahead = count->bets_ahead + count->balances_ahead;
}

int projection_check(const struct projection_check_source *source,
                     struct projection_check_report *ret)
{
    struct check check = {.source = source, .report = ret, .place = source->place.at};
    *ret = (struct projection_check_report){.tail =
                                                source->log->ops->tail(source->log, source->shard)};
    int error = begin(&check);
    if (error == 0)
        error = fold(&check);
    if (error == 0)
        error = check_end(&check);
    report_rows(&check);
    if (check.balance_seq != NULL)
        reserve_free(check.balance_seq, (size_t)shard_state_limits(check.state)->accounts_max + 1,
                     sizeof(uint64_t));
    reserve_free(check.keyed, 1, sizeof *check.keyed);
    bet_rows_free(check.rows);
    shard_state_free(check.state);
    return error;
}
