/* bench_snapshot.c - loading the newest snapshot of a directory, against reading its bytes. JSON on
 * stdout.
 *
 *   bench-snapshot DIRECTORY [ROUNDS]
 *
 * The directory is one that bench-engine has left. Each round reads the file plainly and then loads
 * it as a start does (every checksum, bound, sum and the state hash), both from the disk: the
 * kernel is asked to forget it before each. Medians of the rounds; `ratio` is that of the bytes a
 * second, so 1 is as fast as the disk gives them to a plain reader. `cached` is a load whose bytes
 * are in memory already: what checking and building cost by themselves. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "adapters/embedded/snapshot_file.h"
#include "base/error.h"

#define ROUNDS_MAX 31

/* Those of the server by default, but for bets: verdicts beyond them are on disk. */
static const struct shard_limits limits = {.accounts_max = 262144,
                                           .markets_max = 131072,
                                           .selections_max = 1048576,
                                           .bets_max = 12000000,
                                           .verdicts_max = 4194304};

static void die(const char *what, int error)
{
    fprintf(stderr, "bench-snapshot: %s: %s\n", what, error_text(error));
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void forget(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        die(path, -ERR_IO);
    fdatasync(fd);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static double read_plainly(const char *path, uint64_t *ret_bytes)
{
    static char memory[1 << 20];
    double begun = now(CLOCK_MONOTONIC);
    int fd = open(path, O_RDONLY);
    *ret_bytes = 0;
    for (ssize_t got; (got = read(fd, memory, sizeof memory)) > 0;)
        *ret_bytes += (uint64_t)got;
    close(fd);
    return now(CLOCK_MONOTONIC) - begun;
}

static double load(struct disk *disk, uint64_t *ret_seq)
{
    const struct snapshot_file_options options = {.keep = 1};
    struct snapshot_store *store;
    struct snapshot_found found;
    struct shard_state *state;
    if (snapshot_file_new(&options, disk, &store) < 0)
        die("no memory", -ERR_MEMORY);
    double begun = now(CLOCK_MONOTONIC);
    int error = store->ops->load(store, UINT64_MAX, &limits, &state, &found);
    double seconds = now(CLOCK_MONOTONIC) - begun;
    if (error < 0 || found.seq == 0)
        die(found.text, error);
    *ret_seq = found.seq;
    shard_state_free(state);
    store->ops->free(store);
    return seconds;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

static void newest(struct disk *disk, const char *directory, char path[512])
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    if (snapshot_file_list(disk, 0, names, &count) < 0 || count == 0)
        die("no snapshot", -ERR_NOT_FOUND);
    snprintf(path, 512, "%s/%s", directory, names[count - 1].name);
}

int main(int argc, char **argv)
{
    static double reads[ROUNDS_MAX], loads[ROUNDS_MAX], cached[ROUNDS_MAX];
    char path[512];
    struct disk *disk;
    uint64_t bytes = 0, seq = 0;
    size_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 3;
    if (argc < 2 || rounds == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench-snapshot DIRECTORY [ROUNDS]\n");
        return 2;
    }
    int error = disk_open_directory(argv[1], &disk);
    if (error < 0)
        die(argv[1], error);
    newest(disk, argv[1], path);
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < rounds; i++) {
        forget(path);
        reads[i] = read_plainly(path, &bytes);
        forget(path);
        loads[i] = load(disk, &seq);
        cached[i] = load(disk, &seq);
    }
    cpu = (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)rounds;
    double read = median(reads, rounds), cold = median(loads, rounds),
           warm = median(cached, rounds);
    printf("{\"bench\":\"snapshot\",\"bytes\":%llu,\"records\":%llu,\"rounds\":%zu,\"read_s\":%.3f,"
           "\"read_gb_per_s\":%.2f,\"load_s\":%.3f,\"load_gb_per_s\":%.2f,\"ratio\":%.2f,"
           "\"cached_s\":%.3f,\"cached_gb_per_s\":%.2f,\"cpu_s\":%.2f}\n",
           (unsigned long long)bytes, (unsigned long long)seq, rounds, read,
           (double)bytes / read / 1e9, cold, (double)bytes / cold / 1e9, read / cold, warm,
           (double)bytes / warm / 1e9, cpu);
    disk_free(disk);
    return 0;
}
