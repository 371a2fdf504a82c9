/* node_volumes.c - contract in node_volumes.h. */
#include "cli/node/node_volumes.h"

#include "base/error.h"
#include "base/log.h"

int node_volumes_open(struct node_volumes *volumes, const struct node_volumes_options *options,
                      struct ledger_file_options *ret, struct buf *why)
{
    ret->stall_us = options->stall_us;
    ret->store.reserve_bytes = (uint64_t)options->reserve_bytes;
    ret->store.free_bytes_min = (uint64_t)options->free_bytes_min;
    if (options->second == NULL)
        return 0;
    int error = disk_open_directory(options->second, &volumes->second);
    if (error < 0)
        buf_printf(why, "%s: %s", options->second, error_text(error));
    ret->store.second = volumes->second;
    return error;
}

void node_volumes_opened(struct node_volumes *volumes, const struct ledger_report *report)
{
    volumes->told.volume = report->volume + 1;
    if (report->paired)
        log_info("ledger", "this log has two directories from now on, and needs both");
    if (report->superseded_groups > 0)
        log_info("ledger", "groups that failovers superseded are passed over",
                 LOG_U64("groups", report->superseded_groups));
    if (report->volume > 0)
        log_info("ledger", "the log goes on in its second directory");
}

void node_volumes_tell(struct node_volumes *volumes, struct ledger_log *log)
{
    const struct ledger_file_health *health = ledger_file_health(log);
    int64_t volume = __atomic_load_n(&health->volume.value, __ATOMIC_RELAXED);
    int64_t stalled = __atomic_load_n(&health->stalled.value, __ATOMIC_RELAXED);
    int64_t full = __atomic_load_n(&health->full.value, __ATOMIC_RELAXED);
    uint64_t failovers = __atomic_load_n(&health->failovers.value, __ATOMIC_RELAXED);
    if (stalled != volumes->told.stalled && stalled)
        log_error("ledger", "its disk does not answer: new bets are refused");
    if (failovers != volumes->told.failovers)
        log_error("ledger", "its disk hung or failed: the log goes on in the other directory",
                  LOG_U64("directory", (uint64_t)volume), LOG_U64("failovers", failovers));
    if (stalled != volumes->told.stalled && !stalled)
        log_info("ledger", "its disk answers again");
    if (full != volumes->told.full && full)
        log_error("ledger", "space runs out: bets and money are refused, what is left is for "
                            "results and payouts");
    if (full != volumes->told.full && !full)
        log_info("ledger", "there is space again: bets are taken");
    volumes->told.volume = volume;
    volumes->told.stalled = stalled;
    volumes->told.full = full;
    volumes->told.failovers = failovers;
}

int node_volumes_register_metrics(struct ledger_log *log, struct metrics *metrics)
{
    const struct ledger_file_health *health = ledger_file_health(log);
    const struct metrics_gauge_row gauges[] = {
        {{"overround_ledger_volume", "Directory that the ledger is written to: 1 or 2", NULL, 0},
         &health->volume},
        {{"overround_ledger_stalled", "1: the ledger's disk does not answer", NULL, 0},
         &health->stalled},
        {{"overround_ledger_full", "1: the ledger has no space for bets", NULL, 0}, &health->full},
        {{"overround_ledger_free_bytes", "Free where the ledger is written", NULL, 0},
         &health->free_bytes},
        {{"overround_ledger_reserve_bytes", "Reserve there is, where the ledger is written", NULL,
          0},
         &health->reserve_bytes},
        {{"overround_ledger_reserve_used_bytes", "Reserve that was used and not made again", NULL,
          0},
         &health->reserve_missing_bytes},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counter(metrics,
                            (struct metrics_name){"overround_ledger_failovers_total",
                                                  "Failovers to the other directory", NULL, 0},
                            &health->failovers));
    return metrics_add_counter(metrics,
                               (struct metrics_name){"overround_ledger_stalls_total",
                                                     "Appends that waited too long", NULL, 0},
                               &health->stalls);
}

void node_volumes_leave(struct node_volumes *volumes, struct ledger_log *log)
{
    volumes->left = ledger_file_hangs(log);
    if (volumes->left)
        log_warn("ledger", "a writer hangs in the directory that was left, and is left behind");
}

void node_volumes_close(struct node_volumes *volumes, struct disk *first)
{
    if (volumes->left)
        return; /* it may come back and close its files; the process ends anyhow */
    disk_free(volumes->second);
    disk_free(first);
}
