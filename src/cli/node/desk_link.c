/* desk_link.c - contract in desk_link.h. */
#include "cli/node/desk_link.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/prng.h"
#include "crypto/random.h"

#define WS_CLOSE_OURS 1000

/* ---- the WebSocket ---- */

static bool link_send(void *owner, struct slice message)
{
    const struct desk_link *link = owner;
    return send_is_queued(ws_conn_send_binary(link->ws, message));
}

static void link_close(void *owner)
{
    const struct desk_link *link = owner;
    ws_conn_close(link->ws, WS_CLOSE_OURS, SLICE_NONE);
}

/* Half of the wait is by chance; it grows from round to round over the addresses. */
static void connect_later(struct desk_link *link)
{
    struct prng prng;
    if (link->ending)
        return;
    link->at = (link->at + 1) % link->options->addresses_count;
    prng_seed(&prng, link->jitter++);
    int64_t half_us = link->backoff_us / 2;
    int64_t wait_us = half_us + (int64_t)prng_below(&prng, (uint64_t)half_us);
    loop_timer_set(link->loop, &link->connect_timer,
                   (struct monotonic){loop_now(link->loop).us + wait_us});
    if (link->at != 0)
        return;
    link->backoff_us = link->backoff_us * 2 < DESK_LINK_BACKOFF_US_MAX ? link->backoff_us * 2
                                                                       : DESK_LINK_BACKOFF_US_MAX;
}

static void on_open(void *owner, struct ws_handle ws)
{
    struct desk_link *link = owner;
    const struct relay_carrier carrier = {link, link_send, link_close};
    link->ws = ws;
    link->status_told = -1;
    relay_follower_attach(link->follower, &carrier);
    log_info("desk", "the desk is there");
}

static void on_refused(void *owner, int status)
{
    struct desk_link *link = owner;
    if (status != link->status_told)
        log_warn("desk", "the desk is not there: no bets are taken", LOG_I64("status", status));
    link->status_told = status;
    connect_later(link);
}

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    struct desk_link *link = owner;
    (void)ws;
    relay_follower_message(link->follower, bytes);
    if (relay_follower_is_welcome(link->follower))
        link->backoff_us = DESK_LINK_BACKOFF_US_MIN;
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no message: the link is closed, and counted */
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct desk_link *link = owner;
    (void)ws;
    log_warn("desk", "the desk is gone: no bets are taken when its grant is over",
             LOG_I64("code", code));
    relay_follower_detached(link->follower);
    connect_later(link);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

static void on_connect(void *owner)
{
    struct desk_link *link = owner;
    const struct http_client_ws ws = {
        .target = SLICE("/v1/desk-link"),
        .headers = slice_text(link->authorization),
        .subprotocol = SLICE(RELAY_SUBPROTOCOL),
        .on_open = on_open,
        .on_refused = on_refused,
        .callbacks = &ws_callbacks,
        .owner = link,
    };
    if (http_client_open_websocket(link->client, &link->options->addresses[link->at], &ws) < 0)
        connect_later(link);
}

/* ---- what the follower says ---- */

static void on_word_refused(void *owner, uint64_t desk_seq, uint16_t record_type)
{
    const struct desk_link *link = owner;
    log_error("desk", "a word of the desk cannot be here, and is recorded as refused",
              LOG_U64("desk_seq", desk_seq), LOG_U64("type", record_type),
              LOG_TEXT("reason", slice_text(shard_state_reason(book_state(link->book)))));
}

static void on_foreign(void *owner)
{
    struct desk_link *link = owner;
    if (!link->foreign_told)
        log_error("desk", "this is not the desk whose words the ledger has: no bets are taken");
    link->foreign_told = true;
}

/* ---- turns ---- */

static void on_due(void *owner)
{
    (void)owner; /* the turn that this timer makes is what was wanted */
}

void desk_link_turn_begin(struct desk_link *link)
{
    if (link->follower != NULL)
        relay_follower_turn_begin(link->follower, loop_now(link->loop));
}

void desk_link_turn_end(struct desk_link *link)
{
    if (link->follower == NULL)
        return;
    relay_follower_turn_end(link->follower);
    int64_t due_us = relay_follower_due_us(link->follower);
    if (due_us < 0)
        loop_timer_cancel(link->loop, &link->due_timer);
    else
        loop_timer_set(link->loop, &link->due_timer,
                       (struct monotonic){loop_now(link->loop).us + due_us});
}

/* ---- life ---- */

static int open_client(struct desk_link *link, struct buf *why)
{
    struct net_limits limits = net_limits_default();
    limits.connections_max = 2;
    limits.ws_message_bytes_max = RELAY_MESSAGE_BYTES_MAX;
    limits.receive_bytes_max = 2 * RELAY_MESSAGE_BYTES_MAX;
    limits.http_header_ms_max = DESK_LINK_HANDSHAKE_MS;
    limits.http_idle_ms_max = DESK_LINK_HANDSHAKE_MS;
    limits.ws_ping_ms = DESK_LINK_PING_MS;
    limits.ws_pong_ms_max = DESK_LINK_PONG_MS;
    TRY(http_client_new(link->loop, &limits, &link->client));
    if (link->options->tls.ca == NULL)
        return 0;
    TRY(tls_client_new(&link->options->tls, &link->tls, why));
    http_client_use_tls(link->client, link->tls);
    return 0;
}

int desk_link_open(struct desk_link *link, struct loop *loop, struct book *book,
                   const struct desk_link_options *options, struct buf *why)
{
    const struct relay_follower_events events = {link, on_word_refused, on_foreign};
    struct buf authorization = buf_over(link->authorization, sizeof link->authorization - 1);
    link->loop = loop;
    link->book = book;
    link->options = options;
    link->backoff_us = DESK_LINK_BACKOFF_US_MIN;
    link->status_told = -1;
    random_fill(&link->jitter, sizeof link->jitter);
    timer_init(&link->connect_timer, on_connect, link);
    timer_init(&link->due_timer, on_due, link);
    TRY(relay_follower_new(book, &events, &link->follower));
    buf_printf(&authorization, "Authorization: Bearer %s\r\n", options->token);
    TRY(open_client(link, why));
    on_connect(link);
    return 0;
}

void desk_link_end(struct desk_link *link)
{
    if (link->loop == NULL)
        return;
    link->ending = true;
    loop_timer_cancel(link->loop, &link->connect_timer);
    loop_timer_cancel(link->loop, &link->due_timer);
    http_client_free(link->client); /* on_closed runs within */
    tls_client_free(link->tls);
    link->client = NULL;
    link->tls = NULL;
}

void desk_link_close(struct desk_link *link)
{
    relay_follower_free(link->follower);
    *link = (struct desk_link){.follower = NULL};
}

/* ---- what is counted ---- */

static void count_to(struct metrics_counter *counter, uint64_t value)
{
    metrics_count(counter, value - counter->value);
}

static void show(void *owner)
{
    struct desk_link *link = owner;
    if (link->follower == NULL)
        return;
    const struct relay_follower_stats *stats = relay_follower_stats(link->follower);
    metrics_set(&link->is_attached, relay_follower_is_welcome(link->follower));
    metrics_set(&link->is_granted, !book_desk_away(link->book));
    count_to(&link->sessions, stats->sessions);
    count_to(&link->words, stats->words);
    count_to(&link->refused, stats->refused);
    count_to(&link->asked, stats->asked);
    count_to(&link->granted, stats->granted);
    count_to(&link->later, stats->later);
    count_to(&link->bad, stats->bad_messages);
    count_to(&link->foreign, stats->foreign);
    count_to(&link->inbox, stats->inbox_reached);
}

int desk_link_register_metrics(struct desk_link *link, const struct book *book,
                               struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_desk_attached", "1: the desk's process is there", NULL, 0},
         &link->is_attached},
        {{"overround_desk_granted", "1: the desk lets bets be taken now", NULL, 0},
         &link->is_granted},
    };
    const struct metrics_row rows[] = {
        {{"overround_desk_sessions_total", "Times that the desk welcomed this shard", NULL, 0},
         &link->sessions.value},
        {{"overround_desk_words_total", "Words of the desk that were taken", NULL, 0},
         &link->words.value},
        {{"overround_desk_words_refused_total",
          "Words of the desk that cannot be here, and are recorded as refused", NULL, 0},
         &link->refused.value},
        {{"overround_desk_asked_total", "Times that a grant was asked for", NULL, 0},
         &link->asked.value},
        {{"overround_desk_grants_total", "Grants to take bets", NULL, 0}, &link->granted.value},
        {{"overround_desk_words_later_total", "Tries of a word that the log had no room for", NULL,
          0},
         &link->later.value},
        {{"overround_desk_bad_messages_total", "Links closed for what they brought", NULL, 0},
         &link->bad.value},
        {{"overround_desk_foreign_total", "Links closed since they are of another book", NULL, 0},
         &link->foreign.value},
        {{"overround_desk_away_bets_total", "Bets not taken, since no grant of the desk held", NULL,
          0},
         &book_stats(book)->desk_away},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"relay_inbox_bytes\"", 0},
         &link->inbox.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows));
    return metrics_add_refresh(metrics, show, link);
}
