/* ledger_lookup.c - contract in ledger_lookup.h.
 *
 * An index entry is a place from which the scanner can go on with all its checks, so a read
 * verifies every checksum between the entry and the records it wants. */
#include "adapters/embedded/ledger_lookup.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_scan.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/record.h"

#define READ_BYTES (64u << 10)

struct entry {
    struct ledger_place place; /* before the group at `offset` */
    uint64_t offset;
};

struct segment_index {
    bool used;
    uint64_t segment;
    uint64_t used_last;      /* for eviction */
    struct ledger_place end; /* how far it was indexed */
    uint64_t end_offset;
    uint64_t step; /* bytes of log per entry */
    size_t count;
    struct entry entries[LEDGER_INDEX_ENTRIES_MAX];
};

struct ledger_lookup {
    struct segment_index indexes[LEDGER_INDEX_SEGMENTS];
    uint64_t clock;
    uint64_t built;
    struct ledger_reader *reader;
    char *chunk;
    char *records; /* of the group being gathered */
    char text[LEDGER_REPORT_TEXT_BYTES];
};

/* One walk over groups of a segment, from an entry to wherever `take` says. */
struct walk {
    struct ledger_lookup *lookup;
    const struct ledger_view *view;
    uint64_t segment;
    struct ledger_scan scan;
    /* Called after each group, its records in scan.records; > 0 ends the walk. */
    int (*take)(struct walk *walk);
    struct segment_index *index;
    const struct ledger_read *read;
    size_t bytes; /* copied so far */
    uint64_t seq_next;
};

static int corrupt_at(struct walk *walk, uint64_t offset, const char *problem)
{
    return ledger_reader_corrupt(walk->lookup->reader, offset, problem);
}

static int walk_chunk(struct walk *walk, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += DISK_SECTOR) {
        const void *sector = walk->lookup->chunk + at;
        int result = 0;
        switch (ledger_scan_sector(&walk->scan, sector)) {
        case LEDGER_SCAN_MORE:
            break;
        case LEDGER_SCAN_GROUP:
            result = walk->take(walk);
            break;
        case LEDGER_SCAN_DAMAGE:
            result = corrupt_at(walk, walk->scan.offset, walk->scan.problem);
            break;
        }
        if (result != 0)
            return result;
    }
    return 0;
}

/* 1 when `take` ended it, 0 at the durable end of the segment. */
static int walk_file(struct walk *walk, uint64_t end)
{
    while (walk->scan.next < end) {
        uint64_t left = end - walk->scan.next;
        size_t bytes = left < READ_BYTES ? (size_t)left : READ_BYTES;
        TRY(ledger_reader_fill(walk->lookup->reader, walk->scan.next, walk->lookup->chunk, bytes));
        int result = walk_chunk(walk, bytes);
        if (result != 0)
            return result;
    }
    return 0;
}

static int walk_from(struct walk *walk, const struct ledger_place *place, uint64_t offset)
{
    struct ledger_reader *reader = walk->lookup->reader;
    struct ledger_place end;
    TRY(ledger_view_open(walk->view, walk->segment, reader));
    ledger_scan_begin(&walk->scan, place, offset);
    ledger_scan_into(&walk->scan, walk->lookup->records, LEDGER_APPEND_BYTES_MAX);
    int result = walk_file(walk, ledger_view_end(walk->view, walk->segment, &end));
    ledger_reader_close(reader);
    return result;
}

/* --- The index --- */

static void add_entry(struct segment_index *index, const struct ledger_place *place,
                      uint64_t offset)
{
    ASSERT(index->count < LEDGER_INDEX_ENTRIES_MAX);
    index->entries[index->count++] = (struct entry){*place, offset};
}

static int index_group(struct walk *walk)
{
    struct segment_index *index = walk->index;
    const struct ledger_scan *scan = &walk->scan;
    index->end = scan->place;
    index->end_offset = scan->group_offset;
    uint64_t last = index->entries[index->count - 1].offset;
    if (scan->group_offset - last >= index->step)
        add_entry(index, &scan->place, scan->group_offset);
    return 0;
}

static struct segment_index *choose_slot(struct ledger_lookup *lookup, uint64_t segment)
{
    struct segment_index *oldest = &lookup->indexes[0];
    for (size_t i = 0; i < LEDGER_INDEX_SEGMENTS; i++) {
        struct segment_index *index = &lookup->indexes[i];
        if (index->used && index->segment == segment)
            return index;
        if (!index->used || (oldest->used && index->used_last < oldest->used_last))
            oldest = index;
    }
    return oldest;
}

static void begin_index(struct segment_index *index, const struct ledger_view *view,
                        uint64_t segment)
{
    const struct ledger_segment *of = &view->segments[segment];
    index->used = true;
    index->segment = segment;
    index->end = of->before;
    index->end_offset = DISK_SECTOR;
    index->count = 0;
    index->step = of->bytes / (LEDGER_INDEX_ENTRIES_MAX - 2);
    if (index->step < LEDGER_INDEX_STEP_BYTES)
        index->step = LEDGER_INDEX_STEP_BYTES;
    add_entry(index, &of->before, DISK_SECTOR);
}

/* Indexes what was appended to the segment since the last time, up to `seq_tail`. */
static int extend_index(struct ledger_lookup *lookup, const struct ledger_view *view,
                        struct segment_index *index, uint64_t seq_tail)
{
    struct walk walk = {.lookup = lookup,
                        .view = view,
                        .segment = index->segment,
                        .take = index_group,
                        .index = index};
    struct ledger_place from = index->end;
    TRY(walk_from(&walk, &from, index->end_offset));
    if (index->end.seq < seq_tail)
        return corrupt_at(&walk, index->end_offset, "groups are missing");
    return 0;
}

/* The segment's index, complete up to the durable end as of the view. */
static int find_index(struct ledger_lookup *lookup, const struct ledger_view *view,
                      uint64_t segment, struct segment_index **ret_index)
{
    struct segment_index *index = choose_slot(lookup, segment);
    if (!index->used || index->segment != segment) {
        begin_index(index, view, segment);
        lookup->built++;
    }
    index->used_last = ++lookup->clock;
    struct ledger_place end;
    (void)ledger_view_end(view, segment, &end);
    if (index->end.seq < end.seq)
        TRY(extend_index(lookup, view, index, end.seq));
    *ret_index = index;
    return 0;
}

static const struct entry *find_entry(const struct segment_index *index, uint64_t seq)
{
    size_t low = 0;
    size_t high = index->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (index->entries[middle].place.seq < seq)
            low = middle;
        else
            high = middle;
    }
    return &index->entries[low];
}

/* --- Reading --- */

static int copy_record(struct walk *walk, const char *record, uint32_t bytes)
{
    if (walk->read->capacity - walk->bytes < bytes)
        return -ERR_LIMIT;
    memcpy(walk->read->memory + walk->bytes, record, bytes);
    walk->bytes += bytes;
    walk->seq_next++;
    return 0;
}

static int copy_group(struct walk *walk)
{
    const char *at = walk->scan.records;
    const char *end = at + walk->scan.gathered;
    uint64_t seq_end = walk->read->seq_first + walk->read->count;
    while (at < end && walk->seq_next < seq_end) {
        struct record_head head;
        memcpy(&head, at, sizeof head); /* checked by the scanner */
        if (head.seq == walk->seq_next)
            TRY(copy_record(walk, at, head.bytes));
        at += head.bytes;
    }
    return walk->seq_next == seq_end;
}

int ledger_lookup_read(struct ledger_lookup *lookup, const struct ledger_view *view,
                       const struct ledger_read *read, size_t *ret_bytes)
{
    struct walk walk = {.lookup = lookup,
                        .view = view,
                        .take = copy_group,
                        .read = read,
                        .seq_next = read->seq_first};
    if (read->seq_first == 0 || read->count == 0 || read->seq_first > view->end.seq ||
        read->count - 1 > view->end.seq - read->seq_first)
        return -ERR_NOT_FOUND;
    int result = 0;
    while (result == 0) {
        struct segment_index *index = NULL;
        walk.segment = ledger_view_segment(view, walk.seq_next);
        TRY(find_index(lookup, view, walk.segment, &index));
        const struct entry *entry = find_entry(index, walk.seq_next);
        uint64_t before = walk.seq_next;
        result = walk_from(&walk, &entry->place, entry->offset);
        if (result == 0 && walk.seq_next == before)
            return corrupt_at(&walk, walk.scan.group_offset, "groups are missing");
    }
    if (result < 0)
        return result;
    *ret_bytes = walk.bytes;
    return 0;
}

const char *ledger_lookup_problem(const struct ledger_lookup *lookup)
{
    return lookup->text;
}

uint64_t ledger_lookup_built(const struct ledger_lookup *lookup)
{
    return lookup->built;
}

int ledger_lookup_new(struct ledger_lookup **ret_lookup)
{
    struct ledger_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return -ERR_MEMORY;
    lookup->chunk = malloc(READ_BYTES);
    lookup->records = malloc(LEDGER_APPEND_BYTES_MAX);
    int result = ledger_reader_new(lookup->text, &lookup->reader);
    if (result < 0 || lookup->chunk == NULL || lookup->records == NULL) {
        ledger_lookup_free(lookup);
        return -ERR_MEMORY;
    }
    *ret_lookup = lookup;
    return 0;
}

void ledger_lookup_free(struct ledger_lookup *lookup)
{
    if (lookup == NULL)
        return;
    ledger_reader_free(lookup->reader);
    free(lookup->chunk);
    free(lookup->records);
    free(lookup);
}
