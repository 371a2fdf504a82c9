/* dynamo_page.h - questions for many rows of a projection, and the items of an answer. Pure. */
#pragma once

#include "adapters/dynamodb/dynamo_row.h"

/* Items by their keys, consistently. The service may answer fewer: the rest is asked for again. */
void dynamo_page_ask_keys(struct buf *out, const char *table, const struct dynamo_row *rows,
                          size_t count);
void dynamo_page_ask_rest(struct buf *out, struct slice rest);
/* What each item of the table says of itself: keys, `shard` and `seq`. `from` is the rest of the
 * page before; empty: from the begin. */
void dynamo_page_ask_scan(struct buf *out, const char *table, struct slice from);

/* Visits the items of an answer to either. *ret_rest is what the next question takes; empty: there
 * is no more. Both borrow of `body`. 0 or -ERR_FORMAT: it cannot be read, though some were
 * visited. */
typedef void (*dynamo_page_visit)(void *owner, struct slice item);
int dynamo_page_read(struct slice body, dynamo_page_visit visit, void *owner,
                     struct slice *ret_rest);
