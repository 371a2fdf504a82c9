/* dynamo_rows.h - compares rows of a projection in DynamoDB with the items under their keys, and
 * counts those that are there (ports/projection.h). Haste is waited out, for a minute without an
 * answer; in between the memory is the same, however large the table is. Blocks; thread: the
 * link's. */
#pragma once

#include "adapters/dynamodb/dynamo_link.h"
#include "ports/projection.h"

struct dynamo_rows;

/* Over a link, borrowed. Memory that costs only once it is used. NULL: there is none. */
struct dynamo_rows *dynamo_rows_new(struct dynamo_link *link);
void dynamo_rows_free(struct dynamo_rows *rows); /* accepts NULL */

/* As the port's compare() and count(); errors with the link's problem. */
int dynamo_rows_compare(struct dynamo_rows *rows, const struct projection_rows *asked,
                        struct projection_difference *ret);
int dynamo_rows_count(struct dynamo_rows *rows, const struct projection_range *range,
                      struct projection_count *ret);
