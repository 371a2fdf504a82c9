/* node_fence.c - contract in node_fence.h. */
#include "cli/node/node_fence.h"

#include "adapters/ship/ship_wire.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/random.h"

#define BACKOFF_US_MIN US_PER_SECOND
#define BACKOFF_US_MAX (30 * US_PER_SECOND)

static void set_retry(struct node_fence *fence)
{
    loop_timer_set(fence->loop, &fence->retry,
                   (struct monotonic){loop_now(fence->loop).us + backoff_us(&fence->backoff)});
}

static void on_open(void *owner, struct ws_handle ws)
{
    struct node_fence *fence = owner;
    char memory[128];
    struct buf out = buf_over(memory, sizeof memory);
    const struct ship_message message = {
        .type = SHIP_FENCE,
        .fence = {fence->target.creation, fence->target.epoch, fence->target.seq},
    };
    if (ship_encode(&out, &message))
        (void)ws_conn_send_binary(ws, buf_slice(&out)); /* gone: tried again when it is closed */
}

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    struct node_fence *fence = owner;
    struct ship_message message;
    if (ship_decode(bytes, &message) == 0 && message.type == SHIP_REFUSED) {
        fence->obeyed =
            message.refused.refusal == SHIP_FENCED && message.refused.epoch >= fence->target.epoch;
        if (fence->obeyed)
            log_info("fence", "the old primary is fenced", LOG_U64("epoch", fence->target.epoch));
        else
            log_error("fence", "the old primary does not obey",
                      LOG_TEXT("reason", slice_text(ship_refusal_text(message.refused.refusal))));
    }
    ws_conn_close(ws, WS_CLOSE_NORMAL, SLICE_NONE);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)owner, (void)text;
    ws_conn_close(ws, WS_CLOSE_NORMAL, SLICE_NONE);
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct node_fence *fence = owner;
    (void)ws, (void)code;
    if (!fence->obeyed)
        set_retry(fence);
}

static void on_refused(void *owner, int status)
{
    struct node_fence *fence = owner;
    if (status != 0)
        log_warn("fence", "what answers there is no primary", LOG_I64("status", status));
    set_retry(fence);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

static void connect_to(void *owner)
{
    struct node_fence *fence = owner;
    const struct http_client_ws ws = {
        .target = SLICE("/v1/ship"),
        .headers = slice_text(fence->headers),
        .subprotocol = SLICE(SHIP_SUBPROTOCOL),
        .on_open = on_open,
        .on_refused = on_refused,
        .callbacks = &ws_callbacks,
        .owner = fence,
    };
    if (http_client_open_websocket(fence->client, &fence->target.address, &ws) < 0)
        set_retry(fence);
}

void node_fence_begin(struct node_fence *fence, struct loop *loop,
                      const struct node_fence_target *target)
{
    struct net_limits limits = net_limits_default();
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    *fence = (struct node_fence){.loop = loop, .target = *target};
    if (target->token == NULL)
        return;
    uint64_t seed;
    random_fill(&seed, sizeof seed);
    fence->backoff = backoff_begin(BACKOFF_US_MIN, BACKOFF_US_MAX, seed);
    struct buf headers = buf_over(fence->headers, sizeof fence->headers - 1);
    buf_printf(&headers, "Authorization: Bearer %s\r\n", target->token);
    fence->headers[headers.bytes] = '\0';
    timer_init(&fence->retry, connect_to, fence);
    limits.connections_max = 1;
    int error = headers.overflow ? -ERR_LIMIT : http_client_new(loop, &limits, &fence->client);
    if (error == 0 && target->tls->ca != NULL)
        error = tls_client_new(target->tls, &fence->tls, &why);
    if (error < 0) {
        log_error("fence", "the old primary cannot be told", LOG_ERROR_CODE(error));
        http_client_free(fence->client);
        fence->client = NULL;
        return;
    }
    if (fence->tls != NULL)
        http_client_use_tls(fence->client, fence->tls);
    connect_to(fence);
}

void node_fence_end(struct node_fence *fence)
{
    if (fence->client == NULL)
        return;
    fence->obeyed = true; /* nothing is tried again from here */
    http_client_free(fence->client);
    tls_client_free(fence->tls);
    loop_timer_cancel(fence->loop, &fence->retry);
    fence->client = NULL;
}
