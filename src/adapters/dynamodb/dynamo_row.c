/* dynamo_row.c - contract in dynamo_row.h. An item is made of the row's one line of text, so what a
 * record becomes is said in one place only (ledger/projected_rows.h). */
#include "adapters/dynamodb/dynamo_row.h"

#include <inttypes.h>
#include <string.h>

#include "adapters/dynamodb/dynamo_answer.h"
#include "base/assert.h"
#include "base/json_read.h"
#include "base/json_write.h"

const struct dynamo_shape dynamo_rows_shape = {.hash = "user_id",
                                               .range = "bet_record",
                                               .range_type = 'S',
                                               .index = "by_event",
                                               .indexed = "event_id"};

/* Of a line; without a type: it becomes no attribute here. */
struct column {
    const char *name;
    char type; /* N or S */
};

static const struct column bet_columns[] = {
    {"bet_id", 'N'},      {"record_no", 'N'}, {"leg_no", 'N'},       {"user_id", 'S'},
    {"event_id", 'S'},    {"market_id", 'S'}, {"selection_id", 'S'}, {"odds", 'N'},
    {"odds_exact", 'S'},  {"stake", 'N'},     {"currency", 'S'},     {"status", 'S'},
    {"result", 'S'},      {"payout", 'N'},    {"cashed_out", 'N'},   {"created_at", 'S'},
    {"settled_at", 'S'},  {"shard", 'N'},     {"seq", 'N'},          {"record", 'S'},
    {"recorded_at", 'S'},
};
#define BET_COLUMNS (sizeof bet_columns / sizeof *bet_columns)

/* Without the time of the record that ended a step: which did, the log does not say. */
static const struct column balance_columns[] = {
    {"shard", 'N'},    {"account", 'N'},      {"seq", 'N'},  {"user_id", 'S'},
    {"currency", 'S'}, {"available", 'N'},    {"held", 'N'}, {"free_bets", 'N'},
    {"bonus", 'N'},    {"recorded_at", '\0'},
};
#define BALANCE_COLUMNS (sizeof balance_columns / sizeof *balance_columns)

_Static_assert(BET_COLUMNS < DYNAMO_ROW_ATTRIBUTES_MAX, "with the sort key");

/* ---- a line ---- */

/* What a letter behind a backslash stands for; itself where it is none. */
static char unescaped(char letter)
{
    static const char letters[] = "bfnrtv", stand_for[] = "\b\f\n\r\t\v";
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    return found == NULL ? letter : stand_for[found - letters];
}

/* A value's text, at its own place. */
static struct slice value_at(char *at, size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < bytes; i++) {
        bool escaped = at[i] == '\\' && i + 1 < bytes;
        i += escaped;
        at[used++] = escaped ? unescaped(at[i]) : at[i];
    }
    return slice_of(at, used);
}

static void add(struct dynamo_row *row, struct slice name, char type, struct slice value)
{
    ASSERT(row->count < DYNAMO_ROW_ATTRIBUTES_MAX);
    row->attributes[row->count++] = (struct dynamo_attribute){name, value, type};
}

static void add_column(struct dynamo_row *row, const struct column *column, char *at, size_t bytes)
{
    bool none = slice_is(slice_of(at, bytes), "\\N");
    struct slice value = value_at(at, bytes);
    /* The key of an index may not be empty. */
    if (none || column->type == '\0' || (value.bytes == 0 && strcmp(column->name, "event_id") == 0))
        return;
    add(row, slice_text(column->name), column->type, value);
}

static void add_line(struct dynamo_row *row, const struct column *columns, size_t count,
                     struct buf *line)
{
    char *at = line->at, *end = line->at + line->bytes;
    for (size_t i = 0; i < count; i++) {
        char *tab = memchr(at, '\t', (size_t)(end - at));
        size_t bytes = (size_t)((tab == NULL ? end : tab) - at);
        add_column(row, &columns[i], at, bytes);
        at += bytes + (tab != NULL);
    }
}

static void begin(struct dynamo_row *row, const struct buf *sort_key)
{
    row->count = 0;
    add(row, slice_text(dynamo_rows_shape.range), 'S', buf_slice(sort_key));
}

#define SORT_KEY_BYTES_MAX 64
_Static_assert(SORT_KEY_BYTES_MAX + PROJECTED_ROW_BYTES_MAX <=
                   sizeof(((struct dynamo_row *)0)->memory),
               "a row's values");

void dynamo_row_of_bet(struct dynamo_row *ret, const struct bet_row *row)
{
    struct buf key = buf_over(ret->memory, SORT_KEY_BYTES_MAX);
    struct buf line = buf_over(ret->memory + SORT_KEY_BYTES_MAX, PROJECTED_ROW_BYTES_MAX);
    buf_printf(&key, "%" PRIu64 "#%03" PRIu32, row->bet_id, row->record_no);
    if (row->leg_no > 1)
        buf_printf(&key, "#%03u", (unsigned)row->leg_no);
    begin(ret, &key);
    bet_row_write(&line, row);
    add_line(ret, bet_columns, BET_COLUMNS, &line);
    ret->whole = !line.overflow;
}

void dynamo_row_of_balance(struct dynamo_row *ret, const struct balance_row *row)
{
    struct balance_row moved = *row;
    struct buf key = buf_over(ret->memory, SORT_KEY_BYTES_MAX);
    struct buf line = buf_over(ret->memory + SORT_KEY_BYTES_MAX, PROJECTED_ROW_BYTES_MAX);
    moved.seq = row->moved_seq;
    buf_printf(&key, "#balance#%" PRIu32, row->shard);
    begin(ret, &key);
    balance_row_write(&line, &moved);
    add_line(ret, balance_columns, BALANCE_COLUMNS, &line);
    ret->whole = !line.overflow;
}

/* ---- what is there ---- */

static void read_attribute(struct json_reader *r, struct dynamo_row *row, struct slice name)
{
    struct slice type, value = SLICE_NONE;
    if (row->count == DYNAMO_ROW_ATTRIBUTES_MAX) {
        row->whole = false;
        json_skip(r);
        return;
    }
    char known = '?';
    json_object_begin(r);
    while (json_object_next(r, &type))
        if ((slice_is(type, "N") || slice_is(type, "S")) && known == '?') {
            known = *type.at;
            json_string(r, &value);
        } else {
            known = '!';
            json_skip(r);
        }
    add(row, name, known, value);
}

void dynamo_row_read(struct dynamo_row *ret, struct slice item)
{
    struct json_reader r;
    struct slice name;
    ret->count = 0;
    ret->whole = true;
    json_begin(&r, item, ret->memory, sizeof ret->memory);
    json_object_begin(&r);
    while (json_object_next(&r, &name))
        read_attribute(&r, ret, name);
    if (json_end(&r) < 0) {
        ret->whole = false;
        ret->count = 0;
    }
}

struct slice dynamo_row_value(const struct dynamo_row *row, const char *name, char type)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->attributes[i].type == type && slice_is(row->attributes[i].name, name))
            return row->attributes[i].value;
    return SLICE_NONE;
}

bool dynamo_row_number(const struct dynamo_row *row, const char *name, uint64_t *ret)
{
    int64_t number = 0;
    if (!dynamo_answer_digits(dynamo_row_value(row, name, 'N'), &number))
        return false;
    *ret = (uint64_t)number;
    return true;
}

static bool same_value(const struct dynamo_row *a, const struct dynamo_row *b, const char *name)
{
    struct slice value = dynamo_row_value(a, name, 'S');
    return value.bytes > 0 && slice_equal(value, dynamo_row_value(b, name, 'S'));
}

bool dynamo_row_same_key(const struct dynamo_row *a, const struct dynamo_row *b)
{
    return same_value(a, b, dynamo_rows_shape.hash) && same_value(a, b, dynamo_rows_shape.range);
}

/* Without the zeros at the end of a fraction. */
static struct slice shortest(struct slice number)
{
    if (number.bytes == 0 || memchr(number.at, '.', number.bytes) == NULL)
        return number;
    while (number.at[number.bytes - 1] == '0')
        number.bytes--;
    if (number.at[number.bytes - 1] == '.')
        number.bytes--;
    return number;
}

static bool has(const struct dynamo_row *row, const struct dynamo_attribute *expected)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct dynamo_attribute *there = &row->attributes[i];
        if (!slice_equal(there->name, expected->name))
            continue;
        if (there->type != expected->type)
            return false;
        return expected->type == 'N'
                   ? slice_equal(shortest(there->value), shortest(expected->value))
                   : slice_equal(there->value, expected->value);
    }
    return false;
}

bool dynamo_row_same(const struct dynamo_row *expected, const struct dynamo_row *there)
{
    if (!expected->whole || !there->whole || expected->count != there->count)
        return false;
    for (size_t i = 0; i < expected->count; i++)
        if (!has(there, &expected->attributes[i]))
            return false;
    return true;
}

/* ---- questions ---- */

static void put_attribute(struct buf *out, const struct dynamo_attribute *attribute)
{
    buf_printf(out, "\"%.*s\":{\"%c\":", (int)attribute->name.bytes, attribute->name.at,
               attribute->type);
    json_write_string(out, attribute->value);
    buf_put_char(out, '}');
}

void dynamo_row_put_key(struct buf *out, const struct dynamo_row *row)
{
    const char *const names[] = {dynamo_rows_shape.hash, dynamo_rows_shape.range};
    for (size_t i = 0; i < 2; i++) {
        const struct dynamo_attribute key = {slice_text(names[i]),
                                             dynamo_row_value(row, names[i], 'S'), 'S'};
        buf_put_char(out, i == 0 ? '{' : ',');
        put_attribute(out, &key);
    }
    buf_put_char(out, '}');
}

static void put_item(struct buf *out, const char *table, const struct dynamo_row *row)
{
    buf_printf(out, "{\"TableName\":\"%s\",\"Item\":{", table);
    for (size_t i = 0; i < row->count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        put_attribute(out, &row->attributes[i]);
    }
    buf_put_char(out, '}');
    out->overflow = out->overflow || !row->whole;
}

void dynamo_row_put_bet(struct buf *out, const char *table, const struct bet_row *row)
{
    struct dynamo_row item;
    dynamo_row_of_bet(&item, row);
    put_item(out, table, &item);
    buf_put_text(out, ",\"ConditionExpression\":\"attribute_not_exists(#k)\","
                      "\"ExpressionAttributeNames\":{\"#k\":\"bet_record\"}}");
}

void dynamo_row_put_balance(struct buf *out, const char *table, const struct balance_row *row)
{
    struct dynamo_row item;
    dynamo_row_of_balance(&item, row);
    put_item(out, table, &item);
    buf_printf(out,
               ",\"ConditionExpression\":\"attribute_not_exists(#k) OR #s < :s\","
               "\"ExpressionAttributeNames\":{\"#k\":\"bet_record\",\"#s\":\"seq\"},"
               "\"ExpressionAttributeValues\":{\":s\":{\"N\":\"%" PRIu64 "\"}}}",
               row->moved_seq);
}
