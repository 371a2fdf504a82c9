/* totals_files.c - contract in totals_files.h.
 * The first line of a file says how often it was written. Who writes holds the lock of the
 * partition and finds the number that it left there: otherwise another member has the partition
 * now, what was counted here since is not committed, and comes to that one. */
#include "cli/consumers/totals_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/kafka/kafka_options.h"
#include "base/error.h"
#include "crypto/random.h"
#include "roles/analytics/market_totals.h"

#define PATH_BYTES_MAX 512

/* A partition as this member knows it. */
struct share {
    bool loaded, changed;
    uint64_t written; /* how often the file was, as last seen */
};

struct totals_files {
    struct event_sink sink;
    const char *folder, *topic;   /* borrowed */
    struct market_totals *totals; /* owned */
    struct share shares[KAFKA_PARTITIONS];
    bool lost; /* of the settling under way: another member has a partition that was changed here */
    struct metrics_counter counted, repeats, written, lost_total;
};

static int put_path(const struct totals_files *t, int32_t partition, const char *end,
                    char ret_path[PATH_BYTES_MAX])
{
    int bytes =
        snprintf(ret_path, PATH_BYTES_MAX, "%s/%s-%d%s", t->folder, t->topic, (int)partition, end);
    return bytes > 0 && bytes < PATH_BYTES_MAX ? 0 : -ERR_CONFIG;
}

/* The lock of a partition's file; it ends with the descriptor, and with the process. */
static int lock(const struct totals_files *t, int32_t partition, int *ret_file)
{
    char path[PATH_BYTES_MAX];
    TRY(put_path(t, partition, ".lock", path));
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return -ERR_IO;
    if (flock(file, LOCK_EX) != 0) {
        (void)close(file);
        return -ERR_IO;
    }
    *ret_file = file;
    return 0;
}

/* {"written":N} */
static uint64_t parse_written(const char *line)
{
    unsigned long long written = 0;
    return sscanf(line, "{\"written\":%llu}", &written) == 1 ? written : 0;
}

/* How often the file was written; 0: it is not there. Its other lines go to `totals`, if any. */
static int read_file(const struct totals_files *t, int32_t partition, struct market_totals *totals,
                     uint64_t *ret_written)
{
    char path[PATH_BYTES_MAX], line[MARKET_TOTALS_LINE_MAX];
    int error = put_path(t, partition, "", path);
    FILE *file = error == 0 ? fopen(path, "re") : NULL;
    *ret_written = 0;
    if (file == NULL)
        return error;
    if (fgets(line, sizeof line, file) != NULL)
        *ret_written = parse_written(line);
    if (*ret_written == 0)
        error = -ERR_CORRUPT;
    while (error == 0 && totals != NULL && fgets(line, sizeof line, file) != NULL)
        error = market_totals_read(totals, partition, slice_of(line, strcspn(line, "\n")));
    (void)fclose(file);
    return error;
}

static int load(struct totals_files *t, int32_t partition)
{
    int locked = -1;
    TRY(lock(t, partition, &locked));
    int error = read_file(t, partition, t->totals, &t->shares[partition].written);
    (void)close(locked);
    t->shares[partition].loaded = error == 0;
    return error;
}

/* ---- the sink ---- */

static struct totals_files *files_of(struct event_sink *sink)
{
    return (struct totals_files *)sink;
}

static int sink_take(struct event_sink *sink, const struct event *event)
{
    struct totals_files *t = files_of(sink);
    if (event->partition < 0 || event->partition >= KAFKA_PARTITIONS)
        return -ERR_LIMIT;
    if (!t->shares[event->partition].loaded)
        TRY(load(t, event->partition));
    int outcome = market_totals_take(t->totals, event);
    TRY(outcome);
    metrics_count(&t->counted, outcome == TOTALS_COUNTED);
    metrics_count(&t->repeats, outcome == TOTALS_REPEAT);
    t->shares[event->partition].changed |= outcome == TOTALS_COUNTED;
    return 0;
}

static int write_line(void *owner, struct slice line)
{
    return fwrite(line.at, 1, line.bytes, owner) == line.bytes ? 0 : -ERR_IO;
}

/* Whole and durable under its name, or the old one. */
static int write_file(const struct totals_files *t, int32_t partition, uint64_t written)
{
    char path[PATH_BYTES_MAX], part[PATH_BYTES_MAX];
    TRY(put_path(t, partition, "", path));
    TRY(put_path(t, partition, ".part", part));
    FILE *file = fopen(part, "we");
    if (file == NULL)
        return -ERR_IO;
    int error =
        fprintf(file, "{\"written\":%llu}\n", (unsigned long long)written) > 0 ? 0 : -ERR_IO;
    if (error == 0)
        error = market_totals_write(t->totals, partition, write_line, file);
    if (error == 0 && (fflush(file) != 0 || fsync(fileno(file)) != 0))
        error = -ERR_IO;
    if (fclose(file) != 0 || error < 0)
        return error < 0 ? error : -ERR_IO;
    return rename(part, path) == 0 ? 0 : -ERR_IO;
}

static int save(struct totals_files *t, int32_t partition)
{
    struct share *share = &t->shares[partition];
    uint64_t written = 0;
    int locked = -1;
    TRY(lock(t, partition, &locked));
    int error = read_file(t, partition, NULL, &written);
    bool ours = error == 0 && written == share->written;
    if (ours)
        error = write_file(t, partition, written + 1);
    (void)close(locked);
    TRY(error);
    t->lost |= !ours;
    metrics_count(&t->written, ours);
    share->written++;
    share->changed = false;
    return 0;
}

/* Others may have gone on with what was ours: the next event loads it anew. */
static void sink_renew(struct event_sink *sink)
{
    struct totals_files *t = files_of(sink);
    market_totals_forget(t->totals);
    memset(t->shares, 0, sizeof t->shares);
}

/* What was counted for a partition that another member has now is forgotten with everything else.
 */
static int sink_settle(struct event_sink *sink)
{
    struct totals_files *t = files_of(sink);
    t->lost = false;
    for (int32_t partition = 0; partition < KAFKA_PARTITIONS; partition++)
        if (t->shares[partition].changed)
            TRY(save(t, partition));
    if (t->lost) {
        metrics_count(&t->lost_total, 1);
        sink_renew(sink);
    }
    return 1;
}

static const struct event_sink_ops sink_ops = {sink_take, sink_settle, sink_renew};

struct event_sink *totals_files_sink(struct totals_files *files)
{
    return &files->sink;
}

/* ---- begin and end ---- */

int totals_files_new(const char *folder, const char *topic, struct totals_files **ret_files,
                     struct buf *why)
{
    uint64_t key[2];
    if (mkdir(folder, 0700) != 0 && access(folder, W_OK) != 0) {
        buf_printf(why, "--totals %s cannot be written", folder);
        return -ERR_CONFIG;
    }
    struct totals_files *t = calloc(1, sizeof *t);
    if (t == NULL)
        return -ERR_MEMORY;
    t->sink.ops = &sink_ops;
    t->folder = folder;
    t->topic = topic;
    random_fill(key, sizeof key);
    int error = market_totals_new(key, &t->totals);
    if (error < 0) {
        free(t);
        return error;
    }
    *ret_files = t;
    return 0;
}

void totals_files_free(struct totals_files *files)
{
    if (files == NULL)
        return;
    market_totals_free(files->totals);
    free(files);
}

int totals_files_register_metrics(struct totals_files *files, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_totals_events_total", "Events that a total was changed by", NULL, 0},
         &files->counted.value},
        {{"overround_totals_repeats_total", "Events that had been counted before", NULL, 0},
         &files->repeats.value},
        {{"overround_totals_writes_total", "Files of a partition that were replaced", NULL, 0},
         &files->written.value},
        {{"overround_totals_lost_total", "Times that another member had a partition meanwhile",
          NULL, 0},
         &files->lost_total.value},
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}
