/* node_uof_recovery.c - contract in node_uof_recovery.h. */
#include "cli/node/node_uof_recovery.h"

#include <stdlib.h>

#include "adapters/curl/curl_client.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/random.h"
#include "feeds/uof/uof_source.h"
#include "ports/web_client.h"

#define TICK_US          INT64_C(250000)
#define TOKEN_HEADER     "x-access-token: "
#define HEADER_BYTES_MAX 320
#define REQUEST_ID_MAX   1000000000 /* of the first: where many providers keep 32 bits */

struct node_uof_recovery {
    struct uof_recovery rules;
    struct loop *loop; /* borrowed, as the next */
    struct feed_source *source;
    struct web_client *client; /* owned */
    struct loop_wakeup wakeup;
    bool wakeup_open;
    struct timer tick;
    struct web_request request;
    bool asking; /* one at a time */
    uint16_t asked_of;
    char url[UOF_RECOVERY_URL_BYTES];
    char header[HEADER_BYTES_MAX];
    struct metrics_counter asked, failed;
};

/* The request is not under way; it is asked for again after the pause. */
static void fail(struct node_uof_recovery *recovery, int status, const char *problem)
{
    struct uof_recovery_row *row = uof_recovery_row(&recovery->rules, recovery->asked_of);
    ASSERT(row != NULL);
    row->failed = true;
    metrics_count(&recovery->failed, 1);
    log_warn("uof", "the provider takes no recovery: tried again",
             LOG_U64("producer", recovery->asked_of), LOG_I64("status", status),
             LOG_TEXT("why", slice_text(problem)));
}

static void on_done(struct web_request *request, int status, const char *problem)
{
    struct node_uof_recovery *recovery = request->owner;
    recovery->asking = false;
    if (status < 200 || status > 299)
        fail(recovery, status, problem);
}

/* What answers it may come before its answer does. */
static void ask(struct node_uof_recovery *recovery, uint16_t producer)
{
    recovery->asked_of = producer;
    recovery->request = (struct web_request){.url = recovery->url,
                                             .headers = {recovery->header},
                                             .content_type = "text/plain",
                                             .body = SLICE(""),
                                             .on_done = on_done,
                                             .owner = recovery};
    metrics_count(&recovery->asked, 1);
    uof_source_await(recovery->source, producer, recovery->rules.request_id);
    log_info("uof", "a recovery is asked for", LOG_U64("producer", producer),
             LOG_U64("request", recovery->rules.request_id));
    recovery->asking = recovery->client->ops->post(recovery->client, &recovery->request) == 0;
    if (!recovery->asking)
        fail(recovery, 0, "too many requests at once");
}

static void look(struct node_uof_recovery *recovery)
{
    int64_t now_us = loop_now(recovery->loop).us;
    int64_t wall_ms = loop_wall(recovery->loop).us / US_PER_MS;
    const struct uof_producer *producer;
    for (uint32_t n = 0; !recovery->asking; n++) {
        struct buf url = buf_over(recovery->url, sizeof recovery->url);
        producer = uof_source_producer(recovery->source, n);
        if (producer == NULL)
            return;
        if (uof_recovery_next(&recovery->rules, producer, now_us, wall_ms, &url))
            ask(recovery, producer->number);
    }
}

static void on_tick(void *owner)
{
    struct node_uof_recovery *recovery = owner;
    look(recovery);
    loop_timer_set(recovery->loop, &recovery->tick,
                   (struct monotonic){loop_now(recovery->loop).us + TICK_US});
}

static void on_client_ready(void *owner)
{
    struct node_uof_recovery *recovery = owner;
    recovery->client->ops->poll(recovery->client);
}

static void notify(void *owner)
{
    loop_wakeup_signal(owner);
}

static int open_client(struct node_uof_recovery *recovery,
                       const struct node_uof_recovery_options *options, struct buf *why)
{
    struct buf header = buf_over(recovery->header, sizeof recovery->header);
    uint64_t id = 0;
    buf_put_text(&header, TOKEN_HEADER);
    buf_put_slice(&header, options->token);
    buf_put_char(&header, '\0');
    ASSERT(!header.overflow); /* UOF_AUTH_BYTES_MAX */
    random_fill(&id, sizeof id);
    recovery->rules = options->rules;
    recovery->rules.request_id = id % REQUEST_ID_MAX;
    TRY(curl_client_new(options->ca, &recovery->client, why));
    TRY(loop_wakeup_open(recovery->loop, &recovery->wakeup, on_client_ready, recovery));
    recovery->wakeup_open = true;
    recovery->client->notify = notify;
    recovery->client->notify_owner = &recovery->wakeup;
    return 0;
}

int node_uof_recovery_new(const struct node_uof_recovery_options *options, struct loop *loop,
                          struct feed_source *source, struct node_uof_recovery **ret,
                          struct buf *why)
{
    *ret = NULL;
    if (options->rules.count == 0)
        return 0;
    struct node_uof_recovery *recovery = calloc(1, sizeof *recovery);
    if (recovery == NULL)
        return -ERR_MEMORY;
    recovery->loop = loop;
    recovery->source = source;
    timer_init(&recovery->tick, on_tick, recovery);
    int error = open_client(recovery, options, why);
    if (error < 0) {
        node_uof_recovery_free(recovery);
        return error;
    }
    for (uint32_t i = 0; i < recovery->rules.count; i++)
        uof_source_ask(source, recovery->rules.rows[i].number);
    loop_timer_set(loop, &recovery->tick, loop_now(loop));
    *ret = recovery;
    return 0;
}

void node_uof_recovery_end(struct node_uof_recovery *recovery)
{
    if (recovery != NULL)
        loop_timer_cancel(recovery->loop, &recovery->tick);
}

void node_uof_recovery_free(struct node_uof_recovery *recovery)
{
    if (recovery == NULL)
        return;
    node_uof_recovery_end(recovery);
    if (recovery->client != NULL)
        recovery->client->ops->free(recovery->client);
    if (recovery->wakeup_open)
        loop_wakeup_close(&recovery->wakeup);
    free(recovery);
}

int node_uof_recovery_register_metrics(const struct node_uof_recovery *recovery,
                                       struct metrics *metrics)
{
    if (recovery == NULL)
        return 0;
    const struct metrics_row counters[] = {
        {{"overround_uof_recoveries_total", "Recoveries that were asked for", NULL, 0},
         &recovery->asked.value},
        {{"overround_uof_recoveries_failed_total", "Of these, not taken by the provider", NULL, 0},
         &recovery->failed.value},
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}
