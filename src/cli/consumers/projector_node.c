/* projector_node.c - contract in projector_node.h. */
#include "cli/consumers/projector_node.h"

#include <stdio.h>

#include "adapters/postgres/pg_batch.h"
#include "adapters/shared/batch_cursor.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/consumers/projection_runner.h"
#include "cli/ledger/ledger_database.h"

#define METRICS_OF_SHARD  8
#define METRICS_MAX       (64 + METRICS_OF_SHARD * BATCH_SHARDS_MAX)
#define METRICS_BYTES_MAX (64 * 1024 + 1024 * BATCH_SHARDS_MAX)

struct projector_node {
    const struct projector_node_options *options;
    struct buf *why;
    struct metrics *metrics; /* borrowed */
    struct projection_runner runners[BATCH_SHARDS_MAX];
    size_t count;
    bool told_away;
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
    TRY(projection_runner_register_metrics(runner, node->metrics));
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

/* ---- the hooks ---- */

static void count(void *owner)
{
    struct projector_node *node = owner;
    for (size_t i = 0; i < node->count; i++)
        projection_runner_count(&node->runners[i], clock_us(CLOCK_REALTIME));
}

static int open_projector(void *owner, struct metrics *metrics)
{
    struct projector_node *node = owner;
    node->metrics = metrics;
    return metrics_add_refresh(metrics, count, node);
}

static bool is_ready(void *owner)
{
    return ((const struct projector_node *)owner)->count > 0;
}

static void check_failed(struct projector_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct projection_runner *runner = &node->runners[i];
        if (!projection_runner_failed(runner))
            continue;
        buf_printf(node->why, "shard %u is projected no more: %s", runner->follow.shard,
                   projector_text(runner->projector));
        follower_process_fail(runner->error);
        return;
    }
}

static void on_tick(void *owner)
{
    struct projector_node *node = owner;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    int error = node->count == 0 ? find_shards(node, &why) : 0;
    if (error == 0) {
        check_failed(node);
        return;
    }
    if (why.bytes == 0)
        buf_put_text(&why, error_text(error));
    buf_printf(node->why, "the ledger cannot be followed: %.*s", SLICE_ARG(buf_slice(&why)));
    follower_process_fail(error);
}

static void close_projector(void *owner)
{
    struct projector_node *node = owner;
    for (size_t i = 0; i < node->count; i++)
        projection_runner_stop(&node->runners[i]);
}

enum node_end projector_node_run(const struct projector_node_options *options,
                                 follower_ready_fn ready, struct buf *why)
{
    static struct projector_node node; /* one a process; too large for the stack */
    node = (struct projector_node){.options = options, .why = why};
    const struct follower_options follower = {
        .work = {.owner = &node,
                 .open = open_projector,
                 .on_tick = on_tick,
                 .is_ready = is_ready,
                 .close = close_projector,
                 .name = "the projector",
                 .not_ready = "The ledger's database is waited for.",
                 .not_here = "This process projects the ledger and answers nothing else."},
        .admin_address = options->admin_address,
        .listen = &options->listen,
        .items = node.items,
        .items_max = METRICS_MAX,
        .out = buf_over(node.out, sizeof node.out)};
    return follower_process_run(&follower, ready, why);
}
