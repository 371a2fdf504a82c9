/* office_asker.c - contract in office_asker.h. */
#include "roles/backoffice/office_asker.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/http/http_reply.h"
#include "roles/shared/link_places.h"

/* A question under way. */
struct asked {
    struct http_reply_to to;
    size_t bytes;
};

enum link_state { LINK_NONE = 0, LINK_GREETED, LINK_WELCOME };

struct office_asker {
    struct office_asker_options options;
    struct link_out out;
    enum link_state state;
    struct link_places places;
    struct asked *asked; /* owned; by place */
    size_t bytes;        /* of all questions under way */
    struct monotonic now;
    struct office_asker_stats stats;
};

/* ---- what is not known is not said ---- */

static void refuse(struct http_reply_to to, const char *code, const char *why)
{
    http_reply_problem_with(to, 503, code, slice_text(why), HTTP_RETRY_SOON);
}

static void refuse_away(struct http_reply_to to)
{
    refuse(to, "BOOK_AWAY", "The desk is not there now; it has not heard of this.");
}

static void refuse_overloaded(struct http_reply_to to)
{
    refuse(to, "OVERLOADED", "Too many requests wait for the desk; it has not heard of this.");
}

static void refuse_delayed(struct http_reply_to to)
{
    refuse(to, "ANSWER_DELAYED", "The desk may have taken this: look there before it is repeated.");
}

/* ---- places ---- */

static struct http_reply_to give_place(struct office_asker *asker, uint32_t at)
{
    link_places_give(&asker->places, at);
    asker->bytes -= asker->asked[at].bytes;
    metrics_set(&asker->stats.under_way, asker->places.under_way);
    return asker->asked[at].to;
}

static void give_up_first(struct office_asker *asker, struct metrics_counter *counter)
{
    struct http_reply_to to = give_place(asker, asker->places.first);
    metrics_count(counter, 1);
    refuse_delayed(to);
}

/* ---- asking ---- */

static size_t bytes_of(const struct office_question *question)
{
    return OFFICE_HEAD_MAX + question->claims.sub_bytes + question->path.bytes +
           question->query.bytes + question->key.bytes + question->body.bytes;
}

void office_asker_ask(struct office_asker *asker, const struct office_question *question,
                      struct http_reply_to to)
{
    size_t bytes = bytes_of(question);
    if (!office_asker_is_welcome(asker)) {
        metrics_count(&asker->stats.away, 1);
        refuse_away(to);
        return;
    }
    if (asker->bytes + bytes > asker->options.bytes_max) {
        metrics_count(&asker->stats.bytes_reached, 1);
        refuse_overloaded(to);
        return;
    }
    uint32_t at = link_places_take(&asker->places, asker->now.us);
    if (at == LINK_PLACE_NONE) {
        metrics_count(&asker->stats.places_reached, 1);
        refuse_overloaded(to);
        return;
    }
    asker->asked[at] = (struct asked){to, bytes};
    asker->bytes += bytes;
    metrics_set(&asker->stats.under_way, asker->places.under_way);
    metrics_count(&asker->stats.asked, 1);
    link_out_said(
        &asker->out,
        office_wire_put_question(&asker->out.batch, link_places_tag(&asker->places, at), question));
}

/* ---- what comes ---- */

static void take_answer(struct office_asker *asker, const struct office_message *message)
{
    uint32_t at = link_places_find(&asker->places, message->answered.tag);
    if (at == LINK_PLACE_NONE)
        return; /* it was given up */
    struct http_reply_to to = give_place(asker, at);
    const struct http_carried_answer answer = office_answer_of(message);
    metrics_count(&asker->stats.answered, 1);
    http_reply(to, answer.status, answer.content_type, answer.headers, answer.body);
}

static int take_message(struct office_asker *asker, const struct office_message *message)
{
    switch (message->type) {
    case OFFICE_WELCOME:
        if (asker->state != LINK_GREETED || message->welcome.format != OFFICE_FORMAT)
            return -ERR_FORMAT;
        asker->state = LINK_WELCOME;
        metrics_count(&asker->stats.sessions, 1);
        return 0;
    case OFFICE_ANSWER:
        if (asker->state != LINK_WELCOME)
            return -ERR_FORMAT;
        take_answer(asker, message);
        return 0;
    case OFFICE_HELLO:
    case OFFICE_QUESTION:
        break;
    }
    return -ERR_FORMAT;
}

static int take_batch(struct office_asker *asker, struct slice batch)
{
    struct office_message message;
    int more;
    if (batch.bytes == 0)
        return -ERR_FORMAT;
    while ((more = office_wire_next(&batch, &message)) > 0)
        TRY(take_message(asker, &message));
    return more;
}

void office_asker_batch(struct office_asker *asker, struct slice batch)
{
    if (!link_out_is_open(&asker->out) || take_batch(asker, batch) == 0)
        return;
    metrics_count(&asker->stats.bad_batches, 1);
    link_out_fail(&asker->out);
}

/* ---- the link ---- */

void office_asker_attach(struct office_asker *asker, const struct carrier *link)
{
    const struct office_message hello = {
        .type = OFFICE_HELLO, .hello = {.format = OFFICE_FORMAT, .places = asker->options.places}};
    link_out_attach(&asker->out, link);
    asker->state = LINK_GREETED;
    link_out_said(&asker->out, office_wire_put(&asker->out.batch, &hello));
    link_out_flush(&asker->out);
}

void office_asker_detached(struct office_asker *asker)
{
    if (asker->state == LINK_NONE)
        return;
    asker->state = LINK_NONE;
    link_out_detach(&asker->out);
    while (asker->places.under_way > 0)
        give_up_first(asker, &asker->stats.given_up);
}

bool office_asker_is_welcome(const struct office_asker *asker)
{
    return asker->state == LINK_WELCOME && link_out_is_open(&asker->out);
}

/* ---- turns ---- */

void office_asker_turn_begin(struct office_asker *asker, struct monotonic now)
{
    asker->now = now;
    while (office_asker_due_us(asker) == 0)
        give_up_first(asker, &asker->stats.late);
}

void office_asker_turn_end(struct office_asker *asker)
{
    link_out_flush(&asker->out);
}

int64_t office_asker_due_us(const struct office_asker *asker)
{
    return link_places_due_us(&asker->places, asker->options.answer_us_max, asker->now.us);
}

/* ---- life ---- */

int office_asker_new(const struct office_asker_options *options, struct office_asker **ret_asker)
{
    struct office_asker *asker = calloc(1, sizeof *asker);
    ASSERT(options->bytes_max >= OFFICE_QUESTION_MAX + OFFICE_HEAD_MAX);
    if (asker == NULL)
        return -ERR_MEMORY;
    asker->options = *options;
    asker->asked = calloc(options->places, sizeof *asker->asked);
    if (asker->asked == NULL || link_places_new(&asker->places, options->places) < 0 ||
        link_out_new(&asker->out, OFFICE_BATCH_BYTES, OFFICE_QUESTION_MAX + OFFICE_HEAD_MAX) < 0) {
        office_asker_free(asker);
        return -ERR_MEMORY;
    }
    *ret_asker = asker;
    return 0;
}

void office_asker_free(struct office_asker *asker)
{
    if (asker == NULL)
        return;
    free(asker->asked);
    link_places_free(&asker->places);
    link_out_free(&asker->out);
    free(asker);
}

const struct office_asker_stats *office_asker_stats(const struct office_asker *asker)
{
    return &asker->stats;
}

int office_asker_register_metrics(const struct office_asker *asker, struct metrics *metrics)
{
    static const char unanswered[] = "overround_office_unanswered_total";
    static const char help[] = "Questions that the desk did not answer";
    static const char limit[] = "overround_limit_reached_total";
    static const char limit_help[] = "How often a limit was reached";
    const struct office_asker_stats *stats = &asker->stats;
    const struct metrics_row rows[] = {
        {{"overround_office_questions_total", "Questions that went to the desk", NULL, 0},
         &stats->asked.value},
        {{"overround_office_answers_total", "Answers of the desk", NULL, 0},
         &stats->answered.value},
        {{unanswered, help, "reason=\"away\"", 0}, &stats->away.value},
        {{unanswered, help, "reason=\"link_ended\"", 0}, &stats->given_up.value},
        {{unanswered, help, "reason=\"late\"", 0}, &stats->late.value},
        {{"overround_office_sessions_total", "Links to the desk", NULL, 0}, &stats->sessions.value},
        {{"overround_office_bad_batches_total", "Links closed for what they brought", NULL, 0},
         &stats->bad_batches.value},
        {{limit, limit_help, "limit=\"office_questions\"", 0}, &stats->places_reached.value},
        {{limit, limit_help, "limit=\"office_question_bytes\"", 0}, &stats->bytes_reached.value},
    };
    TRY(metrics_add_gauge(
        metrics,
        (struct metrics_name){"overround_office_under_way", "Questions under way now", NULL, 0},
        &stats->under_way));
    return metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows);
}
