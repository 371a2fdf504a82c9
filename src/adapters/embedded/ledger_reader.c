/* ledger_reader.c - contract in ledger_reader.h. */
#include "adapters/embedded/ledger_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_packed.h"
#include "base/assert.h"
#include "base/error.h"

struct ledger_reader {
    uint32_t shard; /* of the segment opened last */
    uint64_t volume;
    char name[DISK_NAME_BYTES_MAX + 1];
    struct disk *disk;
    int file; /* -1: it is closed */
    bool is_packed;
    uint64_t bytes;
    struct ledger_packed *packed;
    char *text; /* borrowed */
};

const char *ledger_volume_text(uint64_t volume)
{
    return volume == 0 ? "" : " in the second directory";
}

int ledger_reader_new(char *text, struct ledger_reader **ret_reader)
{
    struct ledger_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return -ERR_MEMORY;
    reader->file = -1;
    reader->text = text;
    text[0] = '\0';
    int result = ledger_packed_new(&reader->packed);
    if (result < 0) {
        ledger_reader_free(reader);
        return result;
    }
    *ret_reader = reader;
    return 0;
}

void ledger_reader_free(struct ledger_reader *reader)
{
    if (reader == NULL)
        return;
    ledger_reader_close(reader);
    ledger_packed_free(reader->packed);
    free(reader);
}

void ledger_reader_where(const struct ledger_reader *reader, uint64_t offset, char *ret_text)
{
    (void)snprintf(ret_text, LEDGER_WHERE_BYTES, "%s%s%s at byte %llu", reader->name,
                   ledger_volume_text(reader->volume), reader->is_packed ? ", unpacked," : "",
                   (unsigned long long)offset);
}

int ledger_reader_corrupt(struct ledger_reader *reader, uint64_t offset, const char *problem)
{
    char where[LEDGER_WHERE_BYTES];
    ledger_reader_where(reader, offset, where);
    (void)snprintf(reader->text, LEDGER_REPORT_TEXT_BYTES, "%s: %s", where, problem);
    return -ERR_CORRUPT;
}

/* At a byte of the packed file itself. */
static int packed_corrupt(struct ledger_reader *reader, const struct ledger_packed_problem *problem)
{
    (void)snprintf(reader->text, LEDGER_REPORT_TEXT_BYTES, "%s%s at byte %llu: %s", reader->name,
                   ledger_volume_text(reader->volume), (unsigned long long)problem->offset,
                   problem->text);
    return -ERR_CORRUPT;
}

void ledger_reader_close(struct ledger_reader *reader)
{
    if (reader->file >= 0)
        reader->disk->ops->close(reader->disk, reader->file);
    reader->file = -1;
}

bool ledger_reader_is_open(const struct ledger_reader *reader)
{
    return reader->file >= 0;
}

bool ledger_reader_is_plain(const struct ledger_reader *reader)
{
    ASSERT(reader->file >= 0);
    return !reader->is_packed;
}

uint64_t ledger_reader_bytes(const struct ledger_reader *reader)
{
    ASSERT(reader->file >= 0);
    return reader->bytes;
}

uint64_t ledger_reader_file_bytes(const struct ledger_reader *reader)
{
    ASSERT(reader->file >= 0);
    return reader->is_packed ? ledger_packed_head(reader->packed)->file_bytes : reader->bytes;
}

/* --- Opening --- */

static int open_plain(struct ledger_reader *reader, uint64_t segment)
{
    reader->is_packed = false;
    ledger_segment_name(reader->shard, segment, reader->name);
    TRY(reader->disk->ops->open(reader->disk, reader->name, false, &reader->file));
    return reader->disk->ops->size(reader->disk, reader->file, &reader->bytes);
}

static int open_packed(struct ledger_reader *reader, uint64_t segment)
{
    struct ledger_packed_problem problem;
    reader->is_packed = true;
    ledger_packed_name(reader->shard, segment, reader->name);
    TRY(reader->disk->ops->open(reader->disk, reader->name, false, &reader->file));
    int result = ledger_packed_open(reader->packed, reader->disk, reader->file, &problem);
    if (result == -ERR_CORRUPT)
        return packed_corrupt(reader, &problem);
    TRY(result);
    const struct ledger_packed_head *head = ledger_packed_head(reader->packed);
    problem = (struct ledger_packed_problem){"packed head: of another segment", 0};
    if (head->shard != reader->shard || head->segment != segment)
        return packed_corrupt(reader, &problem);
    reader->bytes = head->bytes;
    return 0;
}

/* A segment is never without a file: the packed one is there before the plain one goes. */
int ledger_reader_open(struct ledger_reader *reader, const struct ledger_volumes *volumes,
                       uint64_t segment, uint64_t volume)
{
    ASSERT(volume < LEDGER_VOLUMES_MAX);
    ledger_reader_close(reader);
    reader->disk = volumes->disks[volume];
    reader->shard = volumes->shard;
    reader->volume = volume;
    int result = open_plain(reader, segment);
    if (result == -ERR_NOT_FOUND)
        result = open_packed(reader, segment);
    if (result == -ERR_NOT_FOUND) {
        reader->is_packed = false;
        ledger_segment_name(reader->shard, segment, reader->name);
        return ledger_reader_corrupt(reader, 0, "the file is missing");
    }
    if (result < 0)
        ledger_reader_close(reader);
    return result;
}

bool ledger_reader_is_there(const struct ledger_volumes *volumes, uint64_t segment, uint64_t volume)
{
    struct disk *disk = volumes->disks[volume];
    char plain[DISK_NAME_BYTES_MAX + 1], packed[DISK_NAME_BYTES_MAX + 1];
    int file = -1;
    ledger_segment_name(volumes->shard, segment, plain);
    ledger_packed_name(volumes->shard, segment, packed);
    int result = disk->ops->open(disk, plain, false, &file);
    if (result == -ERR_NOT_FOUND)
        result = disk->ops->open(disk, packed, false, &file);
    if (result >= 0)
        disk->ops->close(disk, file);
    return result != -ERR_NOT_FOUND; /* another error comes up when it is read */
}

/* --- Reading --- */

int ledger_reader_read(struct ledger_reader *reader, uint64_t offset, void *memory, size_t bytes,
                       size_t *ret_bytes)
{
    ASSERT(reader->file >= 0);
    struct disk_piece piece = {reader->file, offset, memory, bytes};
    struct ledger_packed_problem problem;
    if (!reader->is_packed)
        return reader->disk->ops->read(reader->disk, piece, ret_bytes);
    int result = ledger_packed_read(reader->packed, piece, ret_bytes, &problem);
    return result == -ERR_CORRUPT ? packed_corrupt(reader, &problem) : result;
}

int ledger_reader_fill(struct ledger_reader *reader, uint64_t offset, void *memory, size_t bytes)
{
    size_t got = 0;
    TRY(ledger_reader_read(reader, offset, memory, bytes, &got));
    return got == bytes ? 0 : ledger_reader_corrupt(reader, offset + got, "the file is truncated");
}
