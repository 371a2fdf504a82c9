/* ledger_store.c - contract in ledger_store.h. Opening is in ledger_recover.c.
 *
 * Order of durability, each step synced before the next begins:
 *   zeros of a segment, its name | its head | a group, answered OK | the next group ...
 * so that whatever a crash leaves is a prefix of that order plus unsynced sectors of one step.
 * A failed write or sync is never retried: the kernel may have dropped the pages and marked
 * them clean, and a second sync would report success for bytes that are nowhere. */
#include "adapters/embedded/ledger_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

size_t ledger_store_bytes_max(const struct ledger_store *store)
{
    uint64_t sectors = store->options.segment_bytes / DISK_SECTOR - 1;
    uint64_t room = sectors * LEDGER_PAYLOAD_BYTES - sizeof(struct ledger_group_head);
    return room < LEDGER_APPEND_BYTES_MAX ? (size_t)room : LEDGER_APPEND_BYTES_MAX;
}

/* --- Preparing the next segment --- */

static int prepare_begin(struct ledger_store *store)
{
    if (store->segments_count >= LEDGER_SEGMENTS_MAX)
        return -ERR_NO_SPACE;
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(store->options.shard, store->segments_count, name);
    struct disk *disk = store->disk;
    uint64_t size = 0;
    store->prepare.done = 0;
    TRY(disk->ops->open(disk, name, true, &store->prepare.file));
    TRY(disk->ops->size(disk, store->prepare.file, &size)); /* a left-over of another size */
    if (size > store->options.segment_bytes)
        TRY(disk->ops->truncate(disk, store->prepare.file, store->options.segment_bytes));
    return 0;
}

static int prepare_zeros(struct ledger_store *store)
{
    struct ledger_prepare *prepare = &store->prepare;
    uint64_t bytes = store->options.segment_bytes - prepare->done;
    if (bytes > LEDGER_PREPARE_BYTES)
        bytes = LEDGER_PREPARE_BYTES;
    TRY(disk_write_zeros(store->disk, prepare->file, prepare->done, bytes));
    TRY(store->disk->ops->sync(store->disk, prepare->file, DISK_WHY_SEGMENT_ZEROS));
    prepare->done += bytes;
    if (prepare->done < store->options.segment_bytes)
        return 0;
    TRY(store->disk->ops->sync_directory(store->disk, DISK_WHY_SEGMENT_NAME));
    prepare->ready = true;
    return 0;
}

/* The file holds no byte of the log, so after any failure it is simply made anew. Without its
 * name it also gives its space back, which the operator may need. */
static void prepare_abandon(struct ledger_store *store)
{
    store->stats.prepare_failures++;
    if (store->prepare.file >= 0) {
        char name[DISK_NAME_BYTES_MAX + 1];
        ledger_segment_name(store->options.shard, store->segments_count, name);
        store->disk->ops->close(store->disk, store->prepare.file);
        (void)store->disk->ops->unlink(store->disk, name); /* recovery takes a left-over too */
    }
    store->prepare =
        (struct ledger_prepare){-1, 0, false, store->place.group + LEDGER_PREPARE_RETRY_GROUPS};
}

static int prepare_once(struct ledger_store *store)
{
    int result = store->prepare.file < 0 ? prepare_begin(store) : 0;
    if (result >= 0)
        result = prepare_zeros(store);
    if (result < 0)
        prepare_abandon(store);
    return result;
}

static bool prepare_is_due(const struct ledger_store *store)
{
    const struct ledger_prepare *prepare = &store->prepare;
    return !prepare->ready && !store->stopped && !store->options.read_only &&
           store->place.group >= prepare->retry_group;
}

bool ledger_store_prepare_step(struct ledger_store *store)
{
    if (!prepare_is_due(store))
        return false;
    return prepare_once(store) >= 0 && !store->prepare.ready;
}

bool ledger_store_prepare_late(const struct ledger_store *store)
{
    return prepare_is_due(store) && store->prepare.done < store->offset;
}

int ledger_store_prepare_all(struct ledger_store *store)
{
    while (!store->prepare.ready)
        TRY(prepare_once(store));
    return 0;
}

/* --- Rolling --- */

static int write_segment_head(struct ledger_store *store)
{
    struct ledger_segment_head head = {
        .shard = store->options.shard,
        .segment = store->segments_count,
        .group_first = store->place.group + 1,
        .seq_first = store->place.seq + 1,
        .epoch = store->place.epoch,
        .creation = store->creation,
        .bytes = store->options.segment_bytes,
        .previous = store->place.previous,
    };
    ledger_segment_head_seal(&head);
    int file = store->prepare.file;
    TRY(store->disk->ops->write(store->disk, file, 0, &head, sizeof head));
    return store->disk->ops->sync(store->disk, file, DISK_WHY_SEGMENT_HEADER);
}

/* Measured against pwrite + fdatasync in the same place (bench/bench_log.c): a commit of 64 or 256
 * records takes 1.0 to 1.6 times as long at the median and a third to a half at the 99th
 * percentile, because it waits for nothing but its own blocks while the next segment is being
 * prepared. The tail is what a customer feels. Reader and recovery go through the cache; the
 * kernel keeps the two coherent. */
int ledger_store_open_direct(struct ledger_store *store)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    if (store->direct_file >= 0)
        store->disk->ops->close(store->disk, store->direct_file);
    store->direct_file = -1;
    ledger_segment_name(store->options.shard, store->segments_count - 1, name);
    int result = store->disk->ops->open_direct(store->disk, name, &store->direct_file);
    return result == -ERR_UNSUPPORTED ? 0 : result;
}

int ledger_store_begin_segment(struct ledger_store *store)
{
    ASSERT(store->prepare.ready);
    ASSERT(store->segments_count < LEDGER_SEGMENTS_MAX);
    TRY(write_segment_head(store));
    if (store->file >= 0)
        store->disk->ops->close(store->disk, store->file);
    store->segments[store->segments_count++] =
        (struct ledger_segment){store->place, store->options.segment_bytes, 0};
    store->file = store->prepare.file;
    store->offset = DISK_SECTOR;
    store->prepare = (struct ledger_prepare){-1, 0, false, 0};
    return ledger_store_open_direct(store);
}

static enum append_outcome roll(struct ledger_store *store)
{
    if (!store->prepare.ready)
        store->stats.prepare_waits++;
    if (ledger_store_prepare_all(store) < 0) {
        store->stats.refused++;
        return APPEND_REFUSED; /* not a byte of the log was touched */
    }
    return ledger_store_begin_segment(store) < 0 ? APPEND_UNKNOWN : APPEND_OK;
}

/* --- Commit --- */

static int write_sectors(struct ledger_store *store, size_t bytes)
{
    struct disk *disk = store->disk;
    if (store->direct_file >= 0)
        return disk->ops->write_durable(disk, store->direct_file, store->offset, store->sectors,
                                        bytes);
    TRY(disk->ops->write(disk, store->file, store->offset, store->sectors, bytes));
    return disk->ops->sync(disk, store->file, DISK_WHY_GROUP);
}

static int write_group(struct ledger_store *store, const struct ledger_append *append)
{
    struct ledger_place place = store->place;
    size_t bytes = ledger_group_sectors(append->bytes) * DISK_SECTOR;
    ASSERT(store->offset + bytes <= store->segments[store->segments_count - 1].bytes);
    ledger_group_fill(store->sectors, append, &place);
    TRY(write_sectors(store, bytes));
    store->place = place; /* L2: only now */
    store->offset += bytes;
    store->stats.groups++;
    return 0;
}

enum append_outcome ledger_store_append(struct ledger_store *store,
                                        const struct ledger_append *append)
{
    ASSERT(!store->stopped);
    ASSERT(!store->options.read_only);
    ASSERT(append->bytes <= ledger_store_bytes_max(store));
    if (append->epoch != store->epoch || append->expected_tail != store->place.seq)
        return APPEND_MOVED;
    uint64_t bytes = ledger_group_sectors(append->bytes) * DISK_SECTOR;
    enum append_outcome outcome = APPEND_OK;
    if (store->offset + bytes > store->segments[store->segments_count - 1].bytes)
        outcome = roll(store);
    if (outcome == APPEND_OK && write_group(store, append) < 0)
        outcome = APPEND_UNKNOWN;
    if (outcome == APPEND_UNKNOWN)
        store->stopped = true;
    return outcome;
}

/* --- Epochs --- */

int ledger_store_write_epoch(struct ledger_store *store, uint64_t epoch)
{
    struct ledger_epoch_head head = {
        .shard = store->options.shard,
        .creation = store->creation,
        .epoch = epoch,
        .seq_tail = store->place.seq,
    };
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_epoch_name(store->options.shard, name);
    ledger_epoch_head_seal(&head);
    return disk_replace(store->disk, name, &head, sizeof head);
}

int ledger_store_take_epoch(struct ledger_store *store, uint64_t *ret_epoch)
{
    if (store->options.read_only)
        return -ERR_UNSUPPORTED;
    if (store->stopped)
        return -ERR_STOPPED;
    int result = ledger_store_write_epoch(store, store->epoch + 1);
    if (result < 0) {
        store->stopped = true;
        return result;
    }
    store->epoch++;
    *ret_epoch = store->epoch;
    return 0;
}

void ledger_store_free(struct ledger_store *store)
{
    if (store == NULL)
        return;
    if (store->file >= 0)
        store->disk->ops->close(store->disk, store->file);
    if (store->direct_file >= 0)
        store->disk->ops->close(store->disk, store->direct_file);
    if (store->prepare.file >= 0)
        store->disk->ops->close(store->disk, store->prepare.file);
    if (store->lock_file >= 0)
        store->disk->ops->close(store->disk, store->lock_file);
    free(store->segments);
    free(store->sectors);
    free(store->records);
    free(store);
}
