/* node_database.c - contract in node_database.h. */
#include "cli/node/node_database.h"

#include <string.h>

#include "adapters/embedded/ledger_file.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/log.h"
#include "cli/ledger/ledger_database.h"

#define CLOSE_US_MAX (10 * US_PER_SECOND)

static int raise_epoch(void *owner, uint64_t epoch)
{
    return ledger_file_raise_epoch(owner, epoch);
}

static int open_mirror(struct node_database *database, const struct node_database_parts *parts,
                       struct buf *why)
{
    struct ledger_mirror_report report;
    const struct ledger_mirror_options options = {.shard = parts->shard,
                                                  .authority = database->log,
                                                  .copy = parts->copy,
                                                  .raise_epoch = raise_epoch,
                                                  .owner = parts->file_log};
    int error = ledger_mirror_open(&options, &database->mirror, &report, why);
    if (error == 0)
        log_info("ledger", "it stands in a database, and the files are its copy",
                 LOG_U64("records", report.seq_tail), LOG_U64("copied", report.copied));
    return error;
}

int node_database_open(struct node_database *database, const struct node_database_parts *parts,
                       struct buf *why)
{
    const struct ledger_database_options options = {.url = parts->url,
                                                    .shard = parts->shard,
                                                    .stall_us = parts->stall_us,
                                                    .close_us_max = CLOSE_US_MAX};
    buf_put_text(why, "the ledger's database: ");
    int error = ledger_database_open(&options, &database->log, why);
    if (error < 0)
        return error;
    error = open_mirror(database, parts, why);
    if (error < 0) {
        buf_put_text(why, batch_ledger_problem(database->log));
        database->log->ops->free(database->log);
        database->log = NULL;
        return error;
    }
    why->bytes = 0;
    return 0;
}

static void count(struct node_database *database, const struct batch_ledger_stats *stats)
{
    struct ledger_mirror_stats mirror = ledger_mirror_stats(database->mirror);
    database->away.value = stats->trouble;
    database->behind.value = (int64_t)mirror.behind;
    database->batches.value = stats->place.batch_no;
    database->lost = stats->lost;
    database->again = stats->again;
    database->unreached = stats->away;
    database->moved = stats->moved;
    database->late = stats->late;
    database->refused = stats->refused;
    database->copy_retries = mirror.copy_retries;
}

void node_database_tell(struct node_database *database)
{
    struct batch_ledger_stats stats;
    if (database->mirror == NULL)
        return;
    batch_ledger_stats(database->log, &stats);
    count(database, &stats);
    if (stats.trouble != database->told_away && stats.trouble)
        log_error("ledger", "its database does not answer: new bets are refused");
    if (stats.trouble != database->told_away && !stats.trouble)
        log_info("ledger", "its database answers again");
    if (stats.moved > 0 && !database->told_stopped)
        log_error("ledger", "another writer has the ledger: this one stops");
    const char *why = batch_ledger_stopped_by(database->log);
    if (why[0] != '\0' && !database->told_refused)
        log_error("ledger", "its database refuses for good: this book takes no more bets",
                  LOG_TEXT("problem", slice_text(why)));
    database->told_refused = why[0] != '\0';
    database->told_away = stats.trouble;
    database->told_stopped = stats.moved > 0;
}

int node_database_register_metrics(struct node_database *database, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_database_away", "1: the ledger's database is waited for", NULL, 0},
         &database->away},
        {{"overround_database_behind", "Records that the files have yet to get", NULL, 0},
         &database->behind},
        {{"overround_database_batches", "Batches in the database", NULL, 0}, &database->batches},
    };
    static const char answers[] = "overround_database_answers_total";
    static const char text[] = "Answers of the ledger's database that were no success";
    const struct metrics_row counters[] = {
        {{answers, text, "kind=\"lost\"", 0}, &database->lost},
        {{answers, text, "kind=\"again\"", 0}, &database->again},
        {{answers, text, "kind=\"away\"", 0}, &database->unreached},
        {{answers, text, "kind=\"moved\"", 0}, &database->moved},
        {{answers, text, "kind=\"late\"", 0}, &database->late},
        {{answers, text, "kind=\"full\"", 0}, &database->refused},
        {{"overround_database_copy_retries_total",
          "Groups that the files had no space for, and that were tried again", NULL, 0},
         &database->copy_retries},
    };
    if (database->mirror == NULL)
        return 0;
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

const char *node_database_problem(const struct node_database *database)
{
    return database->log == NULL ? "" : batch_ledger_problem(database->log);
}
