/* ledger_file.c - contract in ledger_file.h: threads and callbacks around ledger_store,
 * ledger_lookup and ledger_replay, which know of neither.
 *
 * The writers are in ledger_writer.c. The active hand of the store belongs to its writer while
 * `working`, else to whoever holds the lock and took it (`taken`: take_epoch). What others may know
 * of the store is `view`, published after each commit: its segment table only grows, and below its
 * count nothing changes. A log that is read only has no writer. */
#include "adapters/embedded/ledger_file.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_check.h"
#include "adapters/embedded/ledger_file_internal.h"
#include "adapters/embedded/ledger_slip.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"

static struct ledger_file *file_of(struct ledger_log *log)
{
    return (struct ledger_file *)log;
}

static bool is_read_only(const struct ledger_file *file)
{
    return file->store->options.read_only;
}

static struct ledger_view look_at_view(void *owner)
{
    struct ledger_file *file = owner;
    uint64_t words[VIEW_WORDS] = {0};
    uint64_t before, after;
    struct ledger_view view;
    do {
        before = __atomic_load_n(&file->shown_version, __ATOMIC_ACQUIRE);
        for (size_t i = 0; i < VIEW_WORDS; i++)
            words[i] = __atomic_load_n(&file->shown[i], __ATOMIC_ACQUIRE);
        after = __atomic_load_n(&file->shown_version, __ATOMIC_RELAXED);
    } while (before != after || before % 2 != 0);
    memcpy(&view, words, sizeof view);
    return view;
}

static struct ledger_view current_view(struct ledger_file *file)
{
    pthread_mutex_lock(&file->calls.lock);
    struct ledger_view view = file->view;
    pthread_mutex_unlock(&file->calls.lock);
    return view;
}

/* --- What the calls ask --- */

/* With the lock. */
static void wake_writer(void *owner)
{
    struct ledger_file *file = owner;
    ledger_stall_begin(&file->stall, clock_us(CLOCK_MONOTONIC));
    ledger_writer_wake(file);
}

static int read_now(void *owner, struct ledger_read *read, size_t *ret_bytes,
                    char problem[LEDGER_PROBLEM_BYTES])
{
    struct ledger_file *file = owner;
    struct ledger_view view = current_view(file);
    int error = ledger_lookup_read(file->lookup, &view, read, ret_bytes);
    if (error == -ERR_CORRUPT || error == -ERR_ARCHIVED)
        ledger_calls_explain(problem, ledger_lookup_problem(file->lookup));
    pthread_mutex_lock(&file->calls.lock);
    file->stats.probes = ledger_lookup_probes(file->lookup);
    pthread_mutex_unlock(&file->calls.lock);
    return error;
}

static const struct ledger_calls_ops calls_ops = {.wake_writer = wake_writer, .read = read_now};

/* --- The port, on the owner's thread --- */

static int file_append(struct ledger_log *log, struct ledger_append *append)
{
    struct ledger_file *file = file_of(log);
    ASSERT(append->shard == file->store->options.shard);
    if (is_read_only(file))
        return -ERR_UNSUPPORTED;
    if (append->bytes > ledger_store_bytes_max(file->store))
        return -ERR_LIMIT;
    return ledger_calls_append(&file->calls, append);
}

static int file_read(struct ledger_log *log, struct ledger_read *read)
{
    struct ledger_file *file = file_of(log);
    ASSERT(read->shard == file->store->options.shard);
    return ledger_calls_read(&file->calls, read);
}

static int file_replay(struct ledger_log *log, uint32_t shard, uint64_t seq_first,
                       ledger_visit visit, void *owner)
{
    struct ledger_file *file = file_of(log);
    ASSERT(shard == file->store->options.shard);
    struct ledger_view view = current_view(file);
    return ledger_replay(&view, seq_first, visit, owner, file->calls.problem);
}

int ledger_file_replay(struct ledger_log *log, uint64_t seq_first, ledger_visit visit, void *owner,
                       char *ret_text)
{
    struct ledger_view view = current_view(file_of(log));
    return ledger_replay(&view, seq_first, visit, owner, ret_text);
}

uint64_t ledger_file_live_seq(struct ledger_log *log)
{
    const struct ledger_store *store = file_of(log)->store;
    return store->archived_end == 0 ? 1 : store->segments[store->archived_end].before.seq + 1;
}

bool ledger_file_archive_there(struct ledger_log *log)
{
    const struct ledger_store *store = file_of(log)->store;
    char name[DISK_NAME_BYTES_MAX + 1];
    struct ledger_slip slip;
    const char *wrong = NULL;
    int file = -1;
    uint64_t segment = store->archived_end - 1;
    struct disk *archive = store->volumes.archive;
    if (store->archived_end == 0)
        return true;
    uint64_t volume = store->segments[segment].volume;
    if (archive == NULL || ledger_slip_read(store->volumes.disks[volume], store->options.shard,
                                            segment, &slip, &wrong) < 0)
        return false;
    ledger_slip_file_name(&slip, name);
    if (archive->ops->open(archive, name, false, &file) < 0)
        return false;
    archive->ops->close(archive, file);
    return true;
}

int ledger_file_check_archive(struct ledger_log *log, uint64_t *ret_files, char *ret_text)
{
    struct ledger_view view = current_view(file_of(log));
    return ledger_check_archive(&view, ret_files, ret_text);
}

int ledger_file_sizes(struct ledger_log *log, struct ledger_sizes *ret_sizes, char *ret_text)
{
    struct ledger_view view = current_view(file_of(log));
    return ledger_view_sizes(&view, ret_sizes, ret_text);
}

uint64_t ledger_file_creation(struct ledger_log *log)
{
    return file_of(log)->store->creation; /* set at open, for ever */
}

static uint64_t file_tail(struct ledger_log *log, uint32_t shard)
{
    struct ledger_file *file = file_of(log);
    ASSERT(shard == file->store->options.shard);
    return current_view(file).end.seq;
}

static bool writer_is_busy(const struct ledger_file *file)
{
    return file->working || file->take_over || ledger_calls_append_is_under_way(&file->calls);
}

/* Takes `epoch`, or the next one when it is 0. */
static int take_epoch(struct ledger_file *file, uint64_t epoch, uint64_t *ret_epoch)
{
    pthread_mutex_lock(&file->calls.lock);
    while (writer_is_busy(file))
        pthread_cond_wait(&file->calls.owner_wake, &file->calls.lock);
    file->taken = true;
    pthread_mutex_unlock(&file->calls.lock);
    int result = epoch == 0 ? ledger_store_take_epoch(file->store, ret_epoch)
                            : ledger_store_raise_epoch(file->store, epoch);
    pthread_mutex_lock(&file->calls.lock);
    file->taken = false;
    file->calls.stopped = file->store->stopped;
    ledger_writer_wake(file);
    pthread_mutex_unlock(&file->calls.lock);
    return result;
}

static int file_take_epoch(struct ledger_log *log, uint32_t shard, uint64_t *ret_epoch)
{
    struct ledger_file *file = file_of(log);
    ASSERT(shard == file->store->options.shard);
    return take_epoch(file, 0, ret_epoch);
}

int ledger_file_raise_epoch(struct ledger_log *log, uint64_t epoch)
{
    ASSERT(epoch > 0);
    return take_epoch(file_of(log), epoch, NULL);
}

void ledger_file_rest(struct ledger_log *log)
{
    struct ledger_file *file = file_of(log);
    pthread_mutex_lock(&file->calls.lock);
    while (writer_is_busy(file))
        pthread_cond_wait(&file->calls.owner_wake, &file->calls.lock);
    pthread_mutex_unlock(&file->calls.lock);
}

uint64_t ledger_file_epoch(struct ledger_log *log)
{
    return file_of(log)->store->epoch; /* changed by the owner's thread only */
}

static void file_poll(struct ledger_log *log)
{
    ledger_calls_poll(&file_of(log)->calls);
}

void ledger_file_destroy(struct ledger_file *file)
{
    ledger_store_free(file->store);
    ledger_lookup_free(file->lookup);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++)
        pthread_cond_destroy(&file->writers[i].wake);
    pthread_cond_destroy(&file->clock_wake);
    ledger_calls_destroy(&file->calls);
    free(file);
}

static void close_threads(struct ledger_file *file)
{
    pthread_mutex_lock(&file->calls.lock);
    file->calls.closing = true;
    ledger_writer_wake(file);
    pthread_mutex_unlock(&file->calls.lock);
}

static void file_free(struct ledger_log *log)
{
    struct ledger_file *file = file_of(log);
    close_threads(file); /* what is under way is served first; nothing new is taken */
    ledger_calls_run_down(&file->calls, 0, NULL);
    ledger_calls_join(&file->calls);
    if (ledger_writer_join(file))
        ledger_file_destroy(file);
}

static enum ledger_trouble file_trouble(struct ledger_log *log)
{
    const struct ledger_file_health *health = &file_of(log)->health;
    if (__atomic_load_n(&health->stalled.value, __ATOMIC_RELAXED) != 0)
        return LEDGER_STALLED;
    return __atomic_load_n(&health->full.value, __ATOMIC_RELAXED) != 0 ? LEDGER_FULL : LEDGER_WELL;
}

static const struct ledger_log_ops file_ops = {
    .append = file_append,
    .read = file_read,
    .replay = file_replay,
    .tail = file_tail,
    .take_epoch = file_take_epoch,
    .trouble = file_trouble,
    .poll = file_poll,
    .free = file_free,
};

const struct ledger_file_health *ledger_file_health(struct ledger_log *log)
{
    return &file_of(log)->health;
}

bool ledger_file_hangs(struct ledger_log *log)
{
    struct ledger_file *file = file_of(log);
    bool hangs = false;
    pthread_mutex_lock(&file->calls.lock);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++)
        hangs = hangs || file->store->hands[i].hangs;
    pthread_mutex_unlock(&file->calls.lock);
    return hangs;
}

void ledger_file_stats(struct ledger_log *log, struct ledger_file_stats *ret_stats)
{
    struct ledger_file *file = file_of(log);
    pthread_mutex_lock(&file->calls.lock);
    *ret_stats = file->stats;
    ret_stats->reads = file->calls.reads;
    ret_stats->reads_busy = file->calls.reads_busy;
    pthread_mutex_unlock(&file->calls.lock);
}

struct ledger_cursor_log ledger_file_cursor_log(struct ledger_log *log)
{
    return (struct ledger_cursor_log){look_at_view, file_of(log)};
}

const char *ledger_file_problem(struct ledger_log *log)
{
    return file_of(log)->calls.problem;
}

/* --- Opening --- */

static int create_threads(struct ledger_file *file)
{
    TRY(ledger_calls_start(&file->calls));
    if (is_read_only(file) || ledger_writer_start(file) == 0)
        return 0;
    close_threads(file);
    ledger_calls_join(&file->calls);
    (void)ledger_writer_join(file); /* nothing can hang: nothing was asked of them */
    return -ERR_MEMORY;
}

/* Signals are the role's business: none may be delivered to these threads. */
static int start_threads(struct ledger_file *file)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = create_threads(file);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void init_conditions(struct ledger_file *file)
{
    ledger_calls_cond_init(&file->clock_wake);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++) {
        file->writers[i] = (struct ledger_writer){.file = file, .volume = i};
        ledger_calls_cond_init(&file->writers[i].wake);
    }
}

static int file_new(struct ledger_file **ret_file)
{
    struct ledger_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return -ERR_MEMORY;
    file->log.ops = &file_ops;
    ledger_calls_init(&file->calls, &calls_ops, &file->log, file);
    init_conditions(file);
    *ret_file = file;
    return 0;
}

int ledger_file_open(const struct ledger_file_options *options, struct disk *disk,
                     struct ledger_report *ret_report, struct ledger_log **ret_log)
{
    struct ledger_file *file = NULL;
    struct ledger_report report = {0};
    TRY(file_new(&file));
    file->follower = options->follower;
    file->stall.limit_us = options->store.read_only ? 0 : options->stall_us;
    int result = ledger_store_open(&options->store, disk, &report, &file->store);
    if (result >= 0)
        result = ledger_lookup_new(&file->lookup);
    if (result >= 0) {
        ledger_writer_publish(file);
        result = start_threads(file);
    }
    if (ret_report != NULL)
        *ret_report = report;
    if (result < 0) {
        ledger_file_destroy(file);
        return result;
    }
    *ret_log = &file->log;
    return 0;
}
