/* faulty_disk.h - a disk in memory that records every operation, fails when told to, and shows
 * what a crash could leave.
 *
 * After a crash: what was synced is there; of everything else each 512-byte sector, each name
 * and each rename is independently there or not (of several unsynced versions of a sector, any
 * one). A sync that failed has dropped or kept each sector and marks all of them clean, as Linux
 * does: a later sync says yes and writes nothing. Thread: any. */
#pragma once

#include "adapters/embedded/disk.h"

#define FAULTY_DISK_NO_WHY (-1)

struct faulty_disk;

/* An empty disk; it is there or the process ends. The caller owns it and closes every file before
 * faulty_disk_free(). faulty_disk_of() borrows it as the port. */
struct faulty_disk *faulty_disk_new(void);
struct disk *faulty_disk_of(struct faulty_disk *fake);
void faulty_disk_free(struct faulty_disk *fake);

/* Operations that change the disk, recorded since new or crash. */
size_t faulty_disk_ops_count(struct faulty_disk *fake);
/* Another disk of the same machine: from now on one clock counts the operations of both, so that
 * one crash can be told to both. Neither has done any; the first one outlives it. */
void faulty_disk_beside(struct faulty_disk *fake, struct faulty_disk *first);
/* Operations of all such disks by now; and how many of this one's were done at that time. */
uint64_t faulty_disk_clock(struct faulty_disk *fake);
size_t faulty_disk_ops_at(struct faulty_disk *fake, uint64_t clock);
/* A new disk as after a power failure behind the first `ops` operations; syncs for the reason
 * `ignored_why` are taken as if they had never been called. Seed 0 loses all that is unsynced,
 * 1 keeps all of it, others choose by chance. Nothing is locked or open on it. */
struct faulty_disk *faulty_disk_crash(struct faulty_disk *fake, size_t ops, uint64_t seed,
                                      int ignored_why);
/* Syncs among the first `ops` operations are never ignored by faulty_disk_crash(). */
void faulty_disk_ignore_from(struct faulty_disk *fake, size_t ops);
/* The process dies, the disk and the kernel live on: files are closed, nothing is lost, nothing
 * becomes durable. */
void faulty_disk_kill(struct faulty_disk *fake);

/* The process dies behind `ops` more operations of this disk and of those beside it, to which the
 * same is to be said (0: it does not after all): from then on nothing is changed and every attempt
 * answers -ERR_IO, until faulty_disk_kill(). is_stopped: there was one. */
void faulty_disk_stop_after(struct faulty_disk *fake, size_t ops);
bool faulty_disk_is_stopped(struct faulty_disk *fake);

/* Faults. The n-th call from now (1 is the next) fails with -ERR_IO; 0: none. A failed write has
 * written its first half, in whole sectors. */
void faulty_disk_fail_write(struct faulty_disk *fake, unsigned nth);
void faulty_disk_fail_sync(struct faulty_disk *fake, unsigned nth);
/* All files together may take this much; 0: no limit. */
void faulty_disk_limit(struct faulty_disk *fake, uint64_t bytes);
/* Holds every sync until it is let go again: a slow disk. */
void faulty_disk_hold_syncs(struct faulty_disk *fake, bool hold);

/* The n-th write or sync from now hangs (0: none). The simulator has one thread, so the call comes
 * back, with -ERR_STOPPED, as does every later one that would change something: whoever made it is
 * to be taken for one who waits. hangs: it came. release: others may use the disk again, while what
 * hangs still does. late: it is done now, or, when not `done`, never. */
void faulty_disk_hang(struct faulty_disk *fake, unsigned nth);
bool faulty_disk_hangs(struct faulty_disk *fake);
void faulty_disk_release(struct faulty_disk *fake);
void faulty_disk_late(struct faulty_disk *fake, bool done);

/* Direct access to what the program sees, unrecorded: faulty_disk_crash() does not know of it.
 * False when there is no such file or byte. */
bool faulty_disk_flip(struct faulty_disk *fake, const char *name, uint64_t offset, unsigned bit);
bool faulty_disk_set_size(struct faulty_disk *fake, const char *name, uint64_t bytes);
bool faulty_disk_delete(struct faulty_disk *fake, const char *name);
bool faulty_disk_put(struct faulty_disk *fake, const char *name, uint64_t offset, const void *from,
                     size_t bytes);
/* NULL when there is no such file. Borrowed until the next change. */
const char *faulty_disk_content(struct faulty_disk *fake, const char *name, uint64_t *ret_bytes);
