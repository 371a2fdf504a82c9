/* ledger_reader.c - contract in ledger_reader.h. */
#include "adapters/embedded/ledger_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

struct ledger_reader {
    uint32_t shard;   /* of the segment opened last, */
    uint64_t segment; /* its number, */
    uint64_t volume;
    struct disk *disk;
    int file; /* -1: it is closed */
    uint64_t bytes;
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
    *ret_reader = reader;
    return 0;
}

void ledger_reader_free(struct ledger_reader *reader)
{
    if (reader == NULL)
        return;
    ledger_reader_close(reader);
    free(reader);
}

int ledger_reader_corrupt(struct ledger_reader *reader, uint64_t offset, const char *problem)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(reader->shard, reader->segment, name);
    (void)snprintf(reader->text, LEDGER_REPORT_TEXT_BYTES, "%s%s at byte %llu: %s", name,
                   ledger_volume_text(reader->volume), (unsigned long long)offset, problem);
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

uint64_t ledger_reader_bytes(const struct ledger_reader *reader)
{
    ASSERT(reader->file >= 0);
    return reader->bytes;
}

int ledger_reader_open(struct ledger_reader *reader, const struct ledger_volumes *volumes,
                       uint64_t segment, uint64_t volume)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ASSERT(volume < LEDGER_VOLUMES_MAX);
    ledger_reader_close(reader);
    reader->disk = volumes->disks[volume];
    reader->shard = volumes->shard;
    reader->segment = segment;
    reader->volume = volume;
    ledger_segment_name(volumes->shard, segment, name);
    int result = reader->disk->ops->open(reader->disk, name, false, &reader->file);
    if (result == -ERR_NOT_FOUND)
        return ledger_reader_corrupt(reader, 0, "the file is missing");
    TRY(result);
    result = reader->disk->ops->size(reader->disk, reader->file, &reader->bytes);
    if (result < 0)
        ledger_reader_close(reader);
    return result;
}

int ledger_reader_read(struct ledger_reader *reader, uint64_t offset, void *memory, size_t bytes,
                       size_t *ret_bytes)
{
    ASSERT(reader->file >= 0);
    struct disk_piece piece = {reader->file, offset, memory, bytes};
    return reader->disk->ops->read(reader->disk, piece, ret_bytes);
}

int ledger_reader_fill(struct ledger_reader *reader, uint64_t offset, void *memory, size_t bytes)
{
    size_t got = 0;
    TRY(ledger_reader_read(reader, offset, memory, bytes, &got));
    return got == bytes ? 0 : ledger_reader_corrupt(reader, offset + got, "the file is truncated");
}
