/* pg_lease.c - contract in pg_lease.h. */
#include "adapters/postgres/pg_lease.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/postgres/pg_link.h"
#include "adapters/postgres/pg_rows.h"
#include "adapters/postgres/pg_schema.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"

struct pg_lease {
    struct shard_lease_store store; /* first */
    struct pg_link *link;           /* owned */
    bool prepared;
    char holder[SHARD_LEASE_HOLDER_BYTES];
    size_t holder_bytes;
    char why[PG_PROBLEM_BYTES_MAX];
};

#define LEASE_COLUMNS                                                                              \
    " shard bigint PRIMARY KEY,"                                                                   \
    " shards bigint NOT NULL,"                                                                     \
    " term bigint NOT NULL,"                                                                       \
    " holder text NOT NULL,"                                                                       \
    " until timestamptz NOT NULL)"

static const char *const migrations[] = {
    "BEGIN;"
    "CREATE TABLE lease_schema (" PG_VERSION_COLUMNS ";"
    "CREATE TABLE ledger_leases (" LEASE_COLUMNS ";"
    "INSERT INTO lease_schema (version, program_least) VALUES (1, 1);"
    "COMMIT",
};

static const char *const by_row[] = {
    "CREATE TABLE IF NOT EXISTS lease_schema (" PG_VERSION_COLUMNS,
    "CREATE TABLE IF NOT EXISTS ledger_leases (" LEASE_COLUMNS,
    "INSERT INTO lease_schema (version, program_least) VALUES (1, 1) ON CONFLICT DO NOTHING",
    NULL,
};

static const struct pg_schema schema = {"lease_schema", migrations, 1, by_row};

/* ---- the rows ---- */

static int say(struct pg_lease *lease, const char *text)
{
    struct buf why = buf_over(lease->why, sizeof lease->why - 1);
    buf_put_text(&why, text);
    lease->why[why.bytes] = '\0';
    return -ERR_CONFIG;
}

/* What is no more than away, or had to give way to others, is asked again by the caller. */
static int say_answer(struct pg_lease *lease, enum store_answer answer)
{
    (void)say(lease, pg_link_problem(lease->link));
    return answer == STORE_REFUSED ? -ERR_CONFIG : -ERR_ABSENT;
}

/* One for each, and one behind them for a desk apart that asks. */
static int add_rows(struct pg_lease *lease, const struct shard_lease_asked *asked)
{
    static const char statement[] = "INSERT INTO ledger_leases (shard, shards, term, holder, until)"
                                    " SELECT n, $1::bigint, 0, '', '-infinity' FROM "
                                    "generate_series(0, greatest($1::bigint - 1, $2::bigint)) AS n"
                                    " ON CONFLICT DO NOTHING";
    struct pg_params params = {.count = 0};
    PGresult *rows = NULL;
    pg_params_put_number(&params, asked->shards);
    pg_params_put_number(&params, asked->shard == SHARD_LEASE_ANY ? 0 : (int64_t)asked->shard);
    enum store_answer answer = pg_link_run(lease->link, statement, &params, &rows);
    PQclear(rows);
    return answer == STORE_TAKEN ? 0 : say_answer(lease, answer);
}

static int check_shards(struct pg_lease *lease, uint32_t shards)
{
    static const char statement[] =
        "SELECT count(*)::bigint FROM ledger_leases WHERE shards <> $1::bigint";
    struct pg_params params = {.count = 0};
    PGresult *rows = NULL;
    int64_t others = 0;
    pg_params_put_number(&params, shards);
    enum store_answer answer = pg_link_run(lease->link, statement, &params, &rows);
    bool told =
        answer == STORE_TAKEN && PQntuples(rows) == 1 && pg_take_number(rows, 0, 0, &others);
    PQclear(rows);
    if (answer != STORE_TAKEN)
        return say_answer(lease, answer);
    return told && others == 0
               ? 0
               : say(lease, "the leases there are of another number of shards than --shards says");
}

static int prepare(struct pg_lease *lease, const struct shard_lease_asked *asked)
{
    char memory[PG_PROBLEM_BYTES_MAX];
    struct buf why = buf_over(memory, sizeof memory - 1);
    if (lease->prepared)
        return 0;
    int error = pg_schema_prepare(lease->link, &schema, &why);
    memory[why.bytes] = '\0';
    if (error < 0) {
        (void)say(lease, why.bytes > 0 ? memory : pg_link_problem(lease->link));
        return error == -ERR_ABSENT ? error : -ERR_CONFIG;
    }
    TRY(check_shards(lease, asked->shards)); /* before a row of ours refuses everybody else */
    TRY(add_rows(lease, asked));
    TRY(check_shards(lease, asked->shards));
    lease->prepared = true;
    return 0;
}

/* ---- the port ---- */

static struct pg_lease *lease_of(struct shard_lease_store *store)
{
    return (struct pg_lease *)store;
}

static int lease_take(struct shard_lease_store *store, const struct shard_lease_asked *asked,
                      struct shard_lease *ret)
{
    /* The holder's own, of a take whose answer was lost, goes before others. */
    static const char statement[] =
        "UPDATE ledger_leases SET term = term + 1, holder = $2::text,"
        " until = clock_timestamp() + $3::bigint * interval '1 microsecond'"
        " WHERE shard = (SELECT shard FROM ledger_leases"
        " WHERE (shard = $1::bigint OR ($1::bigint < 0 AND shard < shards))"
        " AND (until <= clock_timestamp() OR holder = $2::text)"
        " ORDER BY (holder = $2::text) DESC, until, shard LIMIT 1)"
        " AND (until <= clock_timestamp() OR holder = $2::text) RETURNING shard, term";
    struct pg_lease *lease = lease_of(store);
    struct pg_params params = {.count = 0};
    PGresult *rows = NULL;
    int64_t shard = 0, term = 0;
    TRY(prepare(lease, asked));
    pg_params_put_number(&params, asked->shard == SHARD_LEASE_ANY ? -1 : (int64_t)asked->shard);
    pg_params_put_bytes(&params, lease->holder, lease->holder_bytes);
    pg_params_put_number(&params, asked->ttl_us);
    enum store_answer answer = pg_link_run(lease->link, statement, &params, &rows);
    bool taken = answer == STORE_TAKEN && PQntuples(rows) == 1 &&
                 pg_take_number(rows, 0, 0, &shard) && pg_take_number(rows, 0, 1, &term);
    PQclear(rows);
    if (answer != STORE_TAKEN)
        return say_answer(lease, answer);
    if (taken)
        *ret = (struct shard_lease){(uint32_t)shard, (uint64_t)term};
    return taken ? 0 : -ERR_BUSY;
}

/* Sets its time, while it is this holder's in this term. */
static int set_time(struct pg_lease *lease, const struct shard_lease *of, int64_t ttl_us,
                    bool *ret_ours)
{
    static const char statement[] =
        "UPDATE ledger_leases SET until = clock_timestamp() + $1::bigint * interval '1 microsecond'"
        " WHERE shard = $2::bigint AND term = $3::bigint AND holder = $4::text RETURNING shard";
    struct pg_params params = {.count = 0};
    PGresult *rows = NULL;
    pg_params_put_number(&params, ttl_us);
    pg_params_put_number(&params, of->shard);
    pg_params_put_number(&params, (int64_t)of->term);
    pg_params_put_bytes(&params, lease->holder, lease->holder_bytes);
    enum store_answer answer = pg_link_run(lease->link, statement, &params, &rows);
    *ret_ours = answer == STORE_TAKEN && PQntuples(rows) == 1;
    PQclear(rows);
    if (answer == STORE_TAKEN)
        return 0;
    (void)say_answer(lease, answer);
    return -ERR_ABSENT;
}

static int lease_renew(struct shard_lease_store *store, const struct shard_lease *of,
                       int64_t ttl_us)
{
    bool ours = false;
    TRY(set_time(lease_of(store), of, ttl_us, &ours));
    return ours ? 0 : -ERR_STOPPED;
}

static int lease_give(struct shard_lease_store *store, const struct shard_lease *of)
{
    bool ours = false;
    return set_time(lease_of(store), of, 0, &ours);
}

static const char *lease_problem(const struct shard_lease_store *store)
{
    return ((const struct pg_lease *)store)->why;
}

static void lease_leave(struct shard_lease_store *store)
{
    pg_link_leave(lease_of(store)->link);
}

static void lease_free(struct shard_lease_store *store)
{
    struct pg_lease *lease = lease_of(store);
    pg_link_free(lease->link);
    free(lease);
}

static const struct shard_lease_store_ops lease_ops = {
    .take = lease_take,
    .renew = lease_renew,
    .give = lease_give,
    .problem = lease_problem,
    .leave = lease_leave,
    .free = lease_free,
};

int pg_lease_new(const char *conninfo, struct slice holder, struct shard_lease_store **ret_store)
{
    struct pg_lease *lease = calloc(1, sizeof *lease);
    ASSERT(holder.bytes > 0 && holder.bytes <= SHARD_LEASE_HOLDER_BYTES);
    if (lease == NULL)
        return -ERR_MEMORY;
    int error = pg_link_new(conninfo, &lease->link);
    if (error < 0) {
        free(lease);
        return error;
    }
    lease->store.ops = &lease_ops;
    memcpy(lease->holder, holder.at, holder.bytes);
    lease->holder_bytes = holder.bytes;
    *ret_store = &lease->store;
    return 0;
}
