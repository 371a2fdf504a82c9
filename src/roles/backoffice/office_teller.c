/* office_teller.c - contract in office_teller.h. */
#include "roles/backoffice/office_teller.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/http/http_reply.h"

/* A question under way. The numbers of its http_reply_to are the place and how often that was used,
 * so an answer of an earlier link is known. */
struct place {
    uint64_t tag;
    uint32_t used;
    bool taken;
    bool reads; /* nothing is lost where it is not answered */
};

struct office_teller {
    struct http_carried carried; /* first: answers come to it */
    struct office_desk desk;
    struct office_teller_stats *stats; /* borrowed */
    struct link_out out;
    bool greeted;
    uint32_t places_count, under_way;
    struct place places[OFFICE_PLACES_MAX];
};

/* ---- answers ---- */

static bool is_behind(const struct office_teller *teller)
{
    return link_out_queued(&teller->out) > OFFICE_QUEUED_BYTES_MAX;
}

static void refuse_slow(struct office_teller *teller, struct http_reply_to to)
{
    metrics_count(&teller->stats->too_slow, 1);
    http_reply_problem_with(to, 503, "OVERLOADED", SLICE("Answers wait to be taken."),
                            HTTP_RETRY_SOON);
}

static void say_answer(struct office_teller *teller, struct place *place,
                       const struct http_carried_answer *answer)
{
    place->taken = false;
    teller->under_way--;
    metrics_count(&teller->stats->answers, 1);
    link_out_said(&teller->out, office_wire_put_answer(&teller->out.batch, place->tag, answer));
}

/* What is answered instead is short, and comes here once more. */
static void on_reply(struct http_carried *carried, struct http_reply_to to,
                     const struct http_carried_answer *answer)
{
    struct office_teller *teller = (struct office_teller *)carried;
    struct place *place = &teller->places[to.conn.index];
    if (!place->taken || place->used != to.request_no || !link_out_is_open(&teller->out)) {
        metrics_count(&teller->stats->dropped, 1);
    } else if (!office_answer_fits(answer)) {
        metrics_count(&teller->stats->unfit, 1);
        http_reply_problem(to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    } else if (place->reads && answer->body.bytes > OFFICE_BATCH_BYTES && is_behind(teller)) {
        refuse_slow(teller, to);
    } else {
        say_answer(teller, place, answer);
    }
}

/* ---- questions ---- */

static struct place *take_place(struct office_teller *teller, const struct office_message *message)
{
    struct place *place = teller->places;
    while (place->taken)
        place++;
    ASSERT(place < teller->places + teller->places_count);
    place->tag = message->asked.tag;
    place->used++;
    place->taken = true;
    place->reads = message->asked.method == HTTP_GET || message->asked.method == HTTP_HEAD;
    teller->under_way++;
    return place;
}

static int take_question(struct office_teller *teller, const struct office_message *message)
{
    struct office_question question;
    struct http_head head = {.headers_count = 0};
    if (teller->under_way >= teller->places_count)
        return -ERR_LIMIT;
    office_question_of(message, &question);
    const struct place *place = take_place(teller, message);
    head.method = question.method;
    head.path = question.path;
    head.query = question.query;
    if (question.key.bytes > 0)
        head.headers[head.headers_count++] =
            (struct http_header){SLICE("idempotency-key"), question.key};
    struct http_request request = {
        .head = &head,
        .method = question.method,
        .path = question.path,
        .query = question.query,
        .body = question.body,
        .reply_to = {.conn = {.index = (uint32_t)(place - teller->places)},
                     .request_no = place->used,
                     .carried = &teller->carried},
    };
    metrics_count(&teller->stats->questions, 1);
    if (place->reads && is_behind(teller))
        refuse_slow(teller, request.reply_to);
    else
        teller->desk.serve(teller->desk.owner, &request, &question.claims);
    return 0;
}

static int take_hello(struct office_teller *teller, const struct office_hello *hello)
{
    const struct office_message welcome = {.type = OFFICE_WELCOME,
                                           .welcome = {.format = OFFICE_FORMAT}};
    if (teller->greeted || hello->format != OFFICE_FORMAT || hello->places > OFFICE_PLACES_MAX)
        return -ERR_FORMAT;
    teller->greeted = true;
    teller->places_count = hello->places;
    metrics_count(&teller->stats->sessions, 1);
    link_out_said(&teller->out, office_wire_put(&teller->out.batch, &welcome));
    return 0;
}

static int take_message(struct office_teller *teller, const struct office_message *message)
{
    switch (message->type) {
    case OFFICE_HELLO:
        return take_hello(teller, &message->hello);
    case OFFICE_QUESTION:
        return teller->greeted ? take_question(teller, message) : -ERR_FORMAT;
    case OFFICE_WELCOME:
    case OFFICE_ANSWER:
        break;
    }
    return -ERR_FORMAT;
}

/* The desk may answer at once, and its answer end the link. */
static int take_batch(struct office_teller *teller, struct slice batch)
{
    struct office_message message;
    int more = -ERR_FORMAT;
    if (batch.bytes == 0)
        return -ERR_FORMAT;
    while (!teller->out.broken && (more = office_wire_next(&batch, &message)) > 0)
        TRY(take_message(teller, &message));
    return teller->out.broken ? 0 : more;
}

void office_teller_batch(struct office_teller *teller, struct slice batch)
{
    if (!link_out_is_open(&teller->out) || take_batch(teller, batch) == 0)
        return;
    metrics_count(&teller->stats->bad_batches, 1);
    link_out_fail(&teller->out);
}

/* ---- the link ---- */

void office_teller_attach(struct office_teller *teller, const struct carrier *link)
{
    link_out_attach(&teller->out, link);
    teller->greeted = false;
    metrics_change(&teller->stats->attached, 1);
}

void office_teller_detached(struct office_teller *teller)
{
    if (!teller->out.attached)
        return;
    link_out_detach(&teller->out);
    teller->greeted = false;
    teller->under_way = 0;
    for (uint32_t i = 0; i < OFFICE_PLACES_MAX; i++)
        teller->places[i].taken = false;
    metrics_change(&teller->stats->attached, -1);
}

void office_teller_turn_end(struct office_teller *teller)
{
    link_out_flush(&teller->out);
}

/* ---- life ---- */

int office_teller_new(const struct office_desk *desk, struct office_teller_stats *stats,
                      struct office_teller **ret_teller)
{
    struct office_teller *teller = calloc(1, sizeof *teller);
    if (teller == NULL ||
        link_out_new(&teller->out, OFFICE_BATCH_BYTES, OFFICE_ANSWER_MAX + OFFICE_HEAD_MAX) < 0) {
        free(teller);
        return -ERR_MEMORY;
    }
    teller->carried.reply = on_reply;
    teller->desk = *desk;
    teller->stats = stats;
    *ret_teller = teller;
    return 0;
}

void office_teller_free(struct office_teller *teller)
{
    if (teller == NULL)
        return;
    link_out_free(&teller->out);
    free(teller);
}
