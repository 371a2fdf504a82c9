/* desk.c - contract in desk.h.
 * One request may name many markets, and each is an operation of the book that becomes durable on
 * its own; the answer is given when the last one is. */
#include "roles/backoffice/desk.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/http/http_reply.h"
#include "roles/backoffice/proposal_json.h"
#include "roles/backoffice/result_decode.h"
#include "roles/shared/problem.h"

#define ANSWER_BYTES_MAX (64 * 1024 + SHARD_WORDS_JSON_BYTES_MAX)
#define NO_STORE         SLICE("Cache-Control: no-store\r\n")

/* What became of one market of the request. */
struct step {
    enum request_outcome outcome;
    bool failed;   /* the ledger stopped before it was durable */
    bool proposed; /* it waits for somebody, or for its time */
    uint64_t seq;  /* of its record; 0: none */
    uint8_t id_bytes;
    char id[MARKET_ID_BYTES_MAX];
};

struct desk_operation {
    struct desk *desk;
    struct desk_operation *next_free;
    struct http_reply_to to;
    bool hold, resume;           /* what was asked; neither: results, */
    enum decision_kind decision; /* or this, of a proposal; 0: none */
    uint32_t waiting; /* steps that are not durable yet; 1 more while steps are being made */
    uint32_t steps_count;
    struct step steps[RESULT_MARKETS_MAX];
};

struct desk {
    struct book *book;
    struct odds_store *store;
    struct result_policy policy;
    struct shard_words words;
    struct desk_operation operations[DESK_OPERATIONS_MAX];
    struct desk_operation *free_operation;
    struct metrics_counter operations_reached;
    struct result_decoded decoded;
    char out[ANSWER_BYTES_MAX];
    char list[PROPOSALS_BYTES_MAX];
};

int desk_new(const struct desk_parts *parts, struct desk **ret_desk)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return -ERR_MEMORY;
    desk->book = parts->book;
    desk->store = parts->store;
    desk->policy = *parts->policy;
    desk->words = parts->words;
    for (size_t i = DESK_OPERATIONS_MAX; i-- > 0;) {
        desk->operations[i].desk = desk;
        desk->operations[i].next_free = desk->free_operation;
        desk->free_operation = &desk->operations[i];
    }
    *ret_desk = desk;
    return 0;
}

void desk_free(struct desk *desk)
{
    free(desk);
}

/* ---- answers ---- */

struct verdict {
    int status;
    const char *code;
};

static struct verdict verdict_of(const struct step *step)
{
    if (step->failed)
        return (struct verdict){503, "LEDGER_UNAVAILABLE"};
    switch (step->outcome) {
    case REQUEST_TAKEN:
        return (struct verdict){200, step->proposed ? "PROPOSED" : "RECORDED"};
    case REQUEST_NO_CHANGE:
        return (struct verdict){200, "NO_CHANGE"};
    case REQUEST_UNKNOWN:
        return (struct verdict){404, "NOT_FOUND"};
    case REQUEST_OLD_VERSION:
        return (struct verdict){409, "OLD_RESULT_VERSION"};
    case REQUEST_INVALID:
        return (struct verdict){422, "INVALID_RESULT"};
    case REQUEST_SAME_ACTOR:
        return (struct verdict){403, "SAME_ACTOR"};
    case REQUEST_OTHER_ACTOR:
        return (struct verdict){403, "OTHER_ACTOR"};
    case REQUEST_STOPPED:
        return (struct verdict){503, "LEDGER_UNAVAILABLE"};
    case REQUEST_BUSY:
        return (struct verdict){503, "OVERLOADED"};
    case REQUEST_ELSEWHERE:
        return (struct verdict){421, "DESK_ELSEWHERE"};
    case REQUEST_CONFLICT:
    case REQUEST_STALLED:
    case REQUEST_FULL:
    case REQUEST_DESK_AWAY:
        break;
    }
    ASSERT(false); /* the desk has no keys and no users, and is not what the ledger's space is saved
                      from */
    return (struct verdict){500, "INTERNAL"};
}

/* The first refusal names the answer; without one it is 200. */
static struct verdict verdict_of_all(const struct desk_operation *operation)
{
    for (uint32_t i = 0; i < operation->steps_count; i++) {
        struct verdict verdict = verdict_of(&operation->steps[i]);
        if (verdict.status != 200)
            return verdict;
    }
    return (struct verdict){200, "RECORDED"};
}

static void put_seq(struct json_writer *writer, const struct desk *desk, const char *key,
                    uint64_t seq)
{
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    buf_printf(&text, "%u-%llu", shard_state_shard(book_state(desk->book)),
               (unsigned long long)seq);
    json_write_key(writer, key);
    json_write_text(writer, buf_slice(&text));
}

static void put_step(struct json_writer *writer, const struct desk *desk, const char *id_key,
                     const struct step *step)
{
    json_write_key(writer, id_key);
    json_write_text(writer, slice_of(step->id, step->id_bytes));
    json_write_key(writer, "outcome");
    json_write_text(writer, slice_text(verdict_of(step).code));
    if (step->seq != 0)
        put_seq(writer, desk, "ledger_seq", step->seq);
    if (step->proposed)
        put_seq(writer, desk, "proposal_id", step->seq);
}

static void put_steps(struct json_writer *writer, const struct desk_operation *operation)
{
    static const char *const decisions[] = {"approved", "rejected", "withdrawn"};
    if (operation->decision != 0) {
        json_write_key(writer, "decision");
        json_write_text(writer, slice_text(decisions[operation->decision - 1]));
        put_step(writer, operation->desk, "proposal_id", &operation->steps[0]);
        return;
    }
    json_write_key(writer, "markets");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < operation->steps_count; i++) {
        json_write_object_open(writer);
        put_step(writer, operation->desk, "market_id", &operation->steps[i]);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

/* `spread` NULL: no other shard was asked. */
static void answer(struct desk_operation *operation, const struct relay_spread *spread)
{
    struct desk *desk = operation->desk;
    struct verdict verdict = verdict_of_all(operation);
    struct buf out = buf_over(desk->out, sizeof desk->out);
    bool ok = verdict.status == 200;
    struct json_writer writer =
        ok ? json_write_begin(&out) : problem_open(&out, verdict.status, verdict.code, SLICE_NONE);
    if (ok)
        json_write_object_open(&writer);
    if (operation->hold || operation->resume) {
        json_write_key(&writer, "held");
        json_write_bool(&writer, operation->hold);
    }
    put_steps(&writer, operation);
    if (spread != NULL)
        shard_words_put(&writer, spread);
    json_write_object_close(&writer);
    ASSERT(!out.overflow); /* 64 markets of 120 bytes, escaped */
    http_reply(operation->to, verdict.status,
               ok ? SLICE("application/json") : SLICE("application/problem+json"),
               verdict.status == 503 ? SLICE("Cache-Control: no-store\r\nRetry-After: 1\r\n")
                                     : NO_STORE,
               buf_slice(&out));
    operation->next_free = desk->free_operation;
    desk->free_operation = operation;
}

static void refuse_body(struct desk *desk, struct http_request *request,
                        const struct request_refusal *refusal)
{
    struct buf out = buf_over(desk->out, sizeof desk->out);
    refusal_write(refusal, &out);
    http_reply(request->reply_to, 400, SLICE("application/problem+json"), NO_STORE,
               buf_slice(&out));
}

/* ---- operations ---- */

static struct desk_operation *take_operation(struct desk *desk, struct http_request *request)
{
    struct desk_operation *operation = desk->free_operation;
    if (operation == NULL) {
        metrics_count(&desk->operations_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("Too many operations are waiting."), HTTP_RETRY_SOON);
        return NULL;
    }
    desk->free_operation = operation->next_free;
    operation->to = request->reply_to;
    operation->hold = operation->resume = false;
    operation->decision = 0;
    operation->waiting = 1;
    operation->steps_count = 0;
    return operation;
}

static void on_spread(void *owner, const struct relay_spread *spread)
{
    answer(owner, spread);
}

/* False: nothing of it concerns other shards. What was said before already is among all so far. */
static bool has_words(const struct desk_operation *operation, struct relay_wait_for *ret)
{
    bool any = false;
    *ret = (struct relay_wait_for){0, 0};
    for (uint32_t i = 0; i < operation->steps_count && operation->decision == 0; i++) {
        const struct step *step = &operation->steps[i];
        bool says = step->outcome == REQUEST_TAKEN && !step->failed && !step->proposed;
        any = any || says || step->outcome == REQUEST_NO_CHANGE;
        if (!says)
            continue;
        if (ret->first_seq == 0)
            ret->first_seq = step->seq;
        ret->last_seq = step->seq;
    }
    return any;
}

static void done_waiting(struct desk_operation *operation)
{
    ASSERT(operation->waiting > 0);
    if (--operation->waiting > 0)
        return;
    const struct desk *desk = operation->desk;
    struct relay_wait_for words;
    if (!has_words(operation, &words) ||
        !shard_words_wait(&desk->words, &words, on_spread, operation))
        answer(operation, NULL);
}

static void on_durable(const struct book_answer *moment)
{
    struct desk_operation *operation = moment->cookie.owner;
    struct step *step = &operation->steps[moment->cookie.words[0]];
    step->failed = moment->failed;
    if (moment->record != NULL) {
        step->seq = moment->record->head->seq;
        step->proposed = moment->record->head->type == RECORD_PROPOSAL;
    }
    done_waiting(operation);
}

static struct step *add_step(struct desk_operation *operation, struct slice market_id,
                             struct book_cookie *ret_cookie)
{
    ASSERT(operation->steps_count < RESULT_MARKETS_MAX);
    ASSERT(market_id.bytes <= MARKET_ID_BYTES_MAX);
    struct step *step = &operation->steps[operation->steps_count];
    *step = (struct step){.id_bytes = (uint8_t)market_id.bytes};
    memcpy(step->id, market_id.at, market_id.bytes);
    *ret_cookie = (struct book_cookie){.owner = operation, .words = {operation->steps_count}};
    operation->steps_count++;
    operation->waiting++;
    return step;
}

static void step_taken(struct desk_operation *operation, struct step *step,
                       enum request_outcome outcome)
{
    step->outcome = outcome;
    if (outcome == REQUEST_NO_CHANGE) /* what holds already may not be durable yet (L2) */
        outcome = book_when_durable(
            operation->desk->book, on_durable,
            (struct book_cookie){operation, {(uint64_t)(step - operation->steps)}});
    if (outcome != REQUEST_TAKEN)
        done_waiting(operation);
}

void desk_hold(struct desk *desk, struct http_request *request, const struct jwt_claims *claims,
               struct slice market_id, bool hold)
{
    struct request_refusal refusal;
    struct slice reason;
    struct book_cookie cookie;
    if (!reason_decode(request->body, desk->decoded.scratch, sizeof desk->decoded.scratch, &reason,
                       &refusal)) {
        refuse_body(desk, request, &refusal);
        return;
    }
    struct desk_operation *operation = take_operation(desk, request);
    if (operation == NULL)
        return;
    operation->hold = hold;
    operation->resume = !hold;
    struct step *step = add_step(operation, market_id, &cookie);
    step_taken(operation, step,
               book_hold_market(desk->book, market_id, hold,
                                &(struct desk_word){.actor = jwt_sub(claims), .reason = reason},
                                (struct book_reply){on_durable, cookie}));
    done_waiting(operation);
}

/* "SHARD-SEQ", as in an answer; 0: it is none of this book. */
static uint64_t proposal_of(const struct desk *desk, struct slice id)
{
    uint64_t seq = 0;
    char memory[16];
    struct buf shard = buf_over(memory, sizeof memory);
    buf_printf(&shard, "%u-", shard_state_shard(book_state(desk->book)));
    if (!slice_begins(id, buf_slice(&shard)) ||
        !field_positive(slice_skip(id, shard.bytes), INT64_MAX, &seq))
        return 0;
    return seq;
}

void desk_decide(struct desk *desk, struct http_request *request, const struct jwt_claims *claims,
                 struct slice proposal_id, enum decision_kind decision)
{
    struct request_refusal refusal;
    struct slice reason;
    struct book_cookie cookie;
    if (!reason_decode(request->body, desk->decoded.scratch, sizeof desk->decoded.scratch, &reason,
                       &refusal)) {
        refuse_body(desk, request, &refusal);
        return;
    }
    struct desk_operation *operation = take_operation(desk, request);
    if (operation == NULL)
        return;
    operation->decision = decision;
    struct step *step = add_step(operation, proposal_id, &cookie);
    step_taken(operation, step,
               book_decide_proposal(desk->book, proposal_of(desk, proposal_id), decision,
                                    &(struct desk_word){.actor = jwt_sub(claims), .reason = reason},
                                    (struct book_reply){on_durable, cookie}));
    done_waiting(operation);
}

void desk_list_proposals(struct desk *desk, struct http_request *request)
{
    struct buf out = buf_over(desk->list, sizeof desk->list);
    proposals_write(&out, book_state(desk->book), proposal_of(desk, request->query));
    ASSERT(!out.overflow); /* proposals_write ends before */
    http_reply(request->reply_to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

/* Is the market one of this event, as far as anybody knows it? */
static bool of_event(struct desk *desk, struct slice market_id, struct slice event_id)
{
    const struct odds_image *image = desk->store->ops->get(desk->store, market_id);
    if (image != NULL)
        return slice_equal(ODDS_TEXT(image, event_id), event_id);
    const struct shard_state *state = book_state(desk->book);
    struct market_ref ref = shard_state_find_market(state, market_id);
    return ref.n != 0 &&
           slice_equal(shard_state_text(state, shard_state_market(state, ref)->event_id), event_id);
}

void desk_results(struct desk *desk, struct http_request *request, const struct jwt_claims *claims,
                  struct slice event_id)
{
    struct request_refusal refusal;
    if (!result_decode(request->body, &desk->policy, &desk->decoded, &refusal)) {
        refuse_body(desk, request, &refusal);
        return;
    }
    struct desk_operation *operation = take_operation(desk, request);
    if (operation == NULL)
        return;
    for (size_t i = 0; i < desk->decoded.markets_count; i++) {
        const struct feed_result *result = &desk->decoded.markets[i];
        struct book_cookie cookie;
        struct step *step = add_step(operation, result->market_id, &cookie);
        enum request_outcome outcome = REQUEST_UNKNOWN;
        if (of_event(desk, result->market_id, event_id))
            outcome = book_post_result(
                desk->book, result,
                &(struct desk_word){.actor = jwt_sub(claims), .reason = desk->decoded.reason},
                (struct book_reply){on_durable, cookie});
        step_taken(operation, step, outcome);
    }
    done_waiting(operation);
}

int desk_register_metrics(struct desk *desk, struct metrics *metrics)
{
    return metrics_add_counter(metrics,
                               (struct metrics_name){"overround_limit_reached_total",
                                                     "How often a named limit was reached",
                                                     "limit=\"desk_operations_max\"", 0},
                               &desk->operations_reached);
}
