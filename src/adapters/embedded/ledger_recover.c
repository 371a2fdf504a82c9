/* ledger_recover.c - opening a ledger store: contract in ledger_store.h.
 *
 * Nothing is changed before everything was read and found good. Then either the torn group is
 * cut, or what was written last is written once more and synced: the process before us may have
 * died, or its sync may have failed, between its write and its durability, and the bytes that we
 * just read and are about to vouch for may stand in the kernel's memory alone.
 *
 * With two directories each segment stands in one of them. Where a segment begins with a failover,
 * the group that was in flight in the other directory is superseded: there it may stand whole, in
 * part or not at all, behind the end that the failover names or in a segment of the same number.
 * The higher epoch is kept, and exactly that is passed over. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapters/embedded/ledger_pair.h"
#include "adapters/embedded/ledger_slip.h"
#include "adapters/embedded/ledger_store.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

#define READ_BYTES    (256 * 1024)
#define LEFTOVERS_MAX 64

enum peek { PEEK_NOTHING = 0, PEEK_BLANK, PEEK_HEAD };

/* A segment as found: in which directory it counts, and what its head says. */
struct found {
    int volume; /* -1: there is none of this number */
    struct ledger_segment_head head;
    uint64_t size;
    bool is_plain;
    bool is_archived; /* all that is known of it is what its slip says */
};

struct recovery {
    struct ledger_store *store;
    struct ledger_report *report;
    struct ledger_reader *reader; /* explains in report->text */
    char *chunk;                  /* READ_BYTES */
    enum ledger_pairing pairing;
    struct {
        bool has_epoch_file;
        uint64_t files; /* named as segments */
    } of[LEDGER_VOLUMES_MAX];
    uint64_t files; /* highest number of a segment, in either directory, and 1 */
    uint64_t epoch_seq_tail;
    bool newest_is_plain;
    /* the segment scanned last */
    uint64_t last_offset; /* of its last group or, without one, of its head */
    uint64_t last_bytes;
    uint64_t extent; /* sectors of a torn group at end_offset */
    uint64_t end_offset;
    struct ledger_scan scan;
    /* Segments that were being prepared when the log went on in the other directory. */
    struct {
        uint64_t segment;
        uint32_t volume;
    } leftovers[LEFTOVERS_MAX];
    size_t leftovers_count;
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

static struct disk *disk_of(const struct recovery *recovery, uint32_t volume)
{
    return recovery->store->volumes.disks[volume];
}

/* --- The epoch files and the directories --- */

static int epoch_wrong(struct recovery *recovery, uint32_t volume, const char *wrong)
{
    return corrupt(recovery, "epoch-%04u%s at byte 0: %s", recovery->store->options.shard,
                   ledger_volume_text(volume), wrong);
}

static int read_epoch(struct recovery *recovery, uint32_t volume)
{
    struct ledger_store *store = recovery->store;
    struct ledger_epoch_head head = {0};
    char name[DISK_NAME_BYTES_MAX + 1];
    size_t bytes = 0;
    ledger_epoch_name(store->options.shard, name);
    int result = disk_read_whole(disk_of(recovery, volume), name, &head, sizeof head, &bytes);
    if (result == -ERR_NOT_FOUND)
        return 0;
    if (result == -ERR_LIMIT || (result == 0 && bytes != sizeof head))
        return epoch_wrong(recovery, volume, "wrong size");
    TRY(result);
    const char *wrong = ledger_epoch_head_wrong(&head);
    if (wrong == NULL && head.shard != store->options.shard)
        wrong = "of another shard";
    if (wrong == NULL && store->creation != 0 && head.creation != store->creation)
        wrong = "of another log";
    if (wrong != NULL)
        return epoch_wrong(recovery, volume, wrong);
    recovery->of[volume].has_epoch_file = true;
    store->creation = head.creation;
    if (head.seq_tail > recovery->epoch_seq_tail)
        recovery->epoch_seq_tail = head.seq_tail;
    if (head.epoch > store->epoch)
        store->epoch = head.epoch; /* the higher one counts */
    return 0;
}

struct listing {
    struct recovery *recovery;
    uint32_t volume;
};

static int count_file(void *owner, const char *name)
{
    const struct listing *listing = owner;
    struct recovery *recovery = listing->recovery;
    uint64_t segment = 0;
    if (!ledger_segment_name_parse(name, recovery->store->options.shard, &segment))
        return 0;
    recovery->of[listing->volume].files++;
    if (segment + 1 > recovery->files)
        recovery->files = segment + 1;
    return 0;
}

static int read_directory(struct recovery *recovery, uint32_t volume)
{
    struct disk *disk = disk_of(recovery, volume);
    struct listing listing = {recovery, volume};
    TRY(read_epoch(recovery, volume));
    TRY(disk->ops->list(disk, count_file, &listing));
    if (recovery->of[volume].files > LEDGER_SEGMENTS_MAX)
        return -ERR_LIMIT;
    if (recovery->of[volume].files > 0 && !recovery->of[volume].has_epoch_file)
        return epoch_wrong(recovery, volume, "the file is missing");
    return 0;
}

static int read_directories(struct recovery *recovery)
{
    for (uint32_t volume = 0; volume < LEDGER_VOLUMES_MAX; volume++)
        if (disk_of(recovery, volume) != NULL)
            TRY(read_directory(recovery, volume));
    if (recovery->pairing != LEDGER_TO_PAIR ||
        (recovery->of[1].files == 0 && !recovery->of[1].has_epoch_file))
        return 0;
    (void)corrupt(recovery, "the second directory holds a log already, and not a part of this one");
    return -ERR_CONFIG;
}

/* --- Finding a segment --- */

static bool groups_are_checked(const struct recovery *recovery, uint64_t segment)
{
    return !recovery->store->options.newest_only || segment + 3 >= recovery->files;
}

static int open_segment(struct recovery *recovery, uint64_t segment, uint32_t volume)
{
    return ledger_reader_open(recovery->reader, &recovery->store->volumes, segment, volume);
}

/* A file without a head is one that was being prepared: it may be short, but holds zeros only. */
static int check_prepared(struct recovery *recovery, uint64_t size)
{
    for (uint64_t offset = 0; offset < size;) {
        size_t got = 0;
        TRY(ledger_reader_read(recovery->reader, offset, recovery->chunk, READ_BYTES, &got));
        if (got == 0)
            break;
        for (size_t at = 0; at < got; at += DISK_SECTOR) {
            size_t bytes = got - at < DISK_SECTOR ? got - at : DISK_SECTOR;
            if (!ledger_all_zero(recovery->chunk + at, bytes))
                return ledger_reader_corrupt(recovery->reader, offset + at,
                                             "no segment head before it");
        }
        offset += got;
    }
    return 0;
}

static const char *other_head(const struct recovery *recovery, uint64_t segment,
                              const struct ledger_segment_head *head)
{
    if (head->shard != recovery->store->options.shard || head->segment != segment)
        return "segment head: of another segment";
    return head->creation == recovery->store->creation ? NULL : "segment head: of another log";
}

/* A segment that is in the archive: a start needs nothing of it but this. */
static int peek_slip(struct recovery *recovery, uint64_t segment, uint32_t volume,
                     struct found *found, enum peek *ret_peek)
{
    struct ledger_slip slip;
    const char *wrong = NULL;
    char name[DISK_NAME_BYTES_MAX + 1];
    int result = ledger_slip_read(disk_of(recovery, volume), recovery->store->options.shard,
                                  segment, &slip, &wrong);
    if (result == -ERR_NOT_FOUND)
        return 0;
    if (result == 0)
        wrong = other_head(recovery, segment, &slip.head);
    ledger_slip_name(recovery->store->options.shard, segment, name);
    if ((result == 0 || result == -ERR_CORRUPT) && wrong != NULL)
        return corrupt(recovery, "%s%s at byte 0: %s", name, ledger_volume_text(volume), wrong);
    *ret_peek = PEEK_HEAD;
    *found = (struct found){(int)volume, slip.head, slip.head.bytes, false, true};
    return result;
}

/* What stands there under this number; a head is checked for itself alone. */
static int peek(struct recovery *recovery, uint64_t segment, uint32_t volume, struct found *found,
                enum peek *ret_peek)
{
    size_t got = 0;
    *ret_peek = PEEK_NOTHING;
    if (disk_of(recovery, volume) == NULL)
        return 0;
    if (!ledger_reader_is_here(&recovery->store->volumes, segment, volume))
        return peek_slip(recovery, segment, volume, found, ret_peek);
    TRY(open_segment(recovery, segment, volume));
    found->volume = (int)volume;
    found->size = ledger_reader_bytes(recovery->reader);
    found->is_plain = !ledger_reader_form(recovery->reader).is_packed;
    found->is_archived = false;
    TRY(ledger_reader_read(recovery->reader, 0, &found->head, sizeof found->head, &got));
    if (got < sizeof found->head || ledger_all_zero(&found->head, sizeof found->head)) {
        *ret_peek = PEEK_BLANK;
        return found->is_plain ? check_prepared(recovery, found->size)
                               : ledger_reader_corrupt(recovery->reader, 0, "no segment head");
    }
    const char *wrong = ledger_segment_head_wrong(&found->head);
    if (wrong == NULL)
        wrong = other_head(recovery, segment, &found->head);
    *ret_peek = PEEK_HEAD;
    return wrong == NULL ? 0 : ledger_reader_corrupt(recovery->reader, 0, wrong);
}

static int scan_superseded(struct recovery *recovery, const struct ledger_place *place,
                           uint64_t offset, const struct found *winner);

/* Both directories hold a segment of this number: the writer hung or failed while it began one, and
 * the log went on in the other. They continue the same place, and the failover is the newer. */
static int pass_over_loser(struct recovery *recovery, uint64_t segment, const struct found *winner,
                           const struct found *loser)
{
    const struct ledger_segment_head *w = &winner->head;
    const struct ledger_segment_head *l = &loser->head;
    TRY(open_segment(recovery, segment, (uint32_t)loser->volume));
    if (w->failover_epoch == 0 || l->failover_epoch != 0)
        return ledger_reader_corrupt(recovery->reader, 0,
                                     "segment head: one of the same number stands in the other "
                                     "directory");
    if (l->group_first != w->group_first || l->seq_first != w->seq_first || l->epoch != w->epoch ||
        l->previous != w->previous)
        return ledger_reader_corrupt(recovery->reader, 0,
                                     "segment head: superseded, but of another place");
    if (loser->size != l->bytes)
        return ledger_reader_corrupt(recovery->reader, 0,
                                     "the file is not as long as its head says");
    const struct ledger_place place = {l->group_first - 1, l->seq_first - 1, l->epoch, l->previous,
                                       (uint32_t)l->creation};
    return groups_are_checked(recovery, segment)
               ? scan_superseded(recovery, &place, DISK_SECTOR, winner)
               : 0;
}

static void keep_leftover(struct recovery *recovery, uint64_t segment, uint32_t volume)
{
    if (recovery->leftovers_count == LEFTOVERS_MAX)
        return; /* the next start takes it */
    recovery->leftovers[recovery->leftovers_count].segment = segment;
    recovery->leftovers[recovery->leftovers_count++].volume = volume;
}

/* The one that counts of this number, or none: then it is the end of the log. volume_before is of
 * the segment before it. */
static int find(struct recovery *recovery, uint64_t segment, int volume_before, struct found *ret)
{
    struct found at[LEDGER_VOLUMES_MAX];
    enum peek peeks[LEDGER_VOLUMES_MAX];
    *ret = (struct found){.volume = -1};
    for (uint32_t volume = 0; volume < LEDGER_VOLUMES_MAX; volume++)
        TRY(peek(recovery, segment, volume, &at[volume], &peeks[volume]));
    bool is_second =
        peeks[0] != PEEK_HEAD || (peeks[1] == PEEK_HEAD && at[1].head.failover_epoch != 0);
    if (peeks[is_second] == PEEK_HEAD)
        *ret = at[is_second];
    if (peeks[0] == PEEK_HEAD && peeks[1] == PEEK_HEAD && volume_before == ret->volume)
        return corrupt_at(recovery, segment, 0, "stands in both directories");
    if (peeks[0] == PEEK_HEAD && peeks[1] == PEEK_HEAD)
        return pass_over_loser(recovery, segment, &at[is_second], &at[!is_second]);
    if (ret->volume >= 0 && peeks[!is_second] == PEEK_BLANK)
        keep_leftover(recovery, segment, !is_second);
    if (ret->volume >= 0 || segment + 1 >= recovery->files)
        return 0;
    return corrupt_at(recovery, segment, 0,
                      peeks[0] == PEEK_BLANK || peeks[1] == PEEK_BLANK ? "no segment head"
                                                                       : "the file is missing");
}

/* --- Its groups --- */

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

/* The open segment from `offset` to `end`, behind `place`. */
static int scan_part(struct recovery *recovery, const struct ledger_place *place, uint64_t offset,
                     uint64_t end)
{
    struct ledger_scan *scan = &recovery->scan;
    ledger_scan_begin(scan, place, offset);
    ledger_scan_into(scan, recovery->store->records, LEDGER_APPEND_BYTES_MAX);
    while (scan->next < end) {
        uint64_t left = end - scan->next;
        size_t bytes = left < READ_BYTES ? (size_t)left : READ_BYTES;
        TRY(ledger_reader_fill(recovery->reader, scan->next, recovery->chunk, bytes));
        TRY(scan_chunk(recovery, bytes));
    }
    if (ledger_scan_end(scan) == LEDGER_SCAN_DAMAGE)
        return ledger_reader_corrupt(recovery->reader, scan->offset, scan->problem);
    return 0;
}

/* Behind the end that a failover names there is the one group that was in flight, of an older
 * epoch, whole or in part or not at all, and nothing else. */
static int scan_superseded(struct recovery *recovery, const struct ledger_place *place,
                           uint64_t offset, const struct found *winner)
{
    const struct ledger_scan *scan = &recovery->scan;
    TRY(scan_part(recovery, place, offset, ledger_reader_bytes(recovery->reader)));
    uint64_t groups = scan->place.group - place->group;
    if (groups > 1 || (groups == 1 && scan->extent > 0))
        return ledger_reader_corrupt(recovery->reader, scan->group_offset,
                                     "group: behind the one that a failover superseded");
    if (groups == 1 && scan->group.epoch >= winner->head.failover_epoch)
        return ledger_reader_corrupt(recovery->reader, offset,
                                     "group head: superseded, but not of an older epoch");
    recovery->report->superseded_groups += groups == 1 || scan->extent > 0;
    return 0;
}

static bool is_failover(const struct found *next)
{
    return next->volume >= 0 && next->head.failover_epoch != 0;
}

static int scan_groups(struct recovery *recovery, uint64_t segment, const struct found *here,
                       const struct found *next)
{
    struct ledger_store *store = recovery->store;
    struct ledger_scan *scan = &recovery->scan;
    uint64_t end = is_failover(next) ? next->head.previous_end : here->size;
    if (end > here->size)
        return corrupt_at(recovery, segment + 1, 0,
                          "segment head: names an end behind the segment before");
    TRY(open_segment(recovery, segment, (uint32_t)here->volume));
    recovery->last_offset = 0;
    recovery->last_bytes = DISK_SECTOR;
    TRY(scan_part(recovery, &store->place, DISK_SECTOR, end));
    store->place = scan->place;
    recovery->end_offset = scan->group_offset;
    recovery->extent = scan->extent;
    if (next->volume >= 0 && scan->extent > 0)
        return ledger_reader_corrupt(recovery->reader, scan->group_offset,
                                     "group: sectors are missing, and later ones were written");
    if (!is_failover(next))
        return 0;
    if (scan->group_offset != end)
        return ledger_reader_corrupt(recovery->reader, scan->group_offset,
                                     "groups are missing before the end that a failover names");
    const struct ledger_place place = store->place;
    return scan_superseded(recovery, &place, end, next);
}

/* Without scanning its groups, the place after a segment is what the next head says. */
static int place_from_next(struct recovery *recovery, uint64_t segment, const struct found *next)
{
    struct ledger_place *place = &recovery->store->place;
    const struct ledger_segment_head *head = &next->head;
    if (head->group_first <= place->group || head->seq_first <= place->seq ||
        head->epoch < place->epoch)
        return corrupt_at(recovery, segment + 1, 0, "segment head: numbers fall");
    place->group = head->group_first - 1;
    place->seq = head->seq_first - 1;
    place->epoch = head->epoch;
    place->previous = head->previous;
    return 0;
}

/* --- One segment after another --- */

static const char *head_in_place_wrong(const struct recovery *recovery, uint64_t segment,
                                       const struct found *here)
{
    const struct ledger_store *store = recovery->store;
    const struct ledger_segment_head *head = &here->head;
    const struct ledger_place *place = &store->place;
    if (head->group_first != place->group + 1)
        return "segment head: gap in the group numbers";
    if (head->seq_first != place->seq + 1)
        return "segment head: gap in the sequence numbers";
    if (head->previous != place->previous || head->epoch != place->epoch)
        return "segment head: does not continue the segment before it";
    if (segment > 0 && head->failover_epoch == 0 &&
        store->segments[segment - 1].volume != (uint64_t)here->volume)
        return "segment head: the segment before it stands in the other directory";
    return NULL;
}

static int take_segment(struct recovery *recovery, uint64_t segment, const struct found *here,
                        const struct found *next)
{
    struct ledger_store *store = recovery->store;
    const struct ledger_segment_head *head = &here->head;
    const char *wrong = head_in_place_wrong(recovery, segment, here);
    if (wrong != NULL && here->is_archived)
        return corrupt_at(recovery, segment, 0, wrong);
    if (here->is_archived && next->volume < 0)
        return corrupt_at(recovery, segment + 1, 0, "the file is missing");
    if (!here->is_archived)
        TRY(open_segment(recovery, segment, (uint32_t)here->volume));
    if (wrong != NULL)
        return ledger_reader_corrupt(recovery->reader, 0, wrong);
    if (head->bytes != here->size)
        return ledger_reader_corrupt(recovery->reader,
                                     here->size < head->bytes ? here->size : head->bytes,
                                     "the file is not as long as its head says");
    if (head->failover_epoch != 0)
        store->place.epoch = head->failover_epoch;
    store->active = (uint32_t)here->volume;
    recovery->newest_is_plain = here->is_plain;
    store->segments[store->segments_count++] =
        (struct ledger_segment){.before = store->place,
                                .bytes = here->size,
                                .volume = (uint64_t)here->volume,
                                .previous_end = head->previous_end};
    if (groups_are_checked(recovery, segment) && !here->is_archived)
        return scan_groups(recovery, segment, here, next);
    if (here->is_archived)
        store->archived_end = segment + 1;
    return place_from_next(recovery, segment, next);
}

static int read_segments(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    struct found here, next;
    store->place = (struct ledger_place){.log = (uint32_t)store->creation};
    TRY(find(recovery, 0, -1, &here));
    for (uint64_t segment = 0; here.volume >= 0; segment++) {
        if (segment == LEDGER_SEGMENTS_MAX)
            return -ERR_LIMIT;
        TRY(find(recovery, segment + 1, here.volume, &next));
        TRY(take_segment(recovery, segment, &here, &next));
        here = next;
    }
    ledger_reader_close(recovery->reader);
    if (store->segments_count == 0 && store->epoch > 0)
        return corrupt_at(recovery, 0, 0, "the file is missing or empty, but the log was in use");
    if (store->segments_count > 0 && !recovery->newest_is_plain) /* it had a successor */
        return corrupt_at(recovery, store->segments_count, 0, "the file is missing");
    if (store->place.epoch > store->epoch)
        return corrupt(recovery, "epoch-%04u at byte 24: older than the log's newest group",
                       store->options.shard);
    if (store->place.seq < recovery->epoch_seq_tail)
        return corrupt_at(recovery, store->segments_count, 0,
                          "the log ends before the sequence number that the epoch file names");
    return 0;
}

static void write_report(struct recovery *recovery)
{
    const struct ledger_store *store = recovery->store;
    struct ledger_report *report = recovery->report;
    report->segments = store->segments_count;
    report->groups = store->place.group;
    report->seq_tail = store->place.seq;
    report->epoch = store->epoch;
    report->volume = store->active;
    if (store->segments_count == 0 || recovery->extent == 0)
        return;
    report->cut_sectors = recovery->extent;
    report->cut_segment = store->segments_count - 1;
    report->cut_offset = recovery->end_offset;
    report->cut_group = store->place.group + 1;
}

/* --- Making it good --- */

static int cut(struct recovery *recovery)
{
    const struct ledger_hand *hand = ledger_store_hand(recovery->store);
    TRY(disk_write_zeros(hand->disk, hand->file, recovery->end_offset,
                         recovery->extent * DISK_SECTOR));
    return hand->disk->ops->sync(hand->disk, hand->file, DISK_WHY_CUT);
}

static int write_last_again(struct recovery *recovery)
{
    const struct ledger_hand *hand = ledger_store_hand(recovery->store);
    struct disk *disk = hand->disk;
    size_t bytes = (size_t)recovery->last_bytes;
    size_t got = 0;
    ASSERT(bytes <= LEDGER_GROUP_SECTORS_MAX * DISK_SECTOR);
    TRY(disk->ops->read(
        disk, (struct disk_piece){hand->file, recovery->last_offset, hand->sectors, bytes}, &got));
    if (got != bytes)
        return -ERR_IO;
    TRY(disk->ops->write(disk, hand->file, recovery->last_offset, hand->sectors, bytes));
    return disk->ops->sync(disk, hand->file, DISK_WHY_RECOVERED);
}

static int random_creation(struct ledger_store *store)
{
    store->creation = store->options.creation;
    while (store->creation == 0)
        if (getrandom(&store->creation, sizeof store->creation, 0) < 0 && errno != EINTR)
            return -ERR_IO;
    return 0;
}

static void tell_hands(struct ledger_store *store)
{
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++) {
        struct ledger_hand *hand = &store->hands[i];
        hand->creation = store->creation;
        hand->tail = (struct ledger_tail){.place = store->place,
                                          .segments_count = store->segments_count,
                                          .offset = store->offset,
                                          .epoch = store->epoch};
    }
}

/* The epoch file first: from then on the log exists, with this id, and a crash at any point of
 * the rest is taken up here again. */
static int create(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    struct ledger_hand *hand = ledger_store_hand(store);
    recovery->report->created = true;
    if (store->creation == 0)
        TRY(random_creation(store));
    store->place = (struct ledger_place){.log = (uint32_t)store->creation};
    tell_hands(store);
    if (!recovery->of[0].has_epoch_file)
        TRY(ledger_hand_write_epoch(hand, 0));
    TRY(ledger_hand_prepare_all(hand));
    TRY(ledger_hand_begin_segment(hand, 0));
    ledger_store_settle(store, APPEND_OK);
    return 0;
}

static int make_good(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    struct ledger_hand *hand = ledger_store_hand(store);
    store->offset = recovery->end_offset;
    tell_hands(store);
    hand->tail.bytes = store->segments[store->segments_count - 1].bytes;
    TRY(ledger_hand_open_newest(hand));
    TRY(recovery->extent > 0 ? cut(recovery) : write_last_again(recovery));
    return ledger_hand_open_direct(hand);
}

/* Only now that the log is known to be whole: none of these is any part of it. */
static void drop_leftovers(struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->leftovers_count; i++) {
        struct disk *disk = disk_of(recovery, recovery->leftovers[i].volume);
        char name[DISK_NAME_BYTES_MAX + 1];
        ledger_segment_name(recovery->store->options.shard, recovery->leftovers[i].segment, name);
        (void)disk->ops->unlink(disk, name);
    }
}

static int lock(struct recovery *recovery, uint32_t volume)
{
    struct ledger_store *store = recovery->store;
    struct disk *disk = disk_of(recovery, volume);
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_lock_name(store->options.shard, name);
    int result = disk->ops->lock(disk, name, &store->lock_files[volume]);
    if (result == -ERR_BUSY)
        (void)corrupt(recovery, "%s%s: another process has this log open", name,
                      ledger_volume_text(volume));
    else if (result < 0)
        (void)corrupt(recovery, "%s%s: cannot be locked: %s", name, ledger_volume_text(volume),
                      error_text(result));
    return result;
}

/* Not a byte is changed: the place where the log ends is all that is taken. */
static int leave_as_is(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    store->offset = recovery->end_offset;
    if (recovery->of[0].has_epoch_file || recovery->of[1].has_epoch_file)
        return 0; /* without a segment: its creator died before anything could be written */
    (void)corrupt(recovery, "epoch-%04u: there is no log", store->options.shard);
    return -ERR_NOT_FOUND;
}

static int read_all(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    for (uint32_t volume = 0; volume < LEDGER_VOLUMES_MAX; volume++)
        if (disk_of(recovery, volume) != NULL && !store->options.unlocked)
            TRY(lock(recovery, volume));
    TRY(ledger_pair_look(&store->volumes, store->options.alone, &recovery->pairing,
                         recovery->report->text));
    TRY(read_directories(recovery));
    if (store->creation != 0)
        TRY(ledger_pair_check(&store->volumes, store->creation, recovery->report->text));
    TRY(read_segments(recovery));
    write_report(recovery);
    return 0;
}

static int recover(struct recovery *recovery)
{
    struct ledger_store *store = recovery->store;
    TRY(read_all(recovery));
    if (store->options.read_only)
        return leave_as_is(recovery);
    TRY(store->segments_count == 0 ? create(recovery) : make_good(recovery));
    store->epoch_taken = store->epoch;
    drop_leftovers(recovery);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++)
        if (store->hands[i].disk != NULL)
            ledger_hand_open_reserve(&store->hands[i]);
    if (recovery->pairing != LEDGER_TO_PAIR)
        return 0;
    recovery->report->paired = true;
    return ledger_pair_make(&store->volumes, store->creation);
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

static int init_hand(struct ledger_store *store, uint32_t volume)
{
    const struct ledger_store_options *options = &store->options;
    struct ledger_hand *hand = &store->hands[volume];
    TRY(ledger_hand_init(hand, store->volumes.disks[volume], volume));
    hand->shard = options->shard;
    hand->segment_bytes = options->segment_bytes;
    hand->free_bytes_min = options->free_bytes_min;
    uint64_t files = (options->reserve_bytes + options->segment_bytes - 1) / options->segment_bytes;
    hand->reserve_wanted =
        files < LEDGER_RESERVE_FILES_MAX ? (uint32_t)files : LEDGER_RESERVE_FILES_MAX;
    return 0;
}

static int store_new(const struct ledger_store_options *options, struct disk *disk,
                     struct ledger_store **ret_store)
{
    struct ledger_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ERR_MEMORY;
    store->options = *options;
    store->volumes =
        (struct ledger_volumes){options->shard, {disk, options->second}, options->archive};
    int error = 0;
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++) {
        store->lock_files[i] = -1;
        if (init_hand(store, i) < 0)
            error = -ERR_MEMORY;
    }
    store->segments = reserve_new(LEDGER_SEGMENTS_MAX, sizeof *store->segments);
    store->records = malloc(LEDGER_APPEND_BYTES_MAX);
    if (error < 0 || store->segments == NULL || store->records == NULL) {
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
