/* ledger_cursor_file.c - contract in ledger_cursor_file.h. The scan is kept between steps: a step
 * ends with a chunk, wherever in a group that is, and the next goes on there. */
#include "adapters/embedded/ledger_cursor_file.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_scan.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/record.h"

#define READ_BYTES (64u << 10)

struct cursor_file {
    struct ledger_cursor cursor;
    struct ledger_cursor_log log;
    struct ledger_view view; /* as of the last look */
    uint64_t seq_first;      /* what was asked for */
    bool placed;             /* the scan stands in `segment` */
    uint64_t segment;
    struct ledger_reader *reader;
    struct ledger_scan scan;
    ledger_visit visit; /* of the step under way */
    void *owner;
    char *chunk, *records; /* own */
    char text[LEDGER_REPORT_TEXT_BYTES];
};

static struct cursor_file *cursor_of(struct ledger_cursor *cursor)
{
    return (struct cursor_file *)cursor;
}

static int corrupt_at(struct cursor_file *c, uint64_t offset, const char *problem)
{
    return ledger_reader_corrupt(c->reader, offset, problem);
}

static void close_file(struct cursor_file *c)
{
    ledger_reader_close(c->reader);
    c->placed = false;
}

static int open_segment(struct cursor_file *c, uint64_t segment)
{
    close_file(c);
    c->segment = segment;
    TRY(ledger_view_open(&c->view, segment, c->reader));
    ledger_scan_begin(&c->scan, &c->view.segments[segment].before, DISK_SECTOR);
    ledger_scan_into(&c->scan, c->records, LEDGER_APPEND_BYTES_MAX);
    c->placed = true;
    return 0;
}

static int visit_group(struct cursor_file *c)
{
    const char *at = c->records;
    const char *end = at + c->scan.gathered;
    while (at < end) {
        struct record_head head;
        memcpy(&head, at, sizeof head); /* checked by the scanner */
        if (head.seq >= c->seq_first)
            TRY(c->visit(c->owner, c->view.volumes->shard, at, head.bytes));
        at += head.bytes;
    }
    return 0;
}

static int scan_chunk(struct cursor_file *c, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += DISK_SECTOR) {
        const void *sector = c->chunk + at;
        switch (ledger_scan_sector(&c->scan, sector)) {
        case LEDGER_SCAN_MORE:
            break;
        case LEDGER_SCAN_GROUP:
            TRY(visit_group(c));
            break;
        case LEDGER_SCAN_DAMAGE:
            return corrupt_at(c, c->scan.offset, c->scan.problem);
        }
    }
    return 0;
}

/* At the end of a segment: whole groups only, and the place that the log says. */
static int check_end(struct cursor_file *c, const struct ledger_place *end)
{
    if (ledger_scan_end(&c->scan) == LEDGER_SCAN_DAMAGE)
        return corrupt_at(c, c->scan.offset, c->scan.problem);
    if (c->scan.extent > 0)
        return corrupt_at(c, c->scan.group_offset, "group: sectors are missing");
    if (c->scan.place.group != end->group || c->scan.place.seq != end->seq ||
        c->scan.place.previous != end->previous)
        return corrupt_at(c, c->scan.group_offset, "groups are missing");
    return 0;
}

static int read_chunk(struct cursor_file *c, uint64_t end, size_t *ret_bytes)
{
    uint64_t left = end - c->scan.next;
    size_t bytes = left < READ_BYTES ? (size_t)left : READ_BYTES;
    TRY(ledger_reader_fill(c->reader, c->scan.next, c->chunk, bytes));
    *ret_bytes = bytes;
    return scan_chunk(c, bytes);
}

/* 1: more up to the end of the view. */
static int walk(struct cursor_file *c, size_t bytes_max)
{
    for (size_t done = 0; done < bytes_max;) {
        struct ledger_place place;
        uint64_t end = ledger_view_end(&c->view, c->segment, &place);
        size_t bytes = 0;
        if (c->scan.next < end) {
            TRY(read_chunk(c, end, &bytes));
            done += bytes;
            continue;
        }
        TRY(check_end(c, &place));
        if (c->segment + 1 == c->view.segments_count)
            return 0;
        TRY(open_segment(c, c->segment + 1));
    }
    return 1;
}

static int cursor_step(struct ledger_cursor *cursor, size_t bytes_max, ledger_visit visit,
                       void *owner)
{
    struct cursor_file *c = cursor_of(cursor);
    int result = 0;
    c->visit = visit;
    c->owner = owner;
    if (c->view.segments_count == 0 || c->seq_first > c->view.end.seq)
        return 0; /* nothing of what was asked for is there yet */
    if (!c->placed)
        result = open_segment(c, ledger_view_segment(&c->view, c->seq_first));
    if (result == 0)
        result = walk(c, bytes_max);
    if (result < 0)
        close_file(c);
    return result;
}

static void cursor_seek(struct ledger_cursor *cursor, uint64_t seq_first)
{
    struct cursor_file *c = cursor_of(cursor);
    ASSERT(seq_first > 0);
    close_file(c);
    c->seq_first = seq_first;
    c->text[0] = '\0';
}

static uint64_t cursor_look(struct ledger_cursor *cursor)
{
    struct cursor_file *c = cursor_of(cursor);
    c->view = c->log.view(c->log.owner);
    return c->view.end.seq;
}

static void cursor_free(struct ledger_cursor *cursor)
{
    struct cursor_file *c = cursor_of(cursor);
    ledger_reader_free(c->reader);
    free(c->chunk);
    free(c->records);
    free(c);
}

static const struct ledger_cursor_ops cursor_ops = {cursor_seek, cursor_look, cursor_step,
                                                    cursor_free};

int ledger_cursor_file_new(const struct ledger_cursor_log *log, struct ledger_cursor **ret_cursor)
{
    struct cursor_file *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ERR_MEMORY;
    *c = (struct cursor_file){.cursor = {&cursor_ops},
                              .log = *log,
                              .seq_first = 1,
                              .chunk = malloc(READ_BYTES),
                              .records = malloc(LEDGER_APPEND_BYTES_MAX)};
    int result = ledger_reader_new(c->text, &c->reader);
    if (result < 0 || c->chunk == NULL || c->records == NULL) {
        cursor_free(&c->cursor);
        return -ERR_MEMORY;
    }
    *ret_cursor = &c->cursor;
    return 0;
}

const char *ledger_cursor_file_problem(const struct ledger_cursor *cursor)
{
    return ((const struct cursor_file *)cursor)->text;
}
