/* book_link.c - contract in book_link.h. */
#include "cli/node/book_link.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/prng.h"
#include "crypto/random.h"
#include "roles/bet/bet_link_wire.h"

#define WS_CLOSE_OURS 1000

/* ---- the WebSocket ---- */

static bool link_send(void *owner, struct slice batch)
{
    const struct book_link *link = owner;
    return send_is_queued(ws_conn_send_binary(link->ws, batch));
}

static void link_close(void *owner)
{
    const struct book_link *link = owner;
    ws_conn_close(link->ws, WS_CLOSE_OURS, SLICE_NONE);
}

/* Half of the wait is by chance, so that a book that comes back is not asked by all at once. It
 * grows from round to round over the addresses. */
static void connect_later(struct book_link *link)
{
    struct prng prng;
    if (link->ending)
        return;
    link->at = (link->at + 1) % link->addresses_count;
    prng_seed(&prng, link->jitter++);
    int64_t half_us = link->backoff_us / 2;
    int64_t wait_us = half_us + (int64_t)prng_below(&prng, (uint64_t)half_us);
    loop_timer_set(link->loop, &link->connect_timer,
                   (struct monotonic){loop_now(link->loop).us + wait_us});
    if (link->at != 0)
        return;
    link->backoff_us = link->backoff_us * 2 < BOOK_LINK_BACKOFF_US_MAX ? link->backoff_us * 2
                                                                       : BOOK_LINK_BACKOFF_US_MAX;
}

static void on_open(void *owner, struct ws_handle ws)
{
    struct book_link *link = owner;
    const struct bet_link carrier = {link, link_send, link_close};
    link->ws = ws;
    link->status_told = -1;
    bet_link_asker_attach(link->asker, &carrier);
    log_info("link", "the book is there", LOG_U64("shard", link->place.shard));
}

static void on_refused(void *owner, int status)
{
    struct book_link *link = owner;
    if (status != link->status_told)
        log_warn("link", "the book is not there", LOG_U64("shard", link->place.shard),
                 LOG_I64("status", status));
    link->status_told = status;
    connect_later(link);
}

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    struct book_link *link = owner;
    (void)ws;
    bet_link_asker_batch(link->asker, bytes);
    if (bet_link_asker_is_welcome(link->asker))
        link->backoff_us = BOOK_LINK_BACKOFF_US_MIN;
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no batch: the link is closed, and counted */
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct book_link *link = owner;
    (void)ws;
    log_warn("link", "the book is gone", LOG_U64("shard", link->place.shard),
             LOG_I64("code", code));
    bet_link_asker_detached(link->asker);
    connect_later(link);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

static void on_connect(void *owner)
{
    struct book_link *link = owner;
    const struct http_client_ws ws = {
        .target = SLICE("/v1/link"),
        .headers = slice_text(link->authorization),
        .subprotocol = SLICE(BET_LINK_SUBPROTOCOL),
        .on_open = on_open,
        .on_refused = on_refused,
        .callbacks = &ws_callbacks,
        .owner = link,
    };
    if (http_client_open_websocket(link->client, &link->addresses[link->at], &ws) < 0)
        connect_later(link);
}

/* ---- turns ---- */

static void on_late(void *owner)
{
    (void)owner; /* the turn that this timer makes is what was wanted */
}

void book_link_turn_begin(struct book_link *link)
{
    bet_link_asker_turn_begin(link->asker, loop_now(link->loop));
}

void book_link_turn_end(struct book_link *link)
{
    metrics_set(&link->takes_bets, book_link_takes_bets(link));
    bet_link_asker_turn_end(link->asker);
    int64_t due_us = bet_link_asker_due_us(link->asker);
    if (due_us < 0)
        loop_timer_cancel(link->loop, &link->late_timer);
    else
        loop_timer_set(link->loop, &link->late_timer,
                       (struct monotonic){loop_now(link->loop).us + due_us});
}

void book_link_users(void *owner, uint32_t cell, bool there)
{
    const struct book_link *link = owner;
    bet_link_asker_users(link->asker, cell, there);
}

struct bet_port *book_link_port(struct book_link *link)
{
    return bet_link_asker_port(link->asker);
}

bool book_link_takes_bets(const struct book_link *link)
{
    return bet_link_asker_takes_bets(link->asker);
}

/* ---- life ---- */

static int open_client(struct book_link *link, const struct book_link_options *options,
                       struct buf *why)
{
    struct net_limits limits = net_limits_default();
    limits.connections_max = 2;
    limits.ws_message_bytes_max = BET_LINK_BATCH_BYTES_MAX;
    limits.receive_bytes_max = 2 * BET_LINK_BATCH_BYTES_MAX;
    limits.outbox_bytes_max = 4 * BET_LINK_BATCH_BYTES_MAX;
    limits.http_header_ms_max = BOOK_LINK_HANDSHAKE_MS;
    limits.http_idle_ms_max = BOOK_LINK_HANDSHAKE_MS;
    limits.ws_ping_ms = BOOK_LINK_PING_MS;
    limits.ws_pong_ms_max = BOOK_LINK_PONG_MS;
    TRY(http_client_new(link->loop, &limits, &link->client));
    if (options->tls.ca == NULL)
        return 0;
    TRY(tls_client_new(&options->tls, &link->tls, why));
    http_client_use_tls(link->client, link->tls);
    return 0;
}

int book_link_open(struct book_link *link, struct loop *loop,
                   const struct book_link_options *options, struct buf *why)
{
    const struct bet_link_asker_options asker = {
        .places = BOOK_LINK_PLACES,
        .answer_us_max = BOOK_LINK_ANSWER_US_MAX,
        .hash_key = {options->hash_key[0], options->hash_key[1]},
        .place = options->place,
    };
    struct buf authorization = buf_over(link->authorization, sizeof link->authorization - 1);
    link->loop = loop;
    link->place = options->place;
    memcpy(link->addresses, options->addresses, sizeof link->addresses);
    link->addresses_count = options->addresses_count;
    link->backoff_us = BOOK_LINK_BACKOFF_US_MIN;
    link->status_told = -1;
    random_fill(&link->jitter, sizeof link->jitter);
    timer_init(&link->connect_timer, on_connect, link);
    timer_init(&link->late_timer, on_late, link);
    TRY(bet_link_asker_new(&asker, &options->events, &link->asker));
    if (options->token == NULL)
        return 0;
    buf_printf(&authorization, "Authorization: Bearer %s\r\n", options->token);
    TRY(open_client(link, options, why));
    on_connect(link);
    return 0;
}

void book_link_end(struct book_link *link)
{
    link->ending = true;
    loop_timer_cancel(link->loop, &link->connect_timer);
    http_client_free(link->client); /* on_closed runs within */
    link->client = NULL;
}

void book_link_close(struct book_link *link)
{
    if (link->loop == NULL)
        return;
    book_link_end(link);
    loop_timer_cancel(link->loop, &link->late_timer);
    tls_client_free(link->tls);
    bet_link_asker_free(link->asker);
    *link = (struct book_link){.asker = NULL};
}

int book_link_register_metrics(struct book_link *link, struct metrics *metrics)
{
    (void)snprintf(link->label, sizeof link->label, "shard=\"%u\"", link->place.shard);
    TRY(metrics_add_gauge(metrics,
                          (struct metrics_name){"overround_link_takes_bets",
                                                "1: the shard's book is there and takes bets",
                                                link->label, 0},
                          &link->takes_bets));
    return bet_link_asker_register_metrics(link->asker, metrics);
}
