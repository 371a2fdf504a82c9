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
#include "adapters/embedded/ledger_reader.h"
#include "adapters/embedded/ledger_scan.h"
#include "ports/ledger_log.h"

#define LEDGER_SEGMENT_BYTES_DEFAULT (UINT64_C(64) << 20)
#define LEDGER_SEGMENT_BYTES_MIN     (UINT64_C(4) << 10)
#define LEDGER_SEGMENT_BYTES_MAX     (UINT64_C(1) << 30)
#define LEDGER_PREPARE_BYTES         (UINT64_C(512) << 10) /* zeros written and synced per step */
#define LEDGER_PREPARE_RETRY_GROUPS  256

struct ledger_store_options {
    uint32_t shard;
    uint64_t segment_bytes; /* of new segments, a multiple of 512; 0: the default */
    uint64_t creation;      /* id of a log that is created; 0: random */
    bool newest_only;       /* check the groups of the two newest segments only, heads of all;
                             * the rest is checked when it is read */
    bool read_only;         /* nothing is created, written, renamed or synced: below */
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
    char text[LEDGER_REPORT_TEXT_BYTES]; /* why it refused: file, byte offset, problem; or "" */
};

struct ledger_prepare {
    int file;             /* -1: not begun */
    uint64_t done;        /* zeros written and synced */
    bool ready;           /* all of it, and the name */
    uint64_t retry_group; /* after a failure: no step before the log has this group */
};

/* Counters since open; read between calls. */
struct ledger_store_stats {
    uint64_t groups;
    uint64_t refused;       /* appends for which no segment could be prepared */
    uint64_t prepare_waits; /* appends that had to prepare a segment themselves */
    uint64_t prepare_failures;
};

struct ledger_store {
    struct ledger_store_options options;
    struct disk *disk; /* borrowed; the first of the volumes */
    struct ledger_volumes volumes;
    int lock_file;
    uint64_t creation;
    uint64_t epoch; /* the newest taken */
    struct ledger_place place;
    int file;        /* of the newest segment */
    int direct_file; /* the same, past the cache; -1: unsupported */
    uint64_t offset; /* where the next group goes in it */
    uint64_t segments_count;
    struct ledger_segment *segments; /* LEDGER_SEGMENTS_MAX of them */
    struct ledger_prepare prepare;   /* of segment number segments_count */
    struct ledger_sector *sectors;   /* room for the largest group */
    char *records;                   /* the same, for recovery */
    bool stopped;                    /* a write or sync failed: never again */
    struct ledger_store_stats stats;
};

/* Recovers or creates the log. 0; -ERR_CORRUPT: damage, and nothing was changed; -ERR_BUSY:
 * another process has it; -ERR_CONFIG: impossible options; or the disk's error. *report is
 * always written. The caller owns *ret_store; the disk must outlive it.
 *
 * Read only: the log is taken as it is found, and -ERR_NOT_FOUND answers when there is none. On a
 * disk that was opened to be read the lock is shared, so several may read at once, none beside a
 * writer. What was found may not be durable yet (ledger_recover.c): it is for looking at, not for
 * telling anybody that it is done. ledger_store_append() is then a programmer error. */
int ledger_store_open(const struct ledger_store_options *options, struct disk *disk,
                      struct ledger_report *report, struct ledger_store **ret_store);
void ledger_store_free(struct ledger_store *store); /* accepts NULL */

/* Blocks for the commit. After UNKNOWN the store is stopped. `append` is checked by
 * ledger_store_bytes_max; on_done is not called. */
enum append_outcome ledger_store_append(struct ledger_store *store,
                                        const struct ledger_append *append);
/* The most record bytes that one group may have here. */
size_t ledger_store_bytes_max(const struct ledger_store *store);
/* One small step of preparing the next segment. True when there is more to do now. */
bool ledger_store_prepare_step(struct ledger_store *store);
/* Is the next segment prepared less far than this one is used? Then a step is due even though
 * appends are waiting. */
bool ledger_store_prepare_late(const struct ledger_store *store);
/* Durable before it answers; -ERR_STOPPED; -ERR_UNSUPPORTED (read only); or the disk's error (the
 * epoch is then not taken, and the store is stopped: the file may hold either). */
int ledger_store_take_epoch(struct ledger_store *store, uint64_t *ret_epoch);

/* Shared with recovery. The prepared segment gets its head and becomes the newest. */
int ledger_store_begin_segment(struct ledger_store *store);
/* Opens direct_file for the newest segment. */
int ledger_store_open_direct(struct ledger_store *store);
int ledger_store_write_epoch(struct ledger_store *store, uint64_t epoch);
/* Writes the zeros of the next segment to the end, with its name. */
int ledger_store_prepare_all(struct ledger_store *store);
