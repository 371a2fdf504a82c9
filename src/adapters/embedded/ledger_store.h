/* ledger_store.h - one shard's log over a disk, without threads: recovery, commit, roll.
 *
 * The state machine under ledger_file.h, which hosts it on a writer thread; tests drive it
 * directly, one operation of the disk at a time. Format and recovery: docs/LEDGER.md, "The log
 * on disk". Thread: one at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_format.h"
#include "adapters/embedded/ledger_hand.h"
#include "adapters/embedded/ledger_reader.h"
#include "adapters/embedded/ledger_scan.h"
#include "ports/ledger_log.h"

#define LEDGER_SEGMENT_BYTES_DEFAULT (UINT64_C(64) << 20)
#define LEDGER_SEGMENT_BYTES_MIN     (UINT64_C(4) << 10)
#define LEDGER_SEGMENT_BYTES_MAX     (UINT64_C(1) << 30)

struct ledger_store_options {
    uint32_t shard;
    uint64_t segment_bytes;  /* of new segments, a multiple of 512; 0: the default */
    uint64_t creation;       /* id of a log that is created; 0: random */
    bool newest_only;        /* check the groups of the two newest segments only, heads of all;
                              * the rest is checked when it is read */
    bool read_only;          /* nothing is created, written, renamed or synced: below */
    bool unlocked;           /* read only, beside a server that may be writing: below */
    struct disk *second;     /* borrowed: the second directory, on another volume; or NULL */
    struct disk *archive;    /* borrowed: where old segments are; NULL: not there, or none */
    uint64_t reserve_bytes;  /* kept free in each directory, in whole segments (ledger_hand.h) */
    uint64_t free_bytes_min; /* with less than this free, the disk counts as full */
    bool alone;              /* this directory is opened though it is one of two (ledger_pair.h) */
};

/* What open() found. When it refuses: `text`. */
struct ledger_report {
    uint64_t segments; /* with a head */
    uint64_t groups;
    uint64_t seq_tail;
    uint64_t epoch;
    bool created;
    uint64_t cut_sectors; /* > 0: a torn group, never acknowledged, was cut or, read only, left
                           * where it is and taken as not there */
    uint64_t cut_segment;
    uint64_t cut_offset;
    uint64_t cut_group;
    uint32_t volume;            /* where the log goes on: 0 the first directory, 1 the second */
    uint64_t superseded_groups; /* in flight at failovers, whole or torn, that do not count */
    bool paired;                /* the two directories were made a pair just now */
    char text[LEDGER_REPORT_TEXT_BYTES]; /* why it refused: file, byte offset, problem; or "" */
};

/* What is durable and told. It changes when the owner settles what a hand has done, and at no other
 * time; so the owner may give a hand up that hangs, and go on with the other. */
struct ledger_store {
    struct ledger_store_options options;
    struct ledger_volumes volumes;
    int lock_files[LEDGER_VOLUMES_MAX];
    uint64_t creation;
    uint64_t epoch;       /* the newest taken */
    uint64_t epoch_taken; /* by the writer: what appends name. Failovers raise `epoch` alone */
    struct ledger_place place;
    uint64_t offset; /* where the next group goes in the newest segment */
    uint64_t segments_count;
    uint64_t archived_end;           /* when opened: from this segment on none is in the archive */
    struct ledger_segment *segments; /* LEDGER_SEGMENTS_MAX of them */
    struct ledger_hand hands[LEDGER_VOLUMES_MAX];
    uint32_t active;  /* whose hand writes */
    bool taking_over; /* it has not begun its segment yet */
    char *records;    /* room for the largest group, for recovery */
    bool stopped;     /* a write or sync failed, and there is nowhere to go on */
    struct ledger_store_stats stats;
};

/* Recovers or creates the log. 0; -ERR_CORRUPT: damage, and nothing was changed; -ERR_BUSY:
 * another process has it; -ERR_CONFIG: impossible options, or not the directories of this log; or
 * the disk's error. *report is always written. The caller owns *ret_store; the disks must outlive
 * it.
 *
 * Read only: the log is taken as it is found, and -ERR_NOT_FOUND answers when there is none. On a
 * disk that was opened to be read the lock is shared, so several may read at once, none beside a
 * writer. What was found may not be durable yet (ledger_recover.c): it is for looking at, not for
 * telling anybody that it is done. ledger_store_append() is then a programmer error.
 *
 * Unlocked: nobody is kept from writing, so the last group may not be durable yet, and -ERR_CORRUPT
 * may be what a write or a roll under way looks like: asked again, it passes; damage stays. */
int ledger_store_open(const struct ledger_store_options *options, struct disk *disk,
                      struct ledger_report *report, struct ledger_store **ret_store);
void ledger_store_free(struct ledger_store *store); /* accepts NULL */

/* Blocks for the commit. After UNKNOWN the store is stopped, until it fails over. `append` is
 * checked by ledger_store_bytes_max; on_done is not called. */
enum append_outcome ledger_store_append(struct ledger_store *store,
                                        const struct ledger_append *append);
/* The most record bytes that one group may have here. */
size_t ledger_store_bytes_max(const struct ledger_store *store);
/* One small step of preparing the next segment. True when there is more to do now. */
bool ledger_store_prepare_step(struct ledger_store *store);
/* How much space there is; fills the reserve up. About once a second. */
void ledger_store_look(struct ledger_store *store);
/* Durable before it answers; -ERR_STOPPED; -ERR_UNSUPPORTED (read only); or the disk's error (the
 * epoch is then not taken, and the store is stopped: the file may hold either). */
int ledger_store_take_epoch(struct ledger_store *store, uint64_t *ret_epoch);
/* Takes this epoch, which is not below the newest: of a writer whose groups are followed. The same
 * answers. */
int ledger_store_raise_epoch(struct ledger_store *store, uint64_t epoch);

/* Is there another directory that is well, and nobody hanging in it? */
bool ledger_store_can_fail_over(const struct ledger_store *store);
/* Did this outcome of the active hand, which was settled, show that its disk failed, and is there
 * another to go on in? The hand is not used again then: the owner fails over. */
bool ledger_store_must_leave(struct ledger_store *store, enum append_outcome outcome);
/* The log goes on in the other directory, behind the last durable group, under a new epoch. The
 * append that was under way is made again, the same: it may stand in the directory that was left,
 * whole, in part or later, and does not count there. 0; else the store is stopped. */
int ledger_store_fail_over(struct ledger_store *store);

/* --- In parts, for an owner who works on several threads (ledger_file.c) --- */

struct ledger_hand *ledger_store_hand(struct ledger_store *store);
/* APPEND_MOVED when this append is of an older writer or not behind the tail. */
bool ledger_store_moved(const struct ledger_store *store, const struct ledger_append *append);
/* What the active hand has done is the log's from now on. */
void ledger_store_settle(struct ledger_store *store, enum append_outcome outcome);
/* Where the hand that takes over goes on; asked before the other is given up. */
struct ledger_tail ledger_store_tail(const struct ledger_store *store);
/* The active hand does no operation more from now on, and the other one is to call
 * ledger_hand_take_over(): can_fail_over() was asked. The one given up counts as hanging until its
 * thread has called ledger_hand_rest() for it, and then ledger_store_came_back(). */
void ledger_store_give_up(struct ledger_store *store);
void ledger_store_came_back(struct ledger_store *store, uint32_t volume);
/* Settles a failover: `error` is what ledger_hand_take_over() answered. */
void ledger_store_taken_over(struct ledger_store *store, int error);
