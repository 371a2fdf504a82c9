/* bench_log.c - what one durable append costs, and a replay: JSON on stdout.
 *
 *   bench-log DIRECTORY [RECORDS]
 *
 * For groups of 64, 256 and 1024 records of 330 (328) bytes, one append under way at a time,
 * through the port as a loop would: append, wait for notify, poll. In the same run, interleaved
 * in rounds, two references write the same bytes into a file written with zeros before: pwrite +
 * fdatasync, and O_DIRECT with RWF_DSYNC. Then the log is closed, opened (which checks all of
 * it) and replayed with a visitor that reads each record's head. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "base/error.h"
#include "ledger/record.h"

#define RECORD_BYTES    328
#define ROUNDS          5
#define ROUND_BYTES     (UINT64_C(48) << 20) /* of records per row and round */
#define REFERENCE_FILE  "reference.bin"
#define REFERENCE_BYTES (UINT64_C(64) << 20)
#define SAMPLES_MAX     65536
#define REPLAY_RECORDS  10000000

static const uint32_t group_sizes[] = {64, 256, 1024};
#define ROWS (sizeof group_sizes / sizeof group_sizes[0])

enum way { WAY_LEDGER, WAY_SYNC, WAY_DIRECT, WAYS };
static const char *const way_names[] = {"ledger_file", "pwrite_fdatasync", "direct_dsync"};

struct row {
    double us[SAMPLES_MAX];
    size_t count;
    double seconds;
};

struct bench {
    struct ledger_log *log;
    int event;
    uint64_t epoch;
    struct ledger_append append;
    bool done;
    enum append_outcome outcome;
    int file, file_direct;
    uint64_t offset;
    char *records;
};

static struct row rows[ROWS][WAYS];

static double now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "bench-log: %s: %s\n", what, error_text(result));
    exit(1);
}

static void on_notify(void *owner)
{
    uint64_t one = 1;
    if (write(((struct bench *)owner)->event, &one, sizeof one) < 0)
        abort();
}

static void on_append(struct ledger_append *append, enum append_outcome outcome)
{
    struct bench *bench = append->owner;
    bench->done = true;
    bench->outcome = outcome;
}

static void make_records(struct bench *bench, uint64_t seq_first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct record_head head = {.bytes = RECORD_BYTES, .seq = seq_first + i};
        memcpy(bench->records + (size_t)i * RECORD_BYTES, &head, sizeof head);
    }
}

static void append_group(struct bench *bench, uint32_t count)
{
    bench->append = (struct ledger_append){.epoch = bench->epoch,
                                           .expected_tail = bench->log->ops->tail(bench->log, 0),
                                           .records = bench->records,
                                           .bytes = (size_t)count * RECORD_BYTES,
                                           .count = count,
                                           .on_done = on_append,
                                           .owner = bench};
    make_records(bench, bench->append.expected_tail + 1, count);
    bench->done = false;
}

static void commit_ledger(struct bench *bench)
{
    uint64_t seen = 0;
    check(bench->log->ops->append(bench->log, &bench->append), "append");
    while (!bench->done) {
        if (read(bench->event, &seen, sizeof seen) < 0)
            abort();
        bench->log->ops->poll(bench->log);
    }
    check(bench->outcome == APPEND_OK ? 0 : -ERR_IO, "outcome");
}

/* The references write as many sectors as the ledger would. */
static void commit_reference(struct bench *bench, enum way way, uint32_t count)
{
    size_t bytes = ledger_group_sectors((size_t)count * RECORD_BYTES) * DISK_SECTOR;
    if (bench->offset + bytes > REFERENCE_BYTES)
        bench->offset = 0;
    struct iovec piece = {bench->records, bytes};
    ssize_t put = 0;
    if (way == WAY_SYNC) {
        put = pwrite(bench->file, bench->records, bytes, (off_t)bench->offset);
        if (fdatasync(bench->file) < 0)
            put = -1;
    } else {
        put = pwritev2(bench->file_direct, &piece, 1, (off_t)bench->offset, RWF_DSYNC);
    }
    check(put == (ssize_t)bytes ? 0 : -ERR_IO, "reference write");
    bench->offset += (bytes + 4095) / 4096 * 4096;
}

static void run_round(struct bench *bench, size_t r, enum way way)
{
    struct row *row = &rows[r][way];
    uint32_t count = group_sizes[r];
    uint64_t groups = ROUND_BYTES / ((uint64_t)count * RECORD_BYTES);
    double begin = now_us();
    for (uint64_t i = 0; i < groups; i++) {
        if (way == WAY_LEDGER)
            append_group(bench, count);
        double before = now_us();
        if (way == WAY_LEDGER)
            commit_ledger(bench);
        else
            commit_reference(bench, way, count);
        if (row->count < SAMPLES_MAX)
            row->us[row->count++] = now_us() - before;
    }
    row->seconds += (now_us() - begin) / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(size_t r, enum way way)
{
    struct row *row = &rows[r][way];
    qsort(row->us, row->count, sizeof row->us[0], by_value);
    uint64_t groups = ROUNDS * (ROUND_BYTES / ((uint64_t)group_sizes[r] * RECORD_BYTES));
    printf("    {\"group\": %u, \"way\": \"%s\", \"record_bytes\": %d, \"records_per_s\": %.0f, "
           "\"commit_us_p50\": %.1f, \"commit_us_p99\": %.1f}%s\n",
           group_sizes[r], way_names[way], RECORD_BYTES,
           (double)groups * group_sizes[r] / row->seconds, row->us[row->count / 2],
           row->us[row->count * 99 / 100], r + 1 == ROWS && way + 1 == WAYS ? "" : ",");
}

static void open_references(struct bench *bench, const char *directory)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", directory, REFERENCE_FILE);
    bench->file = open(path, O_RDWR | O_CREAT, 0600);
    memset(bench->records, 0, 1 << 20);
    for (uint64_t at = 0; at < REFERENCE_BYTES; at += 1 << 20)
        check(pwrite(bench->file, bench->records, 1 << 20, (off_t)at) == 1 << 20 ? 0 : -ERR_IO,
              "reference file");
    check(fdatasync(bench->file) < 0 ? -ERR_IO : 0, "reference file");
    bench->file_direct = open(path, O_RDWR | O_DIRECT);
    check(bench->file_direct < 0 ? -ERR_IO : 0, "O_DIRECT");
    unlink(path);
    memset(bench->records, 'x', 1 << 20);
}

static void open_log(struct bench *bench, struct disk *disk)
{
    struct ledger_file_options options = {0};
    struct ledger_report report;
    int result = ledger_file_open(&options, disk, &report, &bench->log);
    if (result < 0)
        fprintf(stderr, "%s\n", report.text);
    check(result, "open");
    bench->log->notify = on_notify;
    bench->log->notify_owner = bench;
}

struct visited {
    uint64_t records, bytes;
};

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct visited *visited = owner;
    (void)shard;
    (void)record;
    visited->records++;
    visited->bytes += bytes;
    return 0;
}

static void replay(struct bench *bench, struct disk *disk)
{
    struct visited visited = {0};
    bench->log->ops->free(bench->log);
    double begin = now_us();
    open_log(bench, disk);
    double opened = now_us();
    check(bench->log->ops->replay(bench->log, 0, 1, visit, &visited), "replay");
    double seconds = (now_us() - opened) / 1e6;
    printf("  \"open_check_s\": %.3f,\n", (opened - begin) / 1e6);
    printf("  \"replay\": {\"records\": %llu, \"record_bytes\": %d, \"seconds\": %.3f, "
           "\"records_per_s\": %.0f}\n",
           (unsigned long long)visited.records, RECORD_BYTES, seconds,
           (double)visited.records / seconds);
}

int main(int argc, char **argv)
{
    struct bench bench = {.event = eventfd(0, EFD_CLOEXEC)};
    struct disk *disk = NULL;
    if (argc < 2) {
        fprintf(stderr, "usage: bench-log DIRECTORY [RECORDS]\n");
        return 2;
    }
    uint64_t records = argc > 2 ? strtoull(argv[2], NULL, 10) : REPLAY_RECORDS;
    bench.records = aligned_alloc(4096, 1 << 21);
    check(bench.records == NULL ? -ERR_MEMORY : 0, "memory");
    check(disk_open_directory(argv[1], &disk), argv[1]);
    open_log(&bench, disk);
    open_references(&bench, argv[1]);
    check(bench.log->ops->take_epoch(bench.log, 0, &bench.epoch), "epoch");
    for (int round = 0; round < ROUNDS; round++)
        for (size_t r = 0; r < ROWS; r++)
            for (enum way way = 0; way < WAYS; way++)
                run_round(&bench, r, way);
    printf("{\n  \"rows\": [\n");
    for (size_t r = 0; r < ROWS; r++)
        for (enum way way = 0; way < WAYS; way++)
            print_row(r, way);
    struct ledger_file_stats stats;
    ledger_file_stats(bench.log, &stats);
    printf("  ],\n  \"prepare_waits\": %llu,\n", (unsigned long long)stats.store.prepare_waits);
    while (bench.log->ops->tail(bench.log, 0) < records) {
        append_group(&bench, 3000);
        commit_ledger(&bench);
    }
    replay(&bench, disk);
    printf("}\n");
    bench.log->ops->free(bench.log);
    disk_free(disk);
    return 0;
}
