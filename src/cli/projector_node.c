/* projector_node.c - contract in projector_node.h. */
#include "cli/projector_node.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/postgres/pg_batch.h"
#include "adapters/shared/batch_cursor.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/ledger_database.h"
#include "cli/projection_runner.h"
#include "net/http/http_reply.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"

#define TICK_US           (US_PER_SECOND / 5)
#define METRICS_OF_SHARD  8
#define METRICS_MAX       (64 + METRICS_OF_SHARD * BATCH_SHARDS_MAX)
#define METRICS_BYTES_MAX (64 * 1024 + 1024 * BATCH_SHARDS_MAX)
#define NO_STORE          SLICE("Cache-Control: no-store\r\n")

struct projector_node {
    const struct projector_node_options *options;
    struct buf *why;
    projector_ready_fn ready;
    enum node_end end;
    struct loop *loop; /* owned, as all below */
    struct node_listen listen;
    struct http_server *server;
    struct timer tick;
    struct projection_runner runners[BATCH_SHARDS_MAX];
    size_t count;
    bool told_away;
    struct metrics metrics;
    struct metrics_item items[METRICS_MAX];
    char out[METRICS_BYTES_MAX];
};

int projector_node_sources(const char *ledger, const char **projection, struct buf *why)
{
    if (!ledger_database_is(ledger))
        buf_put_text(why, "--roles projector follows a database: --ledger " LEDGER_DATABASE_URLS
                          " (a ledger in files is projected by its own server, with --projection)");
    else if (*projection == NULL && !pg_url_is(ledger))
        buf_put_text(why, "--projection: where the rows of bets go; the ledger's table in DynamoDB "
                          "takes no others");
    else if (*projection == NULL)
        *projection = ledger;
    return why->bytes == 0 ? 0 : -ERR_CONFIG;
}

/* ---- what it answers ---- */

static void serve_metrics(struct projector_node *node, struct http_request *request)
{
    struct buf out = buf_over(node->out, sizeof node->out);
    for (size_t i = 0; i < node->count; i++)
        projection_runner_count(&node->runners[i], clock_us(CLOCK_REALTIME));
    metrics_write(&node->metrics, &out);
    if (out.overflow)
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        http_reply(request->reply_to, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   NO_STORE, buf_slice(&out));
}

static void serve_health(struct projector_node *node, struct http_request *request)
{
    (void)node;
    http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ok\n"));
}

static void serve_ready(struct projector_node *node, struct http_request *request)
{
    if (node->count > 0)
        http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ready\n"));
    else
        http_reply_problem_with(request->reply_to, 503, "NOT_READY",
                                SLICE("The ledger's database is waited for."),
                                SLICE("Retry-After: 1\r\n"));
}

static void on_request(void *owner, struct http_request *request)
{
    static const struct {
        const char *path;
        void (*serve)(struct projector_node *node, struct http_request *request);
    } routes[] = {
        {"/metrics", serve_metrics}, {"/healthz", serve_health}, {"/readyz", serve_ready}};
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!slice_is(request->path, routes[i].path))
            continue;
        if (request->method == HTTP_GET)
            routes[i].serve(owner, request);
        else
            http_reply_not_allowed(request->reply_to, "GET");
        return;
    }
    http_reply_problem(request->reply_to, 404, "NOT_FOUND",
                       SLICE("This process projects the ledger and answers nothing else."));
}

/* ---- shards ---- */

static int start_shard(struct projector_node *node, uint32_t shard, struct buf *why)
{
    struct projection_runner *runner = &node->runners[node->count];
    struct projection_follow follow = {.url = node->options->projection,
                                       .shard = shard,
                                       .limits = node->options->limits,
                                       .leave = batch_cursor_leave,
                                       .problem = batch_cursor_problem};
    (void)snprintf(runner->label, sizeof runner->label, "shard=\"%u\"", shard);
    TRY(projection_runner_register_metrics(runner, &node->metrics));
    TRY(ledger_database_follow(node->options->ledger, shard, &follow.cursor, why));
    int error = projection_runner_start(runner, &follow);
    if (error < 0) {
        follow.cursor->ops->free(follow.cursor);
        return error;
    }
    node->count++;
    return 0;
}

/* 0: they are followed, or there is none yet. */
static int find_shards(struct projector_node *node, struct buf *why)
{
    static uint32_t shards[BATCH_SHARDS_MAX];
    size_t count = 0;
    int error = ledger_database_shards(node->options->ledger, shards, &count, why);
    if (error < 0 && error != -ERR_CONFIG) { /* no table is no reason: a book may begin later */
        if (!node->told_away)
            log_warn("projector", "no ledger to follow yet", LOG_TEXT("reason", buf_slice(why)));
        node->told_away = true;
        return 0;
    }
    for (size_t i = 0; error == 0 && i < count; i++)
        error = start_shard(node, shards[i], why);
    if (error == 0 && count > 0)
        log_info("projector", "follows", LOG_U64("shards", count));
    return error;
}

/* ---- life ---- */

static void end_with(struct projector_node *node, enum node_end end)
{
    node->end = end;
    loop_stop(node->loop);
}

static void check_failed(struct projector_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct projection_runner *runner = &node->runners[i];
        if (!projection_runner_failed(runner))
            continue;
        buf_printf(node->why, "shard %u is projected no more: %s", runner->follow.shard,
                   projector_text(runner->projector));
        end_with(node, runner->error == -ERR_CORRUPT  ? NODE_DAMAGED
                       : runner->error == -ERR_CONFIG ? NODE_CONFIG
                                                      : NODE_FAILED);
        return;
    }
}

static void on_tick(void *owner)
{
    struct projector_node *node = owner;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    int error = node->count == 0 ? find_shards(node, &why) : 0;
    check_failed(node);
    if (error < 0) {
        if (why.bytes == 0)
            buf_put_text(&why, error_text(error));
        buf_printf(node->why, "the ledger cannot be followed: %.*s", SLICE_ARG(buf_slice(&why)));
        end_with(node, error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED);
    }
    loop_timer_set(node->loop, &node->tick, (struct monotonic){loop_now(node->loop).us + TICK_US});
}

static void on_signal(void *owner, int signal)
{
    (void)signal;
    end_with(owner, NODE_ENDED);
}

static void on_hangup(void *owner, int signal)
{
    (void)signal;
    node_listen_reload(&((struct projector_node *)owner)->listen);
}

static int listen_admin(struct projector_node *node)
{
    struct net_limits limits = net_limits_default();
    const struct http_handlers handlers = {.owner = node, .on_request = on_request};
    const struct http_listening how = {.address = node->options->admin_address,
                                       .tls = node->listen.tls[NODE_TLS_ADMIN].server};
    struct node_addresses bound = {.admin_is_tls = how.tls != NULL};
    limits.connections_max = 1024;
    TRY(http_server_new(node->loop, &limits, &node->server));
    int error = http_server_listen_as(node->server, &how, &handlers, &bound.admin);
    if (error < 0) {
        buf_put_text(node->why, "cannot listen at ");
        net_address_write(node->why, &how.address);
        return error;
    }
    node->ready(&bound);
    return 0;
}

static int begin(struct projector_node *node)
{
    (void)signal(SIGPIPE, SIG_IGN);
    metrics_init(&node->metrics, node->items, METRICS_MAX);
    TRY(loop_new(&node->loop));
    TRY(loop_watch_signal(node->loop, SIGTERM, on_signal, node));
    TRY(loop_watch_signal(node->loop, SIGINT, on_signal, node));
    TRY(loop_watch_signal(node->loop, SIGHUP, on_hangup, node));
    TRY(node_listen_open(&node->listen, node->loop, &node->options->listen, node->why));
    TRY(node_listen_register_metrics(&node->listen, &node->metrics));
    timer_init(&node->tick, on_tick, node);
    return listen_admin(node);
}

static void close_all(struct projector_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        projection_runner_stop(&node->runners[i]);
    if (node->loop == NULL)
        return;
    http_server_free(node->server);
    node_listen_close(&node->listen);
    loop_timer_cancel(node->loop, &node->tick);
    loop_free(node->loop);
}

enum node_end projector_node_run(const struct projector_node_options *options,
                                 projector_ready_fn ready, struct buf *why)
{
    static struct projector_node node; /* one a process; too large for the stack */
    node = (struct projector_node){.options = options, .why = why, .ready = ready};
    int error = begin(&node);
    if (error == 0) {
        on_tick(&node);
        error = loop_run(node.loop);
    }
    if (error < 0 && why->bytes == 0)
        buf_printf(why, "the projector cannot run: %s", error_text(error));
    if (error < 0)
        node.end = error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
    close_all(&node);
    return node.end;
}
