/* dynamo_ask.h - the questions to the table, as JSON of the API version 2012-08-10. Pure.
 *
 * An item is a batch: its key `shard` (S, "PPPP-N": the shard's prefix in hexadecimal digits and
 * its number) and `batch_no` (N); `epoch`, `seq_first`, `seq_last`, `crc`, `writer` and
 * `format` (N);
 * `records` (B), which an item that takes an epoch lacks. Every read is consistent. */
#pragma once

#include "adapters/shared/batch_store.h"
#include "base/buf.h"
#include "ports/ledger_log.h"

#define DYNAMO_FORMAT 1 /* of an item; a newer one is refused */
/* JSON of the largest: a whole group in base64, and what stands around it. */
#define DYNAMO_ASK_BYTES_MAX (LEDGER_APPEND_BYTES_MIN / 3 * 4 + 4096)

enum dynamo_question {
    DYNAMO_PUT = 0,
    DYNAMO_GET,
    DYNAMO_QUERY,
    DYNAMO_DESCRIBE,
    DYNAMO_CREATE,
    DYNAMO_SCAN,
    DYNAMO_BATCH_GET,
};
/* The keys of a table: partition and sort key, with their types (S or N), and an index on a further
 * text, sorted as the table; NULL: none. */
struct dynamo_shape {
    const char *hash, *range;
    char range_type;
    const char *index, *indexed;
};
extern const struct dynamo_shape dynamo_ledger_shape;

/* The value of the header X-Amz-Target. */
const char *dynamo_ask_target(enum dynamo_question question);

/* Inserts a batch where the key is free. */
void dynamo_ask_put(struct buf *out, const char *table, uint32_t shard, const struct batch *batch);
/* What an item says of itself, without its records. */
void dynamo_ask_get(struct buf *out, const char *table, uint32_t shard, int64_t batch_no);
/* The same of the newest. */
void dynamo_ask_newest(struct buf *out, const char *table, uint32_t shard);
/* A page of whole items; the store may end it earlier. */
void dynamo_ask_page(struct buf *out, const char *table, const struct batch_page *page);
/* The next key behind all of shard *after; NULL: the first of the table. */
void dynamo_ask_shard(struct buf *out, const char *table, const uint32_t *after);
void dynamo_ask_describe(struct buf *out, const char *table);
/* Of a table that is paid by the request. */
void dynamo_ask_create(struct buf *out, const char *table, const struct dynamo_shape *shape);
