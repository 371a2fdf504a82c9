/* naive_account.c - the balance (V0-52: its own kind of request, from the session), money in, and
 * who may log in. Self-exclusion is looked at here and nowhere else (V0-11). */
#include "base/error.h"
#include "base/json_write.h"
#include "naive/naive_internal.h"
#include "net/http/http_reply.h"
#include "roles/shared/json_fields.h"

static struct call *take(struct naive *naive, const struct ask *ask)
{
    struct call *call = call_take(naive, ask->request);
    if (call != NULL)
        memcpy(call->user, ask->user.at, ask->user.bytes);
    return call;
}

static void reply_balance(struct call *call, int status, struct slice balance, struct slice token)
{
    struct buf out = buf_over(call->naive->out, sizeof call->naive->out);
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    json_write_key(&writer, "user_id");
    json_write_text(&writer, slice_text(call->user));
    json_write_key(&writer, "balance");
    json_write_raw(&writer, balance.bytes > 0 ? balance : SLICE("0"));
    json_write_key(&writer, "currency");
    json_write_text(&writer, slice_text(currency_code(call->naive->options.currency)));
    if (token.bytes > 0) {
        json_write_key(&writer, "token");
        json_write_text(&writer, token);
    }
    json_write_object_close(&writer);
    call_reply(call, status, buf_slice(&out));
}

/* ---- the balance ---- */

static void on_account(void *owner, PGresult **results)
{
    struct call *call = owner;
    struct slice balance = db_value(results[0], 0, 0);
    if (balance.bytes > 0)
        session_cache_set(call->naive->sessions, slice_text(call->user), balance);
    reply_balance(call, 200, balance, SLICE_NONE);
}

static void on_session(void *owner, struct slice balance)
{
    struct call *call = owner;
    struct money money;
    if (money_parse(balance, call->naive->options.currency, &money) == 0)
        reply_balance(call, 200, balance, SLICE_NONE);
    else
        call_run_one(call, (struct db_call){DB_ACCOUNT_READ, 1, {call->user}}, on_account);
}

void naive_serve_account(struct naive *naive, const struct ask *ask)
{
    struct call *call = take(naive, ask);
    metrics_count(&naive->stats.balances, 1);
    if (call != NULL && !session_cache_get(naive->sessions, ask->user, on_session, call))
        on_session(call, SLICE_NONE);
}

/* ---- money in ---- */

static void on_deposited(void *owner, PGresult **results)
{
    struct call *call = owner;
    struct slice balance = db_value(results[0], 0, 0);
    session_cache_set(call->naive->sessions, slice_text(call->user), balance);
    reply_balance(call, 201, balance, SLICE_NONE);
}

static bool read_deposit(const struct naive *naive, struct slice body, struct money *ret,
                         struct request_refusal *refusal)
{
    static const struct field fields[] = {{"amount", JSON_NUMBER}, {"currency", JSON_STRING}};
    char scratch[1024];
    struct json_reader reader;
    struct field_values values;
    struct currency currency;
    json_begin(&reader, body, scratch, sizeof scratch);
    if (!fields_read(&reader, fields, 2, &values, refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!field_seen(&values, 0))
        return refuse(refusal, FAULT_MISSING_FIELD, SLICE("amount"));
    if (field_seen(&values, 1) && (!currency_parse(values.text[1], &currency) ||
                                   !currency_equal(currency, naive->options.currency)))
        return refuse(refusal, FAULT_CURRENCY_UNKNOWN, SLICE("currency"));
    if (money_parse(values.text[0], naive->options.currency, ret) < 0 ||
        ret->minor > SLIP_STAKE_MINOR_MAX)
        return refuse(refusal, FAULT_AMOUNT_DIGITS, SLICE("amount"));
    return ret->minor > 0 || refuse(refusal, FAULT_AMOUNT_NOT_POSITIVE, SLICE("amount"));
}

void naive_serve_deposit(struct naive *naive, const struct ask *ask)
{
    struct money money;
    struct request_refusal refusal;
    if (!read_deposit(naive, ask->request->body, &money, &refusal)) {
        struct buf out = buf_over(naive->out, sizeof naive->out);
        refusal_write(&refusal, &out);
        http_reply(ask->request->reply_to, 400, SLICE("application/problem+json"), SLICE_NONE,
                   buf_slice(&out));
        return;
    }
    struct call *call = take(naive, ask);
    if (call != NULL)
        call_run_one(
            call, (struct db_call){DB_ACCOUNT_DEPOSIT, 2, {call->user, call_amount(call, money)}},
            on_deposited);
}

/* ---- who may come in ---- */

static int sign(const struct call *call, struct buf *ret_token)
{
    const struct naive *naive = call->naive;
    struct jwt_claims claims = {.roles = JWT_ROLE_BIT(JWT_BETTOR),
                                .sub_bytes = (uint32_t)strlen(call->user)};
    memcpy(claims.sub, call->user, claims.sub_bytes);
    claims.iat_s = loop_wall(naive->loop).us / US_PER_SECOND;
    claims.exp_s = claims.iat_s + naive->options.session_s;
    return jwt_sign(&naive->options.rules, naive->options.kid, &claims, ret_token);
}

static void on_login(void *owner, PGresult **results)
{
    struct call *call = owner;
    char memory[JWT_BYTES_MAX];
    struct buf token = buf_over(memory, sizeof memory);
    struct slice balance = db_value(results[0], 0, 0);
    if (slice_is(db_value(results[0], 0, 1), "t")) {
        call_problem(call, 403, "SELF_EXCLUDED", SLICE("You have excluded yourself."));
        return;
    }
    if (call->naive->options.kid.bytes == 0 || sign(call, &token) < 0) {
        call_problem(call, 501, "NO_SIGNING_KEY", SLICE("Tokens come from elsewhere."));
        return;
    }
    session_cache_set(call->naive->sessions, slice_text(call->user),
                      balance.bytes > 0 ? balance : SLICE("0"));
    reply_balance(call, 201, balance, buf_slice(&token));
}

void naive_serve_login(struct naive *naive, const struct ask *ask)
{
    struct call *call = take(naive, ask);
    if (call != NULL)
        call_run_one(call, (struct db_call){DB_ACCOUNT_READ, 1, {call->user}}, on_login);
}

static void on_excluded(void *owner, PGresult **results)
{
    (void)results;
    call_reply(owner, 200, SLICE("{\"self_excluded\":true}"));
}

void naive_serve_exclusion(struct naive *naive, const struct ask *ask)
{
    struct call *call = take(naive, ask);
    if (call != NULL)
        call_run_one(call, (struct db_call){DB_ACCOUNT_EXCLUDE, 1, {call->user}}, on_excluded);
}
