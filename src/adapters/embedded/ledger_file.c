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

void ledger_file_notify(const struct ledger_file *file)
{
    if (file->log.notify != NULL)
        file->log.notify(file->log.notify_owner);
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

/* --- The reader's thread --- */

static void serve_read(struct ledger_file *file)
{
    struct ledger_read *read = file->waiting[file->waiting_out++ % LEDGER_READS_MAX];
    struct ledger_view view = file->view;
    size_t bytes = 0;
    pthread_mutex_unlock(&file->lock);
    int error = ledger_lookup_read(file->lookup, &view, read, &bytes);
    pthread_mutex_lock(&file->lock);
    file->done[file->done_in++ % LEDGER_READS_MAX] = (struct read_done){read, error, bytes};
    file->stats.reads++;
    file->stats.probes = ledger_lookup_probes(file->lookup);
    memcpy(file->read_problem, ledger_lookup_problem(file->lookup), sizeof file->read_problem);
    pthread_cond_signal(&file->owner_wake);
    pthread_mutex_unlock(&file->lock);
    ledger_file_notify(file);
    pthread_mutex_lock(&file->lock);
}

static void *read_loop(void *owner)
{
    struct ledger_file *file = owner;
    pthread_mutex_lock(&file->lock);
    for (;;) {
        if (file->waiting_in != file->waiting_out)
            serve_read(file);
        else if (file->closing)
            break;
        else
            pthread_cond_wait(&file->reader_wake, &file->lock);
    }
    pthread_mutex_unlock(&file->lock);
    return NULL;
}

/* --- The port, on the owner's thread --- */

static int file_append(struct ledger_log *log, struct ledger_append *append)
{
    struct ledger_file *file = file_of(log);
    ASSERT(append->shard == file->store->options.shard);
    ASSERT(append->on_done != NULL);
    if (is_read_only(file))
        return -ERR_UNSUPPORTED;
    if (append->bytes > ledger_store_bytes_max(file->store))
        return -ERR_LIMIT;
    int result = 0;
    pthread_mutex_lock(&file->lock);
    if (file->append_state != STATE_NONE)
        result = -ERR_BUSY;
    else if (file->stopped || file->closing)
        result = -ERR_STOPPED;
    if (result == 0) {
        file->append = append;
        file->append_state = STATE_WAITING;
        ledger_stall_begin(&file->stall, clock_us(CLOCK_MONOTONIC));
        ledger_writer_wake(file);
    }
    pthread_mutex_unlock(&file->lock);
    return result;
}

static int file_read(struct ledger_log *log, struct ledger_read *read)
{
    struct ledger_file *file = file_of(log);
    ASSERT(read->shard == file->store->options.shard);
    ASSERT(read->on_done != NULL);
    int result = 0;
    pthread_mutex_lock(&file->lock);
    if (file->reads_under_way == LEDGER_READS_MAX || file->closing) {
        file->stats.reads_busy++;
        result = -ERR_BUSY;
    } else {
        file->waiting[file->waiting_in++ % LEDGER_READS_MAX] = read;
        file->reads_under_way++;
        pthread_cond_signal(&file->reader_wake);
    }
    pthread_mutex_unlock(&file->lock);
    return result;
}

static struct ledger_view current_view(struct ledger_file *file)
{
    pthread_mutex_lock(&file->lock);
    struct ledger_view view = file->view;
    pthread_mutex_unlock(&file->lock);
    return view;
}

static int file_replay(struct ledger_log *log, uint32_t shard, uint64_t seq_first,
                       ledger_visit visit, void *owner)
{
    struct ledger_file *file = file_of(log);
    ASSERT(shard == file->store->options.shard);
    struct ledger_view view = current_view(file);
    return ledger_replay(&view, seq_first, visit, owner, file->problem);
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
    return file->working || file->take_over ||
           (file->append_state != STATE_NONE && file->append_state != STATE_DONE);
}

/* Takes `epoch`, or the next one when it is 0. */
static int take_epoch(struct ledger_file *file, uint64_t epoch, uint64_t *ret_epoch)
{
    pthread_mutex_lock(&file->lock);
    while (writer_is_busy(file))
        pthread_cond_wait(&file->owner_wake, &file->lock);
    file->taken = true;
    pthread_mutex_unlock(&file->lock);
    int result = epoch == 0 ? ledger_store_take_epoch(file->store, ret_epoch)
                            : ledger_store_raise_epoch(file->store, epoch);
    pthread_mutex_lock(&file->lock);
    file->taken = false;
    file->stopped = file->store->stopped;
    ledger_writer_wake(file);
    pthread_mutex_unlock(&file->lock);
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
    pthread_mutex_lock(&file->lock);
    while (writer_is_busy(file))
        pthread_cond_wait(&file->owner_wake, &file->lock);
    pthread_mutex_unlock(&file->lock);
}

uint64_t ledger_file_epoch(struct ledger_log *log)
{
    return file_of(log)->store->epoch; /* changed by the owner's thread only */
}

static void poll_append(struct ledger_file *file)
{
    struct ledger_append *append = NULL;
    enum append_outcome outcome = APPEND_OK;
    pthread_mutex_lock(&file->lock);
    if (file->append_state == STATE_DONE) {
        append = file->append;
        outcome = file->append_outcome;
        file->append = NULL;
        file->append_state = STATE_NONE;
    }
    pthread_mutex_unlock(&file->lock);
    if (append != NULL)
        append->on_done(append, outcome); /* may append again */
}

static bool poll_read(struct ledger_file *file)
{
    struct read_done done = {0};
    pthread_mutex_lock(&file->lock);
    if (file->done_in != file->done_out) {
        done = file->done[file->done_out++ % LEDGER_READS_MAX];
        file->reads_under_way--;
    }
    if (done.error == -ERR_CORRUPT || done.error == -ERR_ARCHIVED)
        memcpy(file->problem, file->read_problem, sizeof file->problem);
    pthread_mutex_unlock(&file->lock);
    if (done.read != NULL)
        done.read->on_done(done.read, done.error, done.bytes);
    return done.read != NULL;
}

static void file_poll(struct ledger_log *log)
{
    struct ledger_file *file = file_of(log);
    poll_append(file);
    for (unsigned i = 0; i < LEDGER_READS_MAX && poll_read(file); i++)
        ;
}

static bool is_idle(const struct ledger_file *file)
{
    return file->append_state == STATE_NONE && file->reads_under_way == 0;
}

static bool has_callbacks(const struct ledger_file *file)
{
    return file->append_state == STATE_DONE || file->done_in != file->done_out;
}

static void run_down(struct ledger_file *file)
{
    bool idle = false;
    while (!idle) {
        file_poll(&file->log);
        pthread_mutex_lock(&file->lock);
        while (!is_idle(file) && !has_callbacks(file))
            pthread_cond_wait(&file->owner_wake, &file->lock);
        idle = is_idle(file);
        pthread_mutex_unlock(&file->lock);
    }
}

void ledger_file_destroy(struct ledger_file *file)
{
    ledger_store_free(file->store);
    ledger_lookup_free(file->lookup);
    pthread_mutex_destroy(&file->lock);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++)
        pthread_cond_destroy(&file->writers[i].wake);
    pthread_cond_destroy(&file->clock_wake);
    pthread_cond_destroy(&file->reader_wake);
    pthread_cond_destroy(&file->owner_wake);
    free(file);
}

static void close_threads(struct ledger_file *file)
{
    pthread_mutex_lock(&file->lock);
    file->closing = true;
    ledger_writer_wake(file);
    pthread_cond_signal(&file->reader_wake);
    pthread_mutex_unlock(&file->lock);
}

static void file_free(struct ledger_log *log)
{
    struct ledger_file *file = file_of(log);
    close_threads(file); /* what is under way is served first; nothing new is taken */
    run_down(file);
    pthread_join(file->reader, NULL);
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
    pthread_mutex_lock(&file->lock);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++)
        hangs = hangs || file->store->hands[i].hangs;
    pthread_mutex_unlock(&file->lock);
    return hangs;
}

void ledger_file_stats(struct ledger_log *log, struct ledger_file_stats *ret_stats)
{
    struct ledger_file *file = file_of(log);
    pthread_mutex_lock(&file->lock);
    *ret_stats = file->stats;
    pthread_mutex_unlock(&file->lock);
}

struct ledger_cursor_log ledger_file_cursor_log(struct ledger_log *log)
{
    return (struct ledger_cursor_log){look_at_view, file_of(log)};
}

const char *ledger_file_problem(struct ledger_log *log)
{
    return file_of(log)->problem;
}

/* --- Opening --- */

static int create_threads(struct ledger_file *file)
{
    if (pthread_create(&file->reader, NULL, read_loop, file) != 0)
        return -ERR_MEMORY;
    if (is_read_only(file) || ledger_writer_start(file) == 0)
        return 0;
    close_threads(file);
    pthread_join(file->reader, NULL);
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
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&file->reader_wake, NULL);
    pthread_cond_init(&file->owner_wake, &monotonic);
    pthread_cond_init(&file->clock_wake, &monotonic);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++) {
        file->writers[i] = (struct ledger_writer){.file = file, .volume = i};
        pthread_cond_init(&file->writers[i].wake, &monotonic);
    }
    pthread_condattr_destroy(&monotonic);
}

static int file_new(struct ledger_file **ret_file)
{
    struct ledger_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return -ERR_MEMORY;
    file->log.ops = &file_ops;
    pthread_mutex_init(&file->lock, NULL);
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
