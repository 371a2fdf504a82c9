/* ledger_hand.c - contract in ledger_hand.h.
 *
 * Order of durability, each step synced before the next begins:
 *   zeros of a segment, its name | its head | a group, answered OK | the next group ...
 *   at a failover, before these: the epoch file on the volume that takes over
 * so that whatever a crash leaves is a prefix of that order plus unsynced sectors of one step.
 * A failed write or sync is never retried: the kernel may have dropped the pages and marked
 * them clean, and a second sync would report success for bytes that are nowhere. */
#include "adapters/embedded/ledger_hand.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"

static struct ledger_sector *sectors_new(void)
{
    size_t bytes = LEDGER_GROUP_SECTORS_MAX * DISK_SECTOR;
    bytes += DISK_DIRECT_ALIGNMENT - bytes % DISK_DIRECT_ALIGNMENT;
    return aligned_alloc(DISK_DIRECT_ALIGNMENT, bytes);
}

int ledger_hand_init(struct ledger_hand *hand, struct disk *disk, uint32_t volume)
{
    *hand = (struct ledger_hand){
        .disk = disk, .volume = volume, .file = -1, .direct_file = -1, .prepare = {.file = -1}};
    if (disk == NULL)
        return 0;
    hand->sectors = sectors_new();
    return hand->sectors == NULL ? -ERR_MEMORY : 0;
}

static void close_file(struct ledger_hand *hand, int *file)
{
    if (*file >= 0)
        hand->disk->ops->close(hand->disk, *file);
    *file = -1;
}

void ledger_hand_rest(struct ledger_hand *hand)
{
    close_file(hand, &hand->file);
    close_file(hand, &hand->direct_file);
    close_file(hand, &hand->prepare.file);
    hand->prepare = (struct ledger_prepare){.file = -1};
    hand->has_begun = false;
    hand->stats = (struct ledger_store_stats){0};
}

void ledger_hand_done(struct ledger_hand *hand)
{
    if (hand->disk != NULL)
        ledger_hand_rest(hand);
    free(hand->sectors);
    hand->sectors = NULL;
}

void ledger_hand_give_up(struct ledger_hand *hand)
{
    __atomic_store_n(&hand->given_up, 1, __ATOMIC_RELEASE);
}

/* Asked before each operation: somebody else may have gone on meanwhile. */
static int may(const struct ledger_hand *hand)
{
    return __atomic_load_n(&hand->given_up, __ATOMIC_ACQUIRE) != 0 ? -ERR_STOPPED : 0;
}

/* --- Preparing the next segment --- */

static int prepare_begin(struct ledger_hand *hand)
{
    if (hand->tail.segments_count >= LEDGER_SEGMENTS_MAX)
        return -ERR_NO_SPACE;
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(hand->shard, hand->tail.segments_count, name);
    struct disk *disk = hand->disk;
    uint64_t size = 0;
    hand->prepare.done = 0;
    TRY(disk->ops->open(disk, name, true, &hand->prepare.file));
    TRY(disk->ops->size(disk, hand->prepare.file, &size)); /* a left-over of another size */
    if (size > hand->segment_bytes)
        TRY(disk->ops->truncate(disk, hand->prepare.file, hand->segment_bytes));
    return 0;
}

static int prepare_zeros(struct ledger_hand *hand)
{
    struct ledger_prepare *prepare = &hand->prepare;
    uint64_t bytes = hand->segment_bytes - prepare->done;
    if (bytes > LEDGER_PREPARE_BYTES)
        bytes = LEDGER_PREPARE_BYTES;
    TRY(may(hand));
    TRY(disk_write_zeros(hand->disk, prepare->file, prepare->done, bytes));
    TRY(may(hand));
    TRY(hand->disk->ops->sync(hand->disk, prepare->file, DISK_WHY_SEGMENT_ZEROS));
    prepare->done += bytes;
    if (prepare->done < hand->segment_bytes)
        return 0;
    TRY(may(hand));
    TRY(hand->disk->ops->sync_directory(hand->disk, DISK_WHY_SEGMENT_NAME));
    prepare->ready = true;
    return 0;
}

/* The file holds no byte of the log, so after any failure it is simply made anew. Without its
 * name it also gives its space back, which the operator may need. */
static void prepare_abandon(struct ledger_hand *hand)
{
    hand->stats.prepare_failures++;
    if (hand->prepare.file >= 0 && may(hand) == 0) {
        char name[DISK_NAME_BYTES_MAX + 1];
        ledger_segment_name(hand->shard, hand->tail.segments_count, name);
        close_file(hand, &hand->prepare.file);
        (void)hand->disk->ops->unlink(hand->disk, name); /* recovery takes a left-over too */
    }
    hand->prepare = (struct ledger_prepare){hand->prepare.file, 0, false,
                                            hand->tail.place.group + LEDGER_PREPARE_RETRY_GROUPS};
}

static int prepare_once(struct ledger_hand *hand)
{
    int result = may(hand);
    if (result >= 0 && hand->prepare.file < 0)
        result = prepare_begin(hand);
    if (result >= 0)
        result = prepare_zeros(hand);
    if (result < 0)
        prepare_abandon(hand);
    return result;
}

static bool prepare_is_due(const struct ledger_hand *hand)
{
    const struct ledger_prepare *prepare = &hand->prepare;
    return !prepare->ready && !hand->failed && hand->tail.place.group >= prepare->retry_group;
}

bool ledger_hand_prepare_step(struct ledger_hand *hand)
{
    if (!prepare_is_due(hand))
        return false;
    return prepare_once(hand) >= 0 && !hand->prepare.ready;
}

bool ledger_hand_prepare_late(const struct ledger_hand *hand)
{
    return prepare_is_due(hand) && hand->prepare.done < hand->tail.offset;
}

int ledger_hand_prepare_all(struct ledger_hand *hand)
{
    while (!hand->prepare.ready)
        TRY(prepare_once(hand));
    return 0;
}

/* --- The reserve --- */

static int reserve_make(struct ledger_hand *hand, uint32_t number)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    int file = -1;
    ledger_reserve_name(hand->shard, number, name);
    TRY(hand->disk->ops->open(hand->disk, name, true, &file));
    int result = hand->disk->ops->truncate(hand->disk, file, 0);
    if (result >= 0)
        result = hand->disk->ops->allocate(hand->disk, file, hand->segment_bytes);
    hand->disk->ops->close(hand->disk, file);
    if (result < 0)
        (void)hand->disk->ops->unlink(hand->disk, name);
    return result;
}

static bool reserve_is_there(struct ledger_hand *hand, uint32_t number)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes = 0;
    int file = -1;
    ledger_reserve_name(hand->shard, number, name);
    if (hand->disk->ops->open(hand->disk, name, false, &file) < 0)
        return false;
    int result = hand->disk->ops->size(hand->disk, file, &bytes);
    hand->disk->ops->close(hand->disk, file);
    if (result >= 0 && bytes == hand->segment_bytes)
        return true;
    (void)hand->disk->ops->unlink(hand->disk, name);
    return false;
}

/* Nothing rests on a reserve being there, so a failure is no error here: what is missing is missing
 * in `reserve`, and made when there is space. */
void ledger_hand_open_reserve(struct ledger_hand *hand)
{
    while (hand->reserve < LEDGER_RESERVE_FILES_MAX && reserve_is_there(hand, hand->reserve))
        hand->reserve++;
    while (hand->reserve > hand->reserve_wanted) {
        char name[DISK_NAME_BYTES_MAX + 1];
        ledger_reserve_name(hand->shard, --hand->reserve, name);
        (void)hand->disk->ops->unlink(hand->disk, name);
    }
    for (uint32_t i = hand->reserve; i <= hand->reserve_wanted; i++)
        ledger_hand_look(hand);
}

/* A sync is not asked twice: this file is none that a segment could be made of. */
static void reserve_drop(struct ledger_hand *hand, const char *name)
{
    if (may(hand) < 0)
        return;
    (void)hand->disk->ops->unlink(hand->disk, name);
    hand->reserve--;
}

/* As in prepare_zeros, length and name are durable before the head is written. */
static int reserve_rename(struct ledger_hand *hand, const char *from, const char *to)
{
    struct disk *disk = hand->disk;
    TRY(may(hand));
    TRY(disk->ops->open(disk, from, false, &hand->prepare.file));
    int result = disk->ops->sync(disk, hand->prepare.file, DISK_WHY_SEGMENT_ZEROS);
    if (result < 0) {
        reserve_drop(hand, from);
        return result;
    }
    TRY(may(hand));
    TRY(disk->ops->rename(disk, from, to));
    hand->reserve--;
    TRY(may(hand));
    return disk->ops->sync_directory(disk, DISK_WHY_SEGMENT_NAME);
}

static int reserve_take(struct ledger_hand *hand)
{
    char from[DISK_NAME_BYTES_MAX + 1], to[DISK_NAME_BYTES_MAX + 1];
    if (hand->reserve == 0 || hand->tail.segments_count >= LEDGER_SEGMENTS_MAX)
        return -ERR_NO_SPACE;
    ledger_reserve_name(hand->shard, hand->reserve - 1, from);
    ledger_segment_name(hand->shard, hand->tail.segments_count, to);
    close_file(hand, &hand->prepare.file);
    hand->prepare = (struct ledger_prepare){.file = -1};
    int result = reserve_rename(hand, from, to);
    if (result < 0) {
        close_file(hand, &hand->prepare.file); /* it may not have the name of a segment */
        return result;
    }
    hand->prepare.done = hand->segment_bytes;
    hand->prepare.ready = true;
    return 0;
}

void ledger_hand_look(struct ledger_hand *hand)
{
    uint64_t need = hand->free_bytes_min + hand->segment_bytes;
    if (may(hand) < 0 || hand->disk->ops->free_bytes(hand->disk, &hand->free_bytes) < 0)
        return;
    bool roomy = hand->free_bytes >= need;
    bool full = hand->free_bytes < hand->free_bytes_min;
    if (hand->reserve < hand->reserve_wanted) {
        bool made = roomy && may(hand) == 0 && reserve_make(hand, hand->reserve) >= 0;
        hand->reserve += made;
        full = full || !made;
    }
    /* A segment that could not be prepared is tried again as soon as there may be space. */
    if (roomy && hand->prepare.retry_group > hand->tail.place.group)
        hand->prepare.retry_group = 0;
    hand->full = full;
}

/* --- Rolling --- */

static int write_segment_head(struct ledger_hand *hand, uint64_t failover_epoch)
{
    const struct ledger_tail *tail = &hand->tail;
    struct ledger_segment_head head = {
        .shard = hand->shard,
        .segment = tail->segments_count,
        .group_first = tail->place.group + 1,
        .seq_first = tail->place.seq + 1,
        .epoch = tail->place.epoch,
        .creation = hand->creation,
        .bytes = hand->segment_bytes,
        .previous = tail->place.previous,
        .failover_epoch = failover_epoch,
        .previous_end = failover_epoch != 0 ? tail->offset : 0,
    };
    ledger_segment_head_seal(&head);
    int file = hand->prepare.file;
    TRY(may(hand));
    TRY(hand->disk->ops->write(hand->disk, file, 0, &head, sizeof head));
    TRY(may(hand));
    return hand->disk->ops->sync(hand->disk, file, DISK_WHY_SEGMENT_HEADER);
}

int ledger_hand_open_newest(struct ledger_hand *hand)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(hand->shard, hand->tail.segments_count - 1, name);
    return hand->disk->ops->open(hand->disk, name, false, &hand->file);
}

/* Measured against pwrite + fdatasync in the same place (bench/bench_log.c): a commit of 64 or 256
 * records takes 1.0 to 1.6 times as long at the median and a third to a half at the 99th
 * percentile, because it waits for nothing but its own blocks while the next segment is being
 * prepared. The tail is what a customer feels. Reader and recovery go through the cache; the
 * kernel keeps the two coherent. */
int ledger_hand_open_direct(struct ledger_hand *hand)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    close_file(hand, &hand->direct_file);
    ledger_segment_name(hand->shard, hand->tail.segments_count - 1, name);
    TRY(may(hand));
    int result = hand->disk->ops->open_direct(hand->disk, name, &hand->direct_file);
    return result == -ERR_UNSUPPORTED ? 0 : result;
}

int ledger_hand_begin_segment(struct ledger_hand *hand, uint64_t failover_epoch)
{
    struct ledger_tail *tail = &hand->tail;
    ASSERT(hand->prepare.ready);
    ASSERT(tail->segments_count < LEDGER_SEGMENTS_MAX);
    ASSERT(!hand->has_begun); /* the one before was settled */
    TRY(write_segment_head(hand, failover_epoch));
    close_file(hand, &hand->file);
    if (failover_epoch != 0)
        tail->place.epoch = failover_epoch;
    hand->begun = (struct ledger_segment){
        .before = tail->place,
        .bytes = hand->segment_bytes,
        .volume = hand->volume,
        .previous_end = failover_epoch != 0 ? tail->offset : 0,
    };
    hand->has_begun = true;
    hand->file = hand->prepare.file;
    hand->prepare = (struct ledger_prepare){.file = -1};
    tail->segments_count++;
    tail->offset = DISK_SECTOR;
    tail->bytes = hand->segment_bytes;
    return ledger_hand_open_direct(hand);
}

static enum append_outcome refuse(struct ledger_hand *hand, int error)
{
    hand->stats.refused++;
    hand->full = hand->full || error == -ERR_NO_SPACE;
    hand->error = error;
    return APPEND_REFUSED; /* not a byte of the log was touched */
}

static enum append_outcome lose_track(struct ledger_hand *hand, int error)
{
    hand->error = error;
    hand->failed = hand->failed || error != -ERR_STOPPED;
    return APPEND_UNKNOWN;
}

static enum append_outcome roll(struct ledger_hand *hand)
{
    if (!hand->prepare.ready)
        hand->stats.prepare_waits++;
    int error = ledger_hand_prepare_all(hand);
    if (error == -ERR_NO_SPACE && hand->reserve > 0) {
        error = reserve_take(hand);
        hand->stats.reserve_used += error == 0;
        hand->full = true;
    }
    if (error < 0)
        return refuse(hand, error);
    error = ledger_hand_begin_segment(hand, 0);
    return error < 0 ? lose_track(hand, error) : APPEND_OK;
}

/* --- Commit --- */

static int write_sectors(struct ledger_hand *hand, size_t bytes)
{
    struct disk *disk = hand->disk;
    uint64_t offset = hand->tail.offset;
    TRY(may(hand));
    if (hand->direct_file >= 0)
        return disk->ops->write_durable(disk, hand->direct_file, offset, hand->sectors, bytes);
    TRY(disk->ops->write(disk, hand->file, offset, hand->sectors, bytes));
    TRY(may(hand));
    return disk->ops->sync(disk, hand->file, DISK_WHY_GROUP);
}

/* L6: whoever is stopped, or waits for a segment or for the other directory, may be so until the
 * prices do not hold any more. Nothing stands between this look and the write. */
static bool is_late(const struct ledger_hand *hand)
{
    return hand->laid_until_us != 0 && clock_us(CLOCK_MONOTONIC) > hand->laid_until_us;
}

void ledger_hand_lay(struct ledger_hand *hand, const struct ledger_append *append)
{
    struct ledger_append group = *append;
    hand->laid = hand->tail.place;
    hand->laid_bytes = ledger_group_sectors(append->bytes) * DISK_SECTOR;
    hand->laid_until_us = append->until_us;
    group.epoch = hand->tail.epoch; /* a failover has raised what the writer took */
    ledger_group_fill(hand->sectors, &group, &hand->laid);
}

enum append_outcome ledger_hand_write(struct ledger_hand *hand)
{
    size_t bytes = hand->laid_bytes;
    enum append_outcome outcome = APPEND_OK;
    if (hand->tail.offset + bytes > hand->tail.bytes)
        outcome = roll(hand);
    if (outcome != APPEND_OK)
        return outcome;
    ASSERT(hand->tail.offset + bytes <= hand->tail.bytes);
    if (is_late(hand))
        return APPEND_LATE;
    int error = write_sectors(hand, bytes);
    if (error < 0)
        return lose_track(hand, error);
    hand->tail.place = hand->laid; /* L2: only now */
    hand->tail.offset += bytes;
    hand->stats.groups++;
    return APPEND_OK;
}

enum append_outcome ledger_hand_append(struct ledger_hand *hand, const struct ledger_append *append)
{
    ledger_hand_lay(hand, append);
    return ledger_hand_write(hand);
}

/* --- Epochs and failover --- */

int ledger_hand_write_epoch(struct ledger_hand *hand, uint64_t epoch)
{
    struct ledger_epoch_head head = {
        .shard = hand->shard,
        .creation = hand->creation,
        .epoch = epoch,
        .seq_tail = hand->tail.place.seq,
    };
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_epoch_name(hand->shard, name);
    ledger_epoch_head_seal(&head);
    TRY(may(hand));
    return disk_replace(hand->disk, name, &head, sizeof head);
}

/* The reserve first: a segment that is there already is what makes a failover quick. */
static int prepare_now(struct ledger_hand *hand)
{
    int error = reserve_take(hand);
    return error == 0 ? 0 : ledger_hand_prepare_all(hand);
}

int ledger_hand_take_over(struct ledger_hand *hand, const struct ledger_tail *tail)
{
    ASSERT(hand->file < 0);
    hand->tail = *tail;
    hand->tail.epoch++;
    int error = ledger_hand_write_epoch(hand, hand->tail.epoch);
    if (error >= 0)
        error = prepare_now(hand);
    if (error >= 0)
        error = ledger_hand_begin_segment(hand, hand->tail.epoch);
    hand->failed = error < 0;
    hand->error = error;
    hand->stats.failovers += error >= 0;
    return error;
}
