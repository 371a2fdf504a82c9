/* notifier.c - contract in notifier.h. */
#include "cli/consumers/notifier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/curl/curl_client.h"
#include "app/event_memory.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "crypto/key_files.h"
#include "crypto/random.h"
#include "roles/notification/post_office.h"
#include "roles/notification/webhook_signature.h"

#define REST_US_MIN     200000
#define REST_US_MAX     (60 * US_PER_SECOND)
#define AWAY_NOTICES    4
#define AWAY_US_MAX     (5 * US_PER_SECOND)
#define DEAD_FILE       "dead-letters"
#define DEAD_LINE_BYTES (NOTICE_BYTES_MAX + 256)

/* A request that carries a post. */
struct courier {
    struct notifier *notifier;
    struct post *post; /* NULL: it is free */
    struct web_request request;
    char headers[WEBHOOK_HEADERS][WEBHOOK_HEADER_BYTES_MAX];
};

struct notifier {
    struct event_sink sink;
    struct notifier_options options;
    uint64_t hash_key[2];
    struct event_memory *memory; /* owned, as the next four */
    struct post_office *office;
    struct hmac256 *key; /* NULL: nothing is signed */
    struct web_client *client;
    int ready; /* an eventfd: the client has something to say */
    int dead;  /* the file of dead letters */
    bool failing;
    struct courier couriers[WEB_REQUESTS_MAX];
    struct metrics_counter told, dead_letters, tries, repeats, unknown, kept_on;
    struct metrics_counter losses;
    struct metrics_gauge held, away;
    char notice[NOTICE_BYTES_MAX];
};

/* ---- dead letters ---- */

static void write_dead(const struct post *post, struct buf *line)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(line);
    rfc3339_write(&time, (struct instant){clock_us(CLOCK_REALTIME)});
    json_write_object_open(&writer);
    json_write_key(&writer, "id");
    json_write_text(&writer, slice_of(post->id, post->id_bytes));
    json_write_key(&writer, "at");
    json_write_text(&writer, buf_slice(&time));
    json_write_key(&writer, "tries");
    json_write_i64(&writer, post->tries);
    json_write_key(&writer, "status");
    json_write_i64(&writer, post->status);
    json_write_key(&writer, "notice");
    json_write_raw(&writer, slice_of(post->notice, post->notice_bytes));
    json_write_object_close(&writer);
    buf_put_char(line, '\n');
}

/* Durable when it answers 0. A line that was cut short by a crash or a full disk is ended first. */
static int keep_dead(struct notifier *n, const struct post *post)
{
    char memory[DEAD_LINE_BYTES];
    struct buf line = buf_over(memory, sizeof memory);
    struct stat is;
    write_dead(post, &line);
    if (line.overflow || fstat(n->dead, &is) != 0)
        return -ERR_IO;
    if (is.st_size + (off_t)line.bytes > NOTIFIER_DEAD_BYTES_MAX)
        return -ERR_LIMIT;
    ssize_t written = write(n->dead, line.at, line.bytes);
    if (written == (ssize_t)line.bytes && fdatasync(n->dead) == 0)
        return 0;
    if (written > 0)
        (void)ftruncate(n->dead, is.st_size);
    return -ERR_IO;
}

static void give_up(struct notifier *n, struct post *post)
{
    int error = keep_dead(n, post);
    if (error < 0) {
        log_error("notification", "a notice is no dead letter yet: no room for it",
                  LOG_ERROR_CODE(error));
        metrics_count(&n->kept_on, 1);
        post_office_put_off(n->office, post, clock_us(CLOCK_MONOTONIC));
        return;
    }
    log_warn("notification", "a notice was not taken: a dead letter",
             LOG_TEXT("id", slice_of(post->id, post->id_bytes)), LOG_I64("status", post->status),
             LOG_I64("tries", post->tries));
    metrics_count(&n->dead_letters, 1);
    post_office_bury(n->office, post);
}

/* ---- posts under way ---- */

static void say_away(struct notifier *n, bool was_away)
{
    bool is_away = post_office_is_away(n->office);
    if (is_away && !was_away) {
        log_warn("notification", "the receiver is away: it is asked with one notice at a time");
        metrics_count(&n->losses, 1);
    }
    metrics_set(&n->away, is_away);
}

static void say_health(struct notifier *n, bool failing, int status, const char *problem)
{
    if (failing && !n->failing)
        log_warn("notification", "the webhook does not take notices: tried again",
                 LOG_I64("status", status), LOG_TEXT("why", slice_text(problem)));
    if (!failing && n->failing)
        log_info("notification", "the webhook takes notices again");
    n->failing = failing;
}

static void on_done(struct web_request *request, int status, const char *problem)
{
    struct courier *courier = request->owner;
    struct notifier *n = courier->notifier;
    struct post *post = courier->post;
    bool was_away = post_office_is_away(n->office);
    courier->post = NULL;
    enum post_fate fate = post_office_answered(n->office, post, status, clock_us(CLOCK_MONOTONIC));
    say_away(n, was_away);
    say_health(n, fate == POST_AGAIN, status, problem);
    switch (fate) {
    case POST_TOLD:
        metrics_count(&n->told, 1);
        break;
    case POST_AGAIN:
        break;
    case POST_DEAD:
        give_up(n, post);
        break;
    }
}

static struct courier *free_courier(struct notifier *n)
{
    for (size_t i = 0; i < WEB_REQUESTS_MAX; i++)
        if (n->couriers[i].post == NULL)
            return &n->couriers[i];
    return NULL;
}

static void send_off(struct notifier *n, struct courier *courier, struct post *post)
{
    const struct webhook_message message = {.id = slice_of(post->id, post->id_bytes),
                                            .body = slice_of(post->notice, post->notice_bytes),
                                            .time_s = clock_us(CLOCK_REALTIME) / US_PER_SECOND};
    webhook_headers(n->key, &message, courier->headers);
    courier->notifier = n;
    courier->post = post;
    courier->request = (struct web_request){.url = n->options.url,
                                            .content_type = "application/json",
                                            .body = message.body,
                                            .on_done = on_done,
                                            .owner = courier};
    for (size_t i = 0; i < WEBHOOK_HEADERS && courier->headers[i][0] != '\0'; i++)
        courier->request.headers[i] = courier->headers[i];
    metrics_count(&n->tries, 1);
    if (n->client->ops->post(n->client, &courier->request) < 0)
        on_done(&courier->request, 0, "too many requests at once");
}

static void pump(struct notifier *n)
{
    struct courier *courier;
    n->client->ops->poll(n->client);
    while ((courier = free_courier(n)) != NULL) {
        struct post *post = post_office_next(n->office, clock_us(CLOCK_MONOTONIC));
        if (post == NULL)
            break;
        send_off(n, courier, post);
    }
    metrics_set(&n->held, (int64_t)post_office_count(n->office));
}

static void on_client_ready(void *owner)
{
    const uint64_t one = 1;
    ssize_t bytes = write(((struct notifier *)owner)->ready, &one, sizeof one);
    (void)bytes; /* a counter that is full says it as well */
}

static void wait_ready(struct notifier *n, int64_t until_us)
{
    int64_t due_us = free_courier(n) != NULL ? post_office_due_us(n->office) : INT64_MAX;
    int64_t left_us = (due_us < until_us ? due_us : until_us) - clock_us(CLOCK_MONOTONIC);
    struct pollfd ready = {n->ready, POLLIN, 0};
    uint64_t count = 0;
    (void)poll(&ready, 1, left_us > 0 ? (int)(left_us / 1000) + 1 : 0);
    ssize_t bytes = read(n->ready, &count, sizeof count);
    (void)bytes; /* nothing to read: the time is over */
}

/* ---- the sink ---- */

static struct notifier *notifier_of(struct event_sink *sink)
{
    return (struct notifier *)sink;
}

static int sink_take(struct event_sink *sink, const struct event *event)
{
    struct notifier *n = notifier_of(sink);
    struct buf notice = buf_over(n->notice, sizeof n->notice);
    struct slice customer = SLICE_NONE;
    if (post_office_is_full(n->office))
        return -ERR_BUSY;
    int result = notice_of(event, &notice, &customer);
    if (result == -ERR_FORMAT || event->seq.bytes > POST_ID_BYTES) {
        log_warn("notification", "a message is none that is known", LOG_TEXT("seq", event->seq));
        metrics_count(&n->unknown, 1);
        return 0;
    }
    TRY(result);
    if (result == NOTICE_NONE)
        return 0;
    if (!event_memory_take(n->memory, event)) {
        metrics_count(&n->repeats, 1);
        return 0;
    }
    post_office_take(n->office, event->seq, siphash64(n->hash_key, customer.at, customer.bytes),
                     buf_slice(&notice));
    pump(n);
    return 0;
}

static int sink_settle(struct event_sink *sink)
{
    struct notifier *n = notifier_of(sink);
    int64_t until_us = clock_us(CLOCK_MONOTONIC) + SINK_WAIT_MS * US_PER_MS;
    pump(n);
    while (!post_office_is_empty(n->office) && clock_us(CLOCK_MONOTONIC) < until_us) {
        wait_ready(n, until_us);
        pump(n);
    }
    return post_office_is_empty(n->office) ? 1 : 0;
}

/* What was told stays told: a repeat is known by its seq, whoever had the share meanwhile. */
static void sink_renew(struct event_sink *sink)
{
    (void)sink;
}

static const struct event_sink_ops sink_ops = {sink_take, sink_settle, sink_renew};

struct event_sink *notifier_sink(struct notifier *notifier)
{
    return &notifier->sink;
}

/* ---- begin and end ---- */

static int read_secret(struct notifier *n, struct buf *why)
{
    char memory[WEBHOOK_SECRET_TEXT_MAX + 1];
    struct buf text = buf_over(memory, sizeof memory);
    if (n->options.secret == NULL)
        return 0;
    int error = key_files_read(AT_FDCWD, n->options.secret, &text, why);
    if (error == 0)
        error = webhook_key_new(buf_slice(&text), &n->key, why);
    explicit_bzero(memory, sizeof memory);
    if (error == -ERR_NOT_FOUND)
        buf_printf(why, "--notify-secret %s is not there", n->options.secret);
    return error == -ERR_NOT_FOUND ? -ERR_CONFIG : error;
}

static int open_dead(struct notifier *n, struct buf *why)
{
    char path[512];
    struct buf text = buf_over(path, sizeof path - 1);
    buf_printf(&text, "%s/" DEAD_FILE, n->options.data);
    path[text.bytes] = '\0';
    n->dead = text.overflow ? -1 : open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (n->dead >= 0)
        return 0;
    buf_printf(why, "%s cannot be written", path);
    return -ERR_CONFIG;
}

static int open_notifier(struct notifier *n, struct buf *why)
{
    struct post_rules rules = {.tries_max = n->options.tries_max,
                               .rest_us_min = REST_US_MIN,
                               .rest_us_max = REST_US_MAX,
                               .away_notices = AWAY_NOTICES,
                               .away_us_max = AWAY_US_MAX};
    random_fill(&rules.seed, sizeof rules.seed);
    if (n->options.url == NULL || !curl_client_takes(n->options.url)) {
        buf_put_text(why, "--notify-webhook is where notices go: http://... or https://...");
        return -ERR_CONFIG;
    }
    random_fill(n->hash_key, sizeof n->hash_key);
    TRY(read_secret(n, why));
    TRY(open_dead(n, why));
    TRY(event_memory_new(n->hash_key, &n->memory));
    TRY(post_office_new(&rules, &n->office));
    n->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->ready < 0)
        return -ERR_IO;
    TRY(curl_client_new(n->options.ca, &n->client, why));
    n->client->notify = on_client_ready;
    n->client->notify_owner = n;
    return 0;
}

int notifier_new(const struct notifier_options *options, struct notifier **ret_notifier,
                 struct buf *why)
{
    struct notifier *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ERR_MEMORY;
    n->sink.ops = &sink_ops;
    n->options = *options;
    n->ready = n->dead = -1;
    int error = open_notifier(n, why);
    if (error < 0) {
        notifier_free(n);
        return error;
    }
    *ret_notifier = n;
    return 0;
}

void notifier_free(struct notifier *notifier)
{
    if (notifier == NULL)
        return;
    if (notifier->client != NULL)
        notifier->client->ops->free(notifier->client);
    post_office_free(notifier->office);
    event_memory_free(notifier->memory);
    hmac256_free(notifier->key);
    if (notifier->ready >= 0)
        (void)close(notifier->ready);
    if (notifier->dead >= 0)
        (void)close(notifier->dead);
    free(notifier);
}

int notifier_register_metrics(struct notifier *notifier, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_notices_total", "Notices, and what became of them", "fate=\"told\"", 0},
         &notifier->told.value},
        {{"overround_notices_total", "Notices, and what became of them", "fate=\"dead_letter\"", 0},
         &notifier->dead_letters.value},
        {{"overround_notice_tries_total", "Posts of notices that were begun", NULL, 0},
         &notifier->tries.value},
        {{"overround_notice_repeats_total", "Messages that had come before", NULL, 0},
         &notifier->repeats.value},
        {{"overround_notice_unknown_total", "Messages that are none that is known", NULL, 0},
         &notifier->unknown.value},
        {{"overround_receiver_losses_total", "Times that the receiver of notices was away", NULL,
          0},
         &notifier->losses.value},
        {{"overround_limit_reached_total", "Times that a limit was reached",
          "limit=\"dead_letters\"", 0},
         &notifier->kept_on.value},
    };
    const struct metrics_gauge_row gauges[] = {
        {{"overround_notices_held", "Notices that wait or are under way", NULL, 0},
         &notifier->held},
        {{"overround_receiver_away",
          "1: the receiver of notices is away, and asked with one at a time", NULL, 0},
         &notifier->away},
    };
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    return metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges);
}
