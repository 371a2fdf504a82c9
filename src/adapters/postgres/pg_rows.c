/* pg_rows.c - contract in pg_rows.h. */
#include "adapters/postgres/pg_rows.h"

#include <endian.h>
#include <string.h>

#include "adapters/shared/batch_store.h"
#include "base/error.h"

#define ASK_TRIES 3

struct pg_params pg_key_of(uint32_t shard)
{
    struct pg_params params = {.count = 0};
    pg_params_put_number(&params, batch_prefix(shard));
    pg_params_put_number(&params, shard);
    return params;
}

bool pg_take_number(const PGresult *rows, int row, int column, int64_t *ret)
{
    uint64_t big;
    if (PQgetisnull(rows, row, column) || PQgetlength(rows, row, column) != sizeof big)
        return false;
    memcpy(&big, PQgetvalue(rows, row, column), sizeof big);
    *ret = (int64_t)be64toh(big);
    return true;
}

/* A connection that has ended meanwhile is not known to have: so once more is not enough. */
int pg_ask(struct pg_link *link, const char *statement, const struct pg_params *params,
           PGresult **ret_rows)
{
    enum store_answer answer = STORE_LOST;
    for (int i = 0; i < ASK_TRIES && (answer == STORE_LOST || answer == STORE_AGAIN); i++)
        answer = pg_link_run(link, statement, params, ret_rows);
    return store_error(answer);
}

/* A commit that comes later waits for all before it, so this one, which changes nothing, is that
 * wait. A server that does not know the function has no such standbys. */
enum store_answer pg_wait_replicated(struct pg_link *link)
{
    static const char statement[] = "SELECT pg_logical_emit_message(true, 'overround', '')";
    const struct pg_params none = {.count = 0};
    enum store_answer answer = pg_link_run(link, statement, &none, NULL);
    bool unknown = answer == STORE_REFUSED && strncmp(pg_link_problem(link), "42883", 5) == 0;
    return unknown ? STORE_TAKEN : answer;
}
