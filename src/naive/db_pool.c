/* db_pool.c - contract in db_pool.h.
 * Free connections are dealt out at the end of a turn, so that nobody is called inside a call. What
 * ends a connection is done where its events are handled, never above a caller. */
#include "naive/db_pool.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "base/assert.h"
#include "base/error.h"

#define TICK_US    INT64_C(50000)
#define RETRY_US   INT64_C(250000) /* after a connection was lost, or refused */
#define CONNECT_US INT64_C(5000000)

enum db_conn_state { DB_AWAY = 0, DB_CONNECTING, DB_PREPARING, DB_FREE, DB_LEASED, DB_BUSY };

struct db_conn {
    struct db_pool *pool;
    PGconn *pg;
    struct loop_source source;
    enum db_conn_state state;
    bool watched, broken;
    int64_t since_us; /* of the state; away: when to try again */
    db_answer_fn answer;
    void *owner;
    int expected, got;
    PGresult *results[DB_BATCH_MAX];
};

struct db_pool {
    struct db_pool_options options;
    struct db_pool_stats stats;
    struct timer tick;
    struct db_waiter *first, **last;
    struct db_conn conns[DB_CONNECTIONS_MAX];
};

static int64_t now_us(const struct db_pool *pool)
{
    return loop_now(pool->options.loop).us;
}

static void enter(struct db_conn *conn, enum db_conn_state state)
{
    struct db_pool_stats *stats = &conn->pool->stats;
    bool was_up = conn->state >= DB_FREE, was_leased = conn->state >= DB_LEASED;
    metrics_change(&stats->connections, (state >= DB_FREE) - was_up);
    metrics_change(&stats->leased, (state >= DB_LEASED) - was_leased);
    metrics_set(&stats->used_permille,
                stats->leased.value * 1000 / conn->pool->options.connections);
    conn->state = state;
    conn->since_us = now_us(conn->pool);
}

/* ---- its end ---- */

static void drop_results(struct db_conn *conn)
{
    for (int i = 0; i < conn->got; i++)
        PQclear(conn->results[i]);
    conn->got = 0;
}

static void lose(struct db_conn *conn)
{
    bool was_busy = conn->state == DB_BUSY, was_up = conn->state >= DB_FREE;
    ASSERT(conn->state != DB_LEASED);
    if (conn->watched)
        loop_source_remove(conn->pool->options.loop, &conn->source);
    conn->watched = conn->broken = false;
    drop_results(conn);
    PQfinish(conn->pg);
    conn->pg = NULL;
    metrics_count(&conn->pool->stats.losses, was_up);
    enter(conn, DB_AWAY);
    conn->since_us += RETRY_US;
    if (was_busy)
        conn->answer(conn->owner, NULL);
}

/* ---- sending ---- */

static void ask_for(struct db_conn *conn, uint32_t events)
{
    if (conn->source.events != events &&
        loop_source_change(conn->pool->options.loop, &conn->source, events) < 0)
        conn->broken = true;
}

static void flush(struct db_conn *conn)
{
    int left = PQflush(conn->pg);
    if (left < 0)
        conn->broken = true;
    else
        ask_for(conn, left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* What is broken here is met in the next turn, by its tick at the latest. */
static void end_batch(struct db_conn *conn, bool queued)
{
    if (!queued || PQpipelineSync(conn->pg) == 0)
        conn->broken = true;
    else
        flush(conn);
    if (conn->broken)
        loop_turn_again(conn->pool->options.loop);
}

static void prepare(struct db_conn *conn)
{
    bool queued = PQenterPipelineMode(conn->pg) == 1;
    conn->expected = (int)DB_STATEMENTS_COUNT;
    enter(conn, DB_PREPARING);
    for (size_t i = 0; queued && i < DB_STATEMENTS_COUNT; i++)
        queued = PQsendPrepare(conn->pg, db_statement_name((enum db_statement)i),
                               db_statement_text((enum db_statement)i), 0, NULL) == 1;
    end_batch(conn, queued);
}

void db_conn_run(struct db_conn *conn, const struct db_call *calls, int count, db_answer_fn fn,
                 void *owner)
{
    bool queued = true;
    ASSERT(conn->state == DB_LEASED);
    ASSERT(count >= 1);
    ASSERT(count <= DB_BATCH_MAX);
    conn->answer = fn;
    conn->owner = owner;
    conn->expected = count;
    enter(conn, DB_BUSY);
    for (int i = 0; queued && i < count; i++)
        queued = PQsendQueryPrepared(conn->pg, db_statement_name(calls[i].statement),
                                     calls[i].count, calls[i].values, NULL, NULL, 0) == 1;
    metrics_count(&conn->pool->stats.statements, (uint64_t)count);
    end_batch(conn, queued);
}

/* ---- connecting ---- */

static void on_events(void *owner, uint32_t events);

/* libpq may take another socket at each step. */
static void watch(struct db_conn *conn, uint32_t events)
{
    struct loop *loop = conn->pool->options.loop;
    if (conn->watched)
        loop_source_remove(loop, &conn->source);
    conn->source = (struct loop_source){
        .fn = on_events, .owner = conn, .fd = PQsocket(conn->pg), .events = events};
    conn->watched = conn->source.fd >= 0 && loop_source_add(loop, &conn->source) == 0;
    conn->broken = conn->broken || !conn->watched;
}

static void go_on_connecting(struct db_conn *conn)
{
    switch (PQconnectPoll(conn->pg)) {
    case PGRES_POLLING_READING:
        watch(conn, EPOLLIN);
        break;
    case PGRES_POLLING_WRITING:
        watch(conn, EPOLLOUT);
        break;
    case PGRES_POLLING_OK:
        watch(conn, EPOLLIN);
        conn->broken = conn->broken || PQsetnonblocking(conn->pg, 1) != 0;
        if (!conn->broken)
            prepare(conn);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE: /* unused by libpq */
        conn->broken = true;
        break;
    }
}

static void connect_now(struct db_conn *conn)
{
    conn->pg = PQconnectStart(conn->pool->options.url);
    enter(conn, DB_CONNECTING);
    if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD)
        conn->broken = true;
    else
        watch(conn, EPOLLOUT); /* "behave as if it had said WRITING" */
}

/* ---- answers ---- */

static void batch_done(struct db_conn *conn)
{
    struct db_pool *pool = conn->pool;
    if (conn->state == DB_PREPARING) {
        enter(conn, DB_FREE);
        return;
    }
    PGresult *results[DB_BATCH_MAX];
    int count = conn->got;
    ASSERT(count == conn->expected);
    memcpy(results, conn->results, sizeof results);
    conn->got = 0;
    metrics_record(&pool->stats.answer_us, (uint64_t)(now_us(pool) - conn->since_us));
    enter(conn, DB_LEASED);
    conn->answer(conn->owner, results);
    for (int i = 0; i < count; i++)
        PQclear(results[i]);
}

static void keep_result(struct db_conn *conn, PGresult *result)
{
    if (conn->state == DB_PREPARING) {
        conn->broken = conn->broken || !db_result_ok(result);
        PQclear(result);
    } else if (conn->got < conn->expected) {
        conn->results[conn->got++] = result;
    } else {
        conn->broken = true; /* more answers than questions */
        PQclear(result);
    }
}

/* True: the batch is answered whole. NULL stands between the answers of two statements. */
static bool take_results(struct db_conn *conn)
{
    while (!conn->broken && PQisBusy(conn->pg) == 0) {
        PGresult *result = PQgetResult(conn->pg);
        if (result == NULL) {
            conn->broken = PQstatus(conn->pg) == CONNECTION_BAD;
            continue;
        }
        if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
            keep_result(conn, result);
            continue;
        }
        PQclear(result);
        conn->broken = conn->state == DB_BUSY && conn->got != conn->expected;
        return !conn->broken;
    }
    return false;
}

static void read_answers(struct db_conn *conn, uint32_t events)
{
    if (PQconsumeInput(conn->pg) == 0) {
        conn->broken = true;
        return;
    }
    if ((events & EPOLLOUT) != 0)
        flush(conn);
    if ((conn->state == DB_BUSY || conn->state == DB_PREPARING) && take_results(conn))
        batch_done(conn);
    else if (conn->state == DB_FREE && PQstatus(conn->pg) == CONNECTION_BAD)
        conn->broken = true;
}

static void on_events(void *owner, uint32_t events)
{
    struct db_conn *conn = owner;
    if (conn->state == DB_CONNECTING)
        go_on_connecting(conn);
    else
        read_answers(conn, events);
    if (conn->broken && conn->state != DB_LEASED)
        lose(conn);
}

/* ---- those who wait ---- */

void db_pool_wait(struct db_pool *pool, struct db_waiter *waiter)
{
    waiter->next = NULL;
    waiter->since_us = now_us(pool);
    *pool->last = waiter;
    pool->last = &waiter->next;
    metrics_change(&pool->stats.waiting, 1);
    loop_turn_again(pool->options.loop);
}

static struct db_waiter *take_waiter(struct db_pool *pool)
{
    struct db_waiter *waiter = pool->first;
    pool->first = waiter->next;
    if (pool->first == NULL)
        pool->last = &pool->first;
    metrics_change(&pool->stats.waiting, -1);
    return waiter;
}

static struct db_conn *find_free(struct db_pool *pool)
{
    for (int i = 0; i < pool->options.connections; i++)
        if (pool->conns[i].state == DB_FREE && !pool->conns[i].broken)
            return &pool->conns[i];
    return NULL;
}

static void deal_out(void *owner)
{
    struct db_pool *pool = owner;
    struct db_conn *conn;
    while (pool->first != NULL && (conn = find_free(pool)) != NULL) {
        struct db_waiter *waiter = take_waiter(pool);
        metrics_record(&pool->stats.wait_us, (uint64_t)(now_us(pool) - waiter->since_us));
        enter(conn, DB_LEASED);
        waiter->fn(waiter->owner, conn);
    }
}

void db_conn_give(struct db_conn *conn)
{
    ASSERT(conn->state == DB_LEASED);
    enter(conn, DB_FREE);
    if (PQtransactionStatus(conn->pg) != PQTRANS_IDLE)
        conn->broken = true; /* nobody shall go on in it */
    loop_turn_again(conn->pool->options.loop);
}

/* ---- time ---- */

static void look_at(struct db_conn *conn, int64_t now)
{
    int64_t age_us = now - conn->since_us;
    if (conn->state == DB_AWAY && age_us >= 0)
        connect_now(conn);
    else if (conn->state == DB_BUSY && age_us > conn->pool->options.answer_us_max) {
        metrics_count(&conn->pool->stats.answer_reached, 1);
        conn->broken = true;
    } else if ((conn->state == DB_CONNECTING || conn->state == DB_PREPARING) && age_us > CONNECT_US)
        conn->broken = true;
    if (conn->broken && conn->state != DB_LEASED)
        lose(conn);
}

static void on_tick(void *owner)
{
    struct db_pool *pool = owner;
    int64_t now = now_us(pool);
    for (int i = 0; i < pool->options.connections; i++)
        look_at(&pool->conns[i], now);
    while (pool->first != NULL && now - pool->first->since_us > pool->options.wait_us_max) {
        struct db_waiter *waiter = take_waiter(pool);
        metrics_count(&pool->stats.wait_reached, 1);
        waiter->fn(waiter->owner, NULL);
    }
    loop_timer_set(pool->options.loop, &pool->tick, (struct monotonic){now + TICK_US});
}

/* ---- life ---- */

int db_pool_new(const struct db_pool_options *options, struct db_pool **ret_pool)
{
    if (options->connections < 1 || options->connections > DB_CONNECTIONS_MAX)
        return -ERR_LIMIT;
    struct db_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return -ERR_MEMORY;
    pool->options = *options;
    pool->last = &pool->first;
    metrics_histogram_init(&pool->stats.wait_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    metrics_histogram_init(&pool->stats.answer_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    for (int i = 0; i < options->connections; i++)
        pool->conns[i].pool = pool;
    timer_init(&pool->tick, on_tick, pool);
    int error = loop_at_turn_end(options->loop, LOOP_STAGE_WORK, deal_out, pool);
    if (error < 0) {
        free(pool);
        return error;
    }
    loop_timer_set(options->loop, &pool->tick, loop_now(options->loop));
    *ret_pool = pool;
    return 0;
}

/* Who is told here may not wait again: the owner has ended before. */
void db_pool_free(struct db_pool *pool)
{
    if (pool == NULL)
        return;
    loop_timer_cancel(pool->options.loop, &pool->tick);
    loop_remove_hook(pool->options.loop, deal_out, pool);
    while (pool->first != NULL) {
        struct db_waiter *waiter = take_waiter(pool);
        waiter->fn(waiter->owner, NULL);
    }
    for (int i = 0; i < pool->options.connections; i++) {
        struct db_conn *conn = &pool->conns[i];
        if (conn->state == DB_LEASED)
            enter(conn, DB_FREE);
        if (conn->state != DB_AWAY)
            lose(conn);
    }
    free(pool);
}

bool db_pool_is_up(const struct db_pool *pool)
{
    return pool->stats.connections.value > 0;
}

struct db_pool_stats *db_pool_stats(struct db_pool *pool)
{
    return &pool->stats;
}
