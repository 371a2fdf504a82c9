/* snapshot_file.h - the snapshot_store port on files "snapshot-SSSS-SEQ.snap" of one directory.
 *
 * A snapshot is written under the same name with ".new" behind it, synced, renamed, and the
 * directory synced; only then are older ones dropped, so that a crash at any moment leaves the
 * newest that was kept (tests/unit/adapters/test_snapshot_file.c). It is synced every
 * SNAPSHOT_SYNC_BYTES, because one sync of gigabytes at the end would stall the ledger's commits
 * on the same disk. A read that fails is damage here: there is an older snapshot, or the log.
 * Thread: one user of each store. */
#pragma once

#include "adapters/embedded/disk.h"
#include "ports/snapshot_store.h"

#define SNAPSHOT_KEEP_DEFAULT 2
#define SNAPSHOT_SYNC_BYTES   (8u << 20)
#define SNAPSHOT_FILES_MAX    64 /* in the directory; the oldest beyond them are not looked at */

struct snapshot_file_options {
    uint32_t shard;
    uint32_t keep;        /* 1 .. SNAPSHOT_FILES_MAX / 2; 0: the default */
    const uint32_t *stop; /* borrowed; not 0 (any thread): a save ends with -ERR_STOPPED */
};

/* The disk is borrowed until free(). 0 or -ERR_MEMORY; the caller owns *ret_store. */
int snapshot_file_new(const struct snapshot_file_options *options, struct disk *disk,
                      struct snapshot_store **ret_store);

/* Every snapshot of the shard, oldest first; for `ledger verify`. Names of DISK_NAME_BYTES_MAX and
 * seqs, at most SNAPSHOT_FILES_MAX. */
struct snapshot_name {
    uint64_t seq;
    char name[DISK_NAME_BYTES_MAX + 1];
};
int snapshot_file_list(struct disk *disk, uint32_t shard, struct snapshot_name *ret_names,
                       size_t *ret_count);
