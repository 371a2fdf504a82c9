/* dynamo_place.c - contract in dynamo_place.h. */
#include "adapters/dynamodb/dynamo_place.h"

#include <inttypes.h>

#include "adapters/dynamodb/dynamo_answer.h"
#include "base/error.h"
#include "base/json_read.h"

#define OWNER "#projection" /* a user of that name has no key of this form behind it */

static void put_key(struct buf *out, uint32_t shard)
{
    buf_printf(out, "\"user_id\":{\"S\":\"" OWNER "\"},\"bet_record\":{\"S\":\"%" PRIu32 "\"}",
               shard);
}

void dynamo_place_ask(struct buf *out, const char *table, uint32_t shard)
{
    buf_printf(out, "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"Key\":{", table);
    put_key(out, shard);
    buf_put_text(out, "}}");
}

static void put_number(struct buf *out, const char *name, uint64_t number)
{
    buf_printf(out, ",\"%s\":{\"N\":\"%" PRIu64 "\"}", name, number);
}

void dynamo_place_put(struct buf *out, const char *table, const struct projection_step *step,
                      bool balances)
{
    const struct projection_place *before = &step->before, *after = &step->after;
    buf_printf(out, "{\"TableName\":\"%s\",\"Item\":{", table);
    put_key(out, step->shard);
    put_number(out, "seq", after->seq);
    put_number(out, "crc", after->crc);
    put_number(out, "time_us", (uint64_t)after->time_us);
    if (balances)
        put_number(out, "format", DYNAMO_PLACE_FORMAT);
    if (before->seq == 0) {
        buf_put_text(out, "},\"ConditionExpression\":\"attribute_not_exists(#k)\","
                          "\"ExpressionAttributeNames\":{\"#k\":\"bet_record\"}}");
        return;
    }
    buf_put_text(out, "},\"ConditionExpression\":\"#s = :s AND #c = :c\","
                      "\"ExpressionAttributeNames\":{\"#s\":\"seq\",\"#c\":\"crc\"},"
                      "\"ExpressionAttributeValues\":{\":s\":{\"N\":\"");
    buf_printf(out, "%" PRIu64 "\"},\":c\":{\"N\":\"%" PRIu32 "\"}}}", before->seq, before->crc);
}

struct place_item {
    int64_t seq, crc, time_us, format;
};

static int64_t *number_of(struct place_item *item, struct slice name)
{
    static const char *const names[] = {"seq", "crc", "time_us", "format"};
    int64_t *const numbers[] = {&item->seq, &item->crc, &item->time_us, &item->format};
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

int dynamo_place_read(struct slice body, struct dynamo_place *ret)
{
    struct place_item item = {.format = 1};
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
    if (item.format > DYNAMO_PLACE_FORMAT)
        return -ERR_CONFIG;
    ret->at = (struct projection_place){
        .seq = (uint64_t)item.seq, .crc = (uint32_t)item.crc, .time_us = item.time_us};
    ret->balances = item.seq == 0 || item.format == DYNAMO_PLACE_FORMAT;
    return 0;
}

bool dynamo_place_is(const struct dynamo_row *item)
{
    int64_t shard = 0;
    return slice_is(dynamo_row_value(item, "user_id", 'S'), OWNER) &&
           dynamo_answer_digits(dynamo_row_value(item, "bet_record", 'S'), &shard);
}
