/* node_projection.c - contract in node_projection.h. */
#include "cli/node/node_projection.h"

#include <stdio.h>

#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/ledger_file.h"
#include "base/clock.h"
#include "base/error.h"

static uint64_t shown_of(void *owner)
{
    return __atomic_load_n(&((struct node_projection *)owner)->shown, __ATOMIC_ACQUIRE);
}

static void count(void *owner)
{
    projection_runner_count(&((struct node_projection *)owner)->runner, clock_us(CLOCK_REALTIME));
}

int node_projection_register_metrics(struct node_projection *projection, uint32_t shard,
                                     const char *url, struct metrics *metrics)
{
    struct projection_runner *runner = &projection->runner;
    projection->url = url;
    if (url == NULL)
        return 0;
    projection->shard = shard;
    (void)snprintf(runner->label, sizeof runner->label, "shard=\"%u\"", shard);
    TRY(projection_runner_register_metrics(runner, metrics));
    return metrics_add_refresh(metrics, count, projection);
}

int node_projection_start(struct node_projection *projection, const struct shard_limits *limits,
                          struct ledger_log *log)
{
    const struct ledger_cursor_log cursor_log = ledger_file_cursor_log(log);
    struct projection_follow follow = {.url = projection->url,
                                       .shard = projection->shard,
                                       .limits = *limits,
                                       .problem = ledger_cursor_file_problem,
                                       .shown = shown_of,
                                       .owner = projection,
                                       .lowest = true};
    if (projection->url == NULL)
        return 0;
    TRY(ledger_cursor_file_new(&cursor_log, &follow.cursor));
    int error = projection_runner_start(&projection->runner, &follow);
    if (error < 0)
        follow.cursor->ops->free(follow.cursor);
    return error;
}

void node_projection_turn(struct node_projection *projection, struct ledger_log *log)
{
    if (projection->url == NULL)
        return;
    uint64_t seq = log->ops->confirmed == NULL ? log->ops->tail(log, projection->shard)
                                               : log->ops->confirmed(log, projection->shard);
    __atomic_store_n(&projection->shown, seq, __ATOMIC_RELEASE);
}

void node_projection_stop(struct node_projection *projection)
{
    projection_runner_stop(&projection->runner);
}
