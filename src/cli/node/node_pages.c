/* node_pages.c - contract in node_pages.h. */
#include "cli/node/node_pages.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/source_pages.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json_write.h"
#include "base/log.h"
#include "net/http/http_reply.h"
#include "net/http/http_url.h"

#define NO_STORE    SLICE("Cache-Control: no-store\r\n")
#define NDJSON      SLICE("application/x-ndjson")
#define QUERY_BYTES 64
/* What the last line needs, and one of an event beside its texts. */
#define LINE_EXTRA 256

/* ---- a place's thread ---- */

/* {"key":"e1","seq":"0-17","position":17,"time_us":N,"value":{...}} */
static int put_event(void *owner, const struct event *event)
{
    struct node_page_place *place = owner;
    size_t room = place->text.capacity - place->text.bytes;
    if (room < event->value.bytes + 6 * (event->key.bytes + event->seq.bytes) + 2 * LINE_EXTRA)
        return -ERR_LIMIT; /* the page ends before it */
    struct json_writer writer = json_write_begin(&place->text);
    json_write_object_open(&writer);
    json_write_key(&writer, "key");
    json_write_text(&writer, event->key);
    json_write_key(&writer, "seq");
    json_write_text(&writer, event->seq);
    json_write_key(&writer, "position");
    json_write_u64(&writer, event->position);
    json_write_key(&writer, "time_us");
    json_write_i64(&writer, event->time_us);
    json_write_key(&writer, "value");
    json_write_raw(&writer, event->value);
    json_write_object_close(&writer);
    buf_put_char(&place->text, '\n');
    return 0;
}

/* {"log":"HEX","position":P,"skip":K,"lag":N,"more":true} */
static void put_place(struct node_page_place *place)
{
    char memory[24];
    struct buf log = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&place->text);
    buf_printf(&log, "%016llx", (unsigned long long)place->pages->log);
    json_write_object_open(&writer);
    json_write_key(&writer, "log");
    json_write_text(&writer, buf_slice(&log));
    json_write_key(&writer, "position");
    json_write_u64(&writer, place->place.position);
    json_write_key(&writer, "skip");
    json_write_u64(&writer, place->place.skip);
    json_write_key(&writer, "lag");
    json_write_u64(&writer, place->reader->ops->lag(place->reader));
    json_write_key(&writer, "more");
    json_write_bool(&writer, place->result > 0);
    json_write_object_close(&writer);
    buf_put_char(&place->text, '\n');
}

static void make_page(struct node_page_place *place)
{
    char *memory = place->pages->texts[place - place->pages->places];
    place->text = buf_over(memory, NODE_PAGE_BYTES_MAX);
    int result =
        place->reader->ops->read(place->reader, &place->place, NODE_PAGE_BYTES, put_event, place);
    if (result == -ERR_LIMIT && place->text.bytes > 0)
        result = 1;
    place->result = result;
    if (result >= 0)
        put_place(place);
}

static void *run(void *owner)
{
    struct node_page_place *place = owner;
    pthread_mutex_lock(&place->lock);
    while (!place->end) {
        if (place->state != NODE_PAGE_ASKED || place->answered) {
            pthread_cond_wait(&place->asked, &place->lock);
            continue;
        }
        pthread_mutex_unlock(&place->lock);
        make_page(place);
        pthread_mutex_lock(&place->lock);
        place->answered = true;
        loop_wakeup_signal(&place->pages->wakeup);
    }
    pthread_mutex_unlock(&place->lock);
    return NULL;
}

/* ---- places ---- */

/* Ends a place that nobody waits for, or all of them at the end. */
static void free_place(struct node_page_place *place)
{
    if (place->state == NODE_PAGE_FREE)
        return;
    pthread_mutex_lock(&place->lock);
    place->end = true;
    pthread_cond_signal(&place->asked);
    pthread_mutex_unlock(&place->lock);
    (void)pthread_join(place->thread, NULL);
    place->reader->ops->free(place->reader);
    log_source_close(&place->source);
    pthread_cond_destroy(&place->asked);
    pthread_mutex_destroy(&place->lock);
    metrics_change(&place->pages->groups, -1);
    *place = (struct node_page_place){.state = NODE_PAGE_FREE};
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct node_page_place *place)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&place->thread, NULL, run, place);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? 0 : -ERR_MEMORY;
}

static int begin_place(struct node_page_place *place)
{
    TRY(log_source_open(&place->source, slice_text(place->topic), &place->pages->parts));
    TRY(source_pages_new(place->source.source, place->source.problem, &place->reader));
    pthread_mutex_init(&place->lock, NULL);
    pthread_cond_init(&place->asked, NULL);
    int error = start_thread(place);
    if (error < 0) {
        pthread_cond_destroy(&place->asked);
        pthread_mutex_destroy(&place->lock);
    }
    return error;
}

static int open_place(struct node_pages *pages, struct node_page_place *place, struct slice topic,
                      struct slice group)
{
    *place = (struct node_page_place){.pages = pages};
    (void)snprintf(place->topic, sizeof place->topic, "%.*s", SLICE_ARG(topic));
    (void)snprintf(place->group, sizeof place->group, "%.*s", SLICE_ARG(group));
    int error = begin_place(place);
    if (error == 0) {
        place->state = NODE_PAGE_IDLE;
        metrics_change(&pages->groups, 1);
        return 0;
    }
    if (place->reader != NULL)
        place->reader->ops->free(place->reader);
    log_source_close(&place->source);
    *place = (struct node_page_place){.state = NODE_PAGE_FREE};
    return error;
}

static bool is_of(const struct node_page_place *place, struct slice topic, struct slice group)
{
    return place->state != NODE_PAGE_FREE && slice_is(topic, place->topic) &&
           slice_is(group, place->group);
}

/* The group's place, or one made for it. NULL: there is no room now. */
static struct node_page_place *place_of(struct node_pages *pages, struct slice topic,
                                        struct slice group)
{
    int64_t now_us = loop_now(pages->loop).us;
    struct node_page_place *best = NULL;
    for (size_t i = 0; i < NODE_PAGES_MAX; i++)
        if (is_of(&pages->places[i], topic, group))
            return &pages->places[i];
    for (size_t i = 0; i < NODE_PAGES_MAX; i++) {
        struct node_page_place *place = &pages->places[i];
        bool idle = place->state == NODE_PAGE_IDLE && now_us - place->asked_us > NODE_PAGES_IDLE_US;
        if (place->state == NODE_PAGE_FREE || (idle && best == NULL))
            best = place;
    }
    if (best == NULL)
        return NULL;
    free_place(best);
    return open_place(pages, best, topic, group) < 0 ? NULL : best;
}

/* ---- requests ---- */

/* 0 where it is not there. */
static bool query_number(struct slice query, const char *name, int64_t max, uint64_t *ret)
{
    struct slice text;
    struct decimal number;
    *ret = 0;
    if (!http_url_query(query, name, &text))
        return true;
    if (decimal_parse(text, &number) < 0 || number.scale != 0 || number.mantissa < 0 ||
        number.mantissa > max)
        return false;
    *ret = (uint64_t)number.mantissa;
    return true;
}

static bool read_query(struct slice query, struct buf *memory, struct slice *ret_group,
                       struct event_place *ret_place)
{
    uint64_t skip = 0;
    if (http_url_query_text(query, "group", memory, ret_group) < 0 || ret_group->bytes == 0 ||
        ret_group->bytes >= EVENT_GROUP_BYTES_MAX)
        return false;
    if (!query_number(query, "position", INT64_MAX, &ret_place->position) ||
        !query_number(query, "skip", UINT32_MAX, &skip))
        return false;
    ret_place->skip = (uint32_t)skip;
    return true;
}

static void refuse_busy(struct node_pages *pages, struct http_request *request, const char *why)
{
    metrics_count(&pages->refused, 1);
    http_reply_problem_with(request->reply_to, 503, "STREAM_BUSY", slice_text(why),
                            HTTP_RETRY_SOON);
}

static void ask(struct node_page_place *place, struct http_request *request,
                const struct event_place *from)
{
    pthread_mutex_lock(&place->lock);
    place->to = request->reply_to;
    place->place = *from;
    place->answered = false;
    place->state = NODE_PAGE_ASKED;
    pthread_cond_signal(&place->asked);
    pthread_mutex_unlock(&place->lock);
    place->asked_us = loop_now(place->pages->loop).us;
}

void node_pages_serve(void *owner, struct http_request *request, struct slice topic)
{
    struct node_pages *pages = owner;
    char text[QUERY_BYTES];
    struct buf memory = buf_over(text, sizeof text);
    struct event_place from = {0};
    struct slice group = SLICE_NONE;
    if (!slice_is(topic, TOPIC_BET_EVENTS) && !slice_is(topic, TOPIC_ODDS_UPDATES)) {
        http_reply_problem(request->reply_to, 404, "NOT_FOUND", SLICE("There is no such topic."));
        return;
    }
    if (!read_query(request->query, &memory, &group, &from)) {
        http_reply_problem(request->reply_to, 400, "MALFORMED_REQUEST",
                           SLICE("group, position and skip: a name and two numbers."));
        return;
    }
    struct node_page_place *place = place_of(pages, topic, group);
    if (place == NULL)
        refuse_busy(pages, request, "So many groups read already.");
    else if (place->state == NODE_PAGE_ASKED)
        refuse_busy(pages, request, "Another member of the group is reading.");
    else
        ask(place, request, &from);
}

static void answer(struct node_pages *pages, struct node_page_place *place)
{
    if (place->result >= 0) {
        metrics_count(&pages->served, 1);
        http_reply(place->to, 200, NDJSON, NO_STORE, buf_slice(&place->text));
        return;
    }
    const char *why = place->reader->ops->problem(place->reader);
    metrics_count(&pages->failed, 1);
    log_warn("streams", "a page of a log cannot be made",
             LOG_TEXT("topic", slice_text(place->topic)), LOG_ERROR_CODE(place->result),
             LOG_TEXT("why", slice_text(why)));
    if (place->result == -ERR_CORRUPT)
        http_reply_problem(place->to, 409, "STREAM_POSITION", slice_text(why));
    else
        http_reply_problem(place->to, 500, "STREAM_FAILED", slice_text(error_text(place->result)));
}

static void on_answers(void *owner)
{
    struct node_pages *pages = owner;
    for (size_t i = 0; i < NODE_PAGES_MAX; i++) {
        struct node_page_place *place = &pages->places[i];
        if (place->state != NODE_PAGE_ASKED)
            continue;
        pthread_mutex_lock(&place->lock);
        bool answered = place->answered;
        if (answered)
            place->state = NODE_PAGE_IDLE;
        pthread_mutex_unlock(&place->lock);
        if (answered)
            answer(pages, place);
    }
}

/* ---- begin and end ---- */

/* A number that names the log: two books have the same by a chance of one in 2^64. */
static uint64_t log_of(const struct shard_state *state)
{
    static const uint64_t key[2] = {0, 0};
    char memory[SHARD_BOOK_ID_BYTES + sizeof(uint32_t)];
    uint32_t shard = shard_state_shard(state);
    memcpy(memory, shard_state_book_id(state), SHARD_BOOK_ID_BYTES);
    memcpy(memory + SHARD_BOOK_ID_BYTES, &shard, sizeof shard);
    uint64_t log = siphash64(key, memory, sizeof memory);
    return log == 0 ? 1 : log;
}

int node_pages_open(struct node_pages *pages, struct loop *loop,
                    const struct log_source_parts *parts)
{
    TRY(loop_wakeup_open(loop, &pages->wakeup, on_answers, pages));
    pages->wakeup_open = true;
    pages->loop = loop;
    pages->parts = *parts;
    pages->log = log_of(parts->state);
    return 0;
}

void node_pages_close(struct node_pages *pages)
{
    if (pages->parts.stop != NULL)
        __atomic_store_n(pages->parts.stop, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < NODE_PAGES_MAX; i++)
        free_place(&pages->places[i]);
    if (pages->wakeup_open)
        loop_wakeup_close(&pages->wakeup);
    pages->wakeup_open = false;
    pages->loop = NULL;
}

int node_pages_register_metrics(struct node_pages *pages, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_stream_pages_total", "Pages of logs that consumers asked for",
          "outcome=\"served\"", 0},
         &pages->served.value},
        {{"overround_stream_pages_total", "Pages of logs that consumers asked for",
          "outcome=\"busy\"", 0},
         &pages->refused.value},
        {{"overround_stream_pages_total", "Pages of logs that consumers asked for",
          "outcome=\"failed\"", 0},
         &pages->failed.value},
    };
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    return metrics_add_gauge(metrics,
                             (struct metrics_name){"overround_stream_page_groups",
                                                   "Groups that read the logs now", NULL, 0},
                             &pages->groups);
}
