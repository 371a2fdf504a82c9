/* stream_totals.c - contract in stream_totals.h.
 * The first line of a file says how often it was written. Who writes holds the lock of the
 * partition and finds the number that it left there: otherwise another member has the partition
 * now, what was counted here since is not committed, and comes to that one. */
#include "cli/stream_totals.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/kafka/kafka_options.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/stream_consumer.h"
#include "crypto/random.h"
#include "roles/analytics/market_totals.h"

#define PATH_BYTES_MAX 512
#define GROUP          "overround-totals"

static const struct option_spec specs[] = {
    STREAM_CONSUMER_SPECS,
    {"folder", NULL},
    {"group", GROUP},
};

/* A partition as this member knows it. */
struct share {
    bool loaded, changed;
    uint64_t written; /* how often the file was, as last seen */
};

struct totals {
    const char *folder, *topic;
    struct event_reader *reader;
    uint64_t generation; /* of what was loaded */
    struct market_totals *totals;
    uint64_t repeats;
    struct share shares[KAFKA_PARTITIONS];
    bool lost; /* of the finish under way: another member has a partition that was changed here */
};

static int put_path(const struct totals *t, int32_t partition, const char *end,
                    char ret_path[PATH_BYTES_MAX])
{
    int bytes =
        snprintf(ret_path, PATH_BYTES_MAX, "%s/%s-%d%s", t->folder, t->topic, (int)partition, end);
    return bytes > 0 && bytes < PATH_BYTES_MAX ? 0 : -ERR_CONFIG;
}

/* The lock of a partition's file; it ends with the descriptor, and with the process. */
static int lock(const struct totals *t, int32_t partition, int *ret_file)
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
static int read_file(const struct totals *t, int32_t partition, struct market_totals *totals,
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

static int load(struct totals *t, int32_t partition)
{
    int locked = -1;
    TRY(lock(t, partition, &locked));
    int error = read_file(t, partition, t->totals, &t->shares[partition].written);
    (void)close(locked);
    t->shares[partition].loaded = error == 0;
    return error;
}

/* ---- events ---- */

static int take(void *owner, const struct event *event)
{
    struct totals *t = owner;
    uint64_t generation = t->reader->ops->generation(t->reader);
    if (event->partition < 0 || event->partition >= KAFKA_PARTITIONS)
        return -ERR_LIMIT;
    if (generation != t->generation) { /* others may have gone on with what was ours */
        market_totals_forget(t->totals);
        memset(t->shares, 0, sizeof t->shares);
        t->generation = generation;
    }
    if (!t->shares[event->partition].loaded)
        TRY(load(t, event->partition));
    int outcome = market_totals_take(t->totals, event);
    TRY(outcome);
    t->repeats += outcome == TOTALS_REPEAT;
    t->shares[event->partition].changed |= outcome == TOTALS_COUNTED;
    return 0;
}

static int write_line(void *owner, struct slice line)
{
    return fwrite(line.at, 1, line.bytes, owner) == line.bytes ? 0 : -ERR_IO;
}

/* Whole and durable under its name, or the old one. */
static int write_file(const struct totals *t, int32_t partition, uint64_t written)
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

static int save(struct totals *t, int32_t partition)
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
    share->written++;
    share->changed = false;
    return 0;
}

/* What was counted for a partition that another member has now is forgotten with everything else:
 * the next event loads anew. */
static int finish(void *owner)
{
    struct totals *t = owner;
    t->lost = false;
    for (int32_t partition = 0; partition < KAFKA_PARTITIONS; partition++)
        if (t->shares[partition].changed)
            TRY(save(t, partition));
    if (t->lost)
        t->generation = 0;
    return 0;
}

/* ---- the command ---- */

static int open_totals(struct totals *t, const struct options *options, struct buf *why)
{
    uint64_t key[2];
    t->folder = options_text(options, "folder");
    t->topic = options_text(options, "topic");
    if (t->folder == NULL) {
        buf_put_text(why, "--folder is missing: where the members of the group keep the totals");
        return -ERR_CONFIG;
    }
    (void)mkdir(t->folder, 0700); /* it may be there; what it is shows when it is used */
    random_fill(key, sizeof key);
    return market_totals_new(key, &t->totals);
}

int stream_totals(int argc, char *const *argv)
{
    static struct options options;
    static struct totals totals;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct stream_consumer consumer = {.take = take, .finish = finish, .owner = &totals};
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    int error = open_totals(&totals, &options, &why);
    if (error == 0)
        error = stream_consumer_open(&consumer, &options, NULL, &why);
    totals.reader = consumer.reader;
    if (error == 0)
        error = stream_consumer_run(&consumer);
    if (totals.repeats > 0)
        (void)fprintf(stderr, "overround: %llu repeats were not counted\n",
                      (unsigned long long)totals.repeats);
    market_totals_free(totals.totals);
    return stream_consumer_close(&consumer, error, &why);
}
