/* scrub_file.c - contract in scrub_file.h. Formats: docs/LEDGER.md, "Snapshots" and "The odds log
 * on disk". */
#include "adapters/embedded/scrub_file.h"

#include <string.h>

#include "adapters/embedded/odds_segment.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "ledger/shard_snapshot.h"

struct section_head {
    uint32_t section;
    uint32_t count;
    uint64_t bytes; /* of the payload, which a crc follows */
};
_Static_assert(sizeof(struct section_head) == 16, "no padding");

#define ODDS_RECORD_HEAD_BYTES 6 /* crc of what follows, bytes of the body */

void scrub_file_init(struct scrub_file *file)
{
    file->file = -1;
    file->problem = "";
}

void scrub_file_done(struct scrub_file *file)
{
    if (file->file >= 0)
        file->disk->ops->close(file->disk, file->file);
    file->file = -1;
}

static int wrong(struct scrub_file *file, uint64_t at, const char *problem)
{
    file->problem = problem;
    file->problem_at = at;
    return -ERR_CORRUPT;
}

static int read_part(struct scrub_file *file, void *to, size_t bytes)
{
    size_t got = 0;
    TRY(file->disk->ops->read(file->disk, (struct disk_piece){file->file, file->offset, to, bytes},
                              &got));
    if (got != bytes)
        return wrong(file, file->offset + got, "the file is truncated");
    file->offset += bytes;
    return 0;
}

/* --- Snapshots --- */

static int begin_snapshot(struct scrub_file *file)
{
    char head[SHARD_SNAPSHOT_HEAD_BYTES];
    struct shard_snapshot_place place;
    TRY(read_part(file, head, sizeof head));
    const char *problem = shard_snapshot_head_wrong(head, &place);
    if (problem == NULL && place.bytes != file->size)
        problem = "its length is wrong";
    file->in_section = false;
    return problem == NULL ? 0 : wrong(file, 0, problem);
}

static int begin_section(struct scrub_file *file)
{
    struct section_head head;
    TRY(read_part(file, &head, sizeof head));
    if (file->size - file->offset < sizeof file->crc ||
        head.bytes > file->size - file->offset - sizeof file->crc)
        return wrong(file, file->offset - sizeof head, "section: longer than the file");
    file->crc = crc32c(0, &head, sizeof head);
    file->left = head.bytes;
    file->in_section = true;
    return 0;
}

static int end_section(struct scrub_file *file)
{
    uint32_t crc = 0;
    TRY(read_part(file, &crc, sizeof crc));
    file->in_section = false;
    if (crc != file->crc)
        return wrong(file, file->offset - sizeof crc, "section: wrong checksum");
    return file->offset < file->size;
}

static int step_snapshot(struct scrub_file *file)
{
    if (!file->in_section)
        TRY(begin_section(file));
    size_t bytes = file->left < sizeof file->buffer ? (size_t)file->left : sizeof file->buffer;
    TRY(read_part(file, file->buffer, bytes));
    file->crc = crc32c(file->crc, file->buffer, bytes);
    file->left -= bytes;
    return file->left > 0 ? 1 : end_section(file);
}

/* --- The odds log --- */

static int begin_odds(struct scrub_file *file)
{
    struct odds_segment_head head;
    TRY(read_part(file, &head, sizeof head));
    if (memcmp(head.magic, ODDS_SEGMENT_MAGIC, sizeof head.magic) != 0 ||
        head.format != ODDS_SEGMENT_FORMAT ||
        head.crc != crc32c(0, &head, offsetof(struct odds_segment_head, crc)))
        return wrong(file, 0, "segment head: damaged");
    return 0;
}

/* Bytes of the record that begins here; 0: it is not whole; or -ERR_CORRUPT. */
static int check_record(struct scrub_file *file, const char *at, size_t left)
{
    uint32_t crc;
    uint16_t body;
    if (left < ODDS_RECORD_HEAD_BYTES)
        return 0;
    memcpy(&crc, at, sizeof crc);
    memcpy(&body, at + sizeof crc, sizeof body);
    if (left - ODDS_RECORD_HEAD_BYTES < body)
        return 0;
    if (crc != crc32c(0, at + sizeof crc, sizeof body + body))
        return wrong(file, file->offset, "record: wrong checksum");
    return ODDS_RECORD_HEAD_BYTES + body;
}

static int step_odds(struct scrub_file *file)
{
    uint64_t left = file->size - file->offset;
    size_t bytes = left < sizeof file->buffer ? (size_t)left : sizeof file->buffer;
    size_t got = 0;
    struct disk_piece piece = {file->file, file->offset, file->buffer, bytes};
    TRY(file->disk->ops->read(file->disk, piece, &got));
    int taken = 1;
    for (size_t at = 0; taken > 0; at += (size_t)taken) {
        taken = check_record(file, file->buffer + at, got - at);
        TRY(taken);
        file->offset += (uint64_t)taken;
    }
    if (file->offset == file->size)
        return 0;
    return got == bytes && bytes == sizeof file->buffer
               ? 1
               : wrong(file, file->offset, "record: the file ends in it");
}

/* --- Both --- */

int scrub_file_begin(struct scrub_file *file, struct disk *disk, enum scrub_kind kind,
                     const char *name)
{
    scrub_file_done(file);
    file->disk = disk;
    file->kind = kind;
    file->offset = 0;
    TRY(disk->ops->open(disk, name, false, &file->file));
    disk->ops->forget(disk, file->file);
    int result = disk->ops->size(disk, file->file, &file->size);
    if (result == 0)
        result = kind == SCRUB_SNAPSHOT ? begin_snapshot(file) : begin_odds(file);
    if (result < 0)
        scrub_file_done(file);
    return result;
}

int scrub_file_step(struct scrub_file *file, uint64_t *ret_bytes)
{
    ASSERT(file->file >= 0);
    uint64_t before = file->offset;
    int result = 0;
    if (file->offset < file->size)
        result = file->kind == SCRUB_SNAPSHOT ? step_snapshot(file) : step_odds(file);
    *ret_bytes = file->offset - before;
    if (result > 0)
        return 1;
    file->disk->ops->forget(file->disk, file->file); /* the cache is for those who are waiting */
    scrub_file_done(file);
    return result;
}
