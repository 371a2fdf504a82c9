/* market_totals.c - contract in market_totals.h. Rows are never removed but all together. */
#include "roles/analytics/market_totals.h"

#include <stdlib.h>
#include <string.h>

#include "app/event_memory.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/table.h"
#include "core/ids.h"
#include "core/money.h"

#define SCRATCH_BYTES 4096

enum row_kind { ROW_EVENT = 1, ROW_MARKET };

struct row {
    uint8_t kind;
    uint8_t name_bytes;
    uint16_t currency; /* ROW_MARKET */
    int32_t partition;
    uint32_t shard; /* ROW_EVENT, as the next */
    uint64_t seq;   /* counted last */
    int64_t placed, settled, cashed_out;
    int64_t stake, payout; /* minor units; payout: all that was moved to customers, and back */
    char name[MARKET_ID_BYTES_MAX];
};

struct market_totals {
    uint64_t hash_key[2];
    struct table *index; /* owned, as the rows */
    struct row *rows;
    uint32_t count;
};

int market_totals_new(const uint64_t hash_key[2], struct market_totals **ret_totals)
{
    struct market_totals *totals = calloc(1, sizeof *totals);
    if (totals == NULL)
        return -ERR_MEMORY;
    totals->hash_key[0] = hash_key[0];
    totals->hash_key[1] = hash_key[1];
    totals->rows = calloc(MARKET_TOTALS_ROWS_MAX, sizeof *totals->rows);
    if (totals->rows == NULL || table_new(MARKET_TOTALS_ROWS_MAX, &totals->index) < 0) {
        market_totals_free(totals);
        return -ERR_MEMORY;
    }
    *ret_totals = totals;
    return 0;
}

void market_totals_free(struct market_totals *totals)
{
    if (totals == NULL)
        return;
    table_free(totals->index);
    free(totals->rows);
    free(totals);
}

/* ---- rows ---- */

/* What of a row names it. */
static struct hash128 key_of(const struct market_totals *totals, const struct row *row)
{
    char memory[16 + MARKET_ID_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    const uint32_t head[] = {row->kind, (uint32_t)row->partition,
                             row->kind == ROW_EVENT ? row->shard : row->currency};
    buf_put(&text, head, sizeof head);
    buf_put(&text, row->name, row->name_bytes);
    return siphash128(totals->hash_key, memory, text.bytes);
}

static bool put_name(struct row *row, struct slice name)
{
    if (name.bytes > sizeof row->name)
        return false;
    row->name_bytes = (uint8_t)name.bytes;
    if (name.bytes > 0)
        memcpy(row->name, name.at, name.bytes);
    return true;
}

void market_totals_forget(struct market_totals *totals)
{
    for (uint32_t i = 0; i < totals->count; i++)
        (void)table_remove(totals->index, key_of(totals, &totals->rows[i]));
    totals->count = 0;
}

/* The row that is named so, made if it is not there; NULL: no room. */
static struct row *row_of(struct market_totals *totals, const struct row *named)
{
    struct hash128 key = key_of(totals, named);
    uint32_t index = 0;
    if (table_find(totals->index, key, &index))
        return &totals->rows[index];
    if (totals->count == MARKET_TOTALS_ROWS_MAX ||
        table_insert(totals->index, key, totals->count) != TABLE_OK)
        return NULL;
    totals->rows[totals->count] = *named;
    return &totals->rows[totals->count++];
}

/* ---- messages ---- */

struct message {
    struct slice type, market_id, currency_code, stake, delta;
    int64_t legs_count, event_no;
};

static bool read_member(struct json_reader *r, struct slice key, struct message *m)
{
    if (slice_is(key, "type"))
        return json_string(r, &m->type);
    if (slice_is(key, "market_id"))
        return json_string(r, &m->market_id);
    if (slice_is(key, "currency"))
        return json_string(r, &m->currency_code);
    if (slice_is(key, "stake"))
        return json_number(r, &m->stake);
    if (slice_is(key, "delta"))
        return json_number(r, &m->delta);
    if (slice_is(key, "legs_count"))
        return json_i64(r, &m->legs_count);
    if (slice_is(key, "event_no"))
        return json_i64(r, &m->event_no);
    return json_skip(r);
}

static int parse(struct slice value, char *scratch, struct message *ret)
{
    struct json_reader r;
    struct slice key;
    *ret = (struct message){.type = SLICE_NONE};
    json_begin(&r, value, scratch, SCRATCH_BYTES);
    if (json_object_begin(&r))
        while (json_object_next(&r, &key))
            (void)read_member(&r, key, ret);
    if (json_end(&r) < 0 || ret->type.bytes == 0 || ret->legs_count < 1)
        return -ERR_FORMAT;
    return 0;
}

static int minor_of(struct slice digits, struct currency currency, int64_t *ret)
{
    struct decimal value;
    if (decimal_parse(digits, &value) < 0 ||
        decimal_rescale(value, currency_scale(currency), ret) < 0)
        return -ERR_FORMAT;
    return 0;
}

/* What the message adds to its row. */
static int change_of(const struct message *m, struct currency currency, struct row *ret)
{
    if (slice_is(m->type, "placed")) {
        ret->placed = 1;
        return minor_of(m->stake, currency, &ret->stake);
    }
    if (slice_is(m->type, "settled"))
        ret->settled = 1;
    else if (slice_is(m->type, "reversed"))
        ret->settled = -1;
    else if (slice_is(m->type, "cash_out"))
        ret->cashed_out = 1;
    else
        return 0;
    return minor_of(m->delta, currency, &ret->payout);
}

static bool moves(const struct row *change)
{
    return change->placed != 0 || change->settled != 0 || change->cashed_out != 0;
}

static void add(struct row *row, const struct row *change)
{
    row->placed += change->placed;
    row->settled += change->settled;
    row->cashed_out += change->cashed_out;
    row->stake += change->stake;
    row->payout += change->payout;
}

static int count_change(struct market_totals *totals, const struct message *m, struct row *change)
{
    bool single = m->legs_count == 1;
    if (!moves(change) || (!single && m->event_no != 1))
        return TOTALS_PASSED;
    if (!put_name(change, single ? m->market_id : SLICE(MARKET_TOTALS_MULTIPLES)))
        return -ERR_FORMAT;
    struct row named = *change;
    named.placed = named.settled = named.cashed_out = named.stake = named.payout = 0;
    struct row *row = row_of(totals, &named);
    if (row == NULL)
        return -ERR_LIMIT;
    add(row, change);
    return TOTALS_COUNTED;
}

int market_totals_take(struct market_totals *totals, const struct event *event)
{
    char scratch[SCRATCH_BYTES];
    struct message m;
    struct currency currency;
    struct row seen = {.kind = ROW_EVENT, .partition = event->partition};
    struct row change = {.kind = ROW_MARKET, .partition = event->partition};
    uint64_t seq = 0;
    TRY(parse(event->value, scratch, &m));
    if (!event_seq_parse(event->seq, &seen.shard, &seq) || !put_name(&seen, event->key) ||
        !currency_parse(m.currency_code, &currency))
        return -ERR_FORMAT;
    change.currency = currency.iso;
    TRY(change_of(&m, currency, &change));
    struct row *last = row_of(totals, &seen);
    if (last == NULL)
        return -ERR_LIMIT;
    if (seq <= last->seq)
        return TOTALS_REPEAT;
    int outcome = count_change(totals, &m, &change);
    if (outcome >= 0)
        last->seq = seq;
    return outcome;
}

/* ---- as text ---- */

static void put_number(struct json_writer *w, const char *key, int64_t value)
{
    json_write_key(w, key);
    json_write_i64(w, value);
}

static void put_money(struct json_writer *w, const char *key, int64_t minor, uint16_t iso)
{
    json_write_key(w, key);
    json_write_decimal(w, minor, currency_scale((struct currency){iso}));
}

static void put_market(struct json_writer *w, const struct row *row)
{
    json_write_key(w, "market_id");
    json_write_text(w, slice_of(row->name, row->name_bytes));
    json_write_key(w, "currency");
    json_write_text(w, slice_text(currency_code((struct currency){row->currency})));
    put_number(w, "placed", row->placed);
    put_number(w, "settled", row->settled);
    put_number(w, "cashed_out", row->cashed_out);
    put_money(w, "stake", row->stake, row->currency);
    put_money(w, "payout", row->payout, row->currency);
}

static void put_event(struct json_writer *w, const struct row *row)
{
    json_write_key(w, "event_id");
    json_write_text(w, slice_of(row->name, row->name_bytes));
    put_number(w, "shard", row->shard);
    put_number(w, "seq", (int64_t)row->seq);
}

int market_totals_write(const struct market_totals *totals, int32_t partition, totals_line visit,
                        void *owner)
{
    for (uint32_t i = 0; i < totals->count; i++) {
        const struct row *row = &totals->rows[i];
        char memory[MARKET_TOTALS_LINE_MAX];
        struct buf line = buf_over(memory, sizeof memory);
        struct json_writer w = json_write_begin(&line);
        if (row->partition != partition)
            continue;
        json_write_object_open(&w);
        if (row->kind == ROW_MARKET)
            put_market(&w, row);
        else
            put_event(&w, row);
        json_write_object_close(&w);
        buf_put_char(&line, '\n');
        TRY(line.overflow ? -ERR_LIMIT : visit(owner, buf_slice(&line)));
    }
    return 0;
}

struct read_line {
    struct slice name, currency_code, stake, payout;
    struct row row;
    int64_t shard, seq;
};

static bool read_row_member(struct json_reader *r, struct slice key, struct read_line *line)
{
    if (slice_is(key, "market_id") || slice_is(key, "event_id")) {
        line->row.kind = slice_is(key, "market_id") ? ROW_MARKET : ROW_EVENT;
        return json_string(r, &line->name);
    }
    if (slice_is(key, "currency"))
        return json_string(r, &line->currency_code);
    if (slice_is(key, "stake"))
        return json_number(r, &line->stake);
    if (slice_is(key, "payout"))
        return json_number(r, &line->payout);
    int64_t *number = slice_is(key, "placed")       ? &line->row.placed
                      : slice_is(key, "settled")    ? &line->row.settled
                      : slice_is(key, "cashed_out") ? &line->row.cashed_out
                      : slice_is(key, "shard")      ? &line->shard
                      : slice_is(key, "seq")        ? &line->seq
                                                    : NULL;
    return number == NULL ? json_skip(r) : json_i64(r, number);
}

static int finish_row(struct read_line *line)
{
    struct currency currency = {0};
    line->row.shard = (uint32_t)line->shard;
    line->row.seq = (uint64_t)line->seq;
    if (!put_name(&line->row, line->name))
        return -ERR_FORMAT;
    if (line->row.kind == ROW_EVENT)
        return 0;
    if (line->row.kind != ROW_MARKET || !currency_parse(line->currency_code, &currency))
        return -ERR_FORMAT;
    line->row.currency = currency.iso;
    TRY(minor_of(line->stake, currency, &line->row.stake));
    return minor_of(line->payout, currency, &line->row.payout);
}

int market_totals_read(struct market_totals *totals, int32_t partition, struct slice line)
{
    char scratch[SCRATCH_BYTES];
    struct json_reader r;
    struct slice key;
    struct read_line read = {.row = {.partition = partition}};
    json_begin(&r, line, scratch, sizeof scratch);
    if (json_object_begin(&r))
        while (json_object_next(&r, &key))
            (void)read_row_member(&r, key, &read);
    if (json_end(&r) < 0)
        return -ERR_FORMAT;
    TRY(finish_row(&read));
    struct row *row = row_of(totals, &read.row);
    if (row == NULL)
        return -ERR_LIMIT;
    *row = read.row;
    return 0;
}
