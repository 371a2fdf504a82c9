/* bench_verdicts.c - old idempotency keys on disk: making, opening and asking. JSON on stdout.
 *
 *   bench-verdicts DIRECTORY [KEYS [FILTER_BYTES [CHUNK_KEYS]]]
 *
 * A log of KEYS refused movements, made as it is read, is covered by runs as the server does it,
 * merges included. Then the runs are opened again, from the disk and from the page cache, and
 * asked: old keys, drawn by a seeded sequence, with the pages in the cache (warm) and with the
 * kernel asked to forget the files before each (cold); new keys at the filter alone; and new keys
 * that pass it, on disk. resident_bytes is the process's at the end: filter, buffers, no index. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/embedded/verdict_runs.h"
#include "base/error.h"
#include "base/histogram.h"
#include "base/prng.h"
#include "ledger/record_encode.h"
#include "ledger/shard_verdicts.h"

#define ASKS_WARM 200000
#define ASKS_COLD 2000
#define NEW_KEYS  2000000

static const uint64_t hash_key[2] = {11, 12};

/* ---- the log ---- */

struct synthetic {
    struct ledger_cursor port;
    uint64_t next, last;
    char memory[1024] __attribute__((aligned(8)));
};

static uint64_t keys_of(const struct synthetic *log)
{
    return log->last - 1;
}

static struct slice key_text(uint64_t n, char text[40])
{
    int bytes =
        snprintf(text, 40, "%016llx-%08llx", (unsigned long long)(n * UINT64_C(0x9E3779B97F4A7C15)),
                 (unsigned long long)n);
    return slice_of(text, (size_t)bytes);
}

static const struct record_head *record_of(struct synthetic *log, uint64_t seq)
{
    static struct record_genesis genesis = {.hash_key = {11, 12}};
    char text[40];
    struct slice key = key_text(seq - 1, text);
    struct record_money money = {.request_hash = {seq, 1},
                                 .amount = 5,
                                 .kind = MONEY_DEPOSIT,
                                 .outcome = BET_AMOUNT_LIMIT,
                                 .currency = 826,
                                 .key_bytes = (uint16_t)key.bytes};
    struct record_draft draft = {.type = RECORD_MONEY,
                                 .seq = seq,
                                 .time_us = INT64_C(1790000000000000),
                                 .account = (uint32_t)(1 + seq % 100000),
                                 .body = &money,
                                 .texts = &key,
                                 .texts_count = 1};
    if (seq == 1)
        draft = (struct record_draft){
            .type = RECORD_GENESIS, .seq = 1, .time_us = draft.time_us, .body = &genesis};
    struct buf out = buf_over(log->memory, sizeof log->memory);
    return record_encode(&out, &draft);
}

static void log_seek(struct ledger_cursor *port, uint64_t seq_first)
{
    ((struct synthetic *)port)->next = seq_first;
}

static uint64_t log_look(struct ledger_cursor *port)
{
    return ((struct synthetic *)port)->last;
}

static int log_step(struct ledger_cursor *port, size_t bytes_max, ledger_visit visit, void *owner)
{
    struct synthetic *log = (struct synthetic *)port;
    for (size_t bytes = 0; log->next <= log->last && bytes < bytes_max;) {
        const struct record_head *head = record_of(log, log->next++);
        bytes += head->bytes;
        int error = visit(owner, 0, (const char *)head, head->bytes);
        if (error < 0)
            return error;
    }
    return log->next <= log->last;
}

static void log_free(struct ledger_cursor *port)
{
    (void)port;
}

static const struct ledger_cursor_ops log_ops = {log_seek, log_look, log_step, log_free};

/* ---- measuring ---- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double since(int64_t begun_ns)
{
    return (double)(now_ns() - begun_ns) / 1e9;
}

static void die(const char *what, int error)
{
    fprintf(stderr, "bench-verdicts: %s: %s\n", what, error_text(error));
    exit(1);
}

static int forget_file(void *owner, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", (const char *)owner, name);
    int fd = open(path, O_RDONLY);
    if (fd >= 0) {
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    return 0;
}

static uint64_t resident_bytes(void)
{
    char text[128] = {0};
    unsigned long long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0 || sscanf(text, "%*u %llu", &pages) != 1)
        die("/proc/self/statm", -ERR_IO);
    close(fd);
    return (uint64_t)pages * 4096;
}

static struct verdict_runs *open_runs(const struct verdict_runs_options *options, struct disk *disk,
                                      struct synthetic *log)
{
    struct verdict_runs_report report;
    struct verdict_runs *runs = NULL;
    int error = verdict_runs_open(options, disk, &log->port, &report, &runs);
    if (error < 0)
        die("the runs cannot be opened", error);
    return runs;
}

static double cover(struct verdict_runs *runs, const struct synthetic *log)
{
    int64_t begun = now_ns();
    int more = VERDICT_MORE;
    verdict_runs_want(runs, log->last);
    while (more > 0)
        more = verdict_runs_step(runs);
    if (more < 0 || verdict_runs_covered(runs) != log->last)
        die(verdict_runs_text(runs), more);
    return since(begun);
}

static struct hash128 key_hash(uint64_t n)
{
    char text[40];
    struct account_ref account = {(uint32_t)(1 + (n + 1) % 100000)};
    return shard_verdict_key(hash_key, account, OPERATION_DEPOSIT, key_text(n, text));
}

static void ask(struct verdict_runs *runs, uint64_t n, bool is_old, struct histogram *times)
{
    struct hash128 key = key_hash(n);
    uint64_t seq = 0, covered;
    int64_t begun = now_ns();
    int error = verdict_runs_find(runs, key, &seq, &covered);
    histogram_record(times, (uint64_t)(now_ns() - begun));
    if (error != (is_old ? 0 : -ERR_NOT_FOUND) || (is_old && seq != n + 1))
        die("a key was answered wrongly", error);
}

static void put_times(const char *name, const struct histogram *times)
{
    printf("\"%s_p50_us\":%.1f,\"%s_p99_us\":%.1f,\"%s_max_us\":%.1f,", name,
           (double)histogram_percentile(times, 5000) / 1e3, name,
           (double)histogram_percentile(times, 9900) / 1e3, name, (double)times->max / 1e3);
}

static void ask_old(struct verdict_runs *runs, const struct synthetic *log, struct disk *disk,
                    char *directory)
{
    static struct histogram times;
    struct prng prng;
    prng_seed(&prng, 1);
    for (int cold = 0; cold < 2; cold++) {
        uint64_t pages = verdict_runs_stats(runs).pages_read;
        unsigned count = cold ? ASKS_COLD : ASKS_WARM;
        histogram_reset(&times);
        for (unsigned i = 0; i < count; i++) {
            if (cold)
                (void)disk->ops->list(disk, forget_file, directory);
            ask(runs, 1 + prng_next(&prng) % keys_of(log), true, &times);
        }
        put_times(cold ? "old_cold" : "old_warm", &times);
        if (!cold)
            printf("\"old_pages\":%.2f,",
                   (double)(verdict_runs_stats(runs).pages_read - pages) / count);
    }
}

/* New keys: what most bets pay, and what those pay that the filter does not know to be new. */
static void ask_new(struct verdict_runs *runs, const struct synthetic *log)
{
    static struct histogram times, on_disk;
    uint64_t first = log->last + 1, passed = 0;
    static struct hash128 keys[4096];
    int64_t spent_ns = 0;
    histogram_reset(&times);
    histogram_reset(&on_disk);
    for (uint64_t n = 0; n < NEW_KEYS; n += 4096) {
        for (uint64_t i = 0; i < 4096; i++)
            keys[i] = key_hash(first + n + i);
        for (uint64_t i = 0; i < 4096; i++) {
            int64_t begun = now_ns();
            bool may_have = verdict_runs_may_have(runs, keys[i]);
            int64_t took = now_ns() - begun;
            spent_ns += took;
            histogram_record(&times, (uint64_t)took);
            passed += may_have;
            if (may_have && on_disk.count < 5000)
                ask(runs, first + n + i, false, &on_disk);
        }
    }
    printf("\"new_filter_p50_ns\":%llu,\"new_filter_p99_ns\":%llu,\"new_filter_mean_ns\":%.0f,"
           "\"false_positives\":%.5f,",
           (unsigned long long)histogram_percentile(&times, 5000),
           (unsigned long long)histogram_percentile(&times, 9900),
           (double)spent_ns / (double)times.count, (double)passed / (double)times.count);
    put_times("new_passed_warm", &on_disk);
}

int main(int argc, char **argv)
{
    struct synthetic log = {.port = {&log_ops}};
    struct verdict_runs_options options = {.chunk_keys = 262144, .filter_bytes = 134217728};
    struct disk *disk = NULL;
    if (argc < 2) {
        fprintf(stderr, "usage: bench-verdicts DIRECTORY [KEYS [FILTER_BYTES [CHUNK_KEYS]]]\n");
        return 2;
    }
    log.last = 1 + (argc > 2 ? strtoull(argv[2], NULL, 10) : 100000000);
    if (argc > 3)
        options.filter_bytes = strtoull(argv[3], NULL, 10);
    if (argc > 4)
        options.chunk_keys = (uint32_t)strtoul(argv[4], NULL, 10);
    int error = disk_open_directory(argv[1], &disk);
    if (error < 0)
        die(argv[1], error);
    struct verdict_runs *runs = open_runs(&options, disk, &log);
    double build = cover(runs, &log);
    struct verdict_runs_stats stats = verdict_runs_stats(runs);
    verdict_runs_free(runs);
    (void)disk->ops->list(disk, forget_file, argv[1]);
    int64_t begun = now_ns();
    runs = open_runs(&options, disk, &log);
    double open_cold = since(begun);
    verdict_runs_free(runs);
    begun = now_ns();
    runs = open_runs(&options, disk, &log);
    double open_warm = since(begun);
    printf("{\"bench\":\"verdicts\",\"keys\":%llu,\"filter_bytes\":%llu,\"chunk_keys\":%u,"
           "\"build_s\":%.1f,\"runs\":%llu,\"runs_made\":%llu,\"merges\":%llu,"
           "\"disk_bytes\":%llu,\"open_cold_s\":%.2f,\"open_warm_s\":%.2f,",
           (unsigned long long)stats.keys, (unsigned long long)options.filter_bytes,
           options.chunk_keys, build, (unsigned long long)stats.runs,
           (unsigned long long)stats.made, (unsigned long long)stats.merged,
           (unsigned long long)stats.bytes, open_cold, open_warm);
    ask_new(runs, &log);
    ask_old(runs, &log, disk, argv[1]);
    printf("\"resident_bytes\":%llu}\n", (unsigned long long)resident_bytes());
    verdict_runs_free(runs);
    disk_free(disk);
    return 0;
}
