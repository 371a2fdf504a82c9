/* dynamo_row.c - contract in dynamo_row.h. An item is made of the row's one line of text, so what a
 * record becomes is said in one place only (ledger/projected_rows.h). */
#include "adapters/dynamodb/dynamo_row.h"

#include <inttypes.h>
#include <string.h>

#include "adapters/dynamodb/dynamo_answer.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"

#define PLACE_OWNER "#projection" /* a user of that name has no key of this form behind it */

const struct dynamo_shape dynamo_rows_shape = {.hash = "user_id",
                                               .range = "bet_record",
                                               .range_type = 'S',
                                               .index = "by_event",
                                               .indexed = "event_id"};

struct column {
    const char *name;
    char type; /* N or S */
};

static const struct column columns[] = {
    {"bet_id", 'N'},      {"record_no", 'N'}, {"leg_no", 'N'},       {"user_id", 'S'},
    {"event_id", 'S'},    {"market_id", 'S'}, {"selection_id", 'S'}, {"odds", 'N'},
    {"odds_exact", 'S'},  {"stake", 'N'},     {"currency", 'S'},     {"status", 'S'},
    {"result", 'S'},      {"payout", 'N'},    {"cashed_out", 'N'},   {"created_at", 'S'},
    {"settled_at", 'S'},  {"shard", 'N'},     {"seq", 'N'},          {"record", 'S'},
    {"recorded_at", 'S'},
};
/* ---- a line ---- */

/* What a letter behind a backslash stands for; itself where it is none. */
static char unescaped(char letter)
{
    static const char letters[] = "bfnrtv", stand_for[] = "\b\f\n\r\t\v";
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    return found == NULL ? letter : stand_for[found - letters];
}

/* A value's text, in memory of its own length. */
static struct slice value_of(struct slice text, char *memory)
{
    size_t bytes = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        bool escaped = text.at[i] == '\\' && i + 1 < text.bytes;
        i += escaped;
        memory[bytes++] = escaped ? unescaped(text.at[i]) : text.at[i];
    }
    return slice_of(memory, bytes);
}

static void put_value(struct buf *out, const struct column *column, struct slice text)
{
    char memory[PROJECTED_ROW_BYTES_MAX];
    struct slice value = value_of(text, memory);
    /* The key of an index may not be empty. */
    if (slice_is(text, "\\N") || (value.bytes == 0 && strcmp(column->name, "event_id") == 0))
        return;
    buf_printf(out, ",\"%s\":{\"%c\":", column->name, column->type);
    json_write_string(out, value);
    buf_put_char(out, '}');
}

static void put_line(struct buf *out, struct slice line)
{
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const char *tab = memchr(line.at, '\t', line.bytes);
        size_t bytes = tab == NULL ? line.bytes : (size_t)(tab - line.at);
        put_value(out, &columns[i], slice_of(line.at, bytes));
        line = slice_skip(line, bytes + (tab != NULL));
    }
}

/* ---- rows ---- */

static const char on_free_key[] = "},\"ConditionExpression\":\"attribute_not_exists(#k)\","
                                  "\"ExpressionAttributeNames\":{\"#k\":\"bet_record\"}}";

void dynamo_row_put_bet(struct buf *out, const char *table, const struct bet_row *row)
{
    char memory[PROJECTED_ROW_BYTES_MAX];
    struct buf line = buf_over(memory, sizeof memory);
    bet_row_write(&line, row);
    buf_printf(out,
               "{\"TableName\":\"%s\",\"Item\":{\"bet_record\":{\"S\":\"%" PRIu64 "#%03" PRIu32,
               table, row->bet_id, row->record_no);
    if (row->leg_no > 1)
        buf_printf(out, "#%03u", (unsigned)row->leg_no);
    buf_put_text(out, "\"}");
    put_line(out, buf_slice(&line));
    buf_put_text(out, on_free_key);
    out->overflow = out->overflow || line.overflow;
}

/* ---- the place ---- */

static void put_place_key(struct buf *out, uint32_t shard)
{
    buf_printf(out,
               "\"user_id\":{\"S\":\"" PLACE_OWNER "\"},\"bet_record\":{\"S\":\"%" PRIu32 "\"}",
               shard);
}

void dynamo_row_ask_place(struct buf *out, const char *table, uint32_t shard)
{
    buf_printf(out, "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"Key\":{", table);
    put_place_key(out, shard);
    buf_put_text(out, "}}");
}

static void put_number(struct buf *out, const char *name, uint64_t number)
{
    buf_printf(out, ",\"%s\":{\"N\":\"%" PRIu64 "\"}", name, number);
}

void dynamo_row_put_place(struct buf *out, const char *table, const struct projection_step *step)
{
    const struct projection_place *before = &step->before, *after = &step->after;
    buf_printf(out, "{\"TableName\":\"%s\",\"Item\":{", table);
    put_place_key(out, step->shard);
    put_number(out, "seq", after->seq);
    put_number(out, "crc", after->crc);
    put_number(out, "time_us", (uint64_t)after->time_us);
    put_number(out, "bets", after->bets);
    if (before->seq == 0) {
        buf_put_text(out, on_free_key);
        return;
    }
    buf_put_text(out, "},\"ConditionExpression\":\"#s = :s AND #c = :c\","
                      "\"ExpressionAttributeNames\":{\"#s\":\"seq\",\"#c\":\"crc\"},"
                      "\"ExpressionAttributeValues\":{\":s\":{\"N\":\"");
    buf_printf(out, "%" PRIu64 "\"},\":c\":{\"N\":\"%" PRIu32 "\"}}}", before->seq, before->crc);
}

struct place_item {
    int64_t seq, crc, time_us, bets;
};

static int64_t *number_of(struct place_item *item, struct slice name)
{
    static const char *const names[] = {"seq", "crc", "time_us", "bets"};
    int64_t *const numbers[] = {&item->seq, &item->crc, &item->time_us, &item->bets};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i]))
            return numbers[i];
    return NULL;
}

static void take_item(struct json_reader *r, struct place_item *item)
{
    struct slice name;
    json_object_begin(r);
    while (json_object_next(r, &name)) {
        int64_t *number = number_of(item, name);
        if (number == NULL)
            json_skip(r);
        else if (!dynamo_answer_number(r, number))
            json_fail(r);
    }
}

int dynamo_row_read_place(struct slice body, struct projection_place *ret)
{
    struct place_item item = {.seq = 0};
    struct json_reader r;
    struct slice key;
    json_begin(&r, body, NULL, 0);
    json_object_begin(&r);
    while (json_object_next(&r, &key))
        if (slice_is(key, "Item"))
            take_item(&r, &item);
        else
            json_skip(&r);
    TRY(json_end(&r));
    if (item.crc > UINT32_MAX)
        return -ERR_FORMAT;
    *ret = (struct projection_place){.seq = (uint64_t)item.seq,
                                     .crc = (uint32_t)item.crc,
                                     .time_us = item.time_us,
                                     .bets = (uint64_t)item.bets};
    return 0;
}
