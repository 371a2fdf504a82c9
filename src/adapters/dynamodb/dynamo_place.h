/* dynamo_place.h - up to where the rows of a shard go: an item of their table, under the user
 * `#projection` and the shard's number. Pure. */
#pragma once

#include "adapters/dynamodb/dynamo_row.h"
#include "ports/projection.h"

/* Its attribute `format`; 1, or none: rows of bets only, which an older program began. */
#define DYNAMO_PLACE_FORMAT 2

struct dynamo_place {
    struct projection_place at;
    bool balances; /* it has rows of balances, from the begin */
};

/* Asks where a shard stands, consistently; and reads what was answered: 0, -ERR_FORMAT, or
 * -ERR_CONFIG: of a newer program. */
void dynamo_place_ask(struct buf *out, const char *table, uint32_t shard);
int dynamo_place_read(struct slice body, struct dynamo_place *ret);
/* Moves it, if it is still where the step found it. */
void dynamo_place_put(struct buf *out, const char *table, const struct projection_step *step,
                      bool balances);
/* Is it the place of a shard, and no row? */
bool dynamo_place_is(const struct dynamo_row *item);
