/* dynamo_answer.h - the store's answers, told apart and read. Pure: bytes from outside in. */
#pragma once

#include <stdbool.h>

#include "adapters/dynamodb/dynamo_ask.h"
#include "adapters/shared/batch_store.h"
#include "base/slice.h"

#define DYNAMO_PROBLEM_BYTES 256

struct dynamo_verdict {
    enum store_answer answer;
    bool conflict;                      /* refused because its condition did not hold */
    bool absent;                        /* refused because there is no such table */
    bool in_use;                        /* refused because there is one, or it is being made */
    bool stale_key;                     /* the keys are not good, or not any more: others may be */
    char problem[DYNAMO_PROBLEM_BYTES]; /* "" where it was taken */
};
/* Of a whole answer. 400 says by name what it is: haste and conflicts are for now, a key that is
 * not good as well. 500 and above may have been taken all the same (STORE_LOST). */
struct dynamo_verdict dynamo_answer_judge(int status, struct slice body);

/* Batches of an answer to GetItem or Query, in order; their records are decoded into `memory`, one
 * at a time. 0; the visitor's negative answer; -ERR_FORMAT (it cannot be read); -ERR_CONFIG (an
 * item of a newer format); -ERR_LIMIT (records larger than `capacity`). */
struct dynamo_items {
    struct slice body;
    char *memory;
    size_t capacity;
};
int dynamo_answer_batches(const struct dynamo_items *items, batch_visit visit, void *owner);

/* Of an answer to dynamo_ask_shard. 1: *ret_shard is that of the key; 0: there is none; -ERR_FORMAT
 * (it cannot be read, or the key is none of a shard's batches). */
int dynamo_answer_shard(struct slice body, uint32_t *ret_shard);

/* A value {"N":"5"} that the reader stands before: whole, not negative, up to 18 digits. False, and
 * the reader may have failed: it is another. */
struct json_reader;
/* The number that such a value's text is. */
bool dynamo_answer_digits(struct slice digits, int64_t *ret);
bool dynamo_answer_number(struct json_reader *reader, int64_t *ret);

enum dynamo_table { DYNAMO_TABLE_MAKING = 1, DYNAMO_TABLE_READY, DYNAMO_TABLE_OTHER };
/* Of an answer to DescribeTable. OTHER: its keys are not ours, it lacks the index, or it
 * is going. */
enum dynamo_table dynamo_answer_table(struct slice body, const struct dynamo_shape *shape);
