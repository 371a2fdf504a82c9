/* dynamo_answer.c - contract in dynamo_answer.h. */
#include "adapters/dynamodb/dynamo_answer.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/json_read.h"

#define SCRATCH_BYTES 1024

/* ---- errors ---- */

/* What is refused for now. What is not named here is refused for good. */
static const struct {
    const char *name;
    enum store_answer answer;
    bool conflict, absent, in_use, stale_key;
} errors[] = {
    {.name = "ConditionalCheckFailedException", .answer = STORE_TAKEN, .conflict = true},
    {.name = "ProvisionedThroughputExceededException", .answer = STORE_AGAIN},
    {.name = "ThrottlingException", .answer = STORE_AGAIN},
    {.name = "RequestLimitExceeded", .answer = STORE_AGAIN},
    {.name = "LimitExceededException", .answer = STORE_AGAIN},
    {.name = "TransactionConflictException", .answer = STORE_AGAIN},
    {.name = "ReplicatedWriteConflictException", .answer = STORE_AGAIN},
    {.name = "ExpiredTokenException", .answer = STORE_AGAIN, .stale_key = true},
    {.name = "UnrecognizedClientException", .answer = STORE_AGAIN, .stale_key = true},
    {.name = "InvalidSignatureException", .answer = STORE_AGAIN, .stale_key = true},
    {.name = "InternalServerError", .answer = STORE_LOST},
    {.name = "ResourceNotFoundException", .answer = STORE_REFUSED, .absent = true},
    {.name = "ResourceInUseException", .answer = STORE_REFUSED, .in_use = true},
};

struct error_text {
    struct slice name, text;
};

static struct error_text read_error(struct slice body, char *scratch)
{
    struct error_text error = {slice_of("", 0), slice_of("", 0)};
    struct json_reader r;
    struct slice key, value;
    json_begin(&r, body, scratch, SCRATCH_BYTES);
    json_object_begin(&r);
    while (json_object_next(&r, &key)) {
        bool is_name = slice_is(key, "__type");
        bool is_text = slice_is(key, "message") || slice_is(key, "Message");
        if ((!is_name && !is_text) || json_peek(&r) != JSON_STRING)
            json_skip(&r);
        else if (json_string(&r, &value))
            *(is_name ? &error.name : &error.text) = value;
    }
    if (json_end(&r) < 0)
        return (struct error_text){slice_of("", 0), slice_of("", 0)};
    const char *hash = memchr(error.name.at, '#', error.name.bytes); /* NAMESPACE#NAME */
    if (hash != NULL) {
        size_t before = (size_t)(hash - error.name.at) + 1;
        error.name = slice_of(hash + 1, error.name.bytes - before);
    }
    return error;
}

/* One line, without what would break a log. */
static void explain(struct dynamo_verdict *verdict, int status, struct error_text error)
{
    struct buf out = buf_over(verdict->problem, sizeof verdict->problem - 1);
    size_t bytes = error.text.bytes < 160 ? error.text.bytes : 160;
    buf_printf(&out, "%d %.*s: %.*s", status, (int)(error.name.bytes < 64 ? error.name.bytes : 64),
               error.name.at, (int)bytes, error.text.at);
    verdict->problem[out.bytes] = '\0';
    for (size_t i = 0; i < out.bytes; i++)
        if ((unsigned char)verdict->problem[i] < ' ')
            verdict->problem[i] = ' ';
}

struct dynamo_verdict dynamo_answer_judge(int status, struct slice body)
{
    struct dynamo_verdict verdict = {.answer = STORE_TAKEN};
    char scratch[SCRATCH_BYTES];
    if (status == 200)
        return verdict;
    struct error_text error = read_error(body, scratch);
    verdict.answer = status >= 500 ? STORE_LOST : STORE_REFUSED;
    if (status == 429)
        verdict.answer = STORE_AGAIN;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (slice_is(error.name, errors[i].name) &&
            (status < 500 || errors[i].answer != STORE_TAKEN)) {
            verdict.answer = errors[i].answer;
            verdict.conflict = errors[i].conflict;
            verdict.absent = errors[i].absent;
            verdict.in_use = errors[i].in_use;
            verdict.stale_key = errors[i].stale_key;
        }
    explain(&verdict, status, error);
    return verdict;
}

/* ---- items ---- */

struct item {
    struct batch batch;
    struct slice base64; /* its records */
    int64_t format, crc, writer, seq_first, seq_last;
    unsigned seen; /* of the numbers */
};

bool dynamo_answer_digits(struct slice digits, int64_t *ret)
{
    int64_t value = 0;
    if (digits.bytes == 0 || digits.bytes > 18)
        return false;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        value = 10 * value + (digits.at[i] - '0');
    }
    *ret = value;
    return true;
}

/* {"N":"5"}, {"S":"…"} or {"B":"…"} */
static bool take_value(struct json_reader *r, char kind, struct slice *ret)
{
    struct slice key;
    bool there = false;
    if (!json_object_begin(r))
        return false;
    while (json_object_next(r, &key))
        if (!there && key.bytes == 1 && *key.at == kind)
            there = json_string(r, ret);
        else
            json_fail(r);
    return there;
}

bool dynamo_answer_number(struct json_reader *reader, int64_t *ret)
{
    struct slice text = slice_of("", 0);
    return take_value(reader, 'N', &text) && dynamo_answer_digits(text, ret);
}

static int64_t *number_of(struct item *item, struct slice name, unsigned *ret_bit)
{
    static const char *const names[] = {"batch_no", "epoch",  "seq_first", "seq_last",
                                        "crc",      "writer", "format"};
    int64_t *const numbers[] = {&item->batch.place.batch_no,
                                &item->batch.place.epoch,
                                &item->seq_first,
                                &item->seq_last,
                                &item->crc,
                                &item->writer,
                                &item->format};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i])) {
            *ret_bit = 1U << i;
            return numbers[i];
        }
    return NULL;
}

#define ALL_NUMBERS 0x7FU

static void take_attribute(struct json_reader *r, struct slice name, struct item *item)
{
    unsigned bit = 0;
    int64_t *number = number_of(item, name, &bit);
    if (number != NULL) {
        if (!dynamo_answer_number(r, number))
            json_fail(r);
        item->seen |= bit;
    } else if (slice_is(name, "records")) {
        if (!take_value(r, 'B', &item->base64))
            json_fail(r);
    } else {
        json_skip(r);
    }
}

static struct slice without_padding(struct slice text)
{
    while (text.bytes > 0 && text.at[text.bytes - 1] == '=')
        text.bytes--;
    return text;
}

static int finish_item(struct item *item, const struct dynamo_items *items)
{
    struct buf records = buf_over(items->memory, items->capacity);
    if (item->seen != ALL_NUMBERS || item->crc > UINT32_MAX || item->batch.place.batch_no < 1)
        return -ERR_FORMAT;
    if (item->format > DYNAMO_FORMAT)
        return -ERR_CONFIG;
    TRY(base64_read_bare(without_padding(item->base64), &records));
    item->batch.seq_first = (uint64_t)item->seq_first;
    item->batch.place.seq_last = (uint64_t)item->seq_last;
    item->batch.crc = (uint32_t)item->crc;
    item->batch.writer = (uint64_t)item->writer;
    item->batch.records = records.at;
    item->batch.bytes = records.bytes;
    return 0;
}

static int take_item(struct json_reader *r, const struct dynamo_items *items, batch_visit visit,
                     void *owner)
{
    struct item item = {.base64 = slice_of("", 0)};
    struct slice name;
    json_object_begin(r);
    while (json_object_next(r, &name))
        take_attribute(r, name, &item);
    if (r->failed)
        return -ERR_FORMAT;
    TRY(finish_item(&item, items));
    return visit(owner, &item.batch);
}

int dynamo_answer_batches(const struct dynamo_items *items, batch_visit visit, void *owner)
{
    struct json_reader r;
    struct slice key;
    json_begin(&r, items->body, NULL, 0);
    json_object_begin(&r);
    while (json_object_next(&r, &key)) {
        if (slice_is(key, "Item")) {
            TRY(take_item(&r, items, visit, owner));
        } else if (slice_is(key, "Items")) {
            json_array_begin(&r);
            while (json_array_next(&r))
                TRY(take_item(&r, items, visit, owner));
        } else {
            json_skip(&r);
        }
    }
    return json_end(&r);
}

/* ---- shards ---- */

/* "PPPP-N" as dynamo_ask.c writes it: the one text of its shard. */
static bool read_shard(struct slice text, uint32_t *ret_shard)
{
    char memory[32];
    struct buf again = buf_over(memory, sizeof memory);
    int64_t shard = 0;
    if (text.bytes < 6 || !dynamo_answer_digits(slice_of(text.at + 5, text.bytes - 5), &shard) ||
        shard >= BATCH_SHARDS_MAX)
        return false;
    buf_printf(&again, "%04" PRIx32 "-%" PRId64, batch_prefix((uint32_t)shard), shard);
    *ret_shard = (uint32_t)shard;
    return slice_equal(buf_slice(&again), text);
}

static int take_shard(struct json_reader *r, uint32_t *ret_shard)
{
    struct slice name, text = slice_of("", 0);
    bool there = false;
    json_object_begin(r);
    while (json_object_next(r, &name))
        if (slice_is(name, "shard"))
            there = take_value(r, 'S', &text);
        else
            json_skip(r);
    return !r->failed && there && read_shard(text, ret_shard) ? 1 : -ERR_FORMAT;
}

int dynamo_answer_shard(struct slice body, uint32_t *ret_shard)
{
    struct json_reader r;
    struct slice key;
    uint32_t shard = 0;
    int found = 0;
    json_begin(&r, body, NULL, 0);
    json_object_begin(&r);
    while (json_object_next(&r, &key)) {
        if (!slice_is(key, "Items")) {
            json_skip(&r);
            continue;
        }
        json_array_begin(&r);
        while (found >= 0 && json_array_next(&r))
            found = take_shard(&r, &shard);
        if (found < 0)
            return found;
    }
    TRY(json_end(&r));
    if (found == 1)
        *ret_shard = shard;
    return found;
}

/* ---- the table ---- */

struct table {
    const struct dynamo_shape *shape;
    bool active, making;
    bool hash, range;
    bool index; /* the one of the shape, or it has none */
};

/* Is it the key of that name and kind? */
static void take_key(struct json_reader *r, const char *hash, const char *range, bool *ret_hash,
                     bool *ret_range)
{
    struct slice name = slice_of("", 0), kind = slice_of("", 0), key;
    json_object_begin(r);
    while (json_object_next(r, &key))
        if (slice_is(key, "AttributeName"))
            json_string(r, &name);
        else if (slice_is(key, "KeyType"))
            json_string(r, &kind);
        else
            json_skip(r);
    *ret_hash |= slice_is(name, hash) && slice_is(kind, "HASH");
    *ret_range |= slice_is(name, range) && slice_is(kind, "RANGE");
}

static void take_keys(struct json_reader *r, const char *hash, const char *range, bool *ret_hash,
                      bool *ret_range)
{
    json_array_begin(r);
    while (json_array_next(r))
        take_key(r, hash, range, ret_hash, ret_range);
}

static void take_index(struct json_reader *r, struct table *table)
{
    struct slice name = slice_of("", 0), key;
    bool hash = false, range = false;
    json_object_begin(r);
    while (json_object_next(r, &key))
        if (slice_is(key, "IndexName"))
            json_string(r, &name);
        else if (slice_is(key, "KeySchema"))
            take_keys(r, table->shape->indexed, table->shape->range, &hash, &range);
        else
            json_skip(r);
    table->index |= slice_is(name, table->shape->index) && hash && range;
}

static void take_indexes(struct json_reader *r, struct table *table)
{
    if (table->shape->index == NULL) {
        json_skip(r);
        return;
    }
    json_array_begin(r);
    while (json_array_next(r))
        take_index(r, table);
}

static void take_table(struct json_reader *r, struct table *table)
{
    struct slice key, status;
    json_object_begin(r);
    while (json_object_next(r, &key))
        if (slice_is(key, "TableStatus")) {
            json_string(r, &status);
            table->active =
                !r->failed && (slice_is(status, "ACTIVE") || slice_is(status, "UPDATING"));
            table->making = !r->failed && slice_is(status, "CREATING");
        } else if (slice_is(key, "KeySchema")) {
            take_keys(r, table->shape->hash, table->shape->range, &table->hash, &table->range);
        } else if (slice_is(key, "GlobalSecondaryIndexes")) {
            take_indexes(r, table);
        } else {
            json_skip(r);
        }
}

enum dynamo_table dynamo_answer_table(struct slice body, const struct dynamo_shape *shape)
{
    struct table table = {.shape = shape, .index = shape->index == NULL};
    struct json_reader r;
    struct slice key;
    json_begin(&r, body, NULL, 0);
    json_object_begin(&r);
    while (json_object_next(&r, &key))
        if (slice_is(key, "Table"))
            take_table(&r, &table);
        else
            json_skip(&r);
    if (json_end(&r) < 0 || !table.hash || !table.range || !table.index)
        return DYNAMO_TABLE_OTHER;
    return table.active   ? DYNAMO_TABLE_READY
           : table.making ? DYNAMO_TABLE_MAKING
                          : DYNAMO_TABLE_OTHER;
}
