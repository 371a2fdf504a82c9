/* backup_manifest.h - what a backup holds and up to where (docs/LEDGER.md, "Backups").
 *
 * A text file named "manifest" at the root of the backup, a line a thing, the last one the SHA-256
 * of all before it. It is replaced by rename when all that it names is durable, so whatever it
 * names is there, whatever was interrupted. Of a file that grows it counts the bytes that were
 * there then: what stands behind them came later. Pure but for load and store. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "base/buf.h"
#include "crypto/sha256.h"
#include "ledger/merkle.h"
#include "ledger/tree_head.h"

#define BACKUP_MANIFEST_NAME      "manifest"
#define BACKUP_MANIFEST_BYTES_MAX (32u << 20)
#define BACKUP_FILES_MAX          131072
#define BACKUP_TEXT_BYTES         320

/* Folders of a backup, as of a server's data. */
enum backup_folder { BACKUP_LEDGER = 0, BACKUP_TREE, BACKUP_ODDS };
#define BACKUP_FOLDERS 3
const char *backup_folder_text(enum backup_folder folder);

struct backup_file {
    enum backup_folder folder;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes;   /* of the file; behind `counted` they are zeros or came later */
    uint64_t counted; /* from its begin on: covered by the hash */
    uint8_t sha256[SHA256_BYTES];
};

struct backup_manifest {
    uint64_t creation; /* of the log */
    uint8_t book_id[16];
    uint32_t shard;
    uint64_t seq;      /* of the last record */
    int64_t time_us;   /* its time */
    int64_t made_us;   /* when the backup was made */
    uint64_t epoch;    /* newest writer epoch taken */
    uint64_t accounts; /* opened up to the last record */
    uint32_t odds_epoch;
    struct merkle_range range; /* of the first `seq` records: the root, and how to go on */
    bool has_head;
    unsigned char head[TREE_HEAD_BYTES]; /* the newest one of at most `seq` records */
    struct backup_file *files;           /* owned; BACKUP_FILES_MAX of them at most */
    size_t files_count;
};

/* An empty one; its files are reserved memory. 0 or -ERR_MEMORY. */
int backup_manifest_new(struct backup_manifest **ret_manifest);
void backup_manifest_free(struct backup_manifest *manifest); /* accepts NULL */
/* -ERR_LIMIT: BACKUP_FILES_MAX. */
int backup_manifest_add(struct backup_manifest *manifest, const struct backup_file *file);
/* NULL when it names no such file. */
const struct backup_file *backup_manifest_find(const struct backup_manifest *manifest,
                                               enum backup_folder folder, const char *name);

/* From and to the file, which has a hash of itself. -ERR_NOT_FOUND: there is none; -ERR_CORRUPT
 * with what is wrong in *ret_wrong (static); -ERR_MEMORY, -ERR_LIMIT or the disk's error. */
int backup_manifest_load(struct disk *root, struct backup_manifest *manifest,
                         const char **ret_wrong);
int backup_manifest_store(struct disk *root, const struct backup_manifest *manifest);
