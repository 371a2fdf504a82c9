/* node_desk.c - contract in node_desk.h. */
#include "cli/node/node_desk.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/node/ws_carrier.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"
#include "roles/backoffice/desk.h"
#include "roles/backoffice/limit_desk.h"

/* ---- the WebSockets ---- */

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    const struct node_desk_link *link = owner;
    (void)ws;
    relay_teller_message(link->desk->teller, link->number, bytes);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no message: the link is closed, and counted */
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct node_desk_link *link = owner;
    (void)ws;
    log_warn("desk", "a shard's process is gone", LOG_I64("link", link->number),
             LOG_I64("code", code));
    link->open = false;
    relay_teller_detached(link->desk->teller, link->number);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

static struct node_desk_link *free_link(struct node_desk *desk)
{
    for (uint32_t i = 0; i < desk->links_count; i++)
        if (!desk->links[i].open)
            return &desk->links[i];
    return NULL;
}

/* The teller has as many places as there are links. */
static void attach(struct node_desk_link *link)
{
    const struct carrier carrier = ws_carrier(&link->ws);
    link->open = true;
    link->number = relay_teller_attach(link->desk->teller, &carrier);
    log_info("desk", "a shard's process has come", LOG_I64("link", link->number));
}

void node_desk_serve(void *owner, struct http_request *request)
{
    struct node_desk *desk = owner;
    if (desk->teller == NULL) {
        http_reply_problem(request->reply_to, 404, "NOT_FOUND",
                           SLICE("This process is not the desk of other shards."));
        return;
    }
    if (!http_upgrade_is_asked(request) ||
        !http_upgrade_offers(request, SLICE(RELAY_SUBPROTOCOL))) {
        http_reply_problem(request->reply_to, 400, "LINK_PROTOCOL",
                           SLICE("A WebSocket with subprotocol " RELAY_SUBPROTOCOL " is served."));
        return;
    }
    struct node_desk_link *link = free_link(desk);
    if (link == NULL) {
        metrics_count(&desk->links_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("So many shards are attached."), HTTP_RETRY_SOON);
        return;
    }
    if (http_upgrade_websocket(request, SLICE(RELAY_SUBPROTOCOL), &ws_callbacks, link, &link->ws) ==
        HTTP_UPGRADE_DONE)
        attach(link);
}

/* ---- answers ---- */

_Static_assert(DESK_OPERATIONS_MAX + LIMIT_OPERATIONS_MAX <= RELAY_WAITS_MAX, "all may wait");

bool node_desk_wait(void *owner, const struct relay_wait_for *words, relay_spread_fn told,
                    void *told_owner)
{
    const struct node_desk *desk = owner;
    if (desk->teller == NULL)
        return false;
    uint64_t last = relay_teller_last(desk->teller);
    const struct relay_wait_for all = {last, last};
    bool waits =
        relay_teller_wait(desk->teller, words->last_seq == 0 ? &all : words, told, told_owner);
    ASSERT(waits);
    return true;
}

/* ---- the shards ---- */

bool node_desk_shard(void *owner, uint32_t n, uint32_t *ret_shard,
                     struct relay_shard_view *ret_view)
{
    const struct node_desk *desk = owner;
    if (desk->teller == NULL || n >= desk->links_count - RELAY_SPARE_LINKS - desk->first)
        return false;
    *ret_shard = desk->first + n;
    *ret_view = relay_teller_shard(desk->teller, *ret_shard);
    return true;
}

/* ---- turns ---- */

static void on_due(void *owner)
{
    (void)owner; /* the turn that this timer makes is what was wanted */
}

void node_desk_word(struct node_desk *desk, const struct record_view *record)
{
    if (desk->teller != NULL)
        relay_teller_word(desk->teller, record);
}

void node_desk_turn_begin(struct node_desk *desk)
{
    desk_link_turn_begin(&desk->link);
    if (desk->teller != NULL)
        relay_teller_turn_begin(desk->teller, loop_now(desk->loop));
}

void node_desk_turn_end(struct node_desk *desk, bool grants)
{
    desk_link_turn_end(&desk->link);
    if (desk->teller == NULL)
        return;
    relay_teller_turn_end(desk->teller, book_durable_seq(desk->book), grants);
    int64_t due_us = relay_teller_due_us(desk->teller);
    if (due_us < 0)
        loop_timer_cancel(desk->loop, &desk->due_timer);
    else
        loop_timer_set(desk->loop, &desk->due_timer,
                       (struct monotonic){loop_now(desk->loop).us + due_us});
}

/* ---- life ---- */

/* Of a book of several shards the first is the desk, where none is apart. */
static bool is_desk(const struct node_desk_parts *parts)
{
    return shard_place_is_desk(parts->place) ||
           (parts->place.shard == 0 && parts->place.shards > 1);
}

static int teller_new(struct node_desk *desk, const struct node_desk_parts *parts)
{
    const struct relay_teller_options options = {parts->place, book_durable_seq(parts->book)};
    const struct relay_teller_ports ports = {parts->log, book_state(parts->book)};
    desk->first = shard_place_is_desk(parts->place) ? 0 : 1;
    desk->links_count = parts->place.shards + RELAY_SPARE_LINKS;
    desk->links = calloc(desk->links_count, sizeof *desk->links);
    if (desk->links == NULL)
        return -ERR_MEMORY;
    for (uint32_t i = 0; i < desk->links_count; i++)
        desk->links[i].desk = desk;
    return relay_teller_new(&options, &ports, &desk->teller);
}

int node_desk_open(struct node_desk *desk, const struct node_desk_parts *parts, struct buf *why)
{
    desk->loop = parts->loop;
    desk->book = parts->book;
    timer_init(&desk->due_timer, on_due, desk);
    if (parts->desk->count > 0)
        return desk_link_open(&desk->link, parts->loop, parts->book, parts->desk, why);
    return is_desk(parts) ? teller_new(desk, parts) : 0;
}

void node_desk_end(struct node_desk *desk)
{
    if (desk->loop == NULL)
        return;
    loop_timer_cancel(desk->loop, &desk->due_timer);
    desk_link_end(&desk->link);
}

void node_desk_close(struct node_desk *desk)
{
    desk_link_close(&desk->link);
    relay_teller_free(desk->teller);
    free(desk->links);
    *desk = (struct node_desk){.loop = NULL};
}

/* ---- what is counted ---- */

static void show_shards(struct node_desk *desk)
{
    int64_t attached = 0, granted = 0;
    uint64_t lag = 0, bets_left = 0;
    struct relay_shard_view view;
    for (uint32_t n = 0, shard = 0; node_desk_shard(desk, n, &shard, &view); n++) {
        attached += view.attached;
        granted += view.granted;
        bets_left += view.bets_left;
        if (view.lag_records > lag)
            lag = view.lag_records;
    }
    metrics_set(&desk->attached, attached);
    metrics_set(&desk->granted, granted);
    metrics_set(&desk->lag_records, (int64_t)lag);
    metrics_set(&desk->bets_left, (int64_t)bets_left);
}

static void show(void *owner)
{
    struct node_desk *desk = owner;
    if (desk->teller == NULL)
        return;
    const struct relay_teller_stats *stats = relay_teller_stats(desk->teller);
    show_shards(desk);
    metrics_count_to(&desk->sessions, stats->sessions);
    metrics_count_to(&desk->words, stats->words);
    metrics_count_to(&desk->words_read, stats->words_read);
    metrics_count_to(&desk->forgotten, relay_teller_forgotten(desk->teller));
    metrics_count_to(&desk->grants, stats->grants);
    metrics_count_to(&desk->not_granted, stats->not_granted);
    metrics_count_to(&desk->refused, stats->refused);
    metrics_count_to(&desk->answers, stats->answers);
    metrics_count_to(&desk->answers_away, stats->answers_away);
    metrics_count_to(&desk->bad, stats->bad_messages);
    metrics_count_to(&desk->foreign, stats->foreign);
    metrics_count_to(&desk->replaced, stats->replaced);
    metrics_count_to(&desk->read_failures, stats->read_failures);
    metrics_count_to(&desk->waits_reached, stats->waits_reached);
}

static int register_teller(struct node_desk *desk, struct metrics *metrics)
{
    static const char limit[] = "overround_limit_reached_total";
    static const char limit_help[] = "How often a limit was reached";
    const struct metrics_gauge_row gauges[] = {
        {{"overround_desk_shards_attached", "Other shards' processes that are there", NULL, 0},
         &desk->attached},
        {{"overround_desk_shards_granted", "Of these and others, those that may take bets", NULL,
          0},
         &desk->granted},
        {{"overround_desk_lag_records",
          "Records by which the shard is behind that owes words and is furthest", NULL, 0},
         &desk->lag_records},
        {{"overround_desk_bets_left", "Bets of other shards still to be brought to their results",
          NULL, 0},
         &desk->bets_left},
    };
    const struct metrics_row rows[] = {
        {{"overround_desk_sessions_total", "Times that a shard joined", NULL, 0},
         &desk->sessions.value},
        {{"overround_desk_words_total", "Words for all shards", NULL, 0}, &desk->words.value},
        {{"overround_desk_words_read_total", "Words read from the log, for who was behind", NULL,
          0},
         &desk->words_read.value},
        {{"overround_desk_grants_total", "Grants to take bets", NULL, 0}, &desk->grants.value},
        {{"overround_desk_not_granted_total", "Askings that were not granted", NULL, 0},
         &desk->not_granted.value},
        {{"overround_desk_words_refused_total", "Words that a shard recorded as refused", NULL, 0},
         &desk->refused.value},
        {{"overround_desk_answers_total", "Answers that waited for all shards", NULL, 0},
         &desk->answers.value},
        {{"overround_desk_answers_away_total", "Of these, those that name a shard away", NULL, 0},
         &desk->answers_away.value},
        {{"overround_desk_bad_messages_total", "Links closed for what they brought", NULL, 0},
         &desk->bad.value},
        {{"overround_desk_foreign_total", "Links closed since they are of another book", NULL, 0},
         &desk->foreign.value},
        {{"overround_desk_replaced_total", "Links closed since their shard came by another", NULL,
          0},
         &desk->replaced.value},
        {{"overround_desk_read_failures_total", "Pieces of the log that could not be read", NULL,
          0},
         &desk->read_failures.value},
        {{limit, limit_help, "limit=\"relay_memory\"", 0}, &desk->forgotten.value},
        {{limit, limit_help, "limit=\"relay_waits_max\"", 0}, &desk->waits_reached.value},
        {{limit, limit_help, "limit=\"relay_links_max\"", 0}, &desk->links_reached.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows));
    return metrics_add_refresh(metrics, show, desk);
}

int node_desk_register_metrics(struct node_desk *desk, const struct node_desk_parts *parts,
                               struct metrics *metrics)
{
    if (parts->desk->count > 0)
        return desk_link_register_metrics(&desk->link, parts->book, metrics);
    return is_desk(parts) ? register_teller(desk, metrics) : 0;
}
