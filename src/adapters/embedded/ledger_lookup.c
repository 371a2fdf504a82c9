/* ledger_lookup.c - contract in ledger_lookup.h.
 *
 * The search narrows a span of the segment: `low` is a group that begins at or before the record,
 * `high` an offset at or behind its group. When the span is short, or a place cannot be read as
 * what it must be, the scanner walks from `low` on, and it is the scanner that finds damage. */
#include "adapters/embedded/ledger_lookup.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_scan.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "ledger/record.h"

#define READ_BYTES     (128u << 10) /* a group of 256 bets in one read of the disk */
#define SPAN_BYTES     (48u << 10)  /* what is not further away is walked to */
#define EARLY_BYTES    (16u << 10)  /* a guess aims so far before: rather walk than miss */
#define WALK_BYTES_MAX (256u << 10) /* before the search goes on */
#define PROBES_MAX     128          /* of one search: every fourth halves a segment of 1 GiB */

struct ledger_lookup {
    uint64_t probes;
    struct ledger_reader *reader;
    char *chunk;
    char *records; /* of the group being gathered */
    char text[LEDGER_REPORT_TEXT_BYTES];
};

/* One segment in which a record is searched for, and read. */
struct walk {
    struct ledger_lookup *lookup;
    const struct ledger_view *view;
    uint64_t segment;
    struct ledger_scan scan;
    const struct ledger_read *read;
    size_t bytes; /* copied so far */
    uint64_t seq_next;
};

struct span {
    struct ledger_place low; /* the log before the group at low_offset */
    uint64_t low_offset;
    uint64_t from; /* nothing is to be learned before */
    uint64_t high_offset, high_seq;
};

static int corrupt_at(struct walk *walk, uint64_t offset, const char *problem)
{
    return ledger_reader_corrupt(walk->lookup->reader, offset, problem);
}

/* --- Searching --- */

/* A sector of the group it says, of this log. */
static bool is_sound(const struct ledger_sector *sector, uint32_t log)
{
    return sector->crc == ledger_sector_crc(sector) && sector->log == log &&
           sector->index < LEDGER_GROUP_SECTORS_MAX;
}

static int read_sector(struct walk *walk, uint64_t offset, struct ledger_sector *ret)
{
    walk->lookup->probes++;
    return ledger_reader_fill(walk->lookup->reader, offset, ret, sizeof *ret);
}

/* The begin of the group around `offset`. False when there is none that could be believed. */
static bool find_group(struct walk *walk, const struct span *span, uint64_t offset,
                       uint64_t *ret_begin, struct ledger_group_head *ret_head)
{
    struct ledger_sector sector;
    if (read_sector(walk, offset, &sector) < 0 || !is_sound(&sector, span->low.log))
        return false;
    uint64_t back = (uint64_t)sector.index * DISK_SECTOR;
    if (back > offset - span->low_offset)
        return false;
    uint32_t group = sector.group;
    *ret_begin = offset - back;
    if (back > 0 && (read_sector(walk, *ret_begin, &sector) < 0 ||
                     !is_sound(&sector, span->low.log) || sector.index != 0))
        return false;
    memcpy(ret_head, sector.payload, sizeof *ret_head);
    return sector.group == group && ret_head->magic == LEDGER_GROUP_MAGIC &&
           ret_head->crc == crc32c(0, ret_head, offsetof(struct ledger_group_head, crc)) &&
           (uint32_t)ret_head->group == group && ret_head->seq_first > span->low.seq &&
           ret_head->seq_first <= span->high_seq;
}

/* How far into the span the record should be: records lie about evenly. */
static uint64_t expected(const struct span *span, uint64_t seq)
{
    uint64_t bytes = span->high_offset - span->low_offset;
    return (uint64_t)((__uint128_t)bytes * (seq - 1 - span->low.seq) /
                      (span->high_seq - span->low.seq));
}

/* Where to look: a little before where it should be; when that did not help, the middle, so that
 * the span halves whatever lies there. */
static uint64_t guess(const struct span *span, uint64_t seq, bool middle)
{
    uint64_t into = middle ? (span->high_offset - span->low_offset) / 2 : expected(span, seq);
    if (!middle)
        into = into > EARLY_BYTES ? into - EARLY_BYTES : 0;
    uint64_t offset = (span->low_offset + into) / DISK_SECTOR * DISK_SECTOR;
    return offset < span->from ? span->from : offset;
}

static bool is_all_zero(struct walk *walk, uint64_t offset)
{
    struct ledger_sector sector;
    return read_sector(walk, offset, &sector) == 0 && ledger_all_zero(&sector, sizeof sector);
}

/* False: nothing more is to be learned. */
static bool narrow(struct walk *walk, struct span *span, bool middle)
{
    struct ledger_group_head head;
    uint64_t begin = 0;
    uint64_t offset = guess(span, walk->seq_next, middle);
    if (offset >= span->high_offset)
        return false;
    if (!find_group(walk, span, offset, &begin, &head)) {
        if (!is_all_zero(walk, offset)) /* what is prepared behind the last group of a segment */
            return false;
        span->high_offset = offset;
        return true;
    }
    if (head.seq_first > walk->seq_next) {
        span->high_offset = begin;
        span->high_seq = head.seq_first - 1;
        return true;
    }
    if (begin == span->low_offset && !middle)
        return false; /* a large group, that is walked through */
    span->low = (struct ledger_place){head.group - 1, head.seq_first - 1, head.epoch, head.previous,
                                      span->low.log};
    span->low_offset = begin;
    span->from = offset + DISK_SECTOR;
    return true;
}

static struct span whole_segment(const struct walk *walk)
{
    struct ledger_place end;
    const struct ledger_segment *of = &walk->view->segments[walk->segment];
    struct span span = {.low = of->before, .low_offset = DISK_SECTOR, .from = DISK_SECTOR};
    span.high_offset = ledger_view_end(walk->view, walk->segment, &end);
    span.high_seq = end.seq;
    return span;
}

/* Until the record should stand close behind `low`. */
static void search(struct walk *walk, struct span *span, bool middle)
{
    for (unsigned i = 0;
         i < PROBES_MAX && span->high_seq > span->low.seq &&
         expected(span, walk->seq_next) > SPAN_BYTES && narrow(walk, span, middle || i % 4 == 3);
         i++)
        middle = false;
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

/* 1 when all was found. */
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

static int walk_chunk(struct walk *walk, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += DISK_SECTOR) {
        const void *sector = walk->lookup->chunk + at;
        int result = 0;
        switch (ledger_scan_sector(&walk->scan, sector)) {
        case LEDGER_SCAN_MORE:
            break;
        case LEDGER_SCAN_GROUP:
            result = copy_group(walk);
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

/* 1 when all was found; 0 at the durable end of the segment, or when WALK_BYTES_MAX were walked
 * and the record did not come. */
static int walk_from(struct walk *walk, const struct span *span)
{
    struct ledger_place place;
    uint64_t end = ledger_view_end(walk->view, walk->segment, &place), before = walk->seq_next;
    ledger_scan_begin(&walk->scan, &span->low, span->low_offset);
    ledger_scan_into(&walk->scan, walk->lookup->records, LEDGER_APPEND_BYTES_MAX);
    while (walk->scan.next < end) {
        uint64_t left = end - walk->scan.next;
        size_t bytes = left < READ_BYTES ? (size_t)left : READ_BYTES;
        TRY(ledger_reader_fill(walk->lookup->reader, walk->scan.next, walk->lookup->chunk, bytes));
        int result = walk_chunk(walk, bytes);
        if (result != 0)
            return result;
        bool came = walk->seq_next != before || walk->scan.place.seq + 1 >= walk->seq_next;
        if (!came && walk->scan.group_offset - span->low_offset >= WALK_BYTES_MAX)
            return 0;
    }
    return 0;
}

/* Records lie so unevenly that the walk is long: the search goes on from where it came to. */
static int find_and_walk(struct walk *walk)
{
    struct span span = whole_segment(walk);
    uint64_t end = span.high_offset, before = walk->seq_next;
    search(walk, &span, false);
    int result = walk_from(walk, &span);
    while (result == 0 && walk->seq_next == before && walk->scan.next < end) {
        span.low = walk->scan.place;
        span.low_offset = span.from = walk->scan.group_offset;
        if (span.high_offset > span.low_offset)
            search(walk, &span, true);
        result = walk_from(walk, &span);
    }
    return result;
}

static int read_segment(struct walk *walk)
{
    struct ledger_reader *reader = walk->lookup->reader;
    uint64_t before = walk->seq_next;
    walk->segment = ledger_view_segment(walk->view, walk->seq_next);
    TRY(ledger_view_open(walk->view, walk->segment, reader));
    int result = find_and_walk(walk);
    ledger_reader_close(reader);
    if (result == 0 && walk->seq_next == before)
        return corrupt_at(walk, walk->scan.group_offset, "groups are missing");
    return result;
}

int ledger_lookup_read(struct ledger_lookup *lookup, const struct ledger_view *view,
                       const struct ledger_read *read, size_t *ret_bytes)
{
    struct walk walk = {.lookup = lookup, .view = view, .read = read, .seq_next = read->seq_first};
    if (read->seq_first == 0 || read->count == 0 || read->seq_first > view->end.seq ||
        read->count - 1 > view->end.seq - read->seq_first)
        return -ERR_NOT_FOUND;
    int result = 0;
    while (result == 0)
        result = read_segment(&walk);
    if (result < 0)
        return result;
    *ret_bytes = walk.bytes;
    return 0;
}

const char *ledger_lookup_problem(const struct ledger_lookup *lookup)
{
    return lookup->text;
}

uint64_t ledger_lookup_probes(const struct ledger_lookup *lookup)
{
    return lookup->probes;
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
