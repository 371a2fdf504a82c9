/* grant_desk.c - contract in grant_desk.h. */
#include "roles/backoffice/grant_desk.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "net/http/http_reply.h"
#include "roles/backoffice/grant_decode.h"
#include "roles/shared/problem.h"

#define NO_STORE         SLICE("Cache-Control: no-store\r\n")
#define NO_STORE_AGAIN   SLICE("Cache-Control: no-store\r\nIdempotent-Replayed: true\r\n")
#define ANSWER_BYTES_MAX 1024

struct grant {
    struct grant_desk *desk;
    struct grant *next_free;
    struct http_reply_to to;
};

struct grant_desk {
    struct book *book; /* borrowed */
    struct grant grants[GRANTS_MAX];
    struct grant *free_grant;
    struct metrics_counter reached;
    char scratch[GRANT_BODY_BYTES_MAX];
};

int grant_desk_new(struct book *book, struct grant_desk **ret_desk)
{
    struct grant_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return -ERR_MEMORY;
    desk->book = book;
    for (size_t i = 0; i < GRANTS_MAX; i++) {
        desk->grants[i] = (struct grant){.desk = desk, .next_free = desk->free_grant};
        desk->free_grant = &desk->grants[i];
    }
    *ret_desk = desk;
    return 0;
}

void grant_desk_free(struct grant_desk *desk)
{
    free(desk);
}

/* ---- answers ---- */

static void put_money(struct json_writer *writer, const char *key, int64_t minor,
                      struct currency currency)
{
    json_write_key(writer, key);
    json_write_decimal(writer, minor, currency_scale(currency));
}

static void put_seq(struct json_writer *writer, const char *key, uint32_t shard, uint64_t seq)
{
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    buf_printf(&text, "%u-%llu", shard, (unsigned long long)seq);
    json_write_key(writer, key);
    json_write_text(writer, buf_slice(&text));
}

static void put_members(struct json_writer *writer, const struct shard_state *state,
                        const struct record_view *record)
{
    const struct record_money *money = record->body;
    struct currency currency = {money->currency};
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    rfc3339_write(&time, (struct instant){record->head->time_us});
    json_write_key(writer, "user_id");
    json_write_text(writer,
                    shard_state_user_id(state, (struct account_ref){record->head->account}));
    json_write_key(writer, "kind");
    json_write_text(writer, slice_text(grant_kind_text((enum money_kind)money->kind)));
    put_money(writer, "amount", money->amount, currency);
    json_write_key(writer, "currency");
    json_write_text(writer, slice_text(currency_code(currency)));
    put_money(writer, "balance", money->balance_after, currency);
    put_seq(writer, "ledger_seq", shard_state_shard(state), record->head->seq);
    json_write_key(writer, "created_at");
    json_write_text(writer, buf_slice(&time));
}

static void tell(struct grant_desk *desk, struct http_reply_to to, const struct record_view *record,
                 bool replayed)
{
    const struct shard_state *state = book_state(desk->book);
    const struct record_money *money = record->body;
    enum bet_outcome outcome = (enum bet_outcome)money->outcome;
    char memory[ANSWER_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    bool done = outcome == BET_PLACED;
    int status = !done ? bet_outcome_http(outcome) : replayed ? 200 : 201;
    struct json_writer writer;
    if (done) {
        writer = json_write_begin(&out);
        json_write_object_open(&writer);
        put_seq(&writer, "transaction_id", shard_state_shard(state), record->head->seq);
    } else {
        writer = problem_open(&out, status, bet_outcome_text(outcome), SLICE_NONE);
    }
    put_members(&writer, state, record);
    json_write_object_close(&writer);
    ASSERT(!out.overflow); /* a user's id of 64 bytes, each escaped, and numbers */
    http_reply(to, status, done ? SLICE("application/json") : SLICE("application/problem+json"),
               replayed ? NO_STORE_AGAIN : NO_STORE, buf_slice(&out));
}

static void refuse_outcome(struct http_reply_to to, enum request_outcome outcome)
{
    if (outcome == REQUEST_CONFLICT) {
        http_reply_problem(to, 409, "IDEMPOTENCY_CONFLICT", SLICE_NONE);
        return;
    }
    if (outcome == REQUEST_ELSEWHERE) {
        http_reply_problem(to, 421, "WRONG_SHARD",
                           SLICE("The customer is of another shard: ask its process."));
        return;
    }
    const char *code = outcome == REQUEST_STALLED ? "LEDGER_STALLED"
                       : outcome == REQUEST_FULL  ? "LEDGER_FULL"
                       : outcome == REQUEST_BUSY  ? "OVERLOADED"
                                                  : "LEDGER_UNAVAILABLE";
    http_reply_problem_with(to, 503, code, SLICE_NONE, HTTP_RETRY_SOON);
}

static struct http_reply_to give_grant(struct grant *grant)
{
    struct http_reply_to to = grant->to;
    grant->next_free = grant->desk->free_grant;
    grant->desk->free_grant = grant;
    return to;
}

static void on_verdict(const struct book_answer *answer)
{
    struct grant *grant = answer->cookie.owner;
    struct grant_desk *desk = grant->desk;
    struct http_reply_to to = give_grant(grant);
    if (answer->untaken != REQUEST_TAKEN)
        refuse_outcome(to, answer->untaken);
    else if (answer->failed || answer->record == NULL)
        refuse_outcome(to, REQUEST_STOPPED);
    else
        tell(desk, to, answer->record, answer->replayed);
}

/* ---- requests ---- */

static bool key_valid(struct slice key)
{
    if (key.bytes == 0 || key.bytes > IDEMPOTENCY_KEY_BYTES_MAX)
        return false;
    for (size_t i = 0; i < key.bytes; i++)
        if (key.at[i] < '!' || key.at[i] > '~')
            return false;
    return true;
}

static void refuse_body(struct http_request *request, const struct request_refusal *refusal)
{
    char memory[ANSWER_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    refusal_write(refusal, &out);
    http_reply(request->reply_to, 400, SLICE("application/problem+json"), NO_STORE,
               buf_slice(&out));
}

/* False: answered. */
static bool take_request(struct grant_desk *desk, struct http_request *request,
                         struct money_request *ret)
{
    struct request_refusal refusal = {.field = SLICE("idempotency_key")};
    ret->key = http_request_header(request, "idempotency-key");
    bool one = http_head_count(request->head, SLICE("idempotency-key")) == 1;
    if (!one || !key_valid(ret->key)) {
        refusal.fault =
            ret->key.bytes == 0 ? FAULT_IDEMPOTENCY_KEY_REQUIRED : FAULT_IDEMPOTENCY_KEY_INVALID;
        refuse_body(request, &refusal);
        return false;
    }
    if (grant_decode(request->body, desk->scratch, sizeof desk->scratch, ret, &refusal))
        return true;
    refuse_body(request, &refusal);
    return false;
}

void grant_desk_move(struct grant_desk *desk, struct http_request *request,
                     const struct jwt_claims *claims, struct slice user_id)
{
    struct money_request asked = {.user_id = user_id, .actor = jwt_sub(claims)};
    if (!take_request(desk, request, &asked))
        return;
    struct grant *grant = desk->free_grant;
    if (grant == NULL) {
        metrics_count(&desk->reached, 1);
        refuse_outcome(request->reply_to, REQUEST_BUSY);
        return;
    }
    desk->free_grant = grant->next_free;
    grant->to = request->reply_to;
    enum request_outcome outcome =
        book_move_money(desk->book, &asked, on_verdict, (struct book_cookie){.owner = grant});
    if (outcome != REQUEST_TAKEN)
        refuse_outcome(give_grant(grant), outcome);
}

int grant_desk_register_metrics(struct grant_desk *desk, struct metrics *metrics)
{
    return metrics_add_counter(metrics,
                               (struct metrics_name){"overround_limit_reached_total",
                                                     "How often a named limit was reached",
                                                     "limit=\"grants_max\"", 0},
                               &desk->reached);
}
