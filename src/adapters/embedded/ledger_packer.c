/* ledger_packer.c - contract in ledger_packer.h.
 *
 * Order, each step durable before the next begins: packed content | its name | the plain file
 * goes. L2: at every moment one whole file holds the segment's acknowledged groups. */
#include "adapters/embedded/ledger_packer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "adapters/embedded/ledger_packed.h"
#include "adapters/embedded/ledger_scan.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

enum packer_state {
    STATE_SEEK = 0, /* the next sealed segment that is plain */
    STATE_PACK,     /* chunk by chunk, into the file with ".new" */
    STATE_COMPARE,  /* the same chunks, unpacked from it */
};

struct ledger_packer {
    struct ledger_cursor_log log;
    struct ledger_packer_options options;
    struct ledger_packer_stats stats;
    struct ledger_view view;
    enum packer_state state;
    uint64_t next; /* segments below it are packed, damaged or elsewhere */

    /* The segment under way. */
    struct disk *disk;
    int from, to; /* plain file, packed file; -1: closed */
    uint32_t chunk;
    uint64_t offset, synced; /* in the packed file: where the next frame goes; so far synced */
    struct ledger_packed_head head;
    struct ledger_scan scan;
    struct ledger_place end; /* of the log in it, */
    uint64_t end_offset;     /* and where that is */

    ZSTD_CCtx *packing;
    struct ledger_packed *reading; /* of what was written */
    char text[LEDGER_REPORT_TEXT_BYTES];
    struct ledger_packed_chunk table[LEDGER_CHUNKS_MAX];
    char plain[LEDGER_CHUNK_BYTES];
    char unpacked[LEDGER_CHUNK_BYTES];
    char frame[LEDGER_FRAME_BYTES_MAX];
    char records[LEDGER_APPEND_BYTES_MAX];
};

static uint32_t shard_of(const struct ledger_packer *packer)
{
    return packer->view.volumes->shard;
}

static int corrupt_at(struct ledger_packer *packer, uint64_t offset, const char *problem)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_segment_name(shard_of(packer), packer->next, name);
    (void)snprintf(packer->text, sizeof packer->text, "%s at byte %llu: %s", name,
                   (unsigned long long)offset, problem);
    return -ERR_CORRUPT;
}

static void fresh_name(const struct ledger_packer *packer, char *ret_name)
{
    ledger_packed_name(shard_of(packer), packer->next, ret_name);
    size_t bytes = strlen(ret_name);
    (void)snprintf(ret_name + bytes, DISK_NAME_BYTES_MAX + 1 - bytes, ".new");
}

static void close_files(struct ledger_packer *packer)
{
    if (packer->from >= 0)
        packer->disk->ops->close(packer->disk, packer->from);
    if (packer->to >= 0)
        packer->disk->ops->close(packer->disk, packer->to);
    packer->from = packer->to = -1;
}

/* --- The segment is found --- */

static int begin_packed_file(struct ledger_packer *packer)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t size = 0;
    fresh_name(packer, name);
    TRY(packer->disk->ops->size(packer->disk, packer->from, &size));
    if (size != packer->view.segments[packer->next].bytes)
        return corrupt_at(packer, size, "the file is not as long as its head says");
    TRY(packer->disk->ops->open(packer->disk, name, true, &packer->to));
    TRY(packer->disk->ops->truncate(packer->disk, packer->to, 0));
    packer->head = (struct ledger_packed_head){.shard = shard_of(packer),
                                               .segment = packer->next,
                                               .bytes = size,
                                               .chunks = ledger_packed_chunks(size)};
    packer->chunk = 0;
    packer->offset = sizeof packer->head + packer->head.chunks * sizeof *packer->table;
    packer->synced = 0;
    packer->end_offset = ledger_view_end(&packer->view, packer->next, &packer->end);
    ledger_scan_begin(&packer->scan, &packer->view.segments[packer->next].before, DISK_SECTOR);
    ledger_scan_into(&packer->scan, packer->records, sizeof packer->records);
    packer->state = STATE_PACK;
    return 1;
}

static int seek(struct ledger_packer *packer)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    packer->view = packer->log.view(packer->log.owner);
    uint64_t sealed = packer->view.segments_count > 0 ? packer->view.segments_count - 1 : 0;
    if (sealed <= packer->options.keep || packer->next >= sealed - packer->options.keep)
        return 0;
    uint64_t volume = packer->view.segments[packer->next].volume;
    if (volume != packer->view.segments[sealed].volume) { /* left, for it hung or failed */
        packer->next++;
        return 1;
    }
    packer->disk = packer->view.volumes->disks[volume];
    ledger_segment_name(shard_of(packer), packer->next, name);
    int result = packer->disk->ops->open(packer->disk, name, false, &packer->from);
    if (result == -ERR_NOT_FOUND) {
        packer->next++;
        return 1;
    }
    return result < 0 ? result : begin_packed_file(packer);
}

/* --- Packing --- */

static int check_head(struct ledger_packer *packer)
{
    struct ledger_segment_head head;
    memcpy(&head, packer->plain, sizeof head);
    const char *wrong = ledger_segment_head_wrong(&head);
    if (wrong != NULL)
        return corrupt_at(packer, 0, wrong);
    packer->head.creation = head.creation;
    return 0;
}

/* All that a replay checks, so that no damage is packed and then taken for the truth. Behind the
 * end is what a failover superseded, which is packed as it stands. */
static int check_chunk(struct ledger_packer *packer, size_t bytes)
{
    uint64_t begin = (uint64_t)packer->chunk * LEDGER_CHUNK_BYTES;
    size_t at = packer->chunk == 0 ? DISK_SECTOR : 0;
    if (packer->chunk == 0)
        TRY(check_head(packer));
    for (; at < bytes && begin + at < packer->end_offset; at += DISK_SECTOR) {
        const void *sector = packer->plain + at;
        if (ledger_scan_sector(&packer->scan, sector) == LEDGER_SCAN_DAMAGE)
            return corrupt_at(packer, packer->scan.offset, packer->scan.problem);
    }
    return 0;
}

static int check_end(struct ledger_packer *packer)
{
    struct ledger_scan *scan = &packer->scan;
    const struct ledger_place *end = &packer->end;
    if (ledger_scan_end(scan) == LEDGER_SCAN_DAMAGE)
        return corrupt_at(packer, scan->offset, scan->problem);
    if (scan->extent > 0 || scan->place.group != end->group || scan->place.seq != end->seq ||
        scan->place.previous != end->previous)
        return corrupt_at(packer, scan->group_offset, "groups are missing");
    return 0;
}

static int read_plain(struct ledger_packer *packer, size_t *ret_bytes)
{
    uint64_t offset = (uint64_t)packer->chunk * LEDGER_CHUNK_BYTES;
    size_t bytes = ledger_packed_chunk_bytes(packer->head.bytes, packer->chunk);
    size_t got = 0;
    struct disk_piece piece = {packer->from, offset, packer->plain, bytes};
    TRY(packer->disk->ops->read(packer->disk, piece, &got));
    if (got != bytes)
        return corrupt_at(packer, offset + got, "the file is truncated");
    *ret_bytes = bytes;
    return 0;
}

static int sync_packed(struct ledger_packer *packer)
{
    packer->synced = packer->offset;
    return packer->disk->ops->sync(packer->disk, packer->to, DISK_WHY_PACKED);
}

/* Head and table last; then all of it is durable, and is read as any reader would. */
static int seal(struct ledger_packer *packer)
{
    struct disk *disk = packer->disk;
    struct ledger_packed_problem problem;
    TRY(check_end(packer));
    packer->head.file_bytes = packer->offset;
    ledger_packed_head_seal(&packer->head, packer->table);
    TRY(disk->ops->write(disk, packer->to, 0, &packer->head, sizeof packer->head));
    TRY(disk->ops->write(disk, packer->to, sizeof packer->head, packer->table,
                         packer->head.chunks * sizeof *packer->table));
    TRY(sync_packed(packer));
    int result = ledger_packed_open(packer->reading, disk, packer->to, &problem);
    if (result == -ERR_CORRUPT)
        return -ERR_IO; /* the disk does not give back what it took */
    packer->chunk = 0;
    packer->state = STATE_COMPARE;
    return result < 0 ? result : 1;
}

static int pack(struct ledger_packer *packer)
{
    size_t bytes = 0;
    TRY(read_plain(packer, &bytes));
    TRY(check_chunk(packer, bytes));
    size_t packed = ZSTD_compressCCtx(packer->packing, packer->frame, sizeof packer->frame,
                                      packer->plain, bytes, LEDGER_PACK_LEVEL);
    if (ZSTD_isError(packed))
        return -ERR_MEMORY; /* nothing else can fail: the frame has room for any chunk */
    packer->table[packer->chunk] = (struct ledger_packed_chunk){packer->offset, (uint32_t)packed,
                                                                crc32c(0, packer->frame, packed)};
    TRY(packer->disk->ops->write(packer->disk, packer->to, packer->offset, packer->frame, packed));
    packer->offset += packed;
    packer->chunk++;
    if (packer->chunk == packer->head.chunks)
        return seal(packer);
    if (packer->offset - packer->synced >= LEDGER_PACK_SYNC_BYTES)
        TRY(sync_packed(packer)); /* no burst that commits would have to wait behind */
    return 1;
}

/* --- Comparing --- */

static int swap_files(struct ledger_packer *packer)
{
    struct disk *disk = packer->disk;
    char fresh[DISK_NAME_BYTES_MAX + 1], packed[DISK_NAME_BYTES_MAX + 1];
    char plain[DISK_NAME_BYTES_MAX + 1];
    fresh_name(packer, fresh);
    ledger_packed_name(shard_of(packer), packer->next, packed);
    ledger_segment_name(shard_of(packer), packer->next, plain);
    TRY(disk->ops->rename(disk, fresh, packed));
    TRY(disk->ops->sync_directory(disk, DISK_WHY_PACKED_NAME));
    TRY(disk->ops->unlink(disk, plain));
    close_files(packer);
    packer->stats.segments++;
    packer->stats.bytes_before += packer->head.bytes;
    packer->stats.bytes_after += packer->head.file_bytes;
    packer->next++;
    packer->state = STATE_SEEK;
    return 1;
}

static int compare(struct ledger_packer *packer)
{
    struct ledger_packed_problem problem;
    size_t bytes = 0, got = 0;
    TRY(read_plain(packer, &bytes));
    uint64_t offset = (uint64_t)packer->chunk * LEDGER_CHUNK_BYTES;
    struct disk_piece piece = {packer->to, offset, packer->unpacked, bytes};
    int result = ledger_packed_read(packer->reading, piece, &got, &problem);
    if (result == -ERR_CORRUPT)
        return -ERR_IO;
    TRY(result);
    if (got != bytes || memcmp(packer->plain, packer->unpacked, bytes) != 0)
        return -ERR_IO;
    packer->chunk++;
    return packer->chunk == packer->head.chunks ? swap_files(packer) : 1;
}

/* --- The step --- */

static void abandon(struct ledger_packer *packer, int error)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    bool begun = packer->to >= 0;
    close_files(packer);
    fresh_name(packer, name);
    if (begun)
        (void)packer->disk->ops->unlink(packer->disk, name); /* the space may be needed */
    packer->state = STATE_SEEK;
    packer->stats.errors++;
    if (error != -ERR_CORRUPT)
        return;
    packer->stats.damaged++;
    packer->next++;
}

int ledger_packer_step(struct ledger_packer *packer)
{
    int result = 0;
    switch (packer->state) {
    case STATE_SEEK:
        result = seek(packer);
        break;
    case STATE_PACK:
        result = pack(packer);
        break;
    case STATE_COMPARE:
        result = compare(packer);
        break;
    }
    if (result < 0)
        abandon(packer, result);
    return result;
}

const char *ledger_packer_problem(const struct ledger_packer *packer)
{
    return packer->text;
}

struct ledger_packer_stats ledger_packer_stats(const struct ledger_packer *packer)
{
    return packer->stats;
}

int ledger_packer_new(const struct ledger_cursor_log *log,
                      const struct ledger_packer_options *options,
                      struct ledger_packer **ret_packer)
{
    struct ledger_packer *packer = calloc(1, sizeof *packer);
    if (packer == NULL)
        return -ERR_MEMORY;
    packer->log = *log;
    packer->options = *options;
    packer->from = packer->to = -1;
    packer->packing = ZSTD_createCCtx();
    int result = ledger_packed_new(&packer->reading);
    if (result < 0 || packer->packing == NULL) {
        ledger_packer_free(packer);
        return -ERR_MEMORY;
    }
    *ret_packer = packer;
    return 0;
}

void ledger_packer_free(struct ledger_packer *packer)
{
    if (packer == NULL)
        return;
    close_files(packer);
    (void)ZSTD_freeCCtx(packer->packing);
    ledger_packed_free(packer->reading);
    free(packer);
}
