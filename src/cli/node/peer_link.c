/* peer_link.c - contract in peer_link.h. */
#include "cli/node/peer_link.h"

#include "base/error.h"
#include "cli/node/ws_carrier.h"
#include "crypto/random.h"

/* ---- the WebSocket ---- */

static void connect_later(struct peer_link *link)
{
    if (link->ending)
        return;
    link->at = (link->at + 1) % link->address.count;
    int64_t wait_us = link->at == 0 ? backoff_us(&link->backoff) : backoff_same_us(&link->backoff);
    loop_timer_set(link->loop, &link->connect_timer,
                   (struct monotonic){loop_now(link->loop).us + wait_us});
}

static void on_open(void *owner, struct ws_handle ws)
{
    struct peer_link *link = owner;
    const struct carrier carrier = ws_carrier(&link->ws);
    link->ws = ws;
    link->status_told = -1;
    link->end.attached(link->end.owner, &carrier);
}

static void on_refused(void *owner, int status)
{
    struct peer_link *link = owner;
    if (status != link->status_told)
        link->end.refused(link->end.owner, status);
    link->status_told = status;
    connect_later(link);
}

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    struct peer_link *link = owner;
    (void)ws;
    if (link->end.message(link->end.owner, bytes))
        backoff_reset(&link->backoff);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no message of ours: the end closes the link, and counts */
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct peer_link *link = owner;
    (void)ws;
    link->end.detached(link->end.owner, code);
    connect_later(link);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

static void on_connect(void *owner)
{
    struct peer_link *link = owner;
    const struct http_client_ws ws = {
        .target = link->end.target,
        .headers = slice_text(link->authorization),
        .subprotocol = link->end.subprotocol,
        .on_open = on_open,
        .on_refused = on_refused,
        .callbacks = &ws_callbacks,
        .owner = link,
    };
    if (http_client_open_websocket(link->client, &link->address.of[link->at], &ws) < 0)
        connect_later(link);
}

/* ---- life ---- */

static int open_client(struct peer_link *link, struct buf *why)
{
    struct net_limits limits = net_limits_default();
    limits.connections_max = 2;
    limits.ws_message_bytes_max = link->end.message_bytes_max;
    limits.receive_bytes_max = 2 * link->end.message_bytes_max;
    limits.outbox_bytes_max = 4 * link->end.message_bytes_max;
    limits.http_header_ms_max = PEER_LINK_HANDSHAKE_MS;
    limits.http_idle_ms_max = PEER_LINK_HANDSHAKE_MS;
    limits.ws_ping_ms = PEER_LINK_PING_MS;
    limits.ws_pong_ms_max = PEER_LINK_PONG_MS;
    TRY(http_client_new(link->loop, &limits, &link->client));
    if (link->address.tls.ca == NULL)
        return 0;
    TRY(tls_client_new(&link->address.tls, &link->tls, why));
    http_client_use_tls(link->client, link->tls);
    return 0;
}

int peer_link_open(struct peer_link *link, struct loop *loop, const struct peer_address *address,
                   const struct peer_link_end *end, struct buf *why)
{
    struct buf authorization = buf_over(link->authorization, sizeof link->authorization - 1);
    uint64_t seed = 0;
    link->loop = loop;
    link->address = *address;
    link->end = *end;
    link->status_told = -1;
    random_fill(&seed, sizeof seed);
    link->backoff = backoff_begin(PEER_LINK_BACKOFF_US_MIN, PEER_LINK_BACKOFF_US_MAX, seed);
    timer_init(&link->connect_timer, on_connect, link);
    buf_printf(&authorization, "Authorization: Bearer %s\r\n", address->token);
    TRY(open_client(link, why));
    on_connect(link);
    return 0;
}

void peer_link_stop(struct peer_link *link)
{
    if (link->loop == NULL)
        return;
    link->ending = true;
    loop_timer_cancel(link->loop, &link->connect_timer);
    http_client_free(link->client); /* on_closed runs within */
    tls_client_free(link->tls);
    link->client = NULL;
    link->tls = NULL;
}
