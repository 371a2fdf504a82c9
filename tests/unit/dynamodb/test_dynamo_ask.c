/* test_dynamo_ask.c - adapters/dynamodb/dynamo_ask.h: that an item comes back as it was put, and
 * that the largest fits. What the questions mean is asked of a server (test_dynamo_faults.c). */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/dynamodb/dynamo_answer.h"
#include "adapters/dynamodb/dynamo_ask.h"

static int compare(void *owner, const struct batch *batch)
{
    const struct batch *put = owner;
    assert_int_equal(batch->place.batch_no, put->place.batch_no);
    assert_int_equal(batch->place.epoch, put->place.epoch);
    assert_int_equal(batch->place.seq_last, put->place.seq_last);
    assert_int_equal(batch->seq_first, put->seq_first);
    assert_int_equal(batch->crc, put->crc);
    assert_int_equal(batch->writer, put->writer);
    assert_int_equal(batch->bytes, put->bytes);
    assert_memory_equal(batch->records, put->records, put->bytes);
    return 0;
}

static void put_and_read(size_t bytes)
{
    char *records = malloc(LEDGER_APPEND_BYTES_MIN), *memory = malloc(LEDGER_APPEND_BYTES_MIN);
    char *text = malloc(DYNAMO_ASK_BYTES_MAX);
    struct buf out = buf_over(text, DYNAMO_ASK_BYTES_MAX);
    for (size_t i = 0; i < bytes; i++)
        records[i] = (char)(i * 7 + i / 251);
    struct batch batch = {.place = {123456789012345, 4000000000, 999999999999999998},
                          .seq_first = 999999999999999999 - (bytes > 0),
                          .writer = (UINT64_C(1) << 59) - 1,
                          .crc = UINT32_MAX,
                          .records = records,
                          .bytes = bytes};
    char table[256];
    memset(table, 't', 255);
    table[255] = '\0';
    dynamo_ask_put(&out, table, UINT32_MAX, &batch);
    assert_false(out.overflow);
    /* "Item" is what an answer has. */
    const struct dynamo_items items = {buf_slice(&out), memory, LEDGER_APPEND_BYTES_MIN};
    assert_int_equal(dynamo_answer_batches(&items, compare, &batch), 0);
    free(records);
    free(memory);
    free(text);
}

TEST(dynamo_ask, an_item_comes_back_as_it_was_put)
{
    put_and_read(0);
    put_and_read(1);
    put_and_read(1000);
    put_and_read(LEDGER_APPEND_BYTES_MIN); /* and fits */
}
