/* heads_webhook.c - contract in heads_webhook.h. */
#include "cli/heads_webhook.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ledger/proof_json.h"
#include "net/http/http_client.h"

#define BACKOFF_US_MIN US_PER_SECOND
#define BACKOFF_US_MAX (60 * US_PER_SECOND)
#define ANSWER_MS_MAX  10000

struct heads_webhook {
    struct loop *loop; /* borrowed */
    struct http_client *client;
    struct net_address address;
    struct slice target; /* of the url */
    struct http_client_handle conn;
    bool connected; /* conn is not closed yet */
    bool ending;
    bool posting; /* the oldest head waits for its answer */
    struct timer retry;
    int64_t backoff_us;
    unsigned char heads[HEADS_WEBHOOK_MAX][TREE_HEAD_BYTES]; /* a ring */
    uint64_t in, out;
    struct heads_webhook_stats stats;
};

static void post(struct heads_webhook *webhook);

static void on_retry(void *owner)
{
    post(owner);
}

static void fail(struct heads_webhook *webhook)
{
    webhook->posting = false;
    metrics_count(&webhook->stats.failed, 1);
    loop_timer_set(webhook->loop, &webhook->retry,
                   (struct monotonic){loop_now(webhook->loop).us + webhook->backoff_us});
    webhook->backoff_us *= 2;
    if (webhook->backoff_us > BACKOFF_US_MAX)
        webhook->backoff_us = BACKOFF_US_MAX;
}

/* `tag` is the head's place in the ring: it may have been dropped meanwhile. Each head has a
 * connection of its own: many servers close an idle one just when the next request comes. */
static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    struct heads_webhook *webhook = owner;
    http_client_close(webhook->conn); /* what waits is posted when it is closed */
    if (answer->status < 200 || answer->status > 299) {
        fail(webhook);
        return;
    }
    webhook->posting = false;
    webhook->backoff_us = BACKOFF_US_MIN;
    metrics_count(&webhook->stats.posted, 1);
    if (webhook->out == tag)
        webhook->out++;
}

static void on_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    struct heads_webhook *webhook = owner;
    (void)reason, (void)unanswered;
    webhook->connected = false;
    if (webhook->posting)
        fail(webhook);
    else if (!webhook->ending)
        post(webhook);
}

static const struct http_client_callbacks callbacks = {.on_answer = on_answer,
                                                       .on_closed = on_closed};

static bool connect_to(struct heads_webhook *webhook)
{
    webhook->connected = http_client_connect(webhook->client, &webhook->address, &callbacks,
                                             webhook, &webhook->conn) == 0;
    return webhook->connected;
}

static void post(struct heads_webhook *webhook)
{
    char memory[PROOF_JSON_HEAD_BYTES_MAX];
    struct buf body = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&body);
    if (webhook->posting || webhook->connected || timer_is_set(&webhook->retry) ||
        webhook->in == webhook->out)
        return;
    proof_json_head(&writer, webhook->heads[webhook->out % HEADS_WEBHOOK_MAX]);
    const struct http_client_request request = {
        .method = SLICE("POST"),
        .target = webhook->target,
        .headers = SLICE("Content-Type: application/json\r\n"),
        .body = buf_slice(&body),
        .tag = webhook->out,
    };
    webhook->posting = true;
    if (!connect_to(webhook) || http_client_send(webhook->conn, &request) != SEND_OK)
        fail(webhook);
}

void heads_webhook_offer(struct heads_webhook *webhook, const unsigned char head[TREE_HEAD_BYTES])
{
    if (webhook->in - webhook->out == HEADS_WEBHOOK_MAX) {
        metrics_count(&webhook->stats.dropped, 1);
        webhook->out++;
    }
    memcpy(webhook->heads[webhook->in++ % HEADS_WEBHOOK_MAX], head, TREE_HEAD_BYTES);
    post(webhook);
}

const struct heads_webhook_stats *heads_webhook_stats(const struct heads_webhook *webhook)
{
    return &webhook->stats;
}

static int parse_url(struct heads_webhook *webhook, const char *url)
{
    struct slice rest = slice_text(url);
    if (!slice_begins(rest, SLICE("http://")))
        return -ERR_CONFIG;
    rest = slice_skip(rest, sizeof "http://" - 1);
    const char *slash = memchr(rest.at, '/', rest.bytes);
    size_t host = slash == NULL ? rest.bytes : (size_t)(slash - rest.at);
    webhook->target = slash == NULL ? SLICE("/") : slice_skip(rest, host);
    for (size_t i = 0; i < webhook->target.bytes; i++)
        if (webhook->target.at[i] <= ' ' || webhook->target.at[i] >= 0x7f)
            return -ERR_CONFIG;
    return net_address_parse(slice_of(rest.at, host), &webhook->address) < 0 ? -ERR_CONFIG : 0;
}

int heads_webhook_new(struct loop *loop, const char *url, struct heads_webhook **ret_webhook,
                      struct buf *why)
{
    struct net_limits limits = net_limits_default();
    struct heads_webhook *webhook = calloc(1, sizeof *webhook);
    if (webhook == NULL)
        return -ERR_MEMORY;
    webhook->loop = loop;
    webhook->backoff_us = BACKOFF_US_MIN;
    timer_init(&webhook->retry, on_retry, webhook);
    limits.connections_max = 1;
    limits.http_idle_ms_max = ANSWER_MS_MAX;
    int error = parse_url(webhook, url);
    if (error < 0)
        buf_printf(why, "--heads-webhook is http://IP:PORT/PATH, not: %s", url);
    else
        error = http_client_new(loop, &limits, &webhook->client);
    if (error < 0) {
        free(webhook);
        return error;
    }
    *ret_webhook = webhook;
    return 0;
}

void heads_webhook_free(struct heads_webhook *webhook)
{
    if (webhook == NULL)
        return;
    webhook->posting = false; /* nothing is tried again from here */
    webhook->ending = true;
    http_client_free(webhook->client);
    loop_timer_cancel(webhook->loop, &webhook->retry);
    free(webhook);
}
