/* node_shadow.c - contract in node_shadow.h. */
#include "cli/node/node_shadow.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/snapshot_file.h"
#include "base/error.h"
#include "base/log.h"

#define IDLE_US  20000 /* between looks when there was nothing to do */
#define PAUSE_US 100   /* behind every step */

int node_shadow_open(struct node_shadow *shadow, const struct node_shadow_options *options,
                     uint32_t shard, struct disk *disk)
{
    const struct snapshot_file_options files = {
        .shard = shard, .keep = (uint32_t)options->keep, .stop = &shadow->stop};
    if (!options->on)
        return 0;
    TRY(snapshot_file_new(&files, disk, &shadow->of_book));
    TRY(snapshot_file_new(&files, disk, &shadow->own));
    return reconcile_new(&shadow->reconcile);
}

/* ---- the thread ---- */

static void count(struct node_shadow *shadow)
{
    struct shadow_stats stats = shadow_stats(shadow->shadow);
    struct reconcile_stats compared = reconcile_stats(shadow->reconcile);
    metrics_set(&shadow->lag, (int64_t)stats.lag);
    metrics_set(&shadow->snapshot_seq, (int64_t)stats.snapshot_seq);
    metrics_set(&shadow->drift, (int64_t)compared.drift);
    metrics_count(&shadow->snapshots, stats.snapshots - shadow->snapshots.value);
    metrics_count(&shadow->snapshot_errors, stats.snapshot_errors - shadow->snapshot_errors.value);
    metrics_count(&shadow->samples, compared.samples - shadow->samples.value);
    metrics_count(&shadow->rounds, compared.rounds - shadow->rounds.value);
}

static bool told_to_stop(const struct node_shadow *shadow)
{
    return __atomic_load_n(&shadow->stop, __ATOMIC_ACQUIRE) != 0;
}

static void say_end(struct node_shadow *shadow)
{
    const char *problem = ledger_cursor_file_problem(shadow->cursor);
    metrics_set(&shadow->failed, 1);
    log_error("shadow", "the ledger is no longer folded a second time",
              LOG_TEXT("reason", slice_text(shadow_text(shadow->shadow))),
              LOG_TEXT("place", slice_text(problem)));
}

static void *run(void *owner)
{
    struct node_shadow *shadow = owner;
    const struct sched_param lowest = {0};
    const struct timespec idle = {0, IDLE_US * 1000}, pause = {0, PAUSE_US * 1000};
    int result = SHADOW_MORE;
    (void)sched_setscheduler(0, SCHED_IDLE, &lowest); /* refused: it competes as others do */
    while (result >= 0 && !told_to_stop(shadow)) {
        result = shadow_step(shadow->shadow);
        count(shadow);
        /* A thread of the lowest priority, too, keeps a core that it has until the kernel's next
         * tick, up to four milliseconds, while the loop is ready to go on: so it has it for a step
         * at a time only. */
        (void)nanosleep(result == SHADOW_IDLE ? &idle : &pause, NULL);
    }
    if (result < 0 && !told_to_stop(shadow)) {
        say_end(shadow);
        shadow->notify(shadow->notify_owner); /* a drift stops the book in its next turn */
    }
    return NULL;
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct node_shadow *shadow)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    shadow->running = pthread_create(&shadow->thread, NULL, run, shadow) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return shadow->running ? 0 : -ERR_MEMORY;
}

int node_shadow_start(struct node_shadow *shadow, const struct node_shadow_options *options,
                      const struct shard_limits *limits, struct ledger_log *log)
{
    if (shadow->own == NULL)
        return 0;
    const struct ledger_cursor_log cursor_log = ledger_file_cursor_log(log);
    const struct shadow_options fold = {*limits, (uint64_t)options->snapshot_records};
    TRY(ledger_cursor_file_new(&cursor_log, &shadow->cursor));
    const struct shadow_ports ports = {
        .cursor = shadow->cursor,
        .snapshots = shadow->own,
        .reconcile = shadow->reconcile,
        .verdicts = shadow->verdicts,
    };
    TRY(shadow_new(&fold, &ports, &shadow->shadow));
    return start_thread(shadow);
}

void node_shadow_stop(struct node_shadow *shadow)
{
    __atomic_store_n(&shadow->stop, 1, __ATOMIC_RELEASE);
    if (shadow->running)
        (void)pthread_join(shadow->thread, NULL);
    shadow->running = false;
    shadow_free(shadow->shadow);
    shadow->shadow = NULL;
    if (shadow->cursor != NULL)
        shadow->cursor->ops->free(shadow->cursor);
    shadow->cursor = NULL;
}

void node_shadow_close(struct node_shadow *shadow)
{
    reconcile_free(shadow->reconcile);
    if (shadow->of_book != NULL)
        shadow->of_book->ops->free(shadow->of_book);
    if (shadow->own != NULL)
        shadow->own->ops->free(shadow->own);
}

int node_shadow_register_metrics(struct node_shadow *shadow, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_snapshot_lag_records", "Durable records not yet folded a second time", NULL,
          0},
         &shadow->lag},
        {{"overround_snapshot_seq", "Last record in the newest snapshot", NULL, 0},
         &shadow->snapshot_seq},
        {{"overround_reconcile_drift", "1: the live state is not the fold of its log", NULL, 0},
         &shadow->drift},
        {{"overround_shadow_failed", "1: the ledger is no longer folded a second time", NULL, 0},
         &shadow->failed},
    };
    const struct metrics_row counters[] = {
        {{"overround_snapshots_total", "Snapshots written", NULL, 0}, &shadow->snapshots.value},
        {{"overround_snapshot_errors_total", "Snapshots that could not be written", NULL, 0},
         &shadow->snapshot_errors.value},
        {{"overround_reconcile_samples_total", "Samples of the live state found right", NULL, 0},
         &shadow->samples.value},
        {{"overround_reconcile_rounds_total", "Times that every row was compared", NULL, 0},
         &shadow->rounds.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}
