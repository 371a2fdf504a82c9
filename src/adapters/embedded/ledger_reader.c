/* ledger_reader.c - contract in ledger_reader.h.
 *
 * A segment is never without a file: the packed one is there before the plain one goes, the one in
 * the archive and its slip before either. So whoever looks in that order finds it. */
#include "adapters/embedded/ledger_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/embedded/ledger_packed.h"
#include "adapters/embedded/ledger_slip.h"
#include "base/assert.h"
#include "base/error.h"

struct ledger_reader {
    /* The segment opened last. */
    uint32_t shard;
    uint64_t segment;
    uint64_t volume;
    char name[DISK_NAME_BYTES_MAX + 1];
    struct disk *disk;
    int file; /* -1: it is closed */
    struct ledger_form form;
    uint64_t bytes;

    struct ledger_slip slip;
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

/* --- Telling --- */

static const char *place_text(const struct ledger_reader *reader)
{
    return reader->form.is_archived ? " in the archive" : ledger_volume_text(reader->volume);
}

void ledger_reader_where(const struct ledger_reader *reader, uint64_t offset, char *ret_text)
{
    (void)snprintf(ret_text, LEDGER_WHERE_BYTES, "%s%s%s at byte %llu", reader->name,
                   place_text(reader), reader->form.is_packed ? ", unpacked," : "",
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
                   place_text(reader), (unsigned long long)problem->offset, problem->text);
    return -ERR_CORRUPT;
}

/* --- Opening --- */

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

static int open_plain(struct ledger_reader *reader)
{
    reader->form.is_packed = false;
    ledger_segment_name(reader->shard, reader->segment, reader->name);
    TRY(reader->disk->ops->open(reader->disk, reader->name, false, &reader->file));
    TRY(reader->disk->ops->size(reader->disk, reader->file, &reader->bytes));
    reader->form.file_bytes = reader->bytes;
    return 0;
}

static int open_packed(struct ledger_reader *reader)
{
    struct ledger_packed_problem problem;
    reader->form.is_packed = true;
    ledger_packed_name(reader->shard, reader->segment, reader->name);
    TRY(reader->disk->ops->open(reader->disk, reader->name, false, &reader->file));
    int result = ledger_packed_open(reader->packed, reader->disk, reader->file, &problem);
    if (result == -ERR_CORRUPT)
        return packed_corrupt(reader, &problem);
    TRY(result);
    const struct ledger_packed_head *head = ledger_packed_head(reader->packed);
    problem = (struct ledger_packed_problem){"packed head: of another segment", 0};
    if (head->shard != reader->shard || head->segment != reader->segment)
        return packed_corrupt(reader, &problem);
    reader->bytes = head->bytes;
    reader->form.file_bytes = head->file_bytes;
    return 0;
}

static int read_slip(struct ledger_reader *reader)
{
    const char *wrong = NULL;
    int result =
        ledger_slip_read(reader->disk, reader->shard, reader->segment, &reader->slip, &wrong);
    reader->form = (struct ledger_form){.is_packed = false};
    if (result == -ERR_NOT_FOUND) {
        ledger_segment_name(reader->shard, reader->segment, reader->name);
        return ledger_reader_corrupt(reader, 0, "the file is missing");
    }
    if (result == -ERR_CORRUPT) {
        ledger_slip_name(reader->shard, reader->segment, reader->name);
        return ledger_reader_corrupt(reader, 0, wrong);
    }
    return result;
}

static int not_there(struct ledger_reader *reader, const char *why)
{
    ledger_slip_file_name(&reader->slip, reader->name);
    (void)snprintf(reader->text, LEDGER_REPORT_TEXT_BYTES, "%s %s", reader->name, why);
    return -ERR_ARCHIVED;
}

static int open_archived(struct ledger_reader *reader, struct disk *archive)
{
    TRY(read_slip(reader));
    if (archive == NULL)
        return not_there(reader, "is in the archive: bring it back with --archive DIR");
    reader->disk = archive;
    reader->form.is_archived = true;
    int result = reader->slip.form == LEDGER_SLIP_PACKED ? open_packed(reader) : open_plain(reader);
    if (result == -ERR_NOT_FOUND)
        return not_there(reader, "is not in the archive: bring it back");
    TRY(result);
    const struct ledger_slip *slip = &reader->slip;
    if (reader->form.file_bytes != slip->file_bytes || reader->bytes != slip->head.bytes)
        return ledger_reader_corrupt(reader, 0, "is not the file that was archived");
    return 0;
}

int ledger_reader_open(struct ledger_reader *reader, const struct ledger_volumes *volumes,
                       uint64_t segment, uint64_t volume)
{
    ASSERT(volume < LEDGER_VOLUMES_MAX);
    ledger_reader_close(reader);
    reader->disk = volumes->disks[volume];
    reader->shard = volumes->shard;
    reader->segment = segment;
    reader->volume = volume;
    reader->form.is_archived = false;
    int result = open_plain(reader);
    if (result == -ERR_NOT_FOUND)
        result = open_packed(reader);
    if (result == -ERR_NOT_FOUND)
        result = open_archived(reader, volumes->archive);
    if (result < 0)
        ledger_reader_close(reader);
    return result;
}

bool ledger_reader_is_here(const struct ledger_volumes *volumes, uint64_t segment, uint64_t volume)
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

struct ledger_form ledger_reader_form(const struct ledger_reader *reader)
{
    ASSERT(reader->file >= 0);
    return reader->form;
}

int ledger_reader_look(struct ledger_reader *reader, const struct ledger_volumes *volumes,
                       uint64_t segment, uint64_t volume, struct ledger_form *ret_form)
{
    int result = ledger_reader_open(reader, volumes, segment, volume);
    if (result == -ERR_ARCHIVED) {
        *ret_form = (struct ledger_form){.is_packed = reader->slip.form == LEDGER_SLIP_PACKED,
                                         .is_archived = true,
                                         .file_bytes = reader->slip.file_bytes};
        return 0;
    }
    TRY(result);
    *ret_form = reader->form;
    ledger_reader_close(reader);
    return 0;
}

/* --- Reading --- */

void ledger_reader_forget(struct ledger_reader *reader)
{
    ASSERT(reader->file >= 0);
    reader->disk->ops->forget(reader->disk, reader->file);
}

uint64_t ledger_reader_bytes(const struct ledger_reader *reader)
{
    ASSERT(reader->file >= 0);
    return reader->bytes;
}

int ledger_reader_read(struct ledger_reader *reader, uint64_t offset, void *memory, size_t bytes,
                       size_t *ret_bytes)
{
    ASSERT(reader->file >= 0);
    struct disk_piece piece = {reader->file, offset, memory, bytes};
    struct ledger_packed_problem problem;
    if (!reader->form.is_packed)
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
