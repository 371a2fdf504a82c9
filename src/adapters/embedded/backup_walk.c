/* backup_walk.c - contract in backup_walk.h. */
#include "adapters/embedded/backup_walk.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/backup_internal.h"
#include "adapters/embedded/ledger_scan.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/record.h"

#define CHUNK_BYTES (256u << 10)

struct backup_memory {
    char chunk[CHUNK_BYTES];
    char records[LEDGER_APPEND_BYTES_MAX];
    struct sha256 *sha, *prefix; /* owned */
    struct ledger_scan scan;
    uint64_t synced;
};

int backup_memory_new(struct backup_memory **ret_memory)
{
    struct backup_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return -ERR_MEMORY;
    int error = sha256_new(&memory->sha);
    if (error == 0)
        error = sha256_new(&memory->prefix);
    if (error < 0) {
        backup_memory_free(memory);
        return error;
    }
    *ret_memory = memory;
    return 0;
}

void backup_memory_free(struct backup_memory *memory)
{
    if (memory == NULL)
        return;
    sha256_free(memory->sha);
    sha256_free(memory->prefix);
    free(memory);
}

/* ---- records ---- */

int backup_records_begin(struct backup_records *records)
{
    *records = (struct backup_records){.until_us = INT64_MAX};
    return sha256_new(&records->sha);
}

void backup_records_end(struct backup_records *records)
{
    sha256_free(records->sha);
    records->sha = NULL;
}

void backup_records_continue(struct backup_records *records, const struct backup_manifest *manifest)
{
    records->range = manifest->range;
    memcpy(records->book_id, manifest->book_id, sizeof records->book_id);
    records->time_us = manifest->time_us;
    records->accounts = manifest->accounts;
}

/* Every kept head of as many records as there are now. Their signatures were made by us, and are
 * checked by those who hold them; that they are about these records is what a copy can prove. */
static int check_heads(struct backup_records *records)
{
    struct tree_head head;
    struct merkle_hash root;
    while (records->heads != NULL && records->heads_next < records->heads->count) {
        int error = tree_heads_parse(records->heads, records->heads_next, &head);
        if (error == -ERR_CORRUPT) { /* a hole that a power failure left */
            records->heads_next++;
            continue;
        }
        TRY(error);
        if (head.root.size > records->range.size)
            return 0;
        merkle_range_root(&records->range, records->sha, &root);
        bool same = head.root.size == records->range.size &&
                    memcmp(head.log_id, records->book_id, sizeof head.log_id) == 0 &&
                    merkle_equal(&root, &head.root.hash);
        if (!same) {
            records->head_wrong = head.root.size;
            return -ERR_CORRUPT;
        }
        records->heads_next++;
    }
    return 0;
}

static int take_record(struct backup_records *records, const char *record, size_t bytes)
{
    struct merkle_hash leaf, made[MERKLE_LEVELS];
    struct record_head head;
    memcpy(&head, record, sizeof head); /* whole, as the scanner found */
    if (head.seq <= records->range.size || (records->seq_max != 0 && head.seq > records->seq_max))
        return 0; /* it was taken before, or is not wanted */
    ASSERT(head.seq == records->range.size + 1);
    if (head.seq == 1 && bytes >= sizeof head + sizeof records->book_id)
        memcpy(records->book_id, record + sizeof head, sizeof records->book_id);
    records->accounts += head.type == RECORD_ACCOUNT;
    records->time_us = head.time_us;
    if (head.time_us <= records->until_us)
        records->seq_until = head.seq;
    merkle_leaf(records->sha, slice_of(record, bytes), &leaf);
    (void)merkle_append(&records->range, records->sha, &leaf, made);
    return check_heads(records);
}

/* ---- the walk ---- */

static int take_group(struct backup_walk *walk, const struct ledger_place *before,
                      uint64_t group_offset)
{
    struct ledger_scan *scan = &walk->memory->scan;
    const char *at = walk->memory->records;
    const char *end = at + scan->gathered;
    walk->last = *before;
    walk->last_offset = group_offset;
    if (walk->stop_seq != 0 && scan->place.seq >= walk->stop_seq)
        return -ERR_STOPPED;
    while (walk->records != NULL && at < end) {
        struct record_head head;
        memcpy(&head, at, sizeof head);
        TRY(take_record(walk->records, at, head.bytes));
        at += head.bytes;
    }
    return 0;
}

static int scan_chunk(struct backup_walk *walk, size_t skip, size_t bytes)
{
    struct ledger_scan *scan = &walk->memory->scan;
    for (size_t at = skip; at < bytes; at += DISK_SECTOR) {
        const void *sector = walk->memory->chunk + at;
        struct ledger_place before = scan->place;
        uint64_t offset = scan->group_offset;
        switch (ledger_scan_sector(scan, sector)) {
        case LEDGER_SCAN_MORE:
            break;
        case LEDGER_SCAN_GROUP:
            TRY(take_group(walk, &before, offset));
            break;
        case LEDGER_SCAN_DAMAGE:
            return ledger_reader_corrupt(walk->reader, scan->offset, scan->problem);
        }
    }
    return 0;
}

/* A failover head raises the epoch; the caller's place may be from before it or behind it. */
static bool continues(const struct ledger_segment_head *head, const struct ledger_place *before)
{
    bool epoch = head->epoch == before->epoch ||
                 (head->failover_epoch != 0 && head->failover_epoch == before->epoch);
    return head->group_first == before->group + 1 && head->seq_first == before->seq + 1 &&
           head->previous == before->previous && epoch;
}

static int check_head(struct backup_walk *walk)
{
    struct ledger_segment_head head;
    memcpy(&head, walk->memory->chunk, sizeof head);
    const char *wrong = ledger_segment_head_wrong(&head);
    if (wrong == NULL && (head.shard != walk->shard || head.segment != walk->segment))
        wrong = "segment head: of another segment";
    if (wrong == NULL && head.creation != walk->creation)
        wrong = "segment head: of another log";
    if (wrong == NULL && !continues(&head, &walk->before))
        wrong = "segment head: does not continue the segment before it";
    if (wrong != NULL)
        return ledger_reader_corrupt(walk->reader, 0, wrong);
    if (head.failover_epoch != 0)
        walk->before.epoch = head.failover_epoch;
    return 0;
}

/* The scan begins when the head has said from where. */
static int begin_scan(struct backup_walk *walk)
{
    struct backup_memory *memory = walk->memory;
    TRY(check_head(walk));
    walk->last = walk->before;
    ledger_scan_begin(&memory->scan, &walk->before, DISK_SECTOR);
    ledger_scan_into(&memory->scan, memory->records, sizeof memory->records);
    return 0;
}

static int copy_chunk(struct backup_walk *walk, uint64_t offset, size_t bytes)
{
    struct backup_memory *memory = walk->memory;
    if (walk->to == NULL)
        return 0;
    TRY(walk->to->ops->write(walk->to, walk->file, offset, memory->chunk, bytes));
    if (offset + bytes - memory->synced < BACKUP_SYNC_BYTES)
        return 0;
    memory->synced = offset + bytes;
    return walk->to->ops->sync(walk->to, walk->file, DISK_WHY_BACKUP);
}

static void hash_chunk(const struct backup_walk *walk, uint64_t offset, size_t bytes)
{
    struct backup_memory *memory = walk->memory;
    sha256_add(memory->sha, slice_of(memory->chunk, bytes));
    if (offset >= walk->prefix)
        return;
    uint64_t left = walk->prefix - offset;
    sha256_add(memory->prefix, slice_of(memory->chunk, left < bytes ? (size_t)left : bytes));
}

static int take_chunk(struct backup_walk *walk, uint64_t offset)
{
    uint64_t left = walk->counted - offset;
    size_t bytes = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    TRY(ledger_reader_fill(walk->reader, offset, walk->memory->chunk, bytes));
    if (offset == 0)
        TRY(begin_scan(walk));
    hash_chunk(walk, offset, bytes);
    TRY(scan_chunk(walk, offset == 0 ? DISK_SECTOR : 0, bytes));
    return copy_chunk(walk, offset, bytes);
}

static int check_end(struct backup_walk *walk)
{
    struct ledger_scan *scan = &walk->memory->scan;
    if (ledger_scan_end(scan) == LEDGER_SCAN_DAMAGE)
        return ledger_reader_corrupt(walk->reader, scan->offset, scan->problem);
    if (scan->extent > 0)
        return ledger_reader_corrupt(walk->reader, scan->group_offset,
                                     "group: sectors are missing");
    walk->end = scan->place;
    return 0;
}

int backup_walk(struct backup_walk *walk)
{
    struct backup_memory *memory = walk->memory;
    ASSERT(walk->counted >= DISK_SECTOR);
    memory->synced = 0;
    walk->last_offset = 0;
    sha256_begin(memory->sha);
    sha256_begin(memory->prefix);
    for (uint64_t offset = 0; offset < walk->counted; offset += CHUNK_BYTES)
        TRY(take_chunk(walk, offset));
    TRY(check_end(walk));
    sha256_end(memory->sha, walk->sha256);
    sha256_end(memory->prefix, walk->prefix_sha256);
    return 0;
}

struct backup_group backup_walk_group(const struct backup_walk *walk)
{
    return (struct backup_group){walk->memory->records, walk->memory->scan.group.epoch};
}

/* ---- plain files ---- */

int backup_hash_copy(const struct backup_hashing *hashing, const struct backup_copy *to,
                     uint8_t ret_sha256[SHA256_BYTES])
{
    struct backup_memory *memory = hashing->memory;
    struct disk *from = hashing->disk;
    sha256_begin(memory->sha);
    for (uint64_t offset = 0; offset < hashing->bytes; offset += CHUNK_BYTES) {
        uint64_t left = hashing->bytes - offset;
        size_t bytes = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, got = 0;
        const struct disk_piece piece = {hashing->file, offset, memory->chunk, bytes};
        TRY(from->ops->read(from, piece, &got));
        if (got != bytes)
            return -ERR_CORRUPT;
        sha256_add(memory->sha, slice_of(memory->chunk, bytes));
        if (to != NULL)
            TRY(to->disk->ops->write(to->disk, to->file, offset, memory->chunk, bytes));
    }
    sha256_end(memory->sha, ret_sha256);
    return 0;
}

int backup_hash_file(const struct backup_hashing *hashing, uint8_t ret_sha256[SHA256_BYTES])
{
    return backup_hash_copy(hashing, NULL, ret_sha256);
}
