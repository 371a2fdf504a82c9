/* ledger_packed.c - contract in ledger_packed.h. */
#include "adapters/embedded/ledger_packed.h"

#include <string.h>
#include <zstd.h>

#include "adapters/embedded/ledger_format.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/reserve.h"

#define NO_CHUNK UINT32_MAX

static_assert(LEDGER_FRAME_BYTES_MAX >= ZSTD_COMPRESSBOUND(LEDGER_CHUNK_BYTES), "any chunk fits");

struct ledger_packed {
    struct disk *disk; /* borrowed, as the file */
    int file;
    struct ledger_packed_head head;
    struct ledger_packed_chunk table[LEDGER_CHUNKS_MAX];
    uint32_t held; /* which chunk stands in `chunk`; NO_CHUNK: none */
    ZSTD_DCtx *unpacker;
    char chunk[LEDGER_CHUNK_BYTES];
    char frame[LEDGER_FRAME_BYTES_MAX];
};

uint32_t ledger_packed_chunks(uint64_t segment_bytes)
{
    return (uint32_t)((segment_bytes + LEDGER_CHUNK_BYTES - 1) / LEDGER_CHUNK_BYTES);
}

size_t ledger_packed_chunk_bytes(uint64_t segment_bytes, uint32_t chunk)
{
    uint64_t begin = (uint64_t)chunk * LEDGER_CHUNK_BYTES;
    ASSERT(begin < segment_bytes);
    uint64_t left = segment_bytes - begin;
    return left < LEDGER_CHUNK_BYTES ? (size_t)left : LEDGER_CHUNK_BYTES;
}

void ledger_packed_head_seal(struct ledger_packed_head *head,
                             const struct ledger_packed_chunk *table)
{
    memcpy(head->magic, LEDGER_PACKED_MAGIC, sizeof head->magic);
    head->format = LEDGER_PACKED_FORMAT;
    head->chunk_bytes = LEDGER_CHUNK_BYTES;
    head->table_crc = crc32c(0, table, head->chunks * sizeof *table);
    memset(head->zeros, 0, sizeof head->zeros);
    head->crc = crc32c(0, head, offsetof(struct ledger_packed_head, crc));
}

int ledger_packed_new(struct ledger_packed **ret_packed)
{
    struct ledger_packed *packed = reserve_new(1, sizeof *packed);
    if (packed == NULL)
        return -ERR_MEMORY;
    packed->unpacker = ZSTD_createDCtx();
    packed->held = NO_CHUNK;
    if (packed->unpacker == NULL) {
        ledger_packed_free(packed);
        return -ERR_MEMORY;
    }
    *ret_packed = packed;
    return 0;
}

void ledger_packed_free(struct ledger_packed *packed)
{
    if (packed == NULL)
        return;
    (void)ZSTD_freeDCtx(packed->unpacker);
    reserve_free(packed, 1, sizeof *packed);
}

const struct ledger_packed_head *ledger_packed_head(const struct ledger_packed *packed)
{
    return &packed->head;
}

/* --- Opening --- */

static int wrong(struct ledger_packed_problem *problem, uint64_t offset, const char *text)
{
    *problem = (struct ledger_packed_problem){text, offset};
    return -ERR_CORRUPT;
}

static int read_at(struct ledger_packed *packed, uint64_t offset, void *to, size_t bytes,
                   struct ledger_packed_problem *problem)
{
    size_t got = 0;
    struct disk_piece piece = {packed->file, offset, to, bytes};
    TRY(packed->disk->ops->read(packed->disk, piece, &got));
    return got == bytes ? 0 : wrong(problem, offset + got, "packed: the file is truncated");
}

static const char *head_wrong(const struct ledger_packed_head *head)
{
    if (memcmp(head->magic, LEDGER_PACKED_MAGIC, sizeof head->magic) != 0)
        return "packed: no head";
    if (head->crc != crc32c(0, head, offsetof(struct ledger_packed_head, crc)))
        return "packed head: wrong checksum";
    if (head->format != LEDGER_PACKED_FORMAT)
        return "packed head: a format this program does not know";
    if (!ledger_all_zero(head->zeros, sizeof head->zeros))
        return "packed head: reserved bytes are not zero";
    if (head->chunk_bytes != LEDGER_CHUNK_BYTES)
        return "packed head: a chunk size this program does not know";
    if (head->bytes % DISK_SECTOR != 0 || head->bytes < 2 * DISK_SECTOR ||
        head->bytes > (uint64_t)LEDGER_CHUNKS_MAX * LEDGER_CHUNK_BYTES)
        return "packed head: impossible size";
    if (head->chunks != ledger_packed_chunks(head->bytes))
        return "packed head: wrong number of chunks";
    return NULL;
}

/* Frames stand one after the other from the table's end to the file's, so that no byte is in two
 * of them or in none. */
static int table_check(const struct ledger_packed *packed, uint64_t size,
                       struct ledger_packed_problem *problem)
{
    const struct ledger_packed_head *head = &packed->head;
    uint64_t at = sizeof *head + head->chunks * sizeof *packed->table;
    if (head->table_crc != crc32c(0, packed->table, head->chunks * sizeof *packed->table))
        return wrong(problem, sizeof *head, "packed table: wrong checksum");
    for (uint32_t i = 0; i < head->chunks; i++) {
        const struct ledger_packed_chunk *chunk = &packed->table[i];
        if (chunk->offset != at || chunk->bytes == 0 || chunk->bytes > LEDGER_FRAME_BYTES_MAX)
            return wrong(problem, sizeof *head + i * sizeof *chunk, "packed table: wrong entry");
        at += chunk->bytes;
    }
    if (at != head->file_bytes || at != size)
        return wrong(problem, at < size ? at : size,
                     "packed: the file is not as long as its head and table say");
    return 0;
}

int ledger_packed_open(struct ledger_packed *packed, struct disk *disk, int file,
                       struct ledger_packed_problem *ret_problem)
{
    uint64_t size = 0;
    packed->disk = disk;
    packed->file = file;
    packed->held = NO_CHUNK;
    TRY(disk->ops->size(disk, file, &size));
    TRY(read_at(packed, 0, &packed->head, sizeof packed->head, ret_problem));
    const char *text = head_wrong(&packed->head);
    if (text != NULL)
        return wrong(ret_problem, 0, text);
    TRY(read_at(packed, sizeof packed->head, packed->table,
                packed->head.chunks * sizeof *packed->table, ret_problem));
    return table_check(packed, size, ret_problem);
}

/* --- Reading --- */

static int unpack(struct ledger_packed *packed, uint32_t chunk,
                  struct ledger_packed_problem *problem)
{
    const struct ledger_packed_chunk *entry = &packed->table[chunk];
    size_t expected = ledger_packed_chunk_bytes(packed->head.bytes, chunk);
    packed->held = NO_CHUNK;
    TRY(read_at(packed, entry->offset, packed->frame, entry->bytes, problem));
    if (entry->crc != crc32c(0, packed->frame, entry->bytes))
        return wrong(problem, entry->offset, "packed chunk: wrong checksum");
    size_t bytes = ZSTD_decompressDCtx(packed->unpacker, packed->chunk, sizeof packed->chunk,
                                       packed->frame, entry->bytes);
    if (ZSTD_isError(bytes) || bytes != expected)
        return wrong(problem, entry->offset, "packed chunk: it cannot be unpacked");
    packed->held = chunk;
    return 0;
}

int ledger_packed_read(struct ledger_packed *packed, struct disk_piece piece, size_t *ret_bytes,
                       struct ledger_packed_problem *ret_problem)
{
    uint64_t size = packed->head.bytes;
    uint64_t left = piece.offset < size ? size - piece.offset : 0;
    size_t bytes = left < piece.bytes ? (size_t)left : piece.bytes;
    for (size_t done = 0; done < bytes;) {
        uint64_t offset = piece.offset + done;
        uint32_t chunk = (uint32_t)(offset / LEDGER_CHUNK_BYTES);
        size_t skip = (size_t)(offset % LEDGER_CHUNK_BYTES);
        size_t step = ledger_packed_chunk_bytes(size, chunk) - skip;
        step = bytes - done < step ? bytes - done : step;
        if (packed->held != chunk)
            TRY(unpack(packed, chunk, ret_problem));
        memcpy((char *)piece.memory + done, packed->chunk + skip, step);
        done += step;
    }
    *ret_bytes = bytes;
    return 0;
}
