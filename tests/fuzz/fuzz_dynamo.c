/* fuzz_dynamo.c - answers of a service that lies (adapters/dynamodb/dynamo_answer.h): whatever it
 * sends, each batch that is visited is within its bounds, and the same bytes say the same twice. */
#include <stdlib.h>
#include <string.h>

#include "adapters/dynamodb/dynamo_answer.h"
#include "adapters/dynamodb/dynamo_ask.h"
#include "adapters/dynamodb/dynamo_keys.h"
#include "adapters/dynamodb/dynamo_page.h"
#include "adapters/dynamodb/dynamo_place.h"
#include "base/assert.h"
#include "base/error.h"

#define RECORDS_MAX 256

struct seen {
    unsigned batches;
    size_t bytes;
    uint32_t sum;
};

static int see(void *owner, const struct batch *batch)
{
    struct seen *seen = owner;
    ASSERT(batch->bytes <= RECORDS_MAX);
    ASSERT(batch->place.batch_no >= 1);
    ASSERT(batch->place.epoch >= 0);
    for (size_t i = 0; i < batch->bytes; i++)
        seen->sum = seen->sum * 31 + (unsigned char)batch->records[i];
    seen->batches++;
    seen->bytes += batch->bytes;
    return 0;
}

static int read_once(struct slice body, struct seen *seen)
{
    char memory[RECORDS_MAX];
    const struct dynamo_items items = {body, memory, sizeof memory};
    *seen = (struct seen){.batches = 0};
    return dynamo_answer_batches(&items, see, seen);
}

/* A row that was read is within its bounds, is itself, and is asked for by its key. */
static void see_item(void *owner, struct slice item)
{
    char memory[DYNAMO_ROW_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    struct dynamo_row row;
    uint64_t number = 0;
    *(unsigned *)owner += 1;
    dynamo_row_read(&row, item);
    ASSERT(row.count <= DYNAMO_ROW_ATTRIBUTES_MAX);
    (void)dynamo_row_same(&row, &row);
    (void)dynamo_row_same_key(&row, &row);
    (void)dynamo_place_is(&row);
    ASSERT(!dynamo_row_number(&row, "seq", &number) || number < UINT64_C(1000000000000000000));
    dynamo_row_put_key(&out, &row);
    ASSERT(out.bytes <= sizeof memory);
}

static void read_rows(struct slice body)
{
    struct dynamo_place place;
    struct slice rest = SLICE_NONE;
    unsigned items = 0;
    int error = dynamo_page_read(body, see_item, &items, &rest);
    ASSERT(error == 0 || error == -ERR_FORMAT);
    ASSERT(rest.bytes == 0 || (rest.at >= body.at && rest.bytes <= body.bytes));
    error = dynamo_place_read(body, &place);
    ASSERT(error == 0 || error == -ERR_FORMAT || error == -ERR_CONFIG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_of(data, size);
    struct seen first, second;
    struct dynamo_keys keys;
    int error = read_once(body, &first);
    ASSERT(error == 0 || error == -ERR_FORMAT || error == -ERR_LIMIT || error == -ERR_CONFIG);
    ASSERT(read_once(body, &second) == error);
    ASSERT(first.batches == second.batches);
    ASSERT(first.bytes == second.bytes);
    ASSERT(first.sum == second.sum);
    static const int statuses[] = {200, 400, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct dynamo_verdict verdict = dynamo_answer_judge(statuses[i], body);
        ASSERT(strlen(verdict.problem) < sizeof verdict.problem);
        ASSERT(!verdict.conflict || verdict.answer == STORE_TAKEN);
        ASSERT(statuses[i] < 500 || verdict.answer != STORE_TAKEN); /* it may not have been done */
    }
    uint32_t shard = BATCH_SHARDS_MAX;
    ASSERT((dynamo_answer_shard(body, &shard) == 1) == (shard < BATCH_SHARDS_MAX));
    (void)dynamo_answer_table(body, &dynamo_ledger_shape);
    (void)dynamo_answer_table(body, &dynamo_rows_shape);
    read_rows(body);
    if (dynamo_keys_read(body, "default", &keys) == 0) {
        ASSERT(keys.id[0] != '\0');
        ASSERT(keys.secret[0] != '\0');
    }
    return 0;
}
