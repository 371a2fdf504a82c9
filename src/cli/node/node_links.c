/* node_links.c - contract in node_links.h. */
#include "cli/node/node_links.h"

#include "base/error.h"
#include "base/log.h"
#include "cli/node/ws_carrier.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"
#include "roles/bet/bet_link_wire.h"

_Static_assert(NODE_LINK_MESSAGE_BYTES_MAX >= BET_LINK_BATCH_BYTES + BET_LINK_QUESTION_MAX + 256,
               "the longest batch of a front");

/* ---- the WebSocket ---- */

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    struct node_link *link = owner;
    (void)ws;
    bet_link_teller_batch(link->teller, bytes);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no batch: the link is closed, and counted */
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct node_link *link = owner;
    (void)ws;
    log_warn("link", "a front is gone", LOG_I64("place", link - link->links->places),
             LOG_I64("code", code));
    link->open = false;
    bet_link_teller_detached(link->teller);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

/* ---- who comes ---- */

/* NULL: all are taken, or there is no memory for another one. */
static struct node_link *free_place(struct node_links *links)
{
    for (uint32_t i = 0; i < links->used; i++)
        if (!links->places[i].open)
            return &links->places[i];
    if (links->used == NODE_LINKS_MAX)
        return NULL;
    struct node_link *link = &links->places[links->used];
    if (bet_link_teller_new(links->bets, links->place, &link->teller) < 0)
        return NULL;
    link->links = links;
    links->used++;
    return link;
}

void node_links_serve(void *owner, struct http_request *request)
{
    struct node_links *links = owner;
    if (!http_upgrade_is_asked(request) ||
        !http_upgrade_offers(request, SLICE(BET_LINK_SUBPROTOCOL))) {
        http_reply_problem(
            request->reply_to, 400, "LINK_PROTOCOL",
            SLICE("A WebSocket with subprotocol " BET_LINK_SUBPROTOCOL " is served."));
        return;
    }
    struct node_link *link = free_place(links);
    if (link == NULL) {
        metrics_count(&links->places_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("So many fronts are attached."), HTTP_RETRY_SOON);
        return;
    }
    if (http_upgrade_websocket(request, SLICE(BET_LINK_SUBPROTOCOL), &ws_callbacks, link,
                               &link->ws) != HTTP_UPGRADE_DONE)
        return;
    const struct carrier carrier = ws_carrier(&link->ws);
    link->open = true;
    bet_link_teller_attach(link->teller, &carrier);
    log_info("link", "a front has come", LOG_I64("place", link - links->places));
}

/* ---- the book's turns ---- */

void node_links_open(struct node_links *links, struct bet_port *bets, struct shard_place place)
{
    links->bets = bets;
    links->place = place;
}

bool node_links_wants(const struct node_links *links, struct slice user_id)
{
    for (uint32_t i = 0; i < links->used; i++)
        if (bet_link_teller_wants(links->places[i].teller, user_id))
            return true;
    return false;
}

void node_links_push(struct node_links *links, struct slice user_id, const char *op,
                     struct slice object)
{
    for (uint32_t i = 0; i < links->used; i++)
        if (bet_link_teller_wants(links->places[i].teller, user_id))
            bet_link_teller_push(links->places[i].teller, user_id, op, object);
}

void node_links_turn_end(struct node_links *links, bool takes_bets)
{
    for (uint32_t i = 0; i < links->used; i++)
        bet_link_teller_turn_end(links->places[i].teller, takes_bets);
}

void node_links_close(struct node_links *links)
{
    for (uint32_t i = 0; i < links->used; i++)
        bet_link_teller_free(links->places[i].teller);
    *links = (struct node_links){.used = 0};
}

/* ---- what is counted ---- */

static void show(void *owner)
{
    struct node_links *links = owner;
    struct bet_link_teller_stats sum = {0};
    int64_t attached = 0;
    for (uint32_t i = 0; i < links->used; i++) {
        const struct bet_link_teller_stats *stats = bet_link_teller_stats(links->places[i].teller);
        attached += bet_link_teller_is_attached(links->places[i].teller);
        sum.sessions += stats->sessions;
        sum.questions += stats->questions;
        sum.own += stats->own;
        sum.bad_batches += stats->bad_batches;
        sum.dropped += stats->dropped;
    }
    metrics_set(&links->attached, attached);
    metrics_count(&links->sessions, sum.sessions - links->sessions.value);
    metrics_count(&links->questions, sum.questions - links->questions.value);
    metrics_count(&links->own, sum.own - links->own.value);
    metrics_count(&links->bad_batches, sum.bad_batches - links->bad_batches.value);
    metrics_count(&links->dropped, sum.dropped - links->dropped.value);
}

int node_links_register_metrics(struct node_links *links, struct metrics *metrics)
{
    const struct metrics_row rows[] = {
        {{"overround_links_sessions_total", "Times that a front joined", NULL, 0},
         &links->sessions.value},
        {{"overround_links_questions_total", "Questions of fronts", NULL, 0},
         &links->questions.value},
        {{"overround_links_own_total", "Users' own messages sent to fronts", NULL, 0},
         &links->own.value},
        {{"overround_links_bad_batches_total", "Links closed for what they brought", NULL, 0},
         &links->bad_batches.value},
        {{"overround_links_dropped_total", "Answers whose front had gone", NULL, 0},
         &links->dropped.value},
        {{"overround_limit_reached_total", "How often a limit was reached", "limit=\"links_max\"",
          0},
         &links->places_reached.value},
    };
    TRY(metrics_add_gauge(
        metrics,
        (struct metrics_name){"overround_links_attached", "Fronts that are attached", NULL, 0},
        &links->attached));
    TRY(metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows));
    return metrics_add_refresh(metrics, show, links);
}
