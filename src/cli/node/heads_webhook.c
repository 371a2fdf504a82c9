/* heads_webhook.c - contract in heads_webhook.h. */
#include "cli/node/heads_webhook.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/curl/curl_client.h"
#include "base/backoff.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/random.h"
#include "ledger/proof_json.h"

#define BACKOFF_US_MIN US_PER_SECOND
#define BACKOFF_US_MAX (60 * US_PER_SECOND)
#define BODY_BYTES_MAX PROOF_JSON_LINK_BYTES_MAX

_Static_assert(PROOF_JSON_HEAD_BYTES_MAX <= BODY_BYTES_MAX, "one body for both");

struct item {
    bool is_link;
    unsigned char bytes[TREE_LINK_BYTES]; /* or of a head */
};

struct heads_webhook {
    struct loop *loop; /* borrowed, as the next */
    const char *url;
    struct web_client *client; /* owned */
    struct loop_wakeup wakeup;
    bool wakeup_open;
    struct web_request request;
    bool posting; /* the oldest waits for its answer */
    bool failing; /* the last one failed: it is in the log */
    uint64_t posting_at;
    char body[BODY_BYTES_MAX];
    struct timer retry;
    struct backoff backoff;
    struct item items[HEADS_WEBHOOK_MAX]; /* a ring */
    uint64_t in, out;
    struct heads_webhook_stats stats;
};

static void post(struct heads_webhook *webhook);

static void on_retry(void *owner)
{
    post(owner);
}

static void on_client_ready(void *owner)
{
    struct heads_webhook *webhook = owner;
    webhook->client->ops->poll(webhook->client);
}

static void notify(void *owner)
{
    loop_wakeup_signal(owner);
}

static void fail(struct heads_webhook *webhook, int status, const char *problem)
{
    if (!webhook->failing)
        log_warn("heads", "the webhook does not take what is signed: tried again",
                 LOG_I64("status", status), LOG_TEXT("why", slice_text(problem)));
    webhook->failing = true;
    metrics_count(&webhook->stats.failed, 1);
    loop_timer_set(webhook->loop, &webhook->retry,
                   (struct monotonic){loop_now(webhook->loop).us + backoff_us(&webhook->backoff)});
}

/* What was posted may have been dropped from the ring meanwhile. */
static void on_done(struct web_request *request, int status, const char *problem)
{
    struct heads_webhook *webhook = request->owner;
    webhook->posting = false;
    if (status < 200 || status > 299) {
        fail(webhook, status, problem);
        return;
    }
    if (webhook->failing)
        log_info("heads", "the webhook takes what is signed again", LOG_I64("status", status));
    webhook->failing = false;
    backoff_reset(&webhook->backoff);
    metrics_count(&webhook->stats.posted, 1);
    if (webhook->out == webhook->posting_at)
        webhook->out++;
    post(webhook);
}

static void post(struct heads_webhook *webhook)
{
    struct buf body = buf_over(webhook->body, sizeof webhook->body);
    struct json_writer writer = json_write_begin(&body);
    if (webhook->posting || timer_is_set(&webhook->retry) || webhook->in == webhook->out)
        return;
    const struct item *item = &webhook->items[webhook->out % HEADS_WEBHOOK_MAX];
    if (item->is_link)
        proof_json_link(&writer, item->bytes);
    else
        proof_json_head(&writer, item->bytes);
    webhook->request = (struct web_request){.url = webhook->url,
                                            .content_type = "application/json",
                                            .body = buf_slice(&body),
                                            .on_done = on_done,
                                            .owner = webhook};
    webhook->posting_at = webhook->out;
    webhook->posting = webhook->client->ops->post(webhook->client, &webhook->request) == 0;
    if (!webhook->posting)
        fail(webhook, 0, "too many requests at once");
}

static void offer(struct heads_webhook *webhook, bool is_link, const unsigned char *bytes,
                  size_t count)
{
    if (webhook->in - webhook->out == HEADS_WEBHOOK_MAX) {
        metrics_count(&webhook->stats.dropped, 1);
        webhook->out++;
    }
    struct item *item = &webhook->items[webhook->in++ % HEADS_WEBHOOK_MAX];
    item->is_link = is_link;
    memcpy(item->bytes, bytes, count);
    post(webhook);
}

void heads_webhook_offer(struct heads_webhook *webhook, const unsigned char head[TREE_HEAD_BYTES])
{
    offer(webhook, false, head, TREE_HEAD_BYTES);
}

void heads_webhook_offer_link(struct heads_webhook *webhook,
                              const unsigned char link[TREE_LINK_BYTES])
{
    offer(webhook, true, link, TREE_LINK_BYTES);
}

const struct heads_webhook_stats *heads_webhook_stats(const struct heads_webhook *webhook)
{
    return &webhook->stats;
}

static int open_client(struct heads_webhook *webhook, const char *ca_file, struct buf *why)
{
    if (!curl_client_takes(webhook->url)) {
        buf_put_text(why, "--heads-webhook is the URL of a server, http://... or https://...");
        return -ERR_CONFIG;
    }
    TRY(curl_client_new(ca_file, &webhook->client, why));
    TRY(loop_wakeup_open(webhook->loop, &webhook->wakeup, on_client_ready, webhook));
    webhook->wakeup_open = true;
    webhook->client->notify = notify;
    webhook->client->notify_owner = &webhook->wakeup;
    return 0;
}

int heads_webhook_new(struct loop *loop, const char *url, const char *ca_file,
                      struct heads_webhook **ret_webhook, struct buf *why)
{
    struct heads_webhook *webhook = calloc(1, sizeof *webhook);
    if (webhook == NULL)
        return -ERR_MEMORY;
    webhook->loop = loop;
    webhook->url = url;
    uint64_t seed;
    random_fill(&seed, sizeof seed);
    webhook->backoff = backoff_begin(BACKOFF_US_MIN, BACKOFF_US_MAX, seed);
    timer_init(&webhook->retry, on_retry, webhook);
    int error = open_client(webhook, ca_file, why);
    if (error < 0) {
        heads_webhook_free(webhook);
        return error;
    }
    *ret_webhook = webhook;
    return 0;
}

void heads_webhook_free(struct heads_webhook *webhook)
{
    if (webhook == NULL)
        return;
    if (webhook->client != NULL)
        webhook->client->ops->free(webhook->client);
    if (webhook->wakeup_open)
        loop_wakeup_close(&webhook->wakeup);
    loop_timer_cancel(webhook->loop, &webhook->retry);
    free(webhook);
}
