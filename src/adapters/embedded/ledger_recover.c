/* ledger_recover.c - opening a ledger store: contract in ledger_store.h.
 *
 * Nothing is changed before everything was read and found good. Then either the torn group is
 * cut, or what was written last is written once more and synced: the process before us may have
 * died, or its sync may have failed, between its write and its durability, and the bytes that we
 * just read and are about to vouch for may stand in the kernel's memory alone. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapters/embedded/ledger_store.h"
#include "base/assert.h"
#include "base/error.h"

#define READ_BYTES (256 * 1024)

struct recovery {
    struct ledger_store *store;
    struct ledger_report *report;
    struct ledger_reader *reader; /* explains in report->text */
    char *chunk;                  /* READ_BYTES */
    uint64_t files;               /* segments named in the directory: 0 .. files - 1 */
    uint64_t name_highest;
    uint64_t epoch_seq_tail;
    bool has_epoch_file;
    /* the newest segment with a head */
    uint64_t last_offset; /* of its last group or, without one, of its head */
    uint64_t last_bytes;
    struct ledger_scan scan;
};

__attribute__((format(printf, 2, 3))) static int corrupt(struct recovery *recovery,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(recovery->report->text, sizeof recovery->report->text, format, arguments);
    va_end(arguments);
    return -ERR_CORRUPT;
}

static int corrupt_at(struct recovery *recovery, uint64_t segment, uint64_t offset,
                      const char *problem)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(recovery->store->options.shard, segment, name);
    return corrupt(recovery, "%s at byte %llu: %s", name, (unsigned long long)offset, problem);
}

/* --- The epoch file and the directory --- */

static int read_epoch(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    struct ledger_epoch_head head = {0};
    char name[DISK_NAME_BYTES_MAX + 1];
    size_t bytes = 0;
    ledger_epoch_name(store->options.shard, name);
    int result = disk_read_whole(store->disk, name, &head, sizeof head, &bytes);
    if (result == -ERR_NOT_FOUND)
        return 0;
    if (result == -ERR_LIMIT || (result == 0 && bytes != sizeof head))
        return corrupt(recovery, "%s at byte %zu: wrong size", name, bytes);
    TRY(result);
    const char *wrong = ledger_epoch_head_wrong(&head);
    if (wrong == NULL && head.shard != store->options.shard)
        wrong = "of another shard";
    if (wrong != NULL)
        return corrupt(recovery, "%s at byte 0: %s", name, wrong);
    recovery->has_epoch_file = true;
    recovery->epoch_seq_tail = head.seq_tail;
    store->epoch = head.epoch;
    store->creation = head.creation;
    return 0;
}

static int count_file(void *owner, const char *name)
{
    struct recovery *recovery = owner;
    uint64_t segment = 0;
    if (!ledger_segment_name_parse(name, recovery->store->options.shard, &segment))
        return 0;
    recovery->files++;
    if (segment > recovery->name_highest)
        recovery->name_highest = segment;
    return 0;
}

static int find_missing(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    for (uint64_t segment = 0; segment <= recovery->name_highest; segment++) {
        char name[DISK_NAME_BYTES_MAX + 1];
        int file = -1;
        ledger_segment_name(store->options.shard, segment, name);
        int result = store->disk->ops->open(store->disk, name, false, &file);
        if (result == -ERR_NOT_FOUND)
            return corrupt(recovery, "%s at byte 0: the file is missing", name);
        TRY(result);
        store->disk->ops->close(store->disk, file);
    }
    return 0;
}

static int read_directory(struct recovery *recovery)
{
    struct disk *disk = recovery->store->disk;
    TRY(disk->ops->list(disk, count_file, recovery));
    if (recovery->files > LEDGER_SEGMENTS_MAX)
        return -ERR_LIMIT;
    if (recovery->files > 0 && recovery->name_highest != recovery->files - 1)
        return find_missing(recovery);
    if (recovery->files > 0 && !recovery->has_epoch_file)
        return corrupt(recovery, "epoch-%04u at byte 0: the file is missing",
                       recovery->store->options.shard);
    return 0;
}

/* --- One segment --- */

static const char *head_in_place_wrong(const struct recovery *recovery,
                                       const struct ledger_segment_head *head, uint64_t segment)
{
    const struct ledger_store *store = recovery->store;
    const struct ledger_place *place = &store->place;
    const char *wrong = ledger_segment_head_wrong(head);
    if (wrong != NULL)
        return wrong;
    if (head->shard != store->options.shard || head->segment != segment)
        return "segment head: of another segment";
    if (head->creation != store->creation)
        return "segment head: of another log";
    if (head->group_first != place->group + 1)
        return "segment head: gap in the group numbers";
    if (head->seq_first != place->seq + 1)
        return "segment head: gap in the sequence numbers";
    if (head->previous != place->previous || head->epoch != place->epoch)
        return "segment head: does not continue the segment before it";
    return NULL;
}

static int scan_chunk(struct recovery *recovery, size_t bytes)
{
    struct ledger_scan *scan = &recovery->scan;
    for (size_t at = 0; at < bytes; at += DISK_SECTOR) {
        const void *sector = recovery->chunk + at;
        switch (ledger_scan_sector(scan, sector)) {
        case LEDGER_SCAN_MORE:
            break;
        case LEDGER_SCAN_GROUP:
            recovery->last_offset = recovery->last_offset + recovery->last_bytes;
            recovery->last_bytes = scan->group_offset - recovery->last_offset;
            break;
        case LEDGER_SCAN_DAMAGE:
            return ledger_reader_corrupt(recovery->reader, scan->offset, scan->problem);
        }
    }
    return 0;
}

static int scan_groups(struct recovery *recovery, uint64_t size)
{
    struct ledger_store *store = recovery->store;
    struct ledger_scan *scan = &recovery->scan;
    ledger_scan_begin(scan, &store->place, DISK_SECTOR);
    ledger_scan_into(scan, store->records, LEDGER_APPEND_BYTES_MAX);
    recovery->last_offset = 0;
    recovery->last_bytes = DISK_SECTOR;
    while (scan->next < size) {
        uint64_t left = size - scan->next;
        size_t bytes = left < READ_BYTES ? (size_t)left : READ_BYTES;
        TRY(ledger_reader_fill(recovery->reader, scan->next, recovery->chunk, bytes));
        TRY(scan_chunk(recovery, bytes));
    }
    if (ledger_scan_end(scan) == LEDGER_SCAN_DAMAGE)
        return ledger_reader_corrupt(recovery->reader, scan->offset, scan->problem);
    store->place = scan->place;
    return 0;
}

/* A file without a head is one that was being prepared: it may be short, but holds zeros only. */
static int check_prepared(struct recovery *recovery, uint64_t segment, uint64_t size)
{
    if (segment != recovery->files - 1)
        return corrupt_at(recovery, segment, 0, "no segment head");
    for (uint64_t offset = 0; offset < size;) {
        size_t got = 0;
        TRY(ledger_reader_read(recovery->reader, offset, recovery->chunk, READ_BYTES, &got));
        if (got == 0)
            break;
        for (size_t at = 0; at < got; at += DISK_SECTOR) {
            size_t bytes = got - at < DISK_SECTOR ? got - at : DISK_SECTOR;
            if (!ledger_all_zero(recovery->chunk + at, bytes))
                return corrupt_at(recovery, segment, offset + at, "no segment head before it");
        }
        offset += got;
    }
    return 0;
}

static bool groups_are_checked(const struct recovery *recovery, uint64_t segment)
{
    return !recovery->store->options.newest_only || segment + 3 >= recovery->files;
}

static int open_segment(struct recovery *recovery, uint64_t segment)
{
    return ledger_reader_open(recovery->reader, &recovery->store->volumes, segment, 0);
}

/* Without scanning its groups, the place after a segment is what the next head says. */
static int place_from_next(struct recovery *recovery, uint64_t segment)
{
    struct ledger_store *store = recovery->store;
    struct ledger_segment_head head = {0};
    size_t got = 0;
    TRY(open_segment(recovery, segment + 1));
    TRY(ledger_reader_read(recovery->reader, 0, &head, sizeof head, &got));
    const char *wrong = got < sizeof head ? "no segment head" : ledger_segment_head_wrong(&head);
    if (wrong == NULL && (head.group_first <= store->place.group ||
                          head.seq_first <= store->place.seq || head.epoch < store->place.epoch))
        wrong = "segment head: numbers fall";
    if (wrong != NULL)
        return ledger_reader_corrupt(recovery->reader, 0, wrong);
    store->place.group = head.group_first - 1;
    store->place.seq = head.seq_first - 1;
    store->place.epoch = head.epoch;
    store->place.previous = head.previous;
    return 0;
}

static int take_segment(struct recovery *recovery, uint64_t segment)
{
    struct ledger_store *store = recovery->store;
    struct ledger_segment_head head = {0};
    size_t got = 0;
    TRY(open_segment(recovery, segment));
    uint64_t size = ledger_reader_bytes(recovery->reader);
    TRY(ledger_reader_read(recovery->reader, 0, &head, sizeof head, &got));
    if (got < sizeof head || ledger_all_zero(&head, sizeof head))
        return check_prepared(recovery, segment, size);
    const char *wrong = head_in_place_wrong(recovery, &head, segment);
    if (wrong != NULL)
        return ledger_reader_corrupt(recovery->reader, 0, wrong);
    if (head.bytes != size)
        return ledger_reader_corrupt(recovery->reader, size < head.bytes ? size : head.bytes,
                                     "the file is not as long as its head says");
    if (segment > 0 && recovery->scan.extent > 0)
        return corrupt_at(recovery, segment - 1, recovery->scan.group_offset,
                          "group: sectors are missing, and later ones were written");
    store->segments[store->segments_count++] = (struct ledger_segment){store->place, size, 0};
    if (groups_are_checked(recovery, segment))
        return scan_groups(recovery, size);
    return place_from_next(recovery, segment);
}

/* --- The whole --- */

static int read_segments(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    store->place = (struct ledger_place){.log = (uint32_t)store->creation};
    for (uint64_t segment = 0; segment < recovery->files; segment++)
        TRY(take_segment(recovery, segment));
    ledger_reader_close(recovery->reader);
    if (store->segments_count == 0 && store->epoch > 0)
        return corrupt_at(recovery, 0, 0, "the file is missing or empty, but the log was in use");
    if (store->place.epoch > store->epoch)
        return corrupt(recovery, "epoch-%04u at byte 24: older than the log's newest group",
                       store->options.shard);
    if (store->place.seq < recovery->epoch_seq_tail)
        return corrupt_at(recovery, store->segments_count, 0,
                          "the log ends before the sequence number that the epoch file names");
    return 0;
}

/* The newest segment is a plain file, which groups are added to. */
static int open_newest(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(store->options.shard, store->segments_count - 1, name);
    return store->disk->ops->open(store->disk, name, false, &store->file);
}

static void write_report(struct recovery *recovery)
{
    const struct ledger_store *store = recovery->store;
    struct ledger_report *report = recovery->report;
    report->segments = store->segments_count;
    report->groups = store->place.group;
    report->seq_tail = store->place.seq;
    report->epoch = store->epoch;
    if (store->segments_count == 0 || recovery->scan.extent == 0)
        return;
    report->cut_sectors = recovery->scan.extent;
    report->cut_segment = store->segments_count - 1;
    report->cut_offset = recovery->scan.group_offset;
    report->cut_group = store->place.group + 1;
}

static int cut(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    TRY(disk_write_zeros(store->disk, store->file, recovery->scan.group_offset,
                         recovery->scan.extent * DISK_SECTOR));
    return store->disk->ops->sync(store->disk, store->file, DISK_WHY_CUT);
}

static int write_last_again(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    struct disk *disk = store->disk;
    size_t bytes = (size_t)recovery->last_bytes;
    size_t got = 0;
    ASSERT(bytes <= LEDGER_GROUP_SECTORS_MAX * DISK_SECTOR);
    TRY(disk->ops->read(
        disk, (struct disk_piece){store->file, recovery->last_offset, store->sectors, bytes},
        &got));
    if (got != bytes)
        return -ERR_IO;
    TRY(disk->ops->write(disk, store->file, recovery->last_offset, store->sectors, bytes));
    return disk->ops->sync(disk, store->file, DISK_WHY_RECOVERED);
}

static int random_creation(struct ledger_store *store)
{
    store->creation = store->options.creation;
    while (store->creation == 0)
        if (getrandom(&store->creation, sizeof store->creation, 0) < 0 && errno != EINTR)
            return -ERR_IO;
    return 0;
}

/* The epoch file first: from then on the log exists, with this id, and a crash at any point of
 * the rest is taken up here again. */
static int create(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    recovery->report->created = true;
    if (!recovery->has_epoch_file) {
        TRY(random_creation(store));
        TRY(ledger_store_write_epoch(store, 0));
    }
    store->place = (struct ledger_place){.log = (uint32_t)store->creation};
    TRY(ledger_store_prepare_all(store));
    return ledger_store_begin_segment(store);
}

static int lock(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_lock_name(store->options.shard, name);
    int result = store->disk->ops->lock(store->disk, name, &store->lock_file);
    if (result == -ERR_BUSY)
        (void)corrupt(recovery, "%s: another process has this log open", name);
    else if (result < 0)
        (void)corrupt(recovery, "%s: cannot be locked: %s", name, error_text(result));
    return result;
}

/* Not a byte is changed: the place where the log ends is all that is taken. */
static int leave_as_is(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    store->offset = recovery->scan.group_offset;
    if (recovery->has_epoch_file)
        return 0; /* without a segment: its creator died before anything could be written */
    (void)corrupt(recovery, "epoch-%04u: there is no log", store->options.shard);
    return -ERR_NOT_FOUND;
}

static int recover(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    TRY(lock(recovery));
    TRY(read_epoch(recovery));
    TRY(read_directory(recovery));
    TRY(read_segments(recovery));
    write_report(recovery);
    if (store->options.read_only)
        return leave_as_is(recovery);
    if (store->segments_count == 0)
        return create(recovery);
    store->offset = recovery->scan.group_offset;
    TRY(open_newest(recovery));
    TRY(recovery->scan.extent > 0 ? cut(recovery) : write_last_again(recovery));
    return ledger_store_open_direct(store);
}

static int options_check(struct ledger_store_options *options)
{
    if (options->segment_bytes == 0)
        options->segment_bytes = LEDGER_SEGMENT_BYTES_DEFAULT;
    if (options->segment_bytes % DISK_SECTOR != 0)
        return -ERR_CONFIG;
    if (options->segment_bytes < LEDGER_SEGMENT_BYTES_MIN ||
        options->segment_bytes > LEDGER_SEGMENT_BYTES_MAX)
        return -ERR_CONFIG;
    return options->shard <= 9999 ? 0 : -ERR_CONFIG;
}

static int store_new(const struct ledger_store_options *options, struct disk *disk,
                     struct ledger_store **ret_store)
{
    struct ledger_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ERR_MEMORY;
    store->options = *options;
    store->disk = disk;
    store->volumes = (struct ledger_volumes){options->shard, {disk}};
    store->file = -1;
    store->direct_file = -1;
    store->lock_file = -1;
    store->prepare.file = -1;
    store->segments = calloc(LEDGER_SEGMENTS_MAX, sizeof *store->segments);
    size_t sectors_bytes = LEDGER_GROUP_SECTORS_MAX * DISK_SECTOR;
    sectors_bytes += DISK_DIRECT_ALIGNMENT - sectors_bytes % DISK_DIRECT_ALIGNMENT;
    store->sectors = aligned_alloc(DISK_DIRECT_ALIGNMENT, sectors_bytes);
    store->records = malloc(LEDGER_APPEND_BYTES_MAX);
    if (store->segments == NULL || store->sectors == NULL || store->records == NULL) {
        ledger_store_free(store);
        return -ERR_MEMORY;
    }
    *ret_store = store;
    return 0;
}

static int recovery_new(struct recovery *recovery)
{
    recovery->chunk = malloc(READ_BYTES);
    return recovery->chunk == NULL ? -ERR_MEMORY
                                   : ledger_reader_new(recovery->report->text, &recovery->reader);
}

int ledger_store_open(const struct ledger_store_options *options, struct disk *disk,
                      struct ledger_report *report, struct ledger_store **ret_store)
{
    struct ledger_store_options checked = *options;
    struct recovery recovery = {.report = report};
    *report = (struct ledger_report){0};
    TRY(options_check(&checked));
    TRY(store_new(&checked, disk, &recovery.store));
    int result = recovery_new(&recovery);
    if (result == 0)
        result = recover(&recovery);
    ledger_reader_free(recovery.reader);
    free(recovery.chunk);
    if (result < 0) {
        ledger_store_free(recovery.store);
        return result;
    }
    *ret_store = recovery.store;
    return 0;
}
