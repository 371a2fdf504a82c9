/* pg_rows.h - what every statement on our tables needs: the key of a shard, questions that are
 * asked again, numbers of rows. On the link's thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/postgres/pg_link.h"

/* The parameters $1 and $2: prefix (batch_store.h) and shard. */
struct pg_params pg_key_of(uint32_t shard);
/* False: the column is NULL, or no bigint. */
bool pg_take_number(const PGresult *rows, int row, int column, int64_t *ret);
/* A question that changes nothing: asked again where its answer was lost. 0 or as store_error(). */
int pg_ask(struct pg_link *link, const char *statement, const struct pg_params *params,
           PGresult **ret_rows);
/* What is read may be on this server alone: a restart ends the wait for a synchronous standby, and
 * what waited is then seen by everybody. Answers when all that was read before has its standby
 * (L2). */
enum store_answer pg_wait_replicated(struct pg_link *link);
