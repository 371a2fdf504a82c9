/* stream_notify.c - contract in stream_notify.h. One POST at a time, in order; one that is not
 * answered with 2xx is made again until it is, and nothing behind it is committed meanwhile. */
#include "cli/stream_notify.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "adapters/curl/curl_client.h"
#include "app/event_memory.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/stream_consumer.h"
#include "crypto/random.h"
#include "roles/notification/notice.h"

#define RETRY_US_MIN 200000
#define RETRY_US_MAX 10000000
#define TRIES_MAX    5 /* then the share may go to another member: the event comes again */

static const struct option_spec specs[] = {
    STREAM_CONSUMER_SPECS,
    {"file", NULL},
    {"webhook", NULL},
    {"webhook-ca", NULL},
    {"group", "overround-notification"},
};

struct notify {
    struct event_memory *memory; /* owned, as the next two */
    FILE *file;                  /* NULL: the webhook */
    struct web_client *client;
    const char *url;
    int done; /* an eventfd: the client has something to say */
    struct web_request request;
    bool answered;
    int status;
    char notice[NOTICE_BYTES_MAX];
};

/* ---- a webhook ---- */

static void on_client_ready(void *owner)
{
    const uint64_t one = 1;
    ssize_t bytes = write(((struct notify *)owner)->done, &one, sizeof one);
    (void)bytes; /* a counter that is full says it as well */
}

static void on_done(struct web_request *request, int status, const char *problem)
{
    struct notify *n = request->owner;
    n->answered = true;
    n->status = status;
    if (status == 0)
        log_warn("notification", "the webhook did not answer",
                 LOG_TEXT("why", slice_text(problem)));
}

/* The status of one POST, or 0. */
static int post_once(struct notify *n, struct slice body)
{
    struct pollfd ready = {n->done, POLLIN, 0};
    n->answered = false;
    n->request = (struct web_request){.url = n->url,
                                      .content_type = "application/json",
                                      .body = body,
                                      .on_done = on_done,
                                      .owner = n};
    if (n->client->ops->post(n->client, &n->request) < 0)
        return 0;
    while (!n->answered) {
        uint64_t count = 0;
        if (poll(&ready, 1, -1) < 0 && errno != EINTR)
            return 0;
        ssize_t bytes = read(n->done, &count, sizeof count);
        (void)bytes; /* nothing to read: a signal came */
        n->client->ops->poll(n->client);
    }
    return n->status;
}

static int post(struct notify *n, struct slice body)
{
    int64_t rest_us = RETRY_US_MIN;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        int status = post_once(n, body);
        if (status >= 200 && status < 300)
            return 0;
        log_warn("notification", "a notice was not taken: tried again", LOG_I64("status", status));
        const struct timespec rest = {rest_us / US_PER_SECOND, rest_us % US_PER_SECOND * 1000};
        (void)nanosleep(&rest, NULL);
        rest_us = rest_us * 2 < RETRY_US_MAX ? rest_us * 2 : RETRY_US_MAX;
    }
    return -ERR_BUSY;
}

/* ---- events ---- */

static int tell(struct notify *n, struct slice notice)
{
    if (n->file == NULL)
        return post(n, notice);
    return fwrite(notice.at, 1, notice.bytes, n->file) == notice.bytes &&
                   fputc('\n', n->file) != EOF
               ? 0
               : -ERR_IO;
}

static int take(void *owner, const struct event *event)
{
    struct notify *n = owner;
    struct buf notice = buf_over(n->notice, sizeof n->notice);
    int result = notice_of(event, &notice);
    if (result == -ERR_FORMAT) {
        log_warn("notification", "a message is none that is known", LOG_TEXT("seq", event->seq));
        return 0;
    }
    TRY(result);
    if (result == NOTICE_NONE || !event_memory_take(n->memory, event))
        return 0;
    return tell(n, buf_slice(&notice));
}

/* Lines are on the disk before their events are committed. */
static int finish(void *owner)
{
    struct notify *n = owner;
    if (n->file == NULL)
        return 0;
    return fflush(n->file) == 0 && fdatasync(fileno(n->file)) == 0 ? 0 : -ERR_IO;
}

/* ---- the command ---- */

static int open_webhook(struct notify *n, const struct options *options, struct buf *why)
{
    n->url = options_text(options, "webhook");
    if (n->url == NULL || !curl_client_takes(n->url)) {
        buf_put_text(why, "where to: --file FILE, or --webhook http://... or https://...");
        return -ERR_CONFIG;
    }
    n->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->done < 0)
        return -ERR_IO;
    TRY(curl_client_new(options_text(options, "webhook-ca"), &n->client, why));
    n->client->notify = on_client_ready;
    n->client->notify_owner = n;
    return 0;
}

static int open_notify(struct notify *n, const struct options *options, struct buf *why)
{
    uint64_t key[2];
    const char *path = options_text(options, "file");
    random_fill(key, sizeof key);
    TRY(event_memory_new(key, &n->memory));
    if (path == NULL)
        return open_webhook(n, options, why);
    n->file = fopen(path, "ae");
    if (n->file != NULL)
        return 0;
    buf_printf(why, "--file %s cannot be written", path);
    return -ERR_CONFIG;
}

static void close_notify(struct notify *n)
{
    if (n->client != NULL)
        n->client->ops->free(n->client);
    if (n->file != NULL)
        (void)fclose(n->file); /* what was committed is on the disk */
    event_memory_free(n->memory);
}

int stream_notify(int argc, char *const *argv)
{
    static struct options options;
    static struct notify notify;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct stream_consumer consumer = {.take = take, .finish = finish, .owner = &notify};
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    int error = open_notify(&notify, &options, &why);
    if (error == 0)
        error = stream_consumer_open(&consumer, &options, NULL, &why);
    if (error == 0)
        error = stream_consumer_run(&consumer);
    close_notify(&notify);
    return stream_consumer_close(&consumer, error, &why);
}
