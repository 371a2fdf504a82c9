/* projection_runner.h - hosts projectors (app/projector.h), one a shard, each on a thread and a
 * connection of its own; counts what they do, and how far they are behind.
 *
 * A database that is away is tried again for ever, from the start on: nothing else waits for it.
 * Thread: the owner's, but for what says otherwise. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/projector.h"
#include "base/metrics.h"

#define PROJECTION_LABEL_BYTES 24

/* What one follows; all borrowed until projection_runner_stop but for the cursor. */
struct projection_follow {
    const char *url; /* of the projection's database */
    uint32_t shard;
    struct shard_limits limits;                  /* of the fold */
    struct ledger_cursor *cursor;                /* taken */
    void (*leave)(struct ledger_cursor *cursor); /* any thread; NULL: it never waits for long */
    const char *(*problem)(const struct ledger_cursor *cursor);
    uint64_t (*shown)(void *owner); /* projector.h; any thread */
    void *owner;
    bool lowest; /* the thread only has what nobody else wants of the processor */
};

struct projection_runner {
    struct projection_follow follow;
    struct projection_store *store; /* owned, as the next */
    struct projector *projector;
    pthread_t thread;
    bool running;
    uint32_t stop;   /* atomic */
    uint32_t failed; /* atomic: it follows no more */
    int error;       /* when it failed */
    char label[PROJECTION_LABEL_BYTES];
    struct metrics_gauge lag_events, lag_us, failed_gauge;
    struct metrics_counter rows, steps, retries, restarts;
};

/* 0; -ERR_CONFIG (the URL), -ERR_MEMORY: the cursor is then the caller's still. */
int projection_runner_start(struct projection_runner *runner,
                            const struct projection_follow *follow);
/* Accepts one that was never started. */
void projection_runner_stop(struct projection_runner *runner);
bool projection_runner_failed(const struct projection_runner *runner);

/* Before it is started; `label` is written first. 0 or -ERR_LIMIT. */
int projection_runner_register_metrics(struct projection_runner *runner, struct metrics *metrics);
/* Sets the numbers that metrics show; wall time. */
void projection_runner_count(struct projection_runner *runner, int64_t now_us);
