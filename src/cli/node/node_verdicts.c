/* node_verdicts.c - contract in node_verdicts.h. */
#include "cli/node/node_verdicts.h"

#include "adapters/embedded/ledger_file.h"
#include "base/error.h"
#include "base/log.h"
#include "ledger/shard_verdicts.h"

static uint32_t chunk_of(int64_t memory)
{
    int64_t chunk = memory / 8; /* as many as the book wants at a time: app/old_keys.c */
    if (chunk < SHARD_VERDICTS_BLOCK)
        return SHARD_VERDICTS_BLOCK;
    return chunk < NODE_VERDICTS_CHUNK_MAX ? (uint32_t)chunk : NODE_VERDICTS_CHUNK_MAX;
}

int node_verdicts_open(struct node_verdicts *verdicts, const struct node_verdicts_options *options,
                       struct disk *disk, struct ledger_log *log, struct buf *why)
{
    const struct ledger_cursor_log cursor_log = ledger_file_cursor_log(log);
    const struct verdict_runs_options runs = {.shard = options->shard,
                                              .chunk_keys = chunk_of(options->memory),
                                              .filter_bytes = (uint64_t)options->filter_bytes};
    struct verdict_runs_report report;
    verdicts->disk = disk;
    TRY(ledger_cursor_file_new(&cursor_log, &verdicts->cursor));
    int error = verdict_keeper_open(&runs, disk, verdicts->cursor, &report, &verdicts->store);
    if (error < 0) {
        const char *problem = ledger_cursor_file_problem(verdicts->cursor);
        buf_printf(why, "the old verdict keys cannot be used: %s%s%s", error_text(error),
                   problem[0] == '\0' ? "" : ": ", problem);
        return error;
    }
    if (report.dropped > 0)
        log_warn("verdicts", "files of old keys are made again from the ledger",
                 LOG_U64("files", report.dropped), LOG_TEXT("problem", slice_text(report.text)));
    if (report.runs > 0)
        log_info("verdicts", "opened", LOG_U64("files", report.runs), LOG_U64("keys", report.keys));
    return 0;
}

int node_verdicts_start(struct node_verdicts *verdicts)
{
    return verdict_keeper_start(verdicts->store);
}

void node_verdicts_close(struct node_verdicts *verdicts)
{
    if (verdicts->store != NULL)
        verdicts->store->ops->free(verdicts->store);
    if (verdicts->cursor != NULL)
        verdicts->cursor->ops->free(verdicts->cursor);
    disk_free(verdicts->disk);
    *verdicts = (struct node_verdicts){NULL, NULL, NULL};
}

/* ---- metrics ---- */

static int add_gauges(const struct verdict_keeper_metrics *m, const struct book_stats *book,
                      struct metrics *metrics)
{
    const struct {
        const char *name, *help;
        const void *gauge;
    } gauges[] = {
        {"overround_verdicts_memory", "Verdict keys in memory", &book->verdicts_memory},
        {"overround_verdicts", "Verdict keys ever", &book->verdicts_total},
        {"overround_verdict_lookups_waiting", "Requests that wait for a look-up of their key",
         &book->old_keys_waiting},
        {"overround_verdicts_disk", "Verdict keys on disk", &m->keys},
        {"overround_verdict_disk_bytes", "What they take there", &m->bytes},
        {"overround_verdict_runs", "In so many files", &m->runs},
        {"overround_verdict_covered_seq", "Keys of records up to this are on disk", &m->covered},
        {"overround_verdict_failed", "1: no more keys are brought to disk", &m->failed},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        TRY(metrics_add_gauge(metrics,
                              (struct metrics_name){gauges[i].name, gauges[i].help, NULL, 0},
                              gauges[i].gauge));
    return 0;
}

static int add_counters(const struct verdict_keeper_metrics *m, const struct book_stats *book,
                        struct metrics *metrics)
{
    static const char lookups[] = "overround_verdict_lookups_total";
    static const char help[] = "Look-ups of keys on disk; those not found passed the filter";
    static const char limits[] = "overround_limit_reached_total";
    const struct {
        struct metrics_name name;
        const void *counter;
    } counters[] = {
        {{lookups, help, "found=\"yes\"", 0}, &m->found},
        {{lookups, help, "found=\"no\"", 0}, &m->not_found},
        {{lookups, help, "found=\"unknown\"", 0}, &m->errors},
        {{"overround_verdict_unknown_total", "Requests answered 503: their key was not to be known",
          NULL, 0},
         &book->old_keys_failed},
        {{"overround_verdict_runs_made_total", "Files made from the ledger", NULL, 0}, &m->made},
        {{"overround_verdict_runs_merged_total", "Files made of others", NULL, 0}, &m->merged},
        {{"overround_verdict_runs_rebuilt_total", "Files damaged or stale, made again", NULL, 0},
         &m->dropped},
        {{"overround_verdict_write_errors_total", "Files given up, tried again", NULL, 0},
         &m->write_errors},
        {{limits, "How often a named limit was reached", "limit=\"verdict_lookups_max\"", 0},
         &book->old_keys_reached},
    };
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        TRY(metrics_add_counter(metrics, counters[i].name, counters[i].counter));
    return 0;
}

int node_verdicts_register_metrics(struct node_verdicts *verdicts, const struct book *book,
                                   struct metrics *metrics)
{
    const struct verdict_keeper_metrics *m = verdict_keeper_metrics(verdicts->store);
    TRY(add_gauges(m, book_stats(book), metrics));
    TRY(add_counters(m, book_stats(book), metrics));
    return metrics_add_histogram(
        metrics,
        (struct metrics_name){"overround_verdict_lookup_seconds",
                              "From the question for a key on disk until it is known", NULL, 6},
        &m->ask_us);
}
