/* odds_segment.c - contract in odds_segment.h. */
#include "adapters/embedded/odds_segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

#define REWRITE_BYTES 65536

#define CHUNK_BYTES (1u << 20) /* > the longest record */

void odds_segment_name(uint64_t segment, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "odds-%010llu.log",
                         (unsigned long long)segment);
    ASSERT(bytes > 0);
}

bool odds_segment_name_parse(const char *name, uint64_t *ret_segment)
{
    char expected[DISK_NAME_BYTES_MAX + 1];
    uint64_t segment = 0;
    if (strlen(name) != strlen("odds-0000000000.log"))
        return false;
    for (const char *at = name + 5; at < name + 15; at++) {
        if (*at < '0' || *at > '9')
            return false;
        segment = segment * 10 + (uint64_t)(*at - '0');
    }
    odds_segment_name(segment, expected);
    *ret_segment = segment;
    return strcmp(name, expected) == 0;
}

static int write_head(struct disk *disk, int file, uint64_t segment, uint64_t base)
{
    struct odds_segment_head head = {
        .format = ODDS_SEGMENT_FORMAT, .segment = segment, .base = base};
    memcpy(head.magic, ODDS_SEGMENT_MAGIC, sizeof head.magic);
    head.crc = crc32c(0, &head, offsetof(struct odds_segment_head, crc));
    TRY(disk->ops->truncate(disk, file, 0)); /* a left-over of a failed attempt */
    TRY(disk->ops->write(disk, file, 0, &head, sizeof head));
    TRY(disk->ops->sync(disk, file, DISK_WHY_ODDS));
    return disk->ops->sync_directory(disk, DISK_WHY_ODDS_NAME);
}

int odds_segment_create(struct disk *disk, uint64_t segment, uint64_t base, int *ret_file)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    int file = -1;
    odds_segment_name(segment, name);
    TRY(disk->ops->open(disk, name, true, &file));
    int result = write_head(disk, file, segment, base);
    if (result < 0) {
        disk->ops->close(disk, file);
        return result;
    }
    *ret_file = file;
    return 0;
}

int odds_segment_rewrite(struct disk *disk, int file, uint64_t from, uint64_t to)
{
    char piece[REWRITE_BYTES];
    while (from < to) {
        size_t bytes = to - from < sizeof piece ? (size_t)(to - from) : sizeof piece;
        size_t got = 0;
        TRY(disk->ops->read(disk, (struct disk_piece){file, from, piece, bytes}, &got));
        if (got != bytes)
            return -ERR_IO;
        TRY(disk->ops->write(disk, file, from, piece, bytes));
        from += bytes;
    }
    return 0;
}

int odds_segment_read_head(struct disk *disk, int file, uint64_t segment,
                           struct odds_segment_head *ret_head)
{
    static const struct odds_segment_head zeros;
    struct odds_segment_head head;
    size_t got = 0;
    TRY(disk->ops->read(disk, (struct disk_piece){file, 0, &head, sizeof head}, &got));
    if (got < sizeof head || memcmp(&head, &zeros, sizeof head) == 0)
        return -ERR_NOT_FOUND;
    if (memcmp(head.magic, ODDS_SEGMENT_MAGIC, sizeof head.magic) != 0 ||
        head.format != ODDS_SEGMENT_FORMAT ||
        head.crc != crc32c(0, &head, offsetof(struct odds_segment_head, crc)) ||
        head.segment != segment)
        return -ERR_CORRUPT;
    *ret_head = head;
    return 0;
}

struct reading {
    struct odds_codec codec;
    struct odds_log_selection selections[SELECTIONS_MAX];
    char chunk[CHUNK_BYTES];
};

/* Visits the whole records of the chunk. Returns the bytes they take, or an error. */
static int read_chunk(struct reading *reading, struct slice chunk, uint64_t position,
                      const struct odds_segment_walk *walk)
{
    size_t at = 0;
    for (;;) {
        struct odds_log_change change;
        int bytes =
            odds_codec_decode(&reading->codec, slice_skip(chunk, at), reading->selections, &change);
        TRY(bytes);
        if (bytes == 0)
            return (int)at;
        if (walk->visit != NULL)
            TRY(walk->visit(walk->owner, position + at, &change));
        at += (size_t)bytes;
    }
}

static int read_records(struct reading *reading, const struct odds_segment_walk *walk,
                        uint64_t *ret_end)
{
    uint64_t offset = sizeof(struct odds_segment_head);
    int taken = 1;
    while (taken > 0) {
        struct disk_piece piece = {walk->file, offset, reading->chunk, CHUNK_BYTES};
        size_t got = 0;
        TRY(walk->disk->ops->read(walk->disk, piece, &got));
        taken = read_chunk(reading, slice_of(reading->chunk, got),
                           walk->base + offset - sizeof(struct odds_segment_head), walk);
        TRY(taken);
        offset += (uint64_t)taken;
    }
    *ret_end = offset;
    return 0;
}

static int reading_new(struct reading **ret_reading)
{
    static const uint64_t key[2] = {1, 2}; /* whoever can write the file needs no collisions */
    struct reading *reading = malloc(sizeof *reading);
    if (reading == NULL)
        return -ERR_MEMORY;
    int result = odds_codec_new(key, &reading->codec);
    if (result < 0) {
        free(reading);
        return result;
    }
    *ret_reading = reading;
    return 0;
}

int odds_segment_read(const struct odds_segment_walk *walk, uint64_t *ret_end)
{
    struct reading *reading = NULL;
    TRY(reading_new(&reading));
    int result = read_records(reading, walk, ret_end);
    odds_codec_free(&reading->codec);
    free(reading);
    return result;
}
