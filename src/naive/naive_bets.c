/* naive_bets.c - POST /bets as V0's pseudocode has it, step by step: the balance of the session,
 * the market's row under FOR UPDATE, the bet; and a bet made void by hand.
 *
 * What is wrong with it is V0's: the balance is compared before anything is locked (two bets at
 * once spend the same money), nothing tells a retry from another bet, and an answer that is lost
 * says nothing about the bet. */
#include "base/error.h"
#include "base/json_write.h"
#include "naive/naive_internal.h"
#include "net/http/http_reply.h"
#include "roles/shared/problem.h"

static void text_of(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void raw_of(struct json_writer *writer, const char *key, struct slice json)
{
    json_write_key(writer, key);
    json_write_raw(writer, json);
}

static void money_of_bet(struct json_writer *writer, const char *key, struct money money)
{
    json_write_key(writer, key);
    json_write_decimal(writer, money.minor, currency_scale(money.currency));
}

static void count(struct call *call, enum slip_verdict verdict)
{
    metrics_count(&call->naive->stats.bets[verdict], 1);
    metrics_record(&call->naive->stats.bet_us,
                   (uint64_t)(loop_now(call->naive->loop).us - call->begun_us));
}

static void refuse_bet(struct call *call, enum slip_verdict verdict)
{
    count(call, verdict);
    call_problem(call, slip_verdict_status(verdict), slip_verdict_text(verdict), SLICE_NONE);
}

/* ---- step 3: the bet ---- */

static void reply_placed(struct call *call, const PGresult *bet)
{
    struct buf out = buf_over(call->naive->out, sizeof call->naive->out);
    struct json_writer writer = json_write_begin(&out);
    struct money stake = call->slip.stake;
    json_write_object_open(&writer);
    text_of(&writer, "bet_id", db_value(bet, 0, 0));
    text_of(&writer, "status", SLICE("PLACED"));
    text_of(&writer, "market_id", slice_text(call->slip.market));
    text_of(&writer, "selection_id", slice_text(call->slip.selection));
    raw_of(&writer, "odds", slice_text(call->price));
    json_write_key(&writer, "odds_version");
    json_write_u64(&writer, call->slip.version);
    money_of_bet(&writer, "stake", stake);
    money_of_bet(&writer, "potential_return", slip_payout(stake, call->odds, SLIP_WON));
    raw_of(&writer, "balance", slice_text(call->balance));
    text_of(&writer, "created_at", db_value(bet, 0, 1));
    json_write_object_close(&writer);
    call_reply(call, 201, buf_slice(&out));
}

/* The cache is told after the commit: when it cannot be told, it is stale. */
static void on_inserted(void *owner, PGresult **results)
{
    struct call *call = owner;
    if (!call_good(call, results, 3))
        return;
    struct slice balance = db_value(results[1], 0, 0);
    struct buf kept = buf_over(call->balance, sizeof call->balance - 1);
    buf_put_slice(&kept, balance);
    call->balance[kept.bytes] = '\0';
    session_cache_set(call->naive->sessions, slice_text(call->user), balance);
    count(call, SLIP_PLACED);
    reply_placed(call, results[0]);
}

static void insert(struct call *call)
{
    struct buf version = buf_over(call->number, sizeof call->number);
    struct buf price = buf_over(call->price, sizeof call->price);
    const char *stake = call_amount(call, call->slip.stake);
    buf_put_u64(&version, call->slip.version);
    buf_put_char(&version, '\0');
    odds_write_decimal(&price, call->odds);
    buf_put_char(&price, '\0');
    const struct db_call calls[] = {
        {DB_BET_INSERT,
         6,
         {call->user, call->slip.market, call->slip.selection, call->price, call->number, stake}},
        {DB_ACCOUNT_DEBIT, 2, {call->user, stake}},
        {.statement = DB_COMMIT},
    };
    db_conn_run(call->conn, calls, 3, on_inserted, call);
}

/* ---- step 2: the market, locked ---- */

static void on_refused(void *owner, PGresult **results)
{
    struct call *call = owner;
    if (results == NULL)
        call->conn = NULL;
    refuse_bet(call, call->verdict);
}

static void on_locked(void *owner, PGresult **results)
{
    struct call *call = owner;
    if (!call_good(call, results, 2))
        return;
    const PGresult *row = results[1];
    const struct slip_market market = {.exists = PQntuples(row) == 1,
                                       .version = db_value(row, 0, 0),
                                       .status = db_value(row, 0, 1),
                                       .odds = db_value(row, 0, 2),
                                       .selection_status = db_value(row, 0, 3)};
    call->verdict = slip_decide(&call->slip, &market, &call->odds);
    if (call->verdict == SLIP_PLACED)
        insert(call);
    else
        call_roll_back(call, on_refused);
}

static void lock_market(struct call *call)
{
    const struct db_call calls[] = {
        {.statement = DB_BEGIN},
        {DB_ODDS_LOCK, 2, {call->slip.market, call->slip.selection}},
    };
    db_conn_run(call->conn, calls, 2, on_locked, call);
}

static void on_connection(void *owner, struct db_conn *conn)
{
    struct call *call = owner;
    call->conn = conn;
    if (conn == NULL)
        call_unavailable(call);
    else
        lock_market(call);
}

/* ---- step 1: the balance ---- */

/* V0-9: what the cache has not, the database has. */
static void on_account(void *owner, PGresult **results)
{
    struct call *call = owner;
    struct slice balance = db_value(results[0], 0, 0);
    if (balance.bytes > 0)
        session_cache_set(call->naive->sessions, slice_text(call->user), balance);
    if (slip_is_covered(&call->slip, balance))
        lock_market(call);
    else
        refuse_bet(call, SLIP_INSUFFICIENT_BALANCE);
}

static void on_balance(void *owner, struct slice balance)
{
    struct call *call = owner;
    if (balance.bytes == 0)
        call_run_one(call, (struct db_call){DB_ACCOUNT_READ, 1, {call->user}}, on_account);
    else if (slip_is_covered(&call->slip, balance))
        call_connect(call, on_connection);
    else
        refuse_bet(call, SLIP_INSUFFICIENT_BALANCE);
}

static bool admit(struct naive *naive, const struct ask *ask)
{
    int64_t wait_us =
        naive->limit == NULL ? 0 : rate_limit_take(naive->limit, ask->user, loop_now(naive->loop));
    char memory[64];
    struct buf lines = buf_over(memory, sizeof memory);
    if (wait_us == 0)
        return true;
    metrics_count(&naive->stats.limited, 1);
    buf_printf(&lines, "Retry-After: %lld\r\n", (long long)(wait_us / US_PER_SECOND + 1));
    http_reply_problem_with(ask->request->reply_to, 429, "RATE_LIMITED",
                            SLICE("So many bets a minute are not taken."), buf_slice(&lines));
    return false;
}

void naive_serve_place(struct naive *naive, const struct ask *ask)
{
    struct slip slip;
    struct request_refusal refusal;
    if (!slip_decode(ask->request->body, naive->options.currency, &slip, &refusal)) {
        struct buf out = buf_over(naive->out, sizeof naive->out);
        refusal_write(&refusal, &out);
        http_reply(ask->request->reply_to, 400, SLICE("application/problem+json"), SLICE_NONE,
                   buf_slice(&out));
        return;
    }
    struct call *call = admit(naive, ask) ? call_take(naive, ask->request) : NULL;
    if (call == NULL)
        return;
    call->slip = slip;
    memcpy(call->user, ask->user.at, ask->user.bytes);
    if (!session_cache_get(naive->sessions, ask->user, on_balance, call))
        on_balance(call, SLICE_NONE);
}

/* ---- void, by hand ---- */

static void on_voided(void *owner, PGresult **results)
{
    struct call *call = owner;
    if (!call_good(call, results, 3))
        return;
    struct buf out = buf_over(call->naive->out, sizeof call->naive->out);
    struct json_writer writer = json_write_begin(&out);
    session_cache_forget(call->naive->sessions, slice_text(call->user));
    json_write_object_open(&writer);
    text_of(&writer, "bet_id", slice_text(call->id));
    text_of(&writer, "status", SLICE("VOID"));
    raw_of(&writer, "delta", slice_text(call->amount));
    json_write_object_close(&writer);
    call_reply(call, 200, buf_slice(&out));
}

static void on_no_bet(void *owner, PGresult **results)
{
    struct call *call = owner;
    if (results == NULL)
        call->conn = NULL;
    call_problem(call, 404, "NOT_FOUND", SLICE("There is no such bet that is not void."));
}

/* The stake comes back, and what was paid goes. */
static bool delta_of(const struct call *call, const PGresult *row, struct money *ret)
{
    struct odds odds;
    struct money stake;
    struct currency currency = call->naive->options.currency;
    if (PQntuples(row) == 0 || slice_is(db_value(row, 0, 3), "VOID") ||
        odds_parse_decimal(db_value(row, 0, 1), &odds) < 0 ||
        money_parse(db_value(row, 0, 2), currency, &stake) < 0 || stake.minor < 0 ||
        stake.minor > SLIP_STAKE_MINOR_MAX)
        return false;
    bool is_paid = slice_is(db_value(row, 0, 3), "SETTLED");
    *ret = is_paid ? money_subtract(stake, slip_payout(stake, odds, SLIP_WON)) : stake;
    return true;
}

static void on_bet_locked(void *owner, PGresult **results)
{
    struct call *call = owner;
    struct money delta;
    if (!call_good(call, results, 2))
        return;
    struct slice user = db_value(results[1], 0, 0);
    if (!delta_of(call, results[1], &delta) || user.bytes >= sizeof call->user) {
        call_roll_back(call, on_no_bet);
        return;
    }
    memcpy(call->user, user.at, user.bytes);
    const struct db_call calls[] = {
        {DB_BET_VOID, 1, {call->id}},
        {DB_ACCOUNT_CREDIT, 2, {call->user, call_amount(call, delta)}},
        {.statement = DB_COMMIT},
    };
    db_conn_run(call->conn, calls, 3, on_voided, call);
}

static void lock_bet(void *owner, struct db_conn *conn)
{
    struct call *call = owner;
    call->conn = conn;
    if (conn == NULL) {
        call_unavailable(call);
        return;
    }
    const struct db_call calls[] = {{.statement = DB_BEGIN}, {DB_BET_LOCK, 1, {call->id}}};
    db_conn_run(conn, calls, 2, on_bet_locked, call);
}

void naive_serve_void(struct naive *naive, const struct ask *ask)
{
    struct call *call = call_take(naive, ask->request);
    if (call == NULL)
        return;
    memcpy(call->id, ask->id.at, ask->id.bytes);
    call_connect(call, lock_bet);
}
