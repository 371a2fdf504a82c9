/* node_upkeep.c - contract in node_upkeep.h. */
#include "cli/node_upkeep.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

#include "adapters/embedded/ledger_file.h"
#include "base/error.h"
#include "base/log.h"

#define IDLE_US  50000    /* between looks when there was nothing to do */
#define RETRY_US 10000000 /* after a step that failed */

static bool told_to_stop(const struct node_upkeep *upkeep)
{
    return __atomic_load_n(&upkeep->stop, __ATOMIC_ACQUIRE) != 0;
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- packing ---- */

static void count_packed(struct node_upkeep *upkeep)
{
    struct ledger_packer_stats stats = ledger_packer_stats(upkeep->packer);
    metrics_count(&upkeep->packed, stats.segments - upkeep->packed.value);
    metrics_count(&upkeep->packed_before, stats.bytes_before - upkeep->packed_before.value);
    metrics_count(&upkeep->packed_after, stats.bytes_after - upkeep->packed_after.value);
    metrics_count(&upkeep->pack_errors, stats.errors - upkeep->pack_errors.value);
    metrics_set(&upkeep->pack_damaged, (int64_t)stats.damaged);
}

static void say_damage(const char *place)
{
    log_error("upkeep", "a segment of the ledger is damaged, and is left as it is",
              LOG_TEXT("place", slice_text(place)));
}

static void say_error(int error)
{
    log_warn("upkeep", "a segment of the ledger could not be compressed",
             LOG_TEXT("reason", slice_text(error_text(error))));
}

/* True: there is more to do at once. */
static bool pack_step(struct node_upkeep *upkeep)
{
    if (upkeep->packer == NULL || now_us() < upkeep->pack_retry_us)
        return false;
    int result = ledger_packer_step(upkeep->packer);
    count_packed(upkeep);
    if (result == -ERR_CORRUPT)
        say_damage(ledger_packer_problem(upkeep->packer));
    else if (result < 0)
        say_error(result);
    if (result < 0 && result != -ERR_CORRUPT)
        upkeep->pack_retry_us = now_us() + RETRY_US;
    return result > 0 || result == -ERR_CORRUPT;
}

/* ---- the thread ---- */

static void *run(void *owner)
{
    struct node_upkeep *upkeep = owner;
    const struct sched_param lowest = {0};
    const struct timespec idle = {0, IDLE_US * 1000};
    (void)sched_setscheduler(0, SCHED_IDLE, &lowest); /* refused: it competes as others do */
    while (!told_to_stop(upkeep))
        if (!pack_step(upkeep))
            (void)nanosleep(&idle, NULL);
    return NULL;
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct node_upkeep *upkeep)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    upkeep->running = pthread_create(&upkeep->thread, NULL, run, upkeep) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return upkeep->running ? 0 : -ERR_MEMORY;
}

int node_upkeep_start(struct node_upkeep *upkeep, const struct node_upkeep_options *options,
                      struct ledger_log *log)
{
    const struct ledger_cursor_log of = ledger_file_cursor_log(log);
    const struct ledger_packer_options packing = {(uint64_t)options->pack_keep};
    if (!options->pack)
        return 0;
    TRY(ledger_packer_new(&of, &packing, &upkeep->packer));
    return start_thread(upkeep);
}

void node_upkeep_stop(struct node_upkeep *upkeep)
{
    __atomic_store_n(&upkeep->stop, 1, __ATOMIC_RELEASE);
    if (upkeep->running)
        (void)pthread_join(upkeep->thread, NULL);
    upkeep->running = false;
    ledger_packer_free(upkeep->packer);
    upkeep->packer = NULL;
}

int node_upkeep_register_metrics(struct node_upkeep *upkeep, struct metrics *metrics)
{
    const struct {
        struct metrics_name name;
        const struct metrics_counter *counter;
    } counters[] = {
        {{"overround_ledger_compressed_segments_total", "Segments compressed", NULL, 0},
         &upkeep->packed},
        {{"overround_ledger_compressed_before_bytes_total", "Bytes of them before", NULL, 0},
         &upkeep->packed_before},
        {{"overround_ledger_compressed_after_bytes_total", "Bytes of them after", NULL, 0},
         &upkeep->packed_after},
        {{"overround_ledger_compress_errors_total", "Segments that could not be compressed", NULL,
          0},
         &upkeep->pack_errors},
    };
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        TRY(metrics_add_counter(metrics, counters[i].name, counters[i].counter));
    return metrics_add_gauge(metrics,
                             (struct metrics_name){"overround_ledger_compress_damaged_segments",
                                                   "Segments left as they are for damage in them",
                                                   NULL, 0},
                             &upkeep->pack_damaged);
}
