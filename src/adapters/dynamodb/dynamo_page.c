/* dynamo_page.c - contract in dynamo_page.h. */
#include "adapters/dynamodb/dynamo_page.h"

#include "base/error.h"
#include "base/json_read.h"

void dynamo_page_ask_keys(struct buf *out, const char *table, const struct dynamo_row *rows,
                          size_t count)
{
    buf_printf(out, "{\"RequestItems\":{\"%s\":{\"ConsistentRead\":true,\"Keys\":[", table);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        dynamo_row_put_key(out, &rows[i]);
    }
    buf_put_text(out, "]}}}");
}

void dynamo_page_ask_rest(struct buf *out, struct slice rest)
{
    buf_put_text(out, "{\"RequestItems\":");
    buf_put_slice(out, rest);
    buf_put_char(out, '}');
}

void dynamo_page_ask_scan(struct buf *out, const char *table, struct slice from)
{
    buf_printf(out,
               "{\"TableName\":\"%s\",\"ConsistentRead\":true,"
               "\"ProjectionExpression\":\"#u,#k,#s,#q\",\"ExpressionAttributeNames\":{"
               "\"#u\":\"user_id\",\"#k\":\"bet_record\",\"#s\":\"shard\",\"#q\":\"seq\"}",
               table);
    if (from.bytes > 0) {
        buf_put_text(out, ",\"ExclusiveStartKey\":");
        buf_put_slice(out, from);
    }
    buf_put_char(out, '}');
}

static void visit_items(struct json_reader *r, dynamo_page_visit visit, void *owner)
{
    struct slice item;
    json_array_begin(r);
    while (json_array_next(r))
        if (json_raw(r, &item))
            visit(owner, item);
}

static void visit_tables(struct json_reader *r, dynamo_page_visit visit, void *owner)
{
    struct slice table;
    json_object_begin(r);
    while (json_object_next(r, &table))
        visit_items(r, visit, owner);
}

/* An object without members is none. */
static void take_rest(struct json_reader *r, struct slice *rest)
{
    struct json_reader inner;
    struct slice member;
    if (!json_raw(r, rest))
        return;
    json_begin(&inner, *rest, NULL, 0);
    if (!json_object_begin(&inner) || !json_object_next(&inner, &member))
        *rest = SLICE_NONE;
}

int dynamo_page_read(struct slice body, dynamo_page_visit visit, void *owner,
                     struct slice *ret_rest)
{
    struct json_reader r;
    struct slice key, rest = SLICE_NONE;
    json_begin(&r, body, NULL, 0);
    json_object_begin(&r);
    while (json_object_next(&r, &key))
        if (slice_is(key, "Items"))
            visit_items(&r, visit, owner);
        else if (slice_is(key, "Responses"))
            visit_tables(&r, visit, owner);
        else if (slice_is(key, "UnprocessedKeys") || slice_is(key, "LastEvaluatedKey"))
            take_rest(&r, &rest);
        else
            json_skip(&r);
    TRY(json_end(&r));
    *ret_rest = rest;
    return 0;
}
