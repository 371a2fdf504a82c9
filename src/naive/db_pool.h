/* db_pool.h - connections to PostgreSQL, shared by requests, on the owner's loop: nothing blocks.
 *
 * Whoever needs one waits in line (the order of asking), has it for as long as it takes, with a
 * transaction or without, and gives it back. A batch of statements is one round trip (libpq's
 * pipeline); they are prepared when the connection is made. A connection that breaks, or does not
 * answer for answer_us_max, is replaced, and whoever had it is told that it is lost: whether the
 * statements took effect is then not known.
 *
 * Limits (S2): connections, and answer_us_max and wait_us_max below; how many may wait is bounded
 * by the owner's requests. Callbacks come from the loop, never inside a call of this header but
 * db_pool_free(). Thread: the loop's. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "naive/db_schema.h"
#include "net/loop/loop.h"

#define DB_CONNECTIONS_MAX 128
#define DB_BATCH_MAX       16

struct db_pool;
struct db_conn;

struct db_pool_options {
    struct loop *loop;   /* borrowed */
    const char *url;     /* borrowed; of libpq */
    int connections;     /* 1 .. DB_CONNECTIONS_MAX */
    int64_t wait_us_max; /* for a connection: then told that there is none */
    int64_t answer_us_max;
};

struct db_pool_stats {
    struct metrics_gauge connections; /* up */
    struct metrics_gauge leased, waiting;
    struct metrics_gauge used_permille; /* leased of all: V0-17 alerts at 700 and 850 */
    struct metrics_counter statements, losses;
    struct metrics_counter wait_reached;   /* wait_us_max */
    struct metrics_counter answer_reached; /* answer_us_max */
    struct metrics_histogram wait_us, answer_us;
};

/* In the owner's memory, from db_pool_wait() until fn is called. */
struct db_waiter {
    /* conn NULL: none became free in time, or the database is away. */
    void (*fn)(void *owner, struct db_conn *conn);
    void *owner;
    struct db_waiter *next;
    int64_t since_us;
};

struct db_call {
    enum db_statement statement;
    int count;
    const char *values[DB_PARAMS_MAX]; /* ended by zero; copied by the call */
};

/* `results` has one of each call, in order, borrowed for the callback unless it is taken by setting
 * it to NULL there; those behind a failed one are PGRES_PIPELINE_ABORTED. Results NULL: lost, and
 * the connection is then not the caller's any more. */
typedef void (*db_answer_fn)(void *owner, PGresult **results);

/* Begins to connect at once. 0, -ERR_MEMORY, -ERR_LIMIT. */
int db_pool_new(const struct db_pool_options *options, struct db_pool **ret_pool);
/* Those who wait are told, and those whose statements are under way. Accepts NULL. */
void db_pool_free(struct db_pool *pool);

void db_pool_wait(struct db_pool *pool, struct db_waiter *waiter);
/* Sends 1 .. DB_BATCH_MAX statements; `fn` comes once. One batch at a time. */
void db_conn_run(struct db_conn *conn, const struct db_call *calls, int count, db_answer_fn fn,
                 void *owner);
/* Back to the pool; inside of no transaction. Not after it was lost. */
void db_conn_give(struct db_conn *conn);

/* Whether any connection is up. */
bool db_pool_is_up(const struct db_pool *pool);
struct db_pool_stats *db_pool_stats(struct db_pool *pool);

/* ---- what results say ---- */

static inline bool db_result_ok(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;
}

/* A value of a row; empty for NULL and for what is not there. */
static inline struct slice db_value(const PGresult *result, int row, int column)
{
    if (row >= PQntuples(result) || column >= PQnfields(result))
        return SLICE_NONE;
    return slice_of(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
}
