/* bet_link_asker.c - contract in bet_link_asker.h. */
#include "roles/bet/bet_link_asker.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "roles/bet/bet_link_wire.h"
#include "roles/bet/bet_problem.h"
#include "roles/shared/link_places.h"

/* A question under way. */
struct asked {
    bet_service_answer_fn answer;
    struct book_cookie cookie;
};

enum link_state { LINK_NONE = 0, LINK_GREETED, LINK_WELCOME };

struct bet_link_asker {
    struct bet_port port;
    struct bet_link_asker_options options;
    struct bet_link_asker_events events;
    struct link_out out;
    enum link_state state;
    bool takes_bets;
    struct link_places places;
    struct asked *asked; /* owned; by place */
    struct monotonic now;
    uint64_t there[BET_LINK_CELLS / 64]; /* bits: cells of users with sockets here */
    struct bet_link_asker_stats stats;
};

static const struct bet_problem away = {503, "BOOK_AWAY", "No bets are taken now.", 1};
static const struct bet_problem overloaded = {503, "OVERLOADED",
                                              "Too many requests wait for the book.", 1};
static const struct bet_problem delayed = {503, "ANSWER_DELAYED", "Ask again with the same key.",
                                           1};

/* ---- the link ---- */

static void say(struct bet_link_asker *asker, const struct bet_link_message *message)
{
    link_out_said(&asker->out, bet_link_put(&asker->out.batch, message));
}

static void say_cell(struct bet_link_asker *asker, uint32_t cell, bool there)
{
    say(asker, &(struct bet_link_message){.type = BET_LINK_USERS, .users = {cell, there}});
}

void bet_link_asker_attach(struct bet_link_asker *asker, const struct carrier *link)
{
    link_out_attach(&asker->out, link);
    asker->state = LINK_GREETED;
    say(asker, &(struct bet_link_message){.type = BET_LINK_HELLO,
                                          .hello = {.format = BET_LINK_FORMAT,
                                                    .places = asker->options.places,
                                                    .hash_key = {asker->options.hash_key[0],
                                                                 asker->options.hash_key[1]}}});
    for (uint32_t cell = 0; cell < BET_LINK_CELLS; cell++)
        if ((asker->there[cell / 64] >> (cell % 64) & 1) != 0)
            say_cell(asker, cell, true);
    link_out_flush(&asker->out);
}

/* ---- places ---- */

/* It is free before the transport is told, which may ask again at once. */
static struct asked give_place(struct bet_link_asker *asker, uint32_t at)
{
    link_places_give(&asker->places, at);
    return asker->asked[at];
}

static void give_up_first(struct bet_link_asker *asker, struct metrics_counter *counter)
{
    struct asked was = give_place(asker, asker->places.first);
    metrics_count(counter, 1);
    bet_problem_tell(&delayed, was.answer, was.cookie);
}

/* ---- asking ---- */

static bool is_too_long(const struct bet_question *question)
{
    size_t sub = question->claims != NULL ? question->claims->sub_bytes : 0;
    return question->key.bytes > UINT16_MAX || question->bet_id.bytes > UINT16_MAX ||
           sub + question->key.bytes + question->words.bytes + question->personal.bytes +
                   question->bet_id.bytes >
               BET_LINK_QUESTION_MAX;
}

static void ask(struct bet_port *port, const struct bet_question *question,
                bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct bet_link_asker *asker = (struct bet_link_asker *)port;
    if (asker->state != LINK_WELCOME || asker->out.broken) {
        metrics_count(&asker->stats.away, 1);
        bet_problem_tell(&away, answer, cookie);
        return;
    }
    uint32_t at =
        is_too_long(question) ? LINK_PLACE_NONE : link_places_take(&asker->places, asker->now.us);
    if (at == LINK_PLACE_NONE) {
        metrics_count(&asker->stats.places_reached, 1);
        bet_problem_tell(&overloaded, answer, cookie);
        return;
    }
    asker->asked[at] = (struct asked){answer, cookie};
    metrics_count(&asker->stats.asked, 1);
    link_out_said(
        &asker->out,
        bet_link_put_question(&asker->out.batch, link_places_tag(&asker->places, at), question));
}

/* ---- what comes ---- */

static void take_answer(struct bet_link_asker *asker, const struct bet_link_message *message)
{
    uint32_t at = link_places_find(&asker->places, message->answer.tag);
    if (at == LINK_PLACE_NONE)
        return; /* it was given up */
    struct asked was = give_place(asker, at);
    metrics_count(&asker->stats.answered, 1);
    was.answer(&(struct bet_service_answer){
        .cookie = was.cookie,
        .status = message->answer.status,
        .replayed = message->answer.replayed != 0,
        .retry_after_s = (int)message->answer.retry_after_s,
        .body = message->tail,
    });
}

static void take_own(const struct bet_link_asker *asker, const struct bet_link_message *message)
{
    const struct bet_link_own_parts own = bet_link_own_of(message);
    char op[BET_LINK_OP_BYTES_MAX] = {0};
    if (asker->events.on_own == NULL)
        return;
    memcpy(op, own.op.at, own.op.bytes);
    asker->events.on_own(asker->events.owner, own.user_id, op, own.object);
}

static int take_welcome(struct bet_link_asker *asker, const struct bet_link_welcome *welcome)
{
    const struct shard_place *place = &asker->options.place;
    if (asker->state != LINK_GREETED || welcome->format != BET_LINK_FORMAT)
        return -ERR_FORMAT;
    if (welcome->shard != place->shard ||
        (welcome->shards == 0 ? 1 : welcome->shards) != place->shards)
        return -ERR_STOPPED;
    asker->state = LINK_WELCOME;
    asker->takes_bets = welcome->takes_bets != 0;
    metrics_count(&asker->stats.sessions, 1);
    return 0;
}

static int take_message(struct bet_link_asker *asker, const struct bet_link_message *message)
{
    if (message->type == BET_LINK_WELCOME)
        return take_welcome(asker, &message->welcome);
    if (asker->state != LINK_WELCOME)
        return -ERR_FORMAT;
    switch (message->type) {
    case BET_LINK_STATE:
        asker->takes_bets = message->state.takes_bets != 0;
        return 0;
    case BET_LINK_ANSWER:
        take_answer(asker, message);
        return 0;
    case BET_LINK_OWN:
        take_own(asker, message);
        return 0;
    case BET_LINK_HELLO:
    case BET_LINK_WELCOME:
    case BET_LINK_QUESTION:
    case BET_LINK_USERS:
        break;
    }
    return -ERR_FORMAT;
}

static int take_batch(struct bet_link_asker *asker, struct slice batch)
{
    struct bet_link_message message;
    int more;
    if (batch.bytes == 0)
        return -ERR_FORMAT;
    while ((more = bet_link_next(&batch, &message)) > 0)
        TRY(take_message(asker, &message));
    return more;
}

void bet_link_asker_batch(struct bet_link_asker *asker, struct slice batch)
{
    int error = link_out_is_open(&asker->out) ? take_batch(asker, batch) : 0;
    if (error == 0)
        return;
    metrics_count(error == -ERR_STOPPED ? &asker->stats.other_shards : &asker->stats.bad_batches,
                  1);
    link_out_fail(&asker->out);
}

void bet_link_asker_detached(struct bet_link_asker *asker)
{
    if (asker->state == LINK_NONE)
        return;
    bool was_welcome = asker->state == LINK_WELCOME;
    asker->state = LINK_NONE;
    asker->takes_bets = false;
    link_out_detach(&asker->out);
    while (asker->places.under_way > 0)
        give_up_first(asker, &asker->stats.given_up);
    if (was_welcome && asker->events.on_gap != NULL)
        asker->events.on_gap(asker->events.owner);
}

/* ---- users, turns ---- */

void bet_link_asker_users(struct bet_link_asker *asker, uint32_t cell, bool there)
{
    ASSERT(cell < BET_LINK_CELLS);
    uint64_t bit = UINT64_C(1) << (cell % 64);
    if (there)
        asker->there[cell / 64] |= bit;
    else
        asker->there[cell / 64] &= ~bit;
    if (link_out_is_open(&asker->out))
        say_cell(asker, cell, there);
}

void bet_link_asker_turn_begin(struct bet_link_asker *asker, struct monotonic now)
{
    asker->now = now;
    while (bet_link_asker_due_us(asker) == 0)
        give_up_first(asker, &asker->stats.late);
}

void bet_link_asker_turn_end(struct bet_link_asker *asker)
{
    link_out_flush(&asker->out);
}

int64_t bet_link_asker_due_us(const struct bet_link_asker *asker)
{
    return link_places_due_us(&asker->places, asker->options.answer_us_max, asker->now.us);
}

/* ---- life ---- */

int bet_link_asker_new(const struct bet_link_asker_options *options,
                       const struct bet_link_asker_events *events,
                       struct bet_link_asker **ret_asker)
{
    struct bet_link_asker *asker = calloc(1, sizeof *asker);
    if (asker == NULL)
        return -ERR_MEMORY;
    asker->port.ask = ask;
    asker->options = *options;
    asker->events = *events;
    asker->asked = calloc(options->places, sizeof *asker->asked);
    if (asker->asked == NULL || link_places_new(&asker->places, options->places) < 0 ||
        link_out_new(&asker->out, BET_LINK_BATCH_BYTES, BET_LINK_MESSAGE_MAX) < 0) {
        bet_link_asker_free(asker);
        return -ERR_MEMORY;
    }
    *ret_asker = asker;
    return 0;
}

void bet_link_asker_free(struct bet_link_asker *asker)
{
    if (asker == NULL)
        return;
    free(asker->asked);
    link_places_free(&asker->places);
    link_out_free(&asker->out);
    free(asker);
}

struct bet_port *bet_link_asker_port(struct bet_link_asker *asker)
{
    return &asker->port;
}

bool bet_link_asker_is_welcome(const struct bet_link_asker *asker)
{
    return asker->state == LINK_WELCOME && !asker->out.broken;
}

bool bet_link_asker_takes_bets(const struct bet_link_asker *asker)
{
    return asker->takes_bets && !asker->out.broken;
}

uint32_t bet_link_asker_under_way(const struct bet_link_asker *asker)
{
    return asker->places.under_way;
}

const struct bet_link_asker_stats *bet_link_asker_stats(const struct bet_link_asker *asker)
{
    return &asker->stats;
}

int bet_link_asker_register_metrics(const struct bet_link_asker *asker, struct metrics *metrics)
{
    const char *ends = "overround_link_unanswered_total";
    const char *help = "Questions that the book did not answer";
    const struct metrics_row rows[] = {
        {{"overround_link_questions_total", "Questions that went to the book", NULL, 0},
         &asker->stats.asked.value},
        {{"overround_link_answers_total", "Answers of the book", NULL, 0},
         &asker->stats.answered.value},
        {{ends, help, "reason=\"away\"", 0}, &asker->stats.away.value},
        {{ends, help, "reason=\"link_ended\"", 0}, &asker->stats.given_up.value},
        {{ends, help, "reason=\"late\"", 0}, &asker->stats.late.value},
        {{"overround_link_sessions_total", "Links to the book", NULL, 0},
         &asker->stats.sessions.value},
        {{"overround_link_bad_batches_total", "Links closed for what they brought", NULL, 0},
         &asker->stats.bad_batches.value},
        {{"overround_link_other_shards_total",
          "Links closed because the book there has another shard", NULL, 0},
         &asker->stats.other_shards.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"link_questions\"", 0},
         &asker->stats.places_reached.value},
    };
    return metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows);
}
