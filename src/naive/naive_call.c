/* naive_call.c - requests under way: contract in naive_internal.h. */
#include "base/assert.h"
#include "naive/naive_internal.h"
#include "net/http/http_reply.h"

#define NO_STORE SLICE("Cache-Control: no-store\r\n")

struct call *call_take(struct naive *naive, const struct http_request *request)
{
    struct call *call = naive->free_call;
    if (call == NULL || naive->ending) {
        metrics_count(&naive->stats.requests_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("Too many requests are under way."), HTTP_RETRY_SOON);
        return NULL;
    }
    naive->free_call = call->next_free;
    metrics_change(&naive->stats.requests, 1);
    *call = (struct call){.naive = naive,
                          .to = request->reply_to,
                          .waiter = {.owner = call},
                          .begun_us = loop_now(naive->loop).us};
    return call;
}

static void end(struct call *call)
{
    struct naive *naive = call->naive;
    if (call->conn != NULL)
        db_conn_give(call->conn);
    call->conn = NULL;
    call->next_free = naive->free_call;
    naive->free_call = call;
    metrics_change(&naive->stats.requests, -1);
}

void call_reply(struct call *call, int status, struct slice json)
{
    http_reply(call->to, status, SLICE("application/json"), NO_STORE, json);
    end(call);
}

void call_problem(struct call *call, int status, const char *code, struct slice detail)
{
    http_reply_problem_with(call->to, status, code, detail, NO_STORE);
    end(call);
}

void call_unavailable(struct call *call)
{
    metrics_count(&call->naive->stats.unavailable, 1);
    http_reply_problem_with(call->to, 503, "DATABASE_UNAVAILABLE",
                            SLICE("The database did not answer, or all connections are taken."),
                            HTTP_RETRY_SOON);
    end(call);
}

/* ---- the database ---- */

void call_connect(struct call *call, void (*step)(void *owner, struct db_conn *conn))
{
    if (call->naive->ending) {
        call_unavailable(call);
        return;
    }
    call->waiter.fn = step;
    db_pool_wait(call->naive->pool, &call->waiter);
}

static void on_one(void *owner, PGresult **results)
{
    struct call *call = owner;
    if (call_good(call, results, 1))
        call->then(call, results);
}

static void run_one(void *owner, struct db_conn *conn)
{
    struct call *call = owner;
    call->conn = conn;
    if (conn == NULL)
        call_unavailable(call);
    else
        db_conn_run(conn, &call->one, 1, on_one, call);
}

void call_run_one(struct call *call, struct db_call statement, db_answer_fn then)
{
    call->one = statement;
    call->then = then;
    call_connect(call, run_one);
}

static void on_rolled_back(void *owner, PGresult **results)
{
    struct call *call = owner;
    if (results == NULL)
        call->conn = NULL;
    call_unavailable(call);
}

void call_roll_back(struct call *call, db_answer_fn then)
{
    const struct db_call roll_back = {.statement = DB_ROLLBACK};
    db_conn_run(call->conn, &roll_back, 1, then, call);
}

bool call_good(struct call *call, PGresult **results, int count)
{
    if (results == NULL) {
        call->conn = NULL;
        call_unavailable(call);
        return false;
    }
    for (int i = 0; i < count; i++)
        if (!db_result_ok(results[i])) {
            call_roll_back(call, on_rolled_back);
            return false;
        }
    return true;
}

const char *call_amount(struct call *call, struct money money)
{
    struct buf out = buf_over(call->amount, sizeof call->amount);
    money_write(&out, money);
    buf_put_char(&out, '\0');
    ASSERT(!out.overflow);
    return call->amount;
}
