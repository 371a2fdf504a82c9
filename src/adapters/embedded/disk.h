/* disk.h - the one seam between the embedded stores and the disk: one directory of flat files.
 *
 * Every write and sync of the embedded adapters goes through here, so that a test can record
 * them, drop what was not synced and tear what was under way (adapters/faulty/faulty_disk.h). Names
 * are plain file names, without '/', of at most DISK_NAME_BYTES_MAX bytes. A file is a small
 * number, valid until close; offsets and sizes are bytes.
 *
 * What the disk is trusted with: sync() makes everything written to that file before durable,
 * sync_directory() every create, rename and unlink before; a sector of DISK_SECTOR bytes is
 * written whole or not at all; rename() is atomic. Nothing else: unsynced sectors may be kept,
 * lost or written in any order.
 *
 * Every call answers 0 or -ERR_IO, -ERR_NO_SPACE, -ERR_NOT_FOUND (open, rename, unlink),
 * -ERR_BUSY (lock), -ERR_MEMORY; a disk opened to be read (disk_open_to_read) -ERR_UNSUPPORTED for
 * all that changes it. Thread: any; one file is written by one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_SECTOR           512
#define DISK_NAME_BYTES_MAX   63
#define DISK_DIRECT_ALIGNMENT 4096

/* Why a sync is done. Each is a promise that some recovery rule needs: the crash tests show of
 * each that without it something is lost (tests/unit/adapters/test_ledger_syncs.c). */
#define DISK_WHY_LIST(X)                                                                           \
    X(DISK_WHY_GROUP, "group")                   /* ledger: the commit */                          \
    X(DISK_WHY_SEGMENT_ZEROS, "segment zeros")   /* ledger: before a segment gets its header */    \
    X(DISK_WHY_SEGMENT_NAME, "segment name")     /* ledger: directory, before the header too */    \
    X(DISK_WHY_SEGMENT_HEADER, "segment header") /* ledger: before the segment's first group */    \
    X(DISK_WHY_CUT, "cut")                       /* ledger: zeros over a torn group */             \
    X(DISK_WHY_RECOVERED, "recovered")           /* ledger: what open() found is durable too */    \
    X(DISK_WHY_EPOCH, "epoch")                   /* content, before the rename */                  \
    X(DISK_WHY_EPOCH_NAME, "epoch name")         /* directory, after the rename */                 \
    X(DISK_WHY_ODDS, "odds")                     /* odds log: every second and at close */         \
    X(DISK_WHY_ODDS_NAME, "odds name")           /* odds log: directory, at a new segment */       \
    X(DISK_WHY_KEY, "key")                       /* vault: a key made or destroyed */              \
    X(DISK_WHY_KEY_NAME, "key name")             /* vault: directory, at creation */               \
    X(DISK_WHY_TREE, "tree")                     /* tree: hashes, before the state names them */   \
    X(DISK_WHY_LINK, "link")                     /* tree: before the new key signs */              \
    X(DISK_WHY_LINK_NAME, "link name")           /* tree: directory, the same */                   \
    X(DISK_WHY_SNAPSHOT, "snapshot")             /* content, in steps, before the rename */        \
    X(DISK_WHY_SNAPSHOT_NAME, "snapshot name")   /* directory, before older ones go */             \
    X(DISK_WHY_BACKUP, "backup")                 /* a file of a backup, before it gets its name */ \
    X(DISK_WHY_BACKUP_NAME, "backup name")       /* directory, before the manifest names it */     \
    X(DISK_WHY_VOLUME, "volume")                 /* ledger: which directory of two this is */      \
    X(DISK_WHY_VOLUME_NAME, "volume name")       /* directory, before the log may fail over */     \
    X(DISK_WHY_PACKED, "packed")                 /* ledger: packed content, before the rename */   \
    X(DISK_WHY_PACKED_NAME, "packed name")     /* ledger: directory, before the plain one goes */  \
    X(DISK_WHY_VERDICTS, "verdicts")           /* a run of old keys, before the rename */          \
    X(DISK_WHY_VERDICTS_NAME, "verdicts name") /* directory, before those that were merged go */   \
    X(DISK_WHY_ARCHIVED, "archived")           /* archive: content, before the rename */           \
    X(DISK_WHY_ARCHIVED_NAME, "archived name") /* archive: directory, before there is a slip */    \
    X(DISK_WHY_SLIP, "slip")                   /* ledger: slip of an archived segment */           \
    X(DISK_WHY_SLIP_NAME, "slip name")         /* directory, before the segment goes */            \
    X(DISK_WHY_PLACE, "place")           /* a reader's bookmark: content, before the rename */     \
    X(DISK_WHY_PLACE_NAME, "place name") /* directory, before its commit is answered */

#define DISK_WHY_ENUM(name, text) name,
enum disk_why { DISK_WHY_LIST(DISK_WHY_ENUM) };
#undef DISK_WHY_ENUM

/* The reason in words, for reports and tests. */
const char *disk_why_text(enum disk_why why);

struct disk;

/* Called for every file in the directory; a negative answer ends the listing with it. */
typedef int (*disk_visit)(void *owner, const char *name);

struct disk_piece {
    int file;
    uint64_t offset;
    void *memory; /* borrowed for the call */
    size_t bytes;
};

struct disk_ops {
    /* Opens for reading and writing; `create` makes an empty file when there is none. */
    int (*open)(struct disk *disk, const char *name, bool create, int *ret_file);
    void (*close)(struct disk *disk, int file);
    int (*size)(struct disk *disk, int file, uint64_t *ret_bytes);
    /* Reads up to piece.bytes; *ret_bytes is less only at the end of the file. */
    int (*read)(struct disk *disk, struct disk_piece piece, size_t *ret_bytes);
    /* These bytes will be read soon: a hint, which costs nothing. May be NULL. */
    void (*will_read)(struct disk *disk, int file, uint64_t offset, uint64_t bytes);
    /* Writes all, growing the file where needed. */
    int (*write)(struct disk *disk, int file, uint64_t offset, const void *from, size_t bytes);
    /* A second handle on an existing file for write_durable() alone. -ERR_UNSUPPORTED where the
     * file system cannot write sectors past its cache; write and sync do the same there. */
    int (*open_direct)(struct disk *disk, const char *name, int *ret_file);
    /* Write and sync (DISK_WHY_GROUP) in one call, into space written before. `from` is aligned
     * to DISK_DIRECT_ALIGNMENT, offset and bytes to sectors. After an error: unknown what is
     * there. */
    int (*write_durable)(struct disk *disk, int file, uint64_t offset, const void *from,
                         size_t bytes);
    int (*truncate)(struct disk *disk, int file, uint64_t bytes);
    /* Makes an empty file so long, of zeros, and takes the space for it now, so that a later write
     * into it cannot find the disk full. */
    int (*allocate)(struct disk *disk, int file, uint64_t bytes);
    /* What may still be taken by whoever runs this process. */
    int (*free_bytes)(struct disk *disk, uint64_t *ret_bytes);
    /* What is cached of the file is dropped, as far as it is durable: what is read next comes from
     * where it lies. It may be kept all the same. */
    void (*forget)(struct disk *disk, int file);
    int (*sync)(struct disk *disk, int file, enum disk_why why);
    int (*sync_directory)(struct disk *disk, enum disk_why why);
    int (*rename)(struct disk *disk, const char *from, const char *to);
    int (*unlink)(struct disk *disk, const char *name);
    int (*list)(struct disk *disk, disk_visit visit, void *owner);
    /* Opens and locks this file until it is closed or the process ends; -ERR_BUSY when it is
     * locked already, in this process or another. A disk opened to be read takes a shared lock:
     * beside others that read, never beside one that writes; *ret_file is then -1 when there is
     * nothing to lock: no such file (nobody ever opened this to write), or one that may not be
     * read on a file system that is mounted read-only. */
    int (*lock)(struct disk *disk, const char *name, int *ret_file);
    void (*free)(struct disk *disk); /* NULL for a disk in the caller's memory */
};

struct disk {
    const struct disk_ops *ops;
};

/* A directory of the file system; made (one level, synced into its parent) when absent. The
 * caller owns *ret_disk and ends it with disk_free(). -ERR_NOT_FOUND: no parent. */
int disk_open_directory(const char *path, struct disk **ret_disk);
/* The same directory, to be read: nothing in it is created, changed or synced, so it needs no right
 * to write. -ERR_NOT_FOUND: there is none. */
int disk_open_to_read(const char *path, struct disk **ret_disk);
void disk_free(struct disk *disk); /* accepts NULL; every file must be closed before */

/* Writes `bytes` of zeros at offset, in steps. Errors as write. */
int disk_write_zeros(struct disk *disk, int file, uint64_t offset, uint64_t bytes);
/* Replaces the file `name` by these bytes, durably and atomically: a crash leaves the old or
 * the new content. Uses the name with ".new" behind it. */
int disk_replace(struct disk *disk, const char *name, const void *from, size_t bytes);
/* The same for other reasons: of the content's sync, and of the directory's. */
struct disk_reasons {
    enum disk_why content, name;
};
int disk_replace_for(struct disk *disk, const char *name, const void *from, size_t bytes,
                     struct disk_reasons reasons);
/* Reads the whole file of at most `capacity` bytes. -ERR_LIMIT when it is longer. */
int disk_read_whole(struct disk *disk, const char *name, void *memory, size_t capacity,
                    size_t *ret_bytes);
