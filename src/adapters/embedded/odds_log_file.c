/* odds_log_file.c - contract in odds_log_file.h.
 *
 * The owner encodes into the ring; the writer empties it once a second, or earlier when a
 * quarter is full, and syncs each time. `in` and `out` count bytes since open; a position is
 * `base` plus such a count, through all segments of this process. */
#include "adapters/embedded/odds_log_file.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "adapters/embedded/odds_codec.h"
#include "adapters/embedded/odds_segment.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

#define EPOCH_NAME  "odds-epoch"
#define LOCK_NAME   "odds.lock"
#define EPOCH_MAGIC "OVROEPO1"

#define NS_PER_SECOND INT64_C(1000000000)

struct epoch_file {
    char magic[8];
    uint32_t epoch;
    uint32_t crc; /* of the 12 bytes before */
};
static_assert(sizeof(struct epoch_file) == 16, "epoch file");

struct odds_log_file {
    struct odds_log log;
    struct odds_log_file_options options;
    struct disk *disk;
    int lock_file;
    uint32_t epoch;
    uint64_t base;         /* position of byte 0 of this process's stream */
    uint64_t segments_end; /* read only: the number behind the newest segment */
    uint64_t torn;         /* read only: where the newest one's torn tail begins; 0: it has none */

    /* the owner's */
    struct odds_codec codec;
    uint64_t segment_in; /* `in` at the begin of the segment being filled */
    char record[ODDS_RECORD_HEAD_BYTES + ODDS_LOG_RECORD_BYTES_MAX];

    /* the writer's */
    pthread_t writer;
    int file;
    uint64_t segment;       /* number of the file */
    uint64_t segment_out;   /* `out` at its begin */
    uint64_t segment_first; /* oldest that is kept */
    uint64_t bytes;         /* of all segments */

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t writer_wake, owner_wake;
    char *ring;
    uint64_t in, out; /* out: written and synced, or given up */
    uint64_t synced;  /* up to where it is durable */
    uint64_t rolls[ODDS_LOG_ROLLS_MAX];
    uint64_t rolls_in, rolls_out;
    bool waiting; /* the writer sleeps until something comes */
    bool flush, closing;
    struct odds_log_file_stats stats;
};

static struct odds_log_file *file_of(struct odds_log *log)
{
    return (struct odds_log_file *)log;
}

static bool has_thread(const struct odds_log_file_options *options)
{
    return !options->read_only && !options->stepped;
}

/* --- The writer's thread --- */

static int delete_oldest(struct odds_log_file *file)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    struct disk *disk = file->disk;
    uint64_t size = 0;
    int oldest = -1;
    odds_segment_name(file->segment_first, name);
    TRY(disk->ops->open(disk, name, false, &oldest));
    int result = disk->ops->size(disk, oldest, &size);
    disk->ops->close(disk, oldest);
    TRY(result);
    TRY(disk->ops->unlink(disk, name));
    /* Before the next one goes: of two, a power failure could keep the older. */
    TRY(disk->ops->sync_directory(disk, DISK_WHY_ODDS_NAME));
    file->segment_first++;
    file->bytes -= size < file->bytes ? size : file->bytes;
    pthread_mutex_lock(&file->lock);
    file->stats.segments_deleted++;
    pthread_mutex_unlock(&file->lock);
    return 0;
}

static int keep_within_limit(struct odds_log_file *file)
{
    while (file->options.bytes_max > 0 && file->bytes > file->options.bytes_max &&
           file->segment_first + 1 < file->segment)
        TRY(delete_oldest(file));
    return 0;
}

static int roll(struct odds_log_file *file, uint64_t out)
{
    struct disk *disk = file->disk;
    TRY(disk->ops->sync(disk, file->file, DISK_WHY_ODDS)); /* only the newest may be torn */
    int next = -1;
    TRY(odds_segment_create(disk, file->segment + 1, file->base + out, &next));
    disk->ops->close(disk, file->file);
    file->file = next;
    file->segment++;
    file->segment_out = out;
    file->bytes += sizeof(struct odds_segment_head);
    return keep_within_limit(file);
}

static int write_piece(struct odds_log_file *file, uint64_t from, uint64_t to)
{
    uint64_t begin = from % ODDS_LOG_RING_BYTES;
    uint64_t bytes = to - from;
    uint64_t offset = sizeof(struct odds_segment_head) + from - file->segment_out;
    uint64_t first = ODDS_LOG_RING_BYTES - begin < bytes ? ODDS_LOG_RING_BYTES - begin : bytes;
    struct disk *disk = file->disk;
    TRY(disk->ops->write(disk, file->file, offset, file->ring + begin, (size_t)first));
    if (first < bytes)
        TRY(disk->ops->write(disk, file->file, offset + first, file->ring,
                             (size_t)(bytes - first)));
    file->bytes += bytes;
    return 0;
}

/* The segment begun in the stream at or after `at`, or none before `limit`. */
static uint64_t next_roll(struct odds_log_file *file, uint64_t limit)
{
    pthread_mutex_lock(&file->lock);
    uint64_t at = limit;
    if (file->rolls_in != file->rolls_out)
        at = file->rolls[file->rolls_out % ODDS_LOG_ROLLS_MAX];
    pthread_mutex_unlock(&file->lock);
    return at < limit ? at : limit;
}

static void roll_is_done(struct odds_log_file *file)
{
    pthread_mutex_lock(&file->lock);
    file->rolls_out++;
    pthread_mutex_unlock(&file->lock);
}

static int write_out(struct odds_log_file *file, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t end = next_roll(file, to);
        if (end > from)
            TRY(write_piece(file, from, end));
        from = end;
        if (from < to) {
            TRY(roll(file, from));
            roll_is_done(file);
        }
    }
    return file->disk->ops->sync(file->disk, file->file, DISK_WHY_ODDS);
}

/* Called with the lock. A failure is for good: what the kernel dropped cannot be written again. */
static void empty_ring(struct odds_log_file *file)
{
    uint64_t from = file->out;
    uint64_t to = file->in;
    pthread_mutex_unlock(&file->lock);
    int result = file->stats.failed ? -ERR_STOPPED : write_out(file, from, to);
    pthread_mutex_lock(&file->lock);
    file->stats.failed = result < 0;
    file->synced = result < 0 ? file->synced : to;
    file->out = to;
    file->flush = file->flush && file->in != file->out;
    pthread_cond_broadcast(&file->owner_wake);
}

static void wait_a_while(struct odds_log_file *file)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + file->options.sync_us_max * 1000;
    until.tv_sec += ns / NS_PER_SECOND;
    until.tv_nsec = ns % NS_PER_SECOND;
    int result = 0;
    while (result == 0 && !file->closing && !file->flush &&
           file->in - file->out < ODDS_LOG_WAKE_BYTES)
        result = pthread_cond_timedwait(&file->writer_wake, &file->lock, &until);
}

static void *write_loop(void *owner)
{
    struct odds_log_file *file = owner;
    pthread_mutex_lock(&file->lock);
    while (!file->closing || file->in != file->out) {
        if (file->in == file->out) {
            file->waiting = true;
            pthread_cond_wait(&file->writer_wake, &file->lock);
            file->waiting = false;
        } else {
            wait_a_while(file);
            empty_ring(file);
        }
    }
    pthread_mutex_unlock(&file->lock);
    return NULL;
}

/* --- The port --- */

static bool has_room(struct odds_log_file *file)
{
    pthread_mutex_lock(&file->lock);
    bool room = !file->stats.failed &&
                ODDS_LOG_RING_BYTES - (file->in - file->out) >= sizeof file->record &&
                file->rolls_in - file->rolls_out < ODDS_LOG_ROLLS_MAX;
    pthread_mutex_unlock(&file->lock);
    return room;
}

/* The owner alone changes `in`. */
static int begin_segment(struct odds_log_file *file)
{
    TRY(odds_codec_reset(&file->codec));
    if (file->in == file->segment_in)
        return 0; /* the segment is empty */
    pthread_mutex_lock(&file->lock);
    file->rolls[file->rolls_in++ % ODDS_LOG_ROLLS_MAX] = file->in;
    pthread_mutex_unlock(&file->lock);
    file->segment_in = file->in;
    return 0;
}

static bool segment_is_full(const struct odds_log_file *file)
{
    return file->in - file->segment_in >= file->options.segment_bytes ||
           odds_codec_is_full(&file->codec);
}

/* The record's bytes, or an error; a change that no segment can take leaves an empty codec. */
static int encode(struct odds_log_file *file, const struct odds_log_change *change)
{
    if (segment_is_full(file)) {
        file->stats.texts_rolled += odds_codec_is_full(&file->codec);
        TRY(begin_segment(file));
    }
    int bytes = odds_codec_encode(&file->codec, change, file->record);
    if (bytes < 0)
        TRY(begin_segment(file));
    return bytes;
}

static uint64_t push(struct odds_log_file *file, size_t bytes)
{
    uint64_t begin = file->in % ODDS_LOG_RING_BYTES;
    size_t first = ODDS_LOG_RING_BYTES - begin < bytes ? ODDS_LOG_RING_BYTES - begin : bytes;
    uint64_t position = file->base + file->in;
    memcpy(file->ring + begin, file->record, first);
    memcpy(file->ring, file->record + first, bytes - first);
    pthread_mutex_lock(&file->lock);
    file->in += bytes;
    file->stats.changes++;
    if (file->waiting || file->in - file->out >= ODDS_LOG_WAKE_BYTES)
        pthread_cond_signal(&file->writer_wake);
    pthread_mutex_unlock(&file->lock);
    return position;
}

static uint64_t file_append(struct odds_log *log, const struct odds_log_change *change)
{
    struct odds_log_file *file = file_of(log);
    if (file->options.read_only)
        return 0;
    int bytes = has_room(file) ? encode(file, change) : -ERR_BUSY;
    if (bytes < 0) {
        pthread_mutex_lock(&file->lock);
        file->stats.refused++;
        pthread_mutex_unlock(&file->lock);
        return 0;
    }
    return push(file, (size_t)bytes);
}

int odds_log_file_put_epoch(struct disk *disk, uint32_t epoch)
{
    struct epoch_file content = {.epoch = epoch};
    memcpy(content.magic, EPOCH_MAGIC, sizeof content.magic);
    content.crc = crc32c(0, &content, offsetof(struct epoch_file, crc));
    return disk_replace(disk, EPOCH_NAME, &content, sizeof content);
}

static int write_epoch(struct odds_log_file *file, uint32_t epoch)
{
    return odds_log_file_put_epoch(file->disk, epoch);
}

static int file_take_epoch(struct odds_log *log, uint32_t least, uint32_t *ret_epoch)
{
    struct odds_log_file *file = file_of(log);
    if (file->options.read_only)
        return -ERR_UNSUPPORTED;
    if (least < file->options.epoch_min)
        least = file->options.epoch_min;
    if (file->epoch < least)
        file->epoch = least - 1;
    if (file->epoch >= ODDS_EPOCH_MAX)
        return -ERR_LIMIT;
    file->epoch++; /* also when it fails: the file may hold either, and one is never given twice */
    TRY(write_epoch(file, file->epoch));
    *ret_epoch = file->epoch;
    return 0;
}

void odds_log_file_step(struct odds_log *log)
{
    struct odds_log_file *file = file_of(log);
    ASSERT(file->options.stepped);
    pthread_mutex_lock(&file->lock);
    if (file->in != file->out)
        empty_ring(file);
    pthread_mutex_unlock(&file->lock);
}

int odds_log_file_flush(struct odds_log *log)
{
    struct odds_log_file *file = file_of(log);
    if (file->options.stepped)
        odds_log_file_step(log);
    pthread_mutex_lock(&file->lock);
    uint64_t until = file->in;
    while (file->out < until) {
        file->flush = true;
        pthread_cond_signal(&file->writer_wake);
        pthread_cond_wait(&file->owner_wake, &file->lock);
    }
    bool failed = file->stats.failed;
    pthread_mutex_unlock(&file->lock);
    return failed ? -ERR_STOPPED : 0;
}

static int replay_segment(struct odds_log_file *log, uint64_t segment, odds_log_visit visit,
                          void *owner)
{
    struct disk *disk = log->disk;
    struct odds_segment_head head;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t size = 0, end = 0;
    int file = -1;
    odds_segment_name(segment, name);
    TRY(disk->ops->open(disk, name, false, &file));
    int result = odds_segment_read_head(disk, file, segment, &head);
    if (result >= 0)
        result = disk->ops->size(disk, file, &size);
    if (result >= 0)
        result = odds_segment_read(&(struct odds_segment_walk){disk, file, head.base, visit, owner},
                                   &end);
    disk->ops->close(disk, file);
    if (log->torn != 0 && segment + 1 == log->segments_end)
        size = log->torn;
    if (result == -ERR_NOT_FOUND || (result >= 0 && end != size))
        return -ERR_CORRUPT;
    return result;
}

static int file_replay(struct odds_log *log, odds_log_visit visit, void *owner)
{
    struct odds_log_file *file = file_of(log);
    TRY(odds_log_file_flush(log));
    uint64_t end = file->options.read_only ? file->segments_end : file->segment + 1;
    for (uint64_t segment = file->segment_first; segment < end; segment++)
        TRY(replay_segment(file, segment, visit, owner));
    return 0;
}

/* Segments are counted from 0 and deleted oldest first. */
static int file_kept_from(struct odds_log *log, uint64_t *ret_position)
{
    struct odds_log_file *file = file_of(log);
    struct odds_segment_head head;
    char name[DISK_NAME_BYTES_MAX + 1];
    int oldest = -1;
    TRY(odds_log_file_flush(log)); /* the writer rests */
    *ret_position = 0;
    if (file->segment_first == 0)
        return 0;
    odds_segment_name(file->segment_first, name);
    TRY(file->disk->ops->open(file->disk, name, false, &oldest));
    int result = odds_segment_read_head(file->disk, oldest, file->segment_first, &head);
    file->disk->ops->close(file->disk, oldest);
    TRY(result);
    *ret_position = head.base;
    return 0;
}

static void file_destroy(struct odds_log_file *file)
{
    if (file->file >= 0)
        file->disk->ops->close(file->disk, file->file);
    if (file->lock_file >= 0)
        file->disk->ops->close(file->disk, file->lock_file);
    if (file->ring != NULL)
        (void)munmap(file->ring, ODDS_LOG_RING_BYTES);
    odds_codec_free(&file->codec);
    pthread_mutex_destroy(&file->lock);
    pthread_cond_destroy(&file->writer_wake);
    pthread_cond_destroy(&file->owner_wake);
    free(file);
}

static void file_free(struct odds_log *log)
{
    struct odds_log_file *file = file_of(log);
    pthread_mutex_lock(&file->lock);
    file->closing = true;
    pthread_cond_signal(&file->writer_wake);
    pthread_mutex_unlock(&file->lock);
    if (has_thread(&file->options))
        pthread_join(file->writer, NULL);
    else if (file->options.stepped)
        odds_log_file_step(log);
    file_destroy(file);
}

void odds_log_file_abandon(struct odds_log *log)
{
    ASSERT(file_of(log)->options.stepped);
    file_destroy(file_of(log));
}

static const struct odds_log_ops file_ops = {
    .append = file_append,
    .take_epoch = file_take_epoch,
    .replay = file_replay,
    .free = file_free,
    .kept_from = file_kept_from,
};

void odds_log_file_stats(struct odds_log *log, struct odds_log_file_stats *ret_stats)
{
    struct odds_log_file *file = file_of(log);
    pthread_mutex_lock(&file->lock);
    *ret_stats = file->stats;
    ret_stats->ring_bytes = file->in - file->out;
    pthread_mutex_unlock(&file->lock);
}

uint64_t odds_log_file_durable(struct odds_log *log)
{
    struct odds_log_file *file = file_of(log);
    pthread_mutex_lock(&file->lock);
    uint64_t position = file->base + file->synced;
    pthread_mutex_unlock(&file->lock);
    return position;
}

uint64_t odds_log_file_begun(struct odds_log *log)
{
    return file_of(log)->base;
}

struct disk *odds_log_file_disk(struct odds_log *log)
{
    return file_of(log)->disk;
}

/* --- Opening --- */

struct opening {
    struct odds_log_file *file;
    struct odds_log_report *report;
    uint64_t count, lowest, highest;
    bool has_epoch;
};

static int corrupt(struct opening *opening, const char *name, const char *problem)
{
    (void)snprintf(opening->report->text, sizeof opening->report->text, "%s: %s", name, problem);
    return -ERR_CORRUPT;
}

static int read_epoch_file(struct disk *disk, struct epoch_file *ret)
{
    struct epoch_file content = {0};
    size_t bytes = 0;
    int result = disk_read_whole(disk, EPOCH_NAME, &content, sizeof content, &bytes);
    if (result == 0 && (bytes != sizeof content || memcmp(content.magic, EPOCH_MAGIC, 8) != 0 ||
                        content.crc != crc32c(0, &content, offsetof(struct epoch_file, crc))))
        result = -ERR_LIMIT;
    *ret = content;
    return result == -ERR_LIMIT ? -ERR_CORRUPT : result;
}

int odds_log_file_epoch(struct disk *disk, uint32_t *ret_epoch)
{
    struct epoch_file content;
    int result = read_epoch_file(disk, &content);
    if (result < 0 && result != -ERR_NOT_FOUND)
        return result;
    *ret_epoch = result == 0 ? content.epoch : 0;
    return 0;
}

static int read_epoch(struct opening *opening)
{
    struct epoch_file content;
    int result = read_epoch_file(opening->file->disk, &content);
    if (result == -ERR_NOT_FOUND)
        return 0;
    if (result == -ERR_CORRUPT)
        return corrupt(opening, EPOCH_NAME, "damaged");
    opening->has_epoch = result == 0;
    opening->file->epoch = content.epoch;
    return result;
}

static int count_segment(void *owner, const char *name)
{
    struct opening *opening = owner;
    struct disk *disk = opening->file->disk;
    uint64_t segment = 0, size = 0;
    int file = -1;
    if (!odds_segment_name_parse(name, &segment))
        return 0;
    TRY(disk->ops->open(disk, name, false, &file));
    int result = disk->ops->size(disk, file, &size);
    disk->ops->close(disk, file);
    opening->file->bytes += size;
    if (opening->count == 0 || segment < opening->lowest)
        opening->lowest = segment;
    if (opening->count == 0 || segment > opening->highest)
        opening->highest = segment;
    opening->count++;
    return result;
}

static int cut_tail(struct opening *opening, int newest, uint64_t segment, uint64_t end,
                    uint64_t size)
{
    struct disk *disk = opening->file->disk;
    opening->report->cut_segment = segment;
    opening->report->cut_offset = end;
    opening->report->cut_bytes = size - end;
    if (opening->file->options.read_only) {
        opening->file->torn = end;
        return 0;
    }
    return disk->ops->truncate(disk, newest, end);
}

/* A process that was killed may have written what it did not sync, and one whose sync failed what
 * the kernel calls clean and the disk does not have: so it is written again. Once there is a
 * segment behind this one, a power failure must not tear it any more. */
static int make_durable(struct disk *disk, int file, uint64_t end)
{
    /* No more than the ring can be unsynced, for the writer stops at its first failure. */
    uint64_t from = end > ODDS_LOG_RING_BYTES ? end - ODDS_LOG_RING_BYTES : 0;
    TRY(odds_segment_rewrite(disk, file, from / DISK_SECTOR * DISK_SECTOR, end));
    return disk->ops->sync(disk, file, DISK_WHY_ODDS);
}

/* *ret_end: the position behind everything in it. -ERR_NOT_FOUND: it never got its head. */
static int recover_newest(struct opening *opening, uint64_t segment, uint64_t *ret_end)
{
    struct disk *disk = opening->file->disk;
    struct odds_segment_head head;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t size = 0, end = 0;
    int newest = -1;
    odds_segment_name(segment, name);
    TRY(disk->ops->open(disk, name, false, &newest));
    int result = odds_segment_read_head(disk, newest, segment, &head);
    if (result == -ERR_CORRUPT)
        (void)corrupt(opening, name, "damaged head");
    if (result >= 0)
        result = disk->ops->size(disk, newest, &size);
    if (result >= 0)
        result = odds_segment_read(&(struct odds_segment_walk){disk, newest, head.base, NULL, NULL},
                                   &end);
    if (result >= 0 && end < size)
        result = cut_tail(opening, newest, segment, end, size);
    if (result >= 0 && !opening->file->options.read_only)
        result = make_durable(disk, newest, end);
    disk->ops->close(disk, newest);
    if (result >= 0)
        *ret_end = head.base + end - sizeof head;
    return result;
}

/* Drops (read only: leaves out) newest files without a head; what stood in them was never synced.
 */
static int find_end(struct opening *opening, uint64_t *ret_end)
{
    *ret_end = 0;
    while (opening->count > 0) {
        char name[DISK_NAME_BYTES_MAX + 1];
        int result = recover_newest(opening, opening->highest, ret_end);
        if (result != -ERR_NOT_FOUND)
            return result;
        odds_segment_name(opening->highest, name);
        if (!opening->file->options.read_only)
            TRY(opening->file->disk->ops->unlink(opening->file->disk, name));
        opening->count--;
        opening->highest--;
    }
    return 0;
}

static int lock(struct opening *opening)
{
    struct odds_log_file *file = opening->file;
    int result = file->disk->ops->lock(file->disk, LOCK_NAME, &file->lock_file);
    if (result < 0)
        (void)snprintf(opening->report->text, sizeof opening->report->text, "%s: %s", LOCK_NAME,
                       result == -ERR_BUSY ? "another process has this log open"
                                           : "cannot be locked");
    return result;
}

/* What is there, found good or refused. */
static int look(struct opening *opening)
{
    struct odds_log_file *file = opening->file;
    TRY(lock(opening));
    TRY(read_epoch(opening));
    TRY(file->disk->ops->list(file->disk, count_segment, opening));
    if (opening->count > 0 && opening->highest - opening->lowest + 1 != opening->count)
        return corrupt(opening, "odds-*.log", "a segment in the middle is missing");
    if (opening->count > 0 && !opening->has_epoch)
        return corrupt(opening, EPOCH_NAME, "missing");
    return 0;
}

static int leave_as_is(struct opening *opening)
{
    struct odds_log_file *file = opening->file;
    uint64_t end = 0;
    if (!opening->has_epoch) {
        (void)corrupt(opening, EPOCH_NAME, "there is no log");
        return -ERR_NOT_FOUND;
    }
    TRY(find_end(opening, &end));
    opening->report->segments = opening->count;
    file->segments_end = opening->count > 0 ? opening->highest + 1 : 0;
    file->segment_first = opening->count > 0 ? opening->lowest : 0;
    return 0;
}

static int recover(struct opening *opening)
{
    struct odds_log_file *file = opening->file;
    uint64_t end = 0;
    TRY(look(opening));
    if (file->options.read_only)
        return leave_as_is(opening);
    if (!opening->has_epoch)
        TRY(write_epoch(file, 0));
    TRY(find_end(opening, &end));
    opening->report->segments = opening->count;
    file->segment_first = opening->count > 0 ? opening->lowest : 0;
    file->segment = opening->count > 0 ? opening->highest + 1 : 0;
    file->base = end + ODDS_LOG_POSITION_GAP;
    if (file->base < file->options.position_min)
        file->base = file->options.position_min;
    file->bytes += sizeof(struct odds_segment_head);
    TRY(odds_segment_create(file->disk, file->segment, file->base, &file->file));
    return keep_within_limit(file);
}

static int start_writer(struct odds_log_file *file)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&file->writer, NULL, write_loop, file) == 0 ? 0 : -ERR_MEMORY;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void init_locks(struct odds_log_file *file)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->writer_wake, &monotonic);
    pthread_cond_init(&file->owner_wake, NULL);
    pthread_condattr_destroy(&monotonic);
}

static int file_new(const struct odds_log_file_options *options, struct disk *disk,
                    struct odds_log_file **ret_file)
{
    struct odds_log_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return -ERR_MEMORY;
    file->log.ops = &file_ops;
    file->options = *options;
    if (file->options.segment_bytes == 0)
        file->options.segment_bytes = ODDS_LOG_SEGMENT_BYTES_DEFAULT;
    if (file->options.sync_us_max <= 0)
        file->options.sync_us_max = US_PER_SECOND;
    file->disk = disk;
    file->file = -1;
    file->lock_file = -1;
    init_locks(file);
    *ret_file = file;
    if (options->read_only)
        return 0;
    void *ring = mmap(NULL, ODDS_LOG_RING_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    file->ring = ring == MAP_FAILED ? NULL : ring;
    int result = odds_codec_new(options->hash_key, &file->codec);
    if (result >= 0 && file->ring != NULL)
        return 0;
    file_destroy(file);
    return -ERR_MEMORY;
}

int odds_log_file_open(const struct odds_log_file_options *options, struct disk *disk,
                       struct odds_log_report *ret_report, struct odds_log **ret_log)
{
    struct odds_log_report report = {0};
    struct opening opening = {.report = &report};
    if (options->segment_bytes != 0 && options->segment_bytes < ODDS_LOG_SEGMENT_BYTES_MIN)
        return -ERR_CONFIG;
    TRY(file_new(options, disk, &opening.file));
    int result = recover(&opening);
    if (result >= 0 && has_thread(options))
        result = start_writer(opening.file);
    if (ret_report != NULL)
        *ret_report = report;
    if (result < 0) {
        file_destroy(opening.file);
        return result;
    }
    *ret_log = &opening.file->log;
    return 0;
}
