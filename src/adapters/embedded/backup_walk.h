/* backup_walk.h - reads one segment of a log from its begin to where it counts, checks all of it
 * and, if asked, copies it: the work that backup and restore share.
 *
 * Checked are the segment's head, every sector, the chain of groups from the place before it on,
 * and what the caller is told of each record: the tree over them grows, and wherever a kept head
 * says what it was, it must be that (L8). Blocking. Thread: one at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/backup_manifest.h"
#include "adapters/embedded/ledger_reader.h"
#include "adapters/embedded/tree_heads.h"

#define BACKUP_SYNC_BYTES (8u << 20) /* synced in steps: see snapshot_file.h */

/* The records from number 1, or from behind a manifest's last, on. */
struct backup_records {
    struct sha256 *sha; /* owned */
    struct merkle_range range;
    uint8_t book_id[16];
    int64_t time_us; /* of the last */
    uint64_t accounts;
    struct tree_heads *heads; /* borrowed; NULL: nothing to compare with */
    uint64_t heads_next;      /* the next of them to compare */
    uint64_t head_wrong;      /* size of the one that is not of these records; 0: none */
    uint64_t seq_max;         /* records behind it are left out; 0: none are */
    int64_t until_us;         /* of seq_until */
    uint64_t seq_until;       /* the last record not after it */
};

int backup_records_begin(struct backup_records *records);
void backup_records_end(struct backup_records *records);
/* As they are behind the manifest's last record. */
void backup_records_continue(struct backup_records *records,
                             const struct backup_manifest *manifest);

/* Memory of walks. */
struct backup_memory;
int backup_memory_new(struct backup_memory **ret_memory);
void backup_memory_free(struct backup_memory *memory); /* accepts NULL */

struct backup_walk {
    struct ledger_reader *reader; /* borrowed, as all below; the segment is open */
    struct backup_memory *memory;
    struct backup_records *records; /* NULL: nobody is told */
    uint64_t segment;
    uint64_t creation;
    uint32_t shard;
    struct ledger_place before; /* its first group */
    uint64_t counted;           /* bytes of it, at a group's end, or all of a full segment */
    struct disk *to;            /* copied to `file` of it; NULL: not copied */
    int file;
    uint64_t prefix;   /* hashed apart: so many first bytes; 0: none */
    uint64_t stop_seq; /* ends with -ERR_STOPPED at the group with this record; 0: none */
    /* What was found. */
    struct ledger_place end;  /* after the last group */
    struct ledger_place last; /* before the last group */
    uint64_t last_offset;     /* where it begins; 0: there is no group */
    uint8_t sha256[SHA256_BYTES];
    uint8_t prefix_sha256[SHA256_BYTES];
};

/* 0; -ERR_CORRUPT, explained in the reader's text (or by records->head_wrong); or the disk's
 * error. A target that was copied to is neither synced to its end nor as long as the segment. */
int backup_walk(struct backup_walk *walk);

/* The group at which a walk with stop_seq stopped; its place is walk->last and last_offset. */
struct backup_group {
    const char *records; /* borrowed from the walk's memory until its next use */
    uint64_t epoch;
};
struct backup_group backup_walk_group(const struct backup_walk *walk);
