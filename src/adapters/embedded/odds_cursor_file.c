/* odds_cursor_file.c - contract in odds_cursor_file.h.
 * The segments of one process lie end to end; between two processes there is a gap
 * (ODDS_LOG_POSITION_GAP): that is how the begin of one is found. */
#include "adapters/embedded/odds_cursor_file.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/odds_codec.h"
#include "adapters/embedded/odds_segment.h"
#include "base/assert.h"
#include "base/error.h"

#define CHUNK_BYTES ((size_t)256 << 10) /* > the longest record */
#define HEAD_BYTES  sizeof(struct odds_segment_head)

struct odds_cursor_file {
    struct odds_cursor cursor;
    struct odds_log *log;
    struct disk *disk; /* the log's */
    int file;          /* -1: seek first */
    uint64_t segment, base, offset;
    struct odds_codec codec;
    struct odds_log_selection selections[SELECTIONS_MAX];
    char chunk[CHUNK_BYTES];
};

/* A segment's place in the log. */
struct place {
    uint64_t base, end;
};

static struct odds_cursor_file *cursor_of(struct odds_cursor *cursor)
{
    return (struct odds_cursor_file *)cursor;
}

static void close_file(struct odds_cursor_file *c)
{
    if (c->file >= 0)
        c->disk->ops->close(c->disk, c->file);
    c->file = -1;
}

/* -ERR_NOT_FOUND: there is no such segment, or not yet with a head. */
static int open_segment(struct odds_cursor_file *c, uint64_t segment)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    struct odds_segment_head head;
    close_file(c);
    odds_segment_name(segment, name);
    TRY(c->disk->ops->open(c->disk, name, false, &c->file));
    int error = odds_segment_read_head(c->disk, c->file, segment, &head);
    if (error == 0)
        error = odds_codec_reset(&c->codec);
    if (error < 0) {
        close_file(c);
        return error;
    }
    c->segment = segment;
    c->base = head.base;
    c->offset = HEAD_BYTES;
    return 0;
}

static uint64_t position_of(const struct odds_cursor_file *c)
{
    return c->base + c->offset - HEAD_BYTES;
}

/* ---- seek ---- */

struct found {
    uint64_t first, last;
    bool any;
};

static int find_segment(void *owner, const char *name)
{
    struct found *found = owner;
    uint64_t segment = 0;
    if (!odds_segment_name_parse(name, &segment))
        return 0;
    if (!found->any || segment < found->first)
        found->first = segment;
    if (!found->any || segment > found->last)
        found->last = segment;
    found->any = true;
    return 0;
}

static int place_of(struct odds_cursor_file *c, uint64_t segment, struct place *ret)
{
    uint64_t size = 0;
    TRY(open_segment(c, segment));
    TRY(c->disk->ops->size(c->disk, c->file, &size));
    *ret = (struct place){c->base, c->base + size - HEAD_BYTES};
    return 0;
}

/* The first segment of the process that wrote at the position, or of the next one when nothing of
 * that is left behind it. The one being written grows meanwhile: it is the last. */
static int find_begin(struct odds_cursor_file *c, const struct found *found, uint64_t position,
                      uint64_t *ret_segment)
{
    struct place before = {0, 0}, now;
    uint64_t begin = found->first;
    for (uint64_t segment = found->first; segment <= found->last; segment++) {
        TRY(place_of(c, segment, &now));
        bool other_process = segment != found->first && now.base != before.end;
        if (other_process && now.base > position && before.end > position)
            break; /* what is wanted is the one before's */
        if (other_process)
            begin = segment;
        before = now;
    }
    *ret_segment = begin;
    return 0;
}

static int cursor_seek(struct odds_cursor *cursor, uint64_t position)
{
    struct odds_cursor_file *c = cursor_of(cursor);
    struct found found = {.any = false};
    uint64_t begin = 0;
    TRY(c->disk->ops->list(c->disk, find_segment, &found));
    if (!found.any)
        return -ERR_NOT_FOUND;
    TRY(find_begin(c, &found, position, &begin));
    return open_segment(c, begin);
}

/* ---- steps ---- */

/* Visits the whole records of what was read. The bytes they take. */
static int visit_chunk(struct odds_cursor_file *c, size_t bytes, odds_log_visit visit, void *owner)
{
    size_t at = 0;
    for (;;) {
        struct odds_log_change change;
        int taken = odds_codec_decode(&c->codec, slice_of(c->chunk + at, bytes - at), c->selections,
                                      &change);
        TRY(taken);
        if (taken == 0)
            return (int)at;
        TRY(visit(owner, position_of(c) + at, &change));
        at += (size_t)taken;
    }
}

/* How far this file may be read: what is behind the durable end may be torn yet. */
static int readable(struct odds_cursor_file *c, uint64_t durable, uint64_t *ret_end)
{
    TRY(c->disk->ops->size(c->disk, c->file, ret_end));
    uint64_t limit = durable > c->base ? durable - c->base + HEAD_BYTES : HEAD_BYTES;
    if (*ret_end > limit)
        *ret_end = limit;
    return 0;
}

/* The bytes taken; 0: none are left here. */
static int step_chunk(struct odds_cursor_file *c, uint64_t end, odds_log_visit visit, void *owner)
{
    uint64_t left = end - c->offset;
    size_t got = 0;
    struct disk_piece piece = {c->file, c->offset, c->chunk,
                               left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES};
    TRY(c->disk->ops->read(c->disk, piece, &got));
    int taken = visit_chunk(c, got, visit, owner);
    TRY(taken);
    if (taken == 0)
        return -ERR_CORRUPT; /* durable, and no record */
    c->offset += (uint64_t)taken;
    return taken;
}

/* 1: there is more up to the durable end. */
static int walk(struct odds_cursor_file *c, size_t bytes_max, odds_log_visit visit, void *owner)
{
    uint64_t durable = odds_log_file_durable(c->log);
    for (size_t done = 0; done < bytes_max;) {
        uint64_t end = 0;
        TRY(readable(c, durable, &end));
        if (c->offset < end) {
            int taken = step_chunk(c, end, visit, owner);
            TRY(taken);
            done += (size_t)taken;
            continue;
        }
        if (position_of(c) >= durable)
            return 0;
        TRY(open_segment(c, c->segment + 1));
    }
    return 1;
}

static int cursor_step(struct odds_cursor *cursor, size_t bytes_max, odds_log_visit visit,
                       void *owner, uint64_t *ret_position)
{
    struct odds_cursor_file *c = cursor_of(cursor);
    ASSERT(c->file >= 0);
    int result = walk(c, bytes_max, visit, owner);
    if (result >= 0)
        *ret_position = position_of(c);
    else
        close_file(c);
    return result;
}

static uint64_t cursor_begun(const struct odds_cursor *cursor)
{
    return odds_log_file_begun(((const struct odds_cursor_file *)cursor)->log);
}

static uint64_t cursor_appended(const struct odds_cursor *cursor)
{
    struct odds_log_file_stats stats;
    odds_log_file_stats(((const struct odds_cursor_file *)cursor)->log, &stats);
    return stats.changes;
}

static void cursor_free(struct odds_cursor *cursor)
{
    struct odds_cursor_file *c = cursor_of(cursor);
    close_file(c);
    odds_codec_free(&c->codec);
    free(c);
}

static const struct odds_cursor_ops cursor_ops = {cursor_seek, cursor_step, cursor_begun,
                                                  cursor_appended, cursor_free};

int odds_cursor_file_new(struct odds_log *log, struct odds_cursor **ret_cursor)
{
    static const uint64_t key[2] = {3, 4}; /* whoever can write the files needs no collisions */
    struct odds_cursor_file *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ERR_MEMORY;
    c->cursor.ops = &cursor_ops;
    c->log = log;
    c->disk = odds_log_file_disk(log);
    c->file = -1;
    int error = odds_codec_new(key, &c->codec);
    if (error < 0) {
        free(c);
        return error;
    }
    *ret_cursor = &c->cursor;
    return 0;
}
