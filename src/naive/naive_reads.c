/* naive_reads.c - GET /odds/{market_id}, which every customer asks every three seconds, and bets as
 * they stand. All of it is read from the database, each time. */
#include "base/decimal.h"
#include "base/error.h"
#include "base/json_write.h"
#include "naive/naive_internal.h"
#include "net/http/http_reply.h"
#include "net/http/http_url.h"

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_raw(struct json_writer *writer, const char *key, struct slice json)
{
    json_write_key(writer, key);
    json_write_raw(writer, json);
}

static struct call *take(struct naive *naive, const struct ask *ask)
{
    struct call *call = call_take(naive, ask->request);
    if (call == NULL)
        return NULL;
    memcpy(call->user, ask->user.at == NULL ? "" : ask->user.at, ask->user.bytes);
    memcpy(call->id, ask->id.at == NULL ? "" : ask->id.at, ask->id.bytes);
    return call;
}

/* ---- odds ---- */

static void on_odds(void *owner, PGresult **results)
{
    struct call *call = owner;
    const PGresult *row = results[0];
    struct buf out = buf_over(call->naive->out, sizeof call->naive->out);
    struct json_writer writer = json_write_begin(&out);
    metrics_record(&call->naive->stats.poll_us,
                   (uint64_t)(loop_now(call->naive->loop).us - call->begun_us));
    if (PQntuples(row) == 0) {
        call_problem(call, 404, "NOT_FOUND", SLICE("There is no such market."));
        return;
    }
    json_write_object_open(&writer);
    put_text(&writer, "market_id", slice_text(call->id));
    put_text(&writer, "status", db_value(row, 0, 2));
    put_raw(&writer, "odds_version", db_value(row, 0, 1));
    put_raw(&writer, "selections", db_value(row, 0, 0));
    put_text(&writer, "updated_at", db_value(row, 0, 3));
    json_write_object_close(&writer);
    if (out.overflow)
        call_problem(call, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        call_reply(call, 200, buf_slice(&out));
}

void naive_serve_odds(struct naive *naive, const struct ask *ask)
{
    struct call *call = take(naive, ask);
    metrics_count(&naive->stats.polls, 1);
    if (call != NULL)
        call_run_one(call, (struct db_call){DB_ODDS_READ, 1, {call->id}}, on_odds);
}

/* ---- bets ---- */

static void put_bet(struct json_writer *writer, const PGresult *rows, int row)
{
    static const struct {
        const char *key;
        bool is_number;
    } columns[] = {{"bet_id", false}, {"market_id", false},   {"selection_id", false},
                   {"odds", true},    {"odds_version", true}, {"stake", true},
                   {"status", false}, {"created_at", false}};
    json_write_object_open(writer);
    for (int i = 0; i < (int)(sizeof columns / sizeof *columns); i++) {
        if (columns[i].is_number)
            put_raw(writer, columns[i].key, db_value(rows, row, i));
        else
            put_text(writer, columns[i].key, db_value(rows, row, i));
    }
    json_write_object_close(writer);
}

static void on_bet(void *owner, PGresult **results)
{
    struct call *call = owner;
    struct buf out = buf_over(call->naive->out, sizeof call->naive->out);
    struct json_writer writer = json_write_begin(&out);
    if (PQntuples(results[0]) == 0) {
        call_problem(call, 404, "NOT_FOUND", SLICE("There is no such bet of yours."));
        return;
    }
    put_bet(&writer, results[0], 0);
    call_reply(call, 200, buf_slice(&out));
}

void naive_serve_bet(struct naive *naive, const struct ask *ask)
{
    struct call *call = take(naive, ask);
    if (call != NULL)
        call_run_one(call, (struct db_call){DB_BET_READ, 2, {call->id, call->user}}, on_bet);
}

static void on_bets(void *owner, PGresult **results)
{
    struct call *call = owner;
    struct buf out = buf_over(call->naive->out, sizeof call->naive->out);
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    json_write_key(&writer, "bets");
    json_write_array_open(&writer);
    for (int i = 0; i < PQntuples(results[0]); i++)
        put_bet(&writer, results[0], i);
    json_write_array_close(&writer);
    json_write_object_close(&writer);
    if (out.overflow)
        call_problem(call, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        call_reply(call, 200, buf_slice(&out));
}

/* The last `days` (90 unless said), oldest first; an auditor says whose. */
void naive_serve_bets(struct naive *naive, const struct ask *ask)
{
    struct slice text = SLICE("90");
    uint64_t days;
    (void)http_url_query(ask->request->query, "days", &text);
    if (!field_positive(text, NAIVE_BETS_DAYS_MAX, &days)) {
        http_reply_problem(ask->request->reply_to, 400, "INVALID_QUERY", SLICE("days=1 .. 3660"));
        return;
    }
    struct call *call = take(naive, ask);
    if (call == NULL)
        return;
    struct buf number = buf_over(call->number, sizeof call->number);
    struct buf most = buf_over(call->amount, sizeof call->amount);
    buf_put_u64(&number, days);
    buf_put_char(&number, '\0');
    buf_put_u64(&most, NAIVE_BETS_SHOWN_MAX);
    buf_put_char(&most, '\0');
    call_run_one(call, (struct db_call){DB_BETS_READ, 3, {call->user, call->number, call->amount}},
                 on_bets);
}
