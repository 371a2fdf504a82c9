/* limit_desk.c - contract in limit_desk.h. */
#include "roles/backoffice/limit_desk.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "net/http/http_reply.h"
#include "roles/backoffice/result_decode.h"
#include "roles/shared/json_fields.h"
#include "roles/shared/problem.h"

#define NO_STORE         SLICE("Cache-Control: no-store\r\n")
#define ANSWER_BYTES_MAX (2048 + SHARD_WORDS_JSON_BYTES_MAX)
#define DELAY_MS_MAX     (LIMIT_DELAY_US_MAX / US_PER_MS)

struct limit_operation {
    struct limit_desk *desk;
    struct limit_operation *next_free;
    struct http_reply_to to;
    enum limit_scope scope;
    bool removed;
    bool read;            /* a GET: nothing is said to anybody */
    uint64_t removed_seq; /* of the record; 0: none */
    uint8_t id_bytes;
    char id[LIMIT_SCOPE_ID_BYTES_MAX];
};

struct limit_desk {
    struct book *book;
    struct shard_words words;
    struct limit_operation operations[LIMIT_OPERATIONS_MAX];
    struct limit_operation *free_operation;
    struct metrics_counter operations_reached;
    char scratch[LIMIT_BODY_BYTES_MAX];
};

int limit_desk_new(struct book *book, const struct shard_words *words, struct limit_desk **ret_desk)
{
    struct limit_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return -ERR_MEMORY;
    desk->book = book;
    desk->words = *words;
    for (size_t i = LIMIT_OPERATIONS_MAX; i-- > 0;) {
        desk->operations[i].desk = desk;
        desk->operations[i].next_free = desk->free_operation;
        desk->free_operation = &desk->operations[i];
    }
    *ret_desk = desk;
    return 0;
}

void limit_desk_free(struct limit_desk *desk)
{
    free(desk);
}

static const char *const scope_words[LIMIT_SCOPES] = {
    [LIMIT_OF_PLAYER] = "customer",
    [LIMIT_OF_MARKET] = "market",
    [LIMIT_OF_EVENT] = "event",
    [LIMIT_OF_SPORT] = "sport",
};

enum limit_scope limit_desk_scope(struct slice word)
{
    for (enum limit_scope scope = LIMIT_OF_NONE; scope < LIMIT_SCOPES; scope++)
        if (scope_words[scope] != NULL && slice_is(word, scope_words[scope]))
            return scope;
    return LIMIT_OF_NONE;
}

/* ---- the body ---- */

enum limit_field {
    STAKE_MIN,
    STAKE_MAX,
    PAYOUT_MAX,
    PAYOUT_DAY_MAX,
    LIABILITY_MAX,
    DELAY_MS,
    FACTOR,
    REFER_ABOVE,
    REFERS,
    REASON,
    LIMIT_FIELDS_COUNT,
};

static const struct field limit_fields[LIMIT_FIELDS_COUNT] = {
    [STAKE_MIN] = {"stake_minor_min", JSON_NUMBER},
    [STAKE_MAX] = {"stake_minor_max", JSON_NUMBER},
    [PAYOUT_MAX] = {"payout_minor_max", JSON_NUMBER},
    [PAYOUT_DAY_MAX] = {"payout_day_minor_max", JSON_NUMBER},
    [LIABILITY_MAX] = {"liability_minor_max", JSON_NUMBER},
    [DELAY_MS] = {"delay_ms", JSON_NUMBER},
    [FACTOR] = {"factor_permyriad", JSON_NUMBER},
    [REFER_ABOVE] = {"refer_minor_above", JSON_NUMBER},
    [REFERS] = {"refers", JSON_TRUE},
    [REASON] = {"reason", JSON_STRING},
};

/* A JSON integer in 0 .. max. What is not there leaves *to as it is. */
static bool take_number(const struct field_values *values, enum limit_field field, uint64_t max,
                        int64_t *to, struct request_refusal *refusal)
{
    uint64_t number = 0;
    if (!field_seen(values, field))
        return true;
    if (!slice_is(values->text[field], "0") && !field_positive(values->text[field], max, &number))
        return refuse(refusal, FAULT_INVALID_FIELD, slice_text(limit_fields[field].name));
    *to = (int64_t)number;
    return true;
}

static bool take_reason(const struct field_values *values, struct slice *ret,
                        struct request_refusal *refusal)
{
    struct slice name = slice_text(limit_fields[REASON].name);
    if (!field_seen(values, REASON))
        return refuse(refusal, FAULT_MISSING_FIELD, name);
    *ret = values->text[REASON];
    return (ret->bytes > 0 && ret->bytes <= REASON_BYTES_MAX) ||
           refuse(refusal, FAULT_INVALID_FIELD, name);
}

static bool take_limits(const struct field_values *values, struct stake_limits *ret,
                        struct request_refusal *refusal)
{
    int64_t delay_ms = 0, factor = LIMIT_FACTOR_WHOLE;
    *ret = STAKE_LIMITS_NONE;
    if (!take_number(values, STAKE_MIN, MONEY_MINOR_MAX, &ret->stake_minor_min, refusal) ||
        !take_number(values, STAKE_MAX, MONEY_MINOR_MAX, &ret->stake_minor_max, refusal) ||
        !take_number(values, PAYOUT_MAX, MONEY_MINOR_MAX, &ret->payout_minor_max, refusal) ||
        !take_number(values, PAYOUT_DAY_MAX, MONEY_MINOR_MAX, &ret->payout_day_minor_max,
                     refusal) ||
        !take_number(values, LIABILITY_MAX, MONEY_MINOR_MAX, &ret->liability_minor_max, refusal) ||
        !take_number(values, DELAY_MS, DELAY_MS_MAX, &delay_ms, refusal) ||
        !take_number(values, FACTOR, LIMIT_FACTOR_MAX, &factor, refusal) ||
        !take_number(values, REFER_ABOVE, MONEY_MINOR_MAX, &ret->refer_minor_above, refusal))
        return false;
    ret->delay_us = delay_ms * US_PER_MS;
    ret->factor_permyriad = (uint64_t)factor;
    ret->refers = slice_is(values->text[REFERS], "true");
    return true;
}

static bool limits_decode(struct limit_desk *desk, struct slice body, struct stake_limits *ret,
                          struct slice *ret_reason, struct request_refusal *refusal)
{
    struct json_reader reader;
    struct field_values values;
    if (body.bytes > LIMIT_BODY_BYTES_MAX)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    json_begin(&reader, body, desk->scratch, sizeof desk->scratch);
    if (json_peek(&reader) != JSON_OBJECT)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, limit_fields, LIMIT_FIELDS_COUNT, &values, refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    return take_reason(&values, ret_reason, refusal) && take_limits(&values, ret, refusal);
}

/* ---- answers ---- */

static void put_minor(struct json_writer *writer, const char *key, int64_t minor)
{
    json_write_key(writer, key);
    if (minor == INT64_MAX)
        json_write_null(writer);
    else
        json_write_i64(writer, minor);
}

static void put_limits(struct json_writer *writer, const struct stake_limits *limits)
{
    put_minor(writer, "stake_minor_min", limits->stake_minor_min);
    put_minor(writer, "stake_minor_max", limits->stake_minor_max);
    put_minor(writer, "payout_minor_max", limits->payout_minor_max);
    put_minor(writer, "payout_day_minor_max", limits->payout_day_minor_max);
    put_minor(writer, "liability_minor_max", limits->liability_minor_max);
    put_minor(writer, "delay_ms", limits->delay_us / US_PER_MS);
    put_minor(writer, "factor_permyriad", (int64_t)limits->factor_permyriad);
    put_minor(writer, "refer_minor_above", limits->refer_minor_above);
    json_write_key(writer, "refers");
    json_write_bool(writer, limits->refers != 0);
}

static void put_scope(struct json_writer *writer, const struct limit_operation *operation,
                      uint64_t seq)
{
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_key(writer, "scope");
    json_write_text(writer, slice_text(scope_words[operation->scope]));
    json_write_key(writer, "id");
    json_write_text(writer, slice_of(operation->id, operation->id_bytes));
    buf_printf(&text, "%u-%llu", shard_state_shard(book_state(operation->desk->book)),
               (unsigned long long)seq);
    json_write_key(writer, "ledger_seq");
    json_write_text(writer, buf_slice(&text));
}

static void give_operation(struct limit_operation *operation)
{
    operation->next_free = operation->desk->free_operation;
    operation->desk->free_operation = operation;
}

static void reply_unavailable(const struct limit_operation *operation, const char *code)
{
    http_reply_problem_with(operation->to, 503, code,
                            SLICE("Nothing was changed, or nobody knows."), HTTP_RETRY_SOON);
}

/* What the scope has: durable, since the call was made when all before was. `spread` NULL: no other
 * shard was asked. */
static void reply_limits(const struct limit_operation *operation, const struct relay_spread *spread)
{
    char memory[ANSWER_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    const struct shard_stake_limits *row = book_limits_of(
        operation->desk->book, operation->scope, slice_of(operation->id, operation->id_bytes));
    if (row == NULL && !operation->removed) {
        http_reply_problem(operation->to, 404, "NOT_FOUND", SLICE("It has no limits of its own."));
        return;
    }
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    put_scope(&writer, operation, operation->removed ? operation->removed_seq : row->seq);
    json_write_key(&writer, "removed");
    json_write_bool(&writer, operation->removed);
    if (!operation->removed)
        put_limits(&writer, &row->limits);
    if (spread != NULL)
        shard_words_put(&writer, spread);
    json_write_object_close(&writer);
    ASSERT(!out.overflow); /* an id of 120 bytes, escaped, and six numbers */
    http_reply(operation->to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

static void on_spread(void *owner, const struct relay_spread *spread)
{
    struct limit_operation *operation = owner;
    reply_limits(operation, spread);
    give_operation(operation);
}

/* Now, or when all shards have it. seq 0: it holds already, as something said before. */
static void reply_when_had(struct limit_operation *operation, uint64_t seq)
{
    const struct relay_wait_for words = {seq, seq};
    operation->removed_seq = seq;
    if (operation->read || operation->scope == LIMIT_OF_PLAYER ||
        !shard_words_wait(&operation->desk->words, &words, on_spread, operation))
        on_spread(operation, NULL);
}

static void on_durable(const struct book_answer *moment)
{
    struct limit_operation *operation = moment->cookie.owner;
    if (!moment->failed) {
        reply_when_had(operation, moment->record == NULL ? 0 : moment->record->head->seq);
        return;
    }
    reply_unavailable(operation, "LEDGER_UNAVAILABLE");
    give_operation(operation);
}

/* What was not taken. */
static void reply_untaken(const struct limit_operation *operation, enum request_outcome outcome)
{
    switch (outcome) {
    case REQUEST_NO_CHANGE: /* it waits for what it was said by: limit_desk_serve() */
        reply_limits(operation, NULL);
        return;
    case REQUEST_UNKNOWN:
        http_reply_problem(operation->to, 404, "NOT_FOUND",
                           SLICE("There is no such customer or market, or it has no limits."));
        return;
    case REQUEST_BUSY:
        reply_unavailable(operation, "OVERLOADED");
        return;
    case REQUEST_STOPPED:
        reply_unavailable(operation, "LEDGER_UNAVAILABLE");
        return;
    case REQUEST_ELSEWHERE:
        http_reply_problem(operation->to, 421, "DESK_ELSEWHERE",
                           SLICE("Limits of all shards are set at the desk's process."));
        return;
    case REQUEST_INVALID: /* the decoder's bounds are the ledger's */
    case REQUEST_TAKEN:
    case REQUEST_CONFLICT:
    case REQUEST_STALLED:
    case REQUEST_FULL:
    case REQUEST_OLD_VERSION:
    case REQUEST_SAME_ACTOR:
    case REQUEST_OTHER_ACTOR:
    case REQUEST_DESK_AWAY:
        break;
    }
    ASSERT(false);
}

/* ---- operations ---- */

static struct limit_operation *take_operation(struct limit_desk *desk, struct http_request *request,
                                              enum limit_scope scope, struct slice id)
{
    struct limit_operation *operation = desk->free_operation;
    if (operation == NULL) {
        metrics_count(&desk->operations_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("Too many operations are waiting."), HTTP_RETRY_SOON);
        return NULL;
    }
    ASSERT(id.bytes <= sizeof operation->id);
    desk->free_operation = operation->next_free;
    operation->to = request->reply_to;
    operation->scope = scope;
    operation->removed = request->method == HTTP_DELETE;
    operation->read = request->method == HTTP_GET || request->method == HTTP_HEAD;
    operation->removed_seq = 0;
    operation->id_bytes = (uint8_t)id.bytes;
    memcpy(operation->id, id.at, id.bytes);
    return operation;
}

static bool decode(struct limit_desk *desk, struct http_request *request,
                   struct limits_request *ret, struct slice *ret_reason)
{
    struct request_refusal refusal;
    char memory[ANSWER_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    bool good = request->method == HTTP_PUT
                    ? limits_decode(desk, request->body, &ret->limits, ret_reason, &refusal)
                    : reason_decode(request->body, desk->scratch, sizeof desk->scratch, ret_reason,
                                    &refusal);
    if (good && ret->scope != LIMIT_OF_PLAYER && request->method == HTTP_PUT &&
        ret->limits.payout_day_minor_max != INT64_MAX) /* a day is a customer's */
        good = refuse(&refusal, FAULT_INVALID_FIELD, slice_text(limit_fields[PAYOUT_DAY_MAX].name));
    if (good)
        return true;
    refusal_write(&refusal, &out);
    http_reply(request->reply_to, 400, SLICE("application/problem+json"), NO_STORE,
               buf_slice(&out));
    return false;
}

void limit_desk_serve(struct limit_desk *desk, struct http_request *request,
                      const struct jwt_claims *claims, enum limit_scope scope, struct slice id)
{
    struct limits_request asked = {
        .scope = scope, .id = id, .remove = request->method == HTTP_DELETE};
    struct slice reason = SLICE_NONE;
    bool read = request->method == HTTP_GET || request->method == HTTP_HEAD;
    if (!read && !decode(desk, request, &asked, &reason))
        return;
    struct limit_operation *operation = take_operation(desk, request, scope, id);
    if (operation == NULL)
        return;
    struct book_reply reply = {on_durable, {.owner = operation}};
    const struct desk_word word = {.actor = jwt_sub(claims), .reason = reason};
    enum request_outcome outcome = read ? book_when_durable(desk->book, reply.answer, reply.cookie)
                                        : book_set_limits(desk->book, &asked, &word, reply);
    if (outcome == REQUEST_NO_CHANGE &&
        book_when_durable(desk->book, on_durable, reply.cookie) == REQUEST_TAKEN)
        return;
    if (outcome == REQUEST_TAKEN)
        return;
    reply_untaken(operation, outcome);
    give_operation(operation);
}

int limit_desk_register_metrics(struct limit_desk *desk, struct metrics *metrics)
{
    return metrics_add_counter(metrics,
                               (struct metrics_name){"overround_limit_reached_total",
                                                     "How often a named limit was reached",
                                                     "limit=\"limit_operations_max\"", 0},
                               &desk->operations_reached);
}
