/* dynamo_row.h - the rows of a projection (ledger/projected_rows.h) as items of a table. Pure.
 *
 * The table has the partition key `user_id` and the sort key `bet_record`. Of a row of `bets` that
 * is BET#NNN: the record NNN of a bet (000: it was placed, or asked for), its further legs
 * BET#NNN#LLL from 002 on. Of a row of `balances` it is #balance#SHARD: one of each customer, which
 * newer ones replace; its `seq` is the record that moved his money last. The attributes are the
 * columns of the same names; what has no value is not there. The index `by_event` has the bets of
 * an event. */
#pragma once

#include "adapters/dynamodb/dynamo_ask.h"
#include "base/buf.h"
#include "ledger/projected_rows.h"

#define DYNAMO_ROW_BYTES_MAX      (8 * 1024) /* a question's, with a row of any kind */
#define DYNAMO_ROW_ATTRIBUTES_MAX 24

extern const struct dynamo_shape dynamo_rows_shape;

struct dynamo_attribute {
    struct slice name, value;
    char type; /* N or S; of what was read also another, and then there is no value */
};

/* An item: one that a row becomes, its keys first, or one that was read. */
struct dynamo_row {
    struct dynamo_attribute attributes[DYNAMO_ROW_ATTRIBUTES_MAX];
    size_t count;
    bool whole;        /* there are no more, and each was taken */
    char memory[2048]; /* of values */
};

void dynamo_row_of_bet(struct dynamo_row *ret, const struct bet_row *row);
void dynamo_row_of_balance(struct dynamo_row *ret, const struct balance_row *row);
/* An item of an answer, which is borrowed as long as *ret. */
void dynamo_row_read(struct dynamo_row *ret, struct slice item);

/* The value of an attribute of that type; an empty slice: there is none. */
struct slice dynamo_row_value(const struct dynamo_row *row, const char *name, char type);
bool dynamo_row_number(const struct dynamo_row *row, const char *name, uint64_t *ret);
bool dynamo_row_same_key(const struct dynamo_row *a, const struct dynamo_row *b);
/* What was read is what a row becomes, and nothing besides. Numbers are compared as numbers: the
 * service drops zeros at the end of a fraction. */
bool dynamo_row_same(const struct dynamo_row *expected, const struct dynamo_row *there);

/* The keys alone, as an object. */
void dynamo_row_put_key(struct buf *out, const struct dynamo_row *row);
/* Questions: puts it where its key is free. */
void dynamo_row_put_bet(struct buf *out, const char *table, const struct bet_row *row);
/* Puts it where its key is free, or has an older one. */
void dynamo_row_put_balance(struct buf *out, const char *table, const struct balance_row *row);
