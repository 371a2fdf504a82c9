/* bench_engine.c - the engine alone: decide, record, fold, commit durably. JSON on stdout.
 *
 *   bench-engine DIRECTORY BETS GROUP fold|alone
 *
 * That part only, with the second fold of the server beside it (cli/node/node_shadow.h) or without:
 * what snapshots and reconciliation cost. `folded_behind` is how far it had fallen behind at the
 * end.
 *
 *   bench-engine DIRECTORY [BETS [GROUP [PROOFS [PACK [BRIEF [VERDICTS]]]]]]
 *
 * The whole book as the server runs it (app/book on the embedded log), in one process without
 * sockets: GROUP bets a turn, the next group decided while the last is being written, every
 * answer after its group is durable. Idempotency keys are new for each bet, accounts and markets
 * are drawn by a seeded sequence. PROOFS 1: the Merkle tree is kept and signed beside, as the
 * server does; 0: it is not. PACK 1: sealed segments are compressed beside, at the lowest priority,
 * as the server does. BRIEF 1: no more than that. VERDICTS: so many idempotency keys in memory, the
 * older ones are brought to disk beside; 0: all in memory. Then the book is closed and started
 * again: the replay; once more when all sealed segments were compressed, with what that took; then
 * a shadow folds the log and writes a snapshot, and the book is started from that. Before each
 * start the kernel is asked to forget the files, so that they come from the disk; what reading the
 * snapshot alone takes then is given beside it. The reference in the same run is a plain pwrite +
 * fdatasync of equal groups into a prepared file. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_packer.h"
#include "adapters/embedded/snapshot_file.h"
#include "adapters/embedded/tree_keeper.h"
#include "adapters/embedded/verdict_keeper.h"
#include "app/book.h"
#include "app/shadow.h"
#include "base/error.h"
#include "base/histogram.h"
#include "base/prng.h"
#include "cli/node/node_shadow.h"
#include "host.h"

#define ACCOUNTS         100000
#define MARKETS          1000
#define REFERENCE_GROUPS 2000

struct bench {
    struct host h;
    struct tree_keeper_stats tree; /* at the end of the run */
    bool folds;
    struct node_shadow shadow;
    struct snapshot_store *snapshots;
    uint32_t verdicts_memory; /* 0: all of them, and no store */
    struct disk *verdicts_disk;
    struct ledger_cursor *verdicts_cursor;
    struct verdict_store *verdicts;
    uint64_t verdict_runs, verdict_keys; /* at the end of the run */
    uint64_t bets, group;
    struct prng prng;
    int64_t group_begun_ns;
    bool packs;
    bool pack_ends; /* atomic */
    pthread_t packing;
    struct ledger_packer *packer;
};

static void publish_markets(struct bench *b)
{
    for (unsigned m = 0; m < MARKETS; m++)
        host_publish(&b->h, m, m / 10);
}

static void place(struct bench *b, uint64_t n)
{
    uint64_t r = prng_next(&b->prng);
    host_place(&b->h, &(struct host_bet){.n = n,
                                         .user = r % ACCOUNTS,
                                         .market = (unsigned)((r >> 32) % MARKETS),
                                         .selection = (unsigned)((r >> 20) % HOST_SELECTIONS)});
}

struct figures {
    double seconds, cpu_seconds;
    uint64_t groups;
    struct histogram *commit_ns;
};

static void on_group_durable(const struct book_answer *answer)
{
    struct histogram *h = (struct histogram *)(uintptr_t)answer->cookie.words[0];
    histogram_record(h,
                     (uint64_t)(host_now_ns(CLOCK_MONOTONIC) - (int64_t)answer->cookie.words[1]));
}

/* Two groups at most in flight: one being written, one being decided. */
static void run(struct bench *b, struct figures *f)
{
    uint64_t before = b->h.answered;
    int64_t begun = host_now_ns(CLOCK_MONOTONIC), cpu = host_now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t n = 0; n < b->bets; n += b->group) {
        host_begin_turn(&b->h);
        for (uint64_t i = 0; i < b->group; i++)
            place(b, n + i + 1);
        struct book_cookie c = {b,
                                {(uintptr_t)f->commit_ns, (uint64_t)host_now_ns(CLOCK_MONOTONIC)}};
        book_when_durable(b->h.book, on_group_durable, c);
        book_end_turn(b->h.book);
        host_poll(&b->h, 0);
        while (n + b->group - (b->h.answered - before) > b->group)
            host_poll(&b->h, 1000);
    }
    while (b->h.answered < before + b->bets)
        host_poll(&b->h, 1000);
    f->seconds = (double)(host_now_ns(CLOCK_MONOTONIC) - begun) / 1e9;
    f->groups = book_stats(b->h.book)->groups;
    if (b->h.proofs) {
        tree_keeper_stats(b->h.keeper, &b->tree);
        (void)tree_keeper_catch_up(b->h.keeper); /* its time is a cost of these bets, too */
    }
    f->cpu_seconds = (double)(host_now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9;
}

static struct shard_limits limits_of(const struct bench *b)
{
    struct shard_limits limits = BOOK_OPTIONS_DEFAULT.limits;
    limits.bets_max = (uint32_t)b->bets * 2 + 1024;
    limits.verdicts_max = limits.bets_max + ACCOUNTS;
    if (b->verdicts_memory != 0)
        limits.verdicts_max = b->verdicts_memory;
    return limits;
}

static void open_verdicts(struct bench *b, const char *directory)
{
    char path[512];
    const struct verdict_runs_options options = {.chunk_keys = b->verdicts_memory / 8,
                                                 .filter_bytes = 64u << 20};
    const struct ledger_cursor_log log = ledger_file_cursor_log(b->h.log);
    struct verdict_runs_report report;
    if (b->verdicts_memory == 0)
        return;
    snprintf(path, sizeof path, "%s/verdicts", directory);
    if (disk_open_directory(path, &b->verdicts_disk) < 0 ||
        ledger_cursor_file_new(&log, &b->verdicts_cursor) < 0 ||
        verdict_keeper_open(&options, b->verdicts_disk, b->verdicts_cursor, &report, &b->verdicts) <
            0)
        host_die("verdicts", -ERR_IO);
    b->verdicts->notify = host_notify;
    b->verdicts->notify_owner = &b->h;
}

static void close_verdicts(struct bench *b)
{
    if (b->verdicts == NULL)
        return;
    const struct verdict_keeper_metrics *m = verdict_keeper_metrics(b->verdicts);
    b->verdict_runs = (uint64_t)m->runs.value;
    b->verdict_keys = (uint64_t)m->keys.value;
    b->verdicts->ops->free(b->verdicts);
    b->verdicts_cursor->ops->free(b->verdicts_cursor);
    disk_free(b->verdicts_disk);
    b->verdicts = NULL;
}

/* As the server's by default, and quiet about it. */
static const struct node_shadow_options fold_options = {
    .on = true, .snapshot_records = 1000000, .keep = 2};

/* Returns seconds that the start took. */
static double open_book(struct bench *b, const char *directory)
{
    int64_t begun = host_now_ns(CLOCK_MONOTONIC);
    const struct shard_limits limits = limits_of(b);
    host_open_log(&b->h, directory);
    open_verdicts(b, directory);
    if (b->folds && node_shadow_open(&b->shadow, &fold_options, 0, b->h.disk) < 0)
        host_die("second fold", -ERR_MEMORY);
    struct book_ports others = {
        .snapshots = b->snapshots, .verdicts = b->verdicts, .reconcile = b->shadow.reconcile};
    host_start_book(&b->h, &limits, &others, MARKETS);
    if (b->verdicts != NULL && verdict_keeper_start(b->verdicts) < 0)
        host_die("verdicts", -ERR_MEMORY);
    if (b->folds) {
        b->shadow.verdicts = b->verdicts;
        b->shadow.notify = host_notify;
        b->shadow.notify_owner = &b->h;
        if (node_shadow_start(&b->shadow, &fold_options, &limits, b->h.log) < 0)
            host_die("second fold", -ERR_MEMORY);
    }
    return (double)(host_now_ns(CLOCK_MONOTONIC) - begun) / 1e9;
}

static void close_book(struct bench *b)
{
    host_end_book(&b->h);
    node_shadow_stop(&b->shadow);
    close_verdicts(b);
    host_free_book(&b->h);
    node_shadow_close(&b->shadow);
    host_close_log(&b->h);
}

static int forget_file(void *owner, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", (const char *)owner, name);
    int fd = open(path, O_RDONLY);
    if (fd >= 0) {
        fdatasync(fd);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    return 0;
}

static void forget_files(const char *directory)
{
    struct disk *disk;
    int error = disk_open_directory(directory, &disk);
    if (error < 0)
        host_die(directory, error);
    disk->ops->list(disk, forget_file, (void *)(uintptr_t)directory);
    disk_free(disk);
}

/* --- Compressing --- */

struct pack_figures {
    uint64_t beside;        /* segments, while bets were taken */
    double seconds;         /* for all the others, alone */
    uint64_t before, after; /* bytes of these */
    double restart;         /* the replay, from the disk */
};

static void *pack_beside(void *owner)
{
    struct bench *b = owner;
    const struct sched_param lowest = {0};
    (void)sched_setscheduler(0, SCHED_IDLE, &lowest);
    while (!__atomic_load_n(&b->pack_ends, __ATOMIC_ACQUIRE))
        if (ledger_packer_step(b->packer) == 0)
            usleep(20000);
    return NULL;
}

static void new_packer(struct bench *b)
{
    const struct ledger_packer_options options = {0};
    struct ledger_cursor_log log = ledger_file_cursor_log(b->h.log);
    if (ledger_packer_new(&log, &options, &b->packer) < 0)
        host_die("packer", -ERR_MEMORY);
}

static void begin_packing(struct bench *b)
{
    if (!b->packs)
        return;
    new_packer(b);
    if (pthread_create(&b->packing, NULL, pack_beside, b) != 0)
        host_die("packer", -ERR_MEMORY);
}

static void end_packing(struct bench *b, struct pack_figures *f)
{
    if (!b->packs)
        return;
    __atomic_store_n(&b->pack_ends, true, __ATOMIC_RELEASE);
    pthread_join(b->packing, NULL);
    f->beside = ledger_packer_stats(b->packer).segments;
    ledger_packer_free(b->packer);
}

static void measure_packed(struct bench *b, const char *directory, struct pack_figures *f)
{
    struct ledger_file_options options = {.store = {.newest_only = true}};
    struct ledger_report report;
    int error = disk_open_directory(directory, &b->h.disk);
    if (error == 0)
        error = ledger_file_open(&options, b->h.disk, &report, &b->h.log);
    if (error < 0)
        host_die("the log to compress", error);
    new_packer(b);
    int64_t begun = host_now_ns(CLOCK_MONOTONIC);
    while ((error = ledger_packer_step(b->packer)) > 0)
        ;
    if (error < 0)
        host_die(ledger_packer_problem(b->packer), error);
    f->seconds = (double)(host_now_ns(CLOCK_MONOTONIC) - begun) / 1e9;
    f->before = ledger_packer_stats(b->packer).bytes_before;
    f->after = ledger_packer_stats(b->packer).bytes_after;
    ledger_packer_free(b->packer);
    b->h.log->ops->free(b->h.log);
    disk_free(b->h.disk);
    forget_files(directory);
    f->restart = open_book(b, directory);
    close_book(b);
}

struct snapshot_figures {
    double fold, write;   /* seconds */
    double read;          /* of the file alone, from the disk */
    double restart;       /* from the snapshot, from the disk */
    double restart_again; /* the same, from the page cache */
    uint64_t bytes;
};

static double since(int64_t begun_ns)
{
    return (double)(host_now_ns(CLOCK_MONOTONIC) - begun_ns) / 1e9;
}

/* Folds the whole log as the server's shadow does, and writes one snapshot at its end. */
static void make_snapshot(struct bench *b, const char *directory, uint64_t records,
                          struct snapshot_figures *f)
{
    struct ledger_file_options options = {.store = {.newest_only = true}};
    struct snapshot_file_options files = {.keep = 1};
    struct shadow_options fold = {limits_of(b), records};
    struct shadow_ports ports = {.cursor = NULL};
    struct ledger_report report;
    struct shadow *shadow;
    int error = disk_open_directory(directory, &b->h.disk);
    if (error == 0)
        error = ledger_file_open(&options, b->h.disk, &report, &b->h.log);
    if (error < 0)
        host_die("the log for the snapshot", error);
    struct ledger_cursor_log log = ledger_file_cursor_log(b->h.log);
    open_verdicts(b, directory); /* the book before has brought the older keys to disk */
    ports.verdicts = b->verdicts;
    if (ledger_cursor_file_new(&log, &ports.cursor) < 0 ||
        snapshot_file_new(&files, b->h.disk, &ports.snapshots) < 0 ||
        shadow_new(&fold, &ports, &shadow) < 0)
        host_die("shadow", -ERR_MEMORY);
    int64_t begun = host_now_ns(CLOCK_MONOTONIC), step = begun;
    while (shadow_stats(shadow).snapshots == 0) { /* the last step folds little and writes it */
        step = host_now_ns(CLOCK_MONOTONIC);
        if (shadow_step(shadow) < 0)
            host_die(shadow_text(shadow), -ERR_CORRUPT);
    }
    f->fold = (double)(step - begun) / 1e9;
    f->write = since(step);
    shadow_free(shadow);
    ports.cursor->ops->free(ports.cursor);
    ports.snapshots->ops->free(ports.snapshots);
    close_verdicts(b);
    b->h.log->ops->free(b->h.log);
    disk_free(b->h.disk);
}

static void read_snapshot(const char *directory, struct snapshot_figures *f)
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    char path[512];
    static char memory[1 << 20];
    struct disk *disk;
    if (disk_open_directory(directory, &disk) < 0 ||
        snapshot_file_list(disk, 0, names, &count) < 0 || count == 0)
        host_die("no snapshot", -ERR_NOT_FOUND);
    disk_free(disk);
    snprintf(path, sizeof path, "%s/%s", directory, names[count - 1].name);
    int64_t begun = host_now_ns(CLOCK_MONOTONIC);
    int fd = open(path, O_RDONLY);
    for (ssize_t got; (got = read(fd, memory, sizeof memory)) > 0;)
        f->bytes += (uint64_t)got;
    close(fd);
    f->read = since(begun);
}

static void measure_snapshot(struct bench *b, const char *directory, uint64_t records,
                             struct snapshot_figures *f)
{
    struct snapshot_file_options files = {.keep = 1};
    struct disk *disk;
    make_snapshot(b, directory, records, f);
    forget_files(directory);
    read_snapshot(directory, f);
    if (disk_open_directory(directory, &disk) < 0 ||
        snapshot_file_new(&files, disk, &b->snapshots) < 0)
        host_die("snapshots", -ERR_MEMORY);
    forget_files(directory);
    f->restart = open_book(b, directory);
    if (book_restart(b->h.book)->snapshot_seq == 0)
        host_die("the snapshot was not used", -ERR_NOT_FOUND);
    close_book(b);
    f->restart_again = open_book(b, directory);
    close_book(b);
    b->snapshots->ops->free(b->snapshots);
    b->snapshots = NULL;
    disk_free(disk);
}

/* The same bytes in the same groups on a bare file: what the disk gives. */
static double reference_per_second(const char *directory, uint64_t group, size_t record_bytes)
{
    char path[512];
    size_t bytes = (group * record_bytes + 4095) & ~(size_t)4095;
    size_t file_bytes =
        bytes * REFERENCE_GROUPS < (size_t)256 << 20 ? bytes * REFERENCE_GROUPS : (size_t)256 << 20;
    char *zeros = calloc(1, bytes);
    snprintf(path, sizeof path, "%s/reference.bin", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || zeros == NULL)
        host_die("reference", -ERR_IO);
    for (size_t at = 0; at + bytes <= file_bytes; at += bytes)
        if (pwrite(fd, zeros, bytes, (off_t)at) < 0)
            host_die("reference", -ERR_IO);
    if (fdatasync(fd) < 0)
        host_die("reference", -ERR_IO);
    memset(zeros, 'x', bytes);
    int64_t begun = host_now_ns(CLOCK_MONOTONIC);
    uint64_t groups = 0;
    for (size_t at = 0; groups < REFERENCE_GROUPS; groups++, at += bytes) {
        if (at + bytes > file_bytes)
            at = 0;
        if (pwrite(fd, zeros, bytes, (off_t)at) < 0 || fdatasync(fd) < 0)
            host_die("reference", -ERR_IO);
    }
    double seconds = (double)(host_now_ns(CLOCK_MONOTONIC) - begun) / 1e9;
    close(fd);
    unlink(path);
    free(zeros);
    return (double)(groups * group) / seconds;
}

/* The engine with or without a second fold beside it, and nothing else. */
static int fold_main(struct bench *b, const char *directory, bool folds)
{
    struct figures f = {.commit_ns = calloc(1, sizeof *f.commit_ns)};
    struct rusage usage;
    histogram_reset(f.commit_ns);
    b->folds = folds;
    (void)open_book(b, directory);
    host_begin_turn(&b->h);
    publish_markets(b);
    host_fund(&b->h, ACCOUNTS);
    run(b, &f);
    long long behind = (long long)__atomic_load_n(&b->shadow.lag.value, __ATOMIC_RELAXED);
    uint64_t samples = b->shadow.samples.value, snapshots = b->shadow.snapshots.value;
    (void)getrusage(RUSAGE_SELF, &usage);
    close_book(b);
    printf("{\"bench\":\"fold\",\"fold\":%s,\"bets\":%llu,\"bets_per_s\":%.0f,"
           "\"cpu_us_per_bet\":%.3f,\"commit_p99_us\":%.0f,\"resident_mb\":%ld,"
           "\"folded_behind\":%lld,\"samples\":%llu,\"snapshots\":%llu}\n",
           folds ? "true" : "false", (unsigned long long)b->bets, (double)b->bets / f.seconds,
           f.cpu_seconds * 1e6 / (double)b->bets,
           (double)histogram_percentile(f.commit_ns, 9900) / 1e3, usage.ru_maxrss / 1024, behind,
           (unsigned long long)samples, (unsigned long long)snapshots);
    free(f.commit_ns);
    return b->h.placed == b->bets ? 0 : 1;
}

static void print_brief(const struct bench *b, const struct figures *f)
{
    printf("{\"bench\":\"engine\",\"bets\":%llu,\"placed\":%llu,\"group\":%llu,"
           "\"bets_per_s\":%.0f,\"cpu_us_per_bet\":%.3f,\"proofs\":%s,"
           "\"records_behind\":%llu,\"groups_left\":%llu,\"heads\":%llu}\n",
           (unsigned long long)b->bets, (unsigned long long)b->h.placed,
           (unsigned long long)b->group, (double)b->bets / f->seconds,
           f->cpu_seconds * 1e6 / (double)b->bets, b->h.proofs ? "true" : "false",
           (unsigned long long)b->tree.behind, (unsigned long long)b->tree.groups_left,
           (unsigned long long)b->tree.heads);
}

static void take_options(struct bench *b, int argc, char **argv)
{
    b->bets = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    b->group = argc > 3 ? strtoull(argv[3], NULL, 10) : 256;
    b->h.proofs = argc > 4 && strtoull(argv[4], NULL, 10) != 0;
    b->packs = argc > 5 && strtoull(argv[5], NULL, 10) != 0;
    b->verdicts_memory = argc > 7 ? (uint32_t)strtoul(argv[7], NULL, 10) : 0;
    b->bets -= b->bets % b->group;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct figures f = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: bench-engine DIRECTORY [BETS [GROUP [PROOFS [PACK [BRIEF "
                        "[VERDICTS]]]]]]\n");
        return 2;
    }
    take_options(&b, argc, argv);
    host_init(&b.h, "bench-engine");
    prng_seed(&b.prng, 1);
    if (argc > 4 && (strcmp(argv[4], "fold") == 0 || strcmp(argv[4], "alone") == 0))
        return fold_main(&b, argv[1], argv[4][0] == 'f');
    f.commit_ns = calloc(1, sizeof *f.commit_ns);
    histogram_reset(f.commit_ns);
    (void)open_book(&b, argv[1]);
    host_begin_turn(&b.h);
    publish_markets(&b);
    host_fund(&b.h, ACCOUNTS);
    struct pack_figures p = {0};
    begin_packing(&b);
    run(&b, &f);
    end_packing(&b, &p);
    uint64_t records = shard_state_seq(book_state(b.h.book));
    close_book(&b);
    if (argc > 6 && strtoull(argv[6], NULL, 10) != 0) {
        print_brief(&b, &f);
        return 0;
    }
    uint64_t placed = b.h.placed, verdict_runs = b.verdict_runs, verdict_keys = b.verdict_keys;
    forget_files(argv[1]);
    double restart = open_book(&b, argv[1]);
    uint64_t replayed = shard_state_bets_count(book_state(b.h.book));
    close_book(&b);
    measure_packed(&b, argv[1], &p);
    struct snapshot_figures s = {0};
    measure_snapshot(&b, argv[1], records, &s);
    double reference = reference_per_second(argv[1], b.group, 328);
    printf("{\"bench\":\"engine\",\"bets\":%llu,\"placed\":%llu,\"group\":%llu,"
           "\"bets_per_s\":%.0f,\"cpu_us_per_bet\":%.3f,\"commit_p50_us\":%.0f,"
           "\"commit_p99_us\":%.0f,\"commit_max_us\":%.0f,\"reference_bets_per_s\":%.0f,"
           "\"ratio\":%.2f,\"replayed_bets\":%llu,\"replayed_records\":%llu,\"restart_s\":%.2f,"
           "\"proofs\":%s,\"records_behind\":%llu,\"groups_left\":%llu,\"heads\":%llu,"
           "\"snapshot_bytes\":%llu,\"snapshot_fold_s\":%.2f,\"snapshot_write_s\":%.2f,"
           "\"snapshot_read_s\":%.2f,\"restart_snapshot_s\":%.2f,"
           "\"restart_snapshot_cached_s\":%.2f,\"packed_beside\":%llu,\"pack_s\":%.2f,"
           "\"pack_before_bytes\":%llu,\"pack_after_bytes\":%llu,\"restart_packed_s\":%.2f,"
           "\"verdicts_memory\":%u,\"verdicts_disk\":%llu,\"verdict_runs\":%llu,"
           "\"shed\":%llu}\n",
           (unsigned long long)b.bets, (unsigned long long)placed, (unsigned long long)b.group,
           (double)b.bets / f.seconds, f.cpu_seconds * 1e6 / (double)b.bets,
           (double)histogram_percentile(f.commit_ns, 5000) / 1e3,
           (double)histogram_percentile(f.commit_ns, 9900) / 1e3, (double)f.commit_ns->max / 1e3,
           reference, (double)b.bets / f.seconds / reference, (unsigned long long)replayed,
           (unsigned long long)records, restart, b.h.proofs ? "true" : "false",
           (unsigned long long)b.tree.behind, (unsigned long long)b.tree.groups_left,
           (unsigned long long)b.tree.heads, (unsigned long long)s.bytes, s.fold, s.write, s.read,
           s.restart, s.restart_again, (unsigned long long)p.beside, p.seconds,
           (unsigned long long)p.before, (unsigned long long)p.after, p.restart, b.verdicts_memory,
           (unsigned long long)verdict_keys, (unsigned long long)verdict_runs,
           (unsigned long long)b.h.shed);
    sign_key_free(b.h.key);
    free(f.commit_ns);
    return placed == b.bets && replayed == b.bets ? 0 : 1;
}
