/* dynamo_ask.c - contract in dynamo_ask.h. Names of attributes stand behind placeholders: some are
 * words of the store's own language. */
#include "adapters/dynamodb/dynamo_ask.h"

#include <inttypes.h>

#include "base/base64.h"

#define BATCH_NO_MAX INT64_C(999999999999999999) /* of 18 digits, as dynamo_answer.c reads them */

const struct dynamo_shape dynamo_ledger_shape = {
    .hash = "shard", .range = "batch_no", .range_type = 'N'};

const char *dynamo_ask_target(enum dynamo_question question)
{
    switch (question) {
    case DYNAMO_PUT:
        return "DynamoDB_20120810.PutItem";
    case DYNAMO_GET:
        return "DynamoDB_20120810.GetItem";
    case DYNAMO_QUERY:
        return "DynamoDB_20120810.Query";
    case DYNAMO_DESCRIBE:
        return "DynamoDB_20120810.DescribeTable";
    case DYNAMO_SCAN:
        return "DynamoDB_20120810.Scan";
    case DYNAMO_BATCH_GET:
        return "DynamoDB_20120810.BatchGetItem";
    case DYNAMO_CREATE:
        break;
    }
    return "DynamoDB_20120810.CreateTable";
}

static void put_number(struct buf *out, const char *name, int64_t number)
{
    buf_printf(out, "\"%s\":{\"N\":\"%" PRId64 "\"}", name, number);
}

static void put_shard(struct buf *out, const char *name, uint32_t shard)
{
    buf_printf(out, "\"%s\":{\"S\":\"%04" PRIx32 "-%" PRIu32 "\"}", name, batch_prefix(shard),
               shard);
}

void dynamo_ask_put(struct buf *out, const char *table, uint32_t shard, const struct batch *batch)
{
    buf_printf(out, "{\"TableName\":\"%s\",\"Item\":{", table);
    put_shard(out, "shard", shard);
    buf_put_char(out, ',');
    put_number(out, "batch_no", batch->place.batch_no);
    buf_put_char(out, ',');
    put_number(out, "epoch", batch->place.epoch);
    buf_put_char(out, ',');
    put_number(out, "seq_first", (int64_t)batch->seq_first);
    buf_put_char(out, ',');
    put_number(out, "seq_last", (int64_t)batch->place.seq_last);
    buf_put_char(out, ',');
    put_number(out, "crc", batch->crc);
    buf_put_char(out, ',');
    put_number(out, "writer", (int64_t)batch->writer);
    buf_put_char(out, ',');
    put_number(out, "format", DYNAMO_FORMAT);
    if (batch->bytes > 0) {
        buf_put_text(out, ",\"records\":{\"B\":\"");
        base64_write(out, slice_of(batch->records, batch->bytes));
        buf_put_text(out, "\"}");
    }
    buf_put_text(out, "},\"ConditionExpression\":\"attribute_not_exists(#n)\","
                      "\"ExpressionAttributeNames\":{\"#n\":\"batch_no\"}}");
}

static const char head_names[] =
    "\"ProjectionExpression\":\"#n,#e,#f,#l,#c,#w,#v\",\"ExpressionAttributeNames\":{"
    "\"#n\":\"batch_no\",\"#e\":\"epoch\",\"#f\":\"seq_first\",\"#l\":\"seq_last\","
    "\"#c\":\"crc\",\"#w\":\"writer\",\"#v\":\"format\"";

void dynamo_ask_get(struct buf *out, const char *table, uint32_t shard, int64_t batch_no)
{
    buf_printf(out, "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"Key\":{", table);
    put_shard(out, "shard", shard);
    buf_put_char(out, ',');
    put_number(out, "batch_no", batch_no);
    buf_printf(out, "},%s}}", head_names);
}

void dynamo_ask_newest(struct buf *out, const char *table, uint32_t shard)
{
    buf_printf(out,
               "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"ScanIndexForward\":false,"
               "\"Limit\":1,\"KeyConditionExpression\":\"#s = :s\",%s,\"#s\":\"shard\"},"
               "\"ExpressionAttributeValues\":{",
               table, head_names);
    put_shard(out, ":s", shard);
    buf_put_text(out, "}}");
}

void dynamo_ask_page(struct buf *out, const char *table, const struct batch_page *page)
{
    buf_printf(out,
               "{\"TableName\":\"%s\",\"ConsistentRead\":true,"
               "\"KeyConditionExpression\":\"#s = :s AND #n BETWEEN :a AND :b\","
               "\"ExpressionAttributeNames\":{\"#s\":\"shard\",\"#n\":\"batch_no\"},"
               "\"ExpressionAttributeValues\":{",
               table);
    put_shard(out, ":s", page->shard);
    buf_put_char(out, ',');
    put_number(out, ":a", page->batch_no);
    buf_put_char(out, ',');
    put_number(out, ":b", page->behind - 1);
    buf_put_text(out, "}}");
}

/* Where a scan goes on need not be an item: so it passes over a whole shard at once. */
void dynamo_ask_shard(struct buf *out, const char *table, const uint32_t *after)
{
    buf_printf(out,
               "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"Limit\":1,"
               "\"ProjectionExpression\":\"#s\",\"ExpressionAttributeNames\":{\"#s\":\"shard\"}",
               table);
    if (after != NULL) {
        buf_put_text(out, ",\"ExclusiveStartKey\":{");
        put_shard(out, "shard", *after);
        buf_put_char(out, ',');
        put_number(out, "batch_no", BATCH_NO_MAX);
        buf_put_char(out, '}');
    }
    buf_put_char(out, '}');
}

void dynamo_ask_describe(struct buf *out, const char *table)
{
    buf_printf(out, "{\"TableName\":\"%s\"}", table);
}

static void put_definition(struct buf *out, const char *name, char type)
{
    buf_printf(out, "{\"AttributeName\":\"%s\",\"AttributeType\":\"%c\"}", name, type);
}

static void put_keys(struct buf *out, const char *hash, const char *range)
{
    buf_printf(out,
               "\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
               "{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}]",
               hash, range);
}

void dynamo_ask_create(struct buf *out, const char *table, const struct dynamo_shape *shape)
{
    buf_printf(out,
               "{\"TableName\":\"%s\",\"BillingMode\":\"PAY_PER_REQUEST\","
               "\"AttributeDefinitions\":[",
               table);
    put_definition(out, shape->hash, 'S');
    buf_put_char(out, ',');
    put_definition(out, shape->range, shape->range_type);
    if (shape->index != NULL) {
        buf_put_char(out, ',');
        put_definition(out, shape->indexed, 'S');
    }
    buf_put_text(out, "],");
    put_keys(out, shape->hash, shape->range);
    if (shape->index != NULL) {
        buf_printf(out, ",\"GlobalSecondaryIndexes\":[{\"IndexName\":\"%s\",", shape->index);
        put_keys(out, shape->indexed, shape->range);
        buf_put_text(out, ",\"Projection\":{\"ProjectionType\":\"ALL\"}}]");
    }
    buf_put_char(out, '}');
}
