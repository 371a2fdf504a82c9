/* projection_runner.c - contract in projection_runner.h. */
#include "cli/consumers/projection_runner.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/consumers/projection_url.h"

#define IDLE_US      20000   /* between looks when there was nothing to do */
#define WAITS_US_MAX 1000000 /* between tries */

static bool told_to_stop(const struct projection_runner *runner)
{
    return __atomic_load_n(&runner->stop, __ATOMIC_ACQUIRE) != 0;
}

/* In pieces, so that an end is never waited for. */
static void pause_for(const struct projection_runner *runner, int64_t us)
{
    for (; us > 0 && !told_to_stop(runner); us -= IDLE_US) {
        const struct timespec piece = {0, IDLE_US * 1000};
        (void)nanosleep(&piece, NULL);
    }
}

static void end_with(struct projection_runner *runner, int error, const char *reason)
{
    const char *place =
        runner->follow.problem == NULL ? "" : runner->follow.problem(runner->follow.cursor);
    runner->error = error;
    log_error("projection", "the ledger is projected no more",
              LOG_U64("shard", runner->follow.shard), LOG_TEXT("reason", slice_text(reason)),
              LOG_TEXT("place", slice_text(place)));
    __atomic_store_n(&runner->failed, 1, __ATOMIC_RELEASE);
}

/* Until its tables are there. False: it never will, or it is told to stop. */
static bool prepare(struct projection_runner *runner)
{
    char memory[512];
    int64_t pause_us = IDLE_US;
    bool told = false;
    while (!told_to_stop(runner)) {
        struct buf why = buf_over(memory, sizeof memory - 1);
        int error = runner->store->ops->prepare(runner->store, &why);
        memory[why.bytes] = '\0';
        if (error == 0)
            return true;
        if (error != -ERR_ABSENT) {
            end_with(runner, error, memory);
            return false;
        }
        if (!told)
            log_warn("projection", "its database is away", LOG_TEXT("reason", buf_slice(&why)));
        told = true;
        pause_for(runner, pause_us);
        pause_us = 2 * pause_us > WAITS_US_MAX ? WAITS_US_MAX : 2 * pause_us;
    }
    return false;
}

static void follow(struct projection_runner *runner)
{
    int64_t pause_us = IDLE_US;
    bool waits = false;
    while (!told_to_stop(runner)) {
        int result = projector_step(runner->projector);
        if (result < 0) {
            if (!told_to_stop(runner))
                end_with(runner, result, projector_text(runner->projector));
            return;
        }
        if (result == PROJECTOR_IDLE)
            pause_for(runner, IDLE_US);
        if (result != PROJECTOR_WAITS) {
            pause_us = IDLE_US;
            waits = waits && result == PROJECTOR_MORE;
            continue;
        }
        if (!waits)
            log_warn("projection", "it waits for its database, the ledger's, or another projector",
                     LOG_U64("shard", runner->follow.shard),
                     LOG_TEXT("reason", slice_text(runner->store->ops->problem(runner->store))));
        waits = true;
        pause_for(runner, pause_us);
        pause_us = 2 * pause_us > WAITS_US_MAX ? WAITS_US_MAX : 2 * pause_us;
    }
}

static void *run(void *owner)
{
    struct projection_runner *runner = owner;
    const struct sched_param lowest = {0};
    if (runner->follow.lowest)
        (void)sched_setscheduler(0, SCHED_IDLE, &lowest); /* refused: it competes as others do */
    if (prepare(runner))
        follow(runner);
    return NULL;
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct projection_runner *runner)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    runner->running = pthread_create(&runner->thread, NULL, run, runner) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return runner->running ? 0 : -ERR_MEMORY;
}

static void close_parts(struct projection_runner *runner)
{
    projector_free(runner->projector);
    if (runner->store != NULL)
        runner->store->ops->free(runner->store);
    runner->projector = NULL;
    runner->store = NULL;
}

int projection_runner_start(struct projection_runner *runner,
                            const struct projection_follow *follow)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    runner->follow = *follow;
    int error = projection_url_open(follow->url, &runner->store, &why);
    if (error == -ERR_CONFIG)
        log_error("projection", "its store cannot be opened", LOG_TEXT("reason", buf_slice(&why)));
    if (error == 0) {
        const struct projector_options options = {.shard = follow->shard,
                                                  .limits = follow->limits,
                                                  .cursor = follow->cursor,
                                                  .store = runner->store,
                                                  .shown = follow->shown,
                                                  .owner = follow->owner};
        error = projector_new(&options, &runner->projector);
    }
    if (error == 0)
        error = start_thread(runner);
    if (error < 0)
        close_parts(runner);
    return error;
}

void projection_runner_stop(struct projection_runner *runner)
{
    if (!runner->running)
        return;
    __atomic_store_n(&runner->stop, 1, __ATOMIC_RELEASE);
    runner->store->ops->leave(runner->store);
    if (runner->follow.leave != NULL)
        runner->follow.leave(runner->follow.cursor);
    (void)pthread_join(runner->thread, NULL);
    runner->running = false;
    close_parts(runner);
    runner->follow.cursor->ops->free(runner->follow.cursor);
}

bool projection_runner_failed(const struct projection_runner *runner)
{
    return __atomic_load_n(&runner->failed, __ATOMIC_ACQUIRE) != 0;
}

/* ---- metrics ---- */

void projection_runner_count(struct projection_runner *runner, int64_t now_us)
{
    if (!runner->running)
        return;
    struct projector_stats stats = projector_stats(runner->projector);
    uint64_t tail = stats.tail;
    if (runner->follow.shown != NULL && runner->follow.shown(runner->follow.owner) > tail)
        tail = runner->follow.shown(runner->follow.owner);
    int64_t late_us = stats.pending_us == 0 ? 0 : now_us - stats.pending_us;
    metrics_set(&runner->lag_events, tail > stats.seq ? (int64_t)(tail - stats.seq) : 0);
    metrics_set(&runner->lag_us, late_us > 0 ? late_us : 0);
    metrics_set(&runner->failed_gauge, projection_runner_failed(runner));
    metrics_count(&runner->rows, stats.rows - runner->rows.value);
    metrics_count(&runner->steps, stats.steps - runner->steps.value);
    metrics_count(&runner->retries, stats.retries - runner->retries.value);
    metrics_count(&runner->restarts, stats.restarts - runner->restarts.value);
}

int projection_runner_register_metrics(struct projection_runner *runner, struct metrics *metrics)
{
    const char *label = runner->label;
    const struct metrics_gauge_row gauges[] = {
        {{"overround_projection_lag_events", "Records that are not in the tables yet", label, 0},
         &runner->lag_events},
        {{"overround_projection_lag_seconds", "Age of the oldest of them", label, 6},
         &runner->lag_us},
        {{"overround_projection_failed", "1: the tables are filled no more", label, 0},
         &runner->failed_gauge},
    };
    const struct metrics_row counters[] = {
        {{"overround_projection_rows_total", "Rows put into the tables", label, 0},
         &runner->rows.value},
        {{"overround_projection_steps_total", "Transactions that put them", label, 0},
         &runner->steps.value},
        {{"overround_projection_retries_total", "Times that a database was away, or moved", label,
          0},
         &runner->retries.value},
        {{"overround_projection_restarts_total", "Times that the log was folded anew", label, 0},
         &runner->restarts.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}
