/* ledger_file.h - the ledger_log port on files of our own: one shard, one directory or two.
 *
 * Threads serve it. A writer, one a directory, owns the newest segment: it lays a group over
 * sectors, writes and syncs it, and prepares the next segment in small steps while nothing waits.
 * The reader checks and copies durable records. The owner's thread only hands over and takes back;
 * nothing spins. Format and recovery: docs/LEDGER.md, "The log on disk".
 *
 * Of the port: append() answers -ERR_BUSY while one is under way and until its callback has run,
 * and -ERR_STOPPED for ever after APPEND_UNKNOWN; reads and replay go on serving then. An append
 * with an epoch that is not the newest taken is APPEND_MOVED. APPEND_REFUSED: the next segment
 * could not be prepared (no space, or LEDGER_SEGMENTS_MAX); nothing was written. APPEND_LATE: by
 * CLOCK_MONOTONIC, looked at as the last thing before the group's write, in the other directory
 * once more; what the disk was asked for in time stands, however long it takes. take_epoch()
 * blocks for two syncs and waits for an append under way. With `read_only` (ledger_store.h) there
 * is no writer: append() and take_epoch() answer -ERR_UNSUPPORTED. Shards other than the one opened
 * are a programmer error. */
#pragma once

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/ledger_store.h"
#include "base/metrics.h"
#include "ports/ledger_log.h"

/* Told of each group when it is durable and before anybody else, on the writer's thread: whatever
 * it takes, the answer waits. The group is borrowed for the call. */
struct ledger_follower {
    void (*on_durable)(void *owner, const struct ledger_append *group); /* NULL: nobody */
    void *owner;
};

/* An append that waits longer than stall_us is a stall: the port says LEDGER_STALLED until it is
 * done, and where there is a second directory (store.second) and nobody hangs in it, the log fails
 * over to it, as it does at once after a write or sync that failed. 0: nobody looks at the clock.
 */
struct ledger_file_options {
    struct ledger_store_options store;
    struct ledger_follower follower;
    int64_t stall_us;
};

/* For the metrics page and whoever tells the operator; changes are announced by notify. Thread:
 * any, until the log is freed. */
struct ledger_file_health {
    struct metrics_gauge volume; /* the directory that is written to: 1 or 2 */
    struct metrics_gauge stalled, full;
    struct metrics_gauge free_bytes; /* where it is written, as this and the following */
    struct metrics_gauge reserve_bytes, reserve_missing_bytes;
    struct metrics_counter failovers, stalls;
};
const struct ledger_file_health *ledger_file_health(struct ledger_log *log);
/* A writer hangs in the directory that was left. When it still does at free(), it is left behind,
 * and then the disks must not be freed: the process ends. Thread: the owner's. */
bool ledger_file_hangs(struct ledger_log *log);

/* Opens or creates. Errors as ledger_store_open(); *ret_report (may be NULL) says what was found
 * and why it refused. The disk is borrowed until free(). */
int ledger_file_open(const struct ledger_file_options *options, struct disk *disk,
                     struct ledger_report *ret_report, struct ledger_log **ret_log);

/* Counters for the metrics page. Thread: the owner's. */
struct ledger_file_stats {
    struct ledger_store_stats store;
    uint64_t reads;
    uint64_t reads_busy; /* answered -ERR_BUSY: LEDGER_READS_MAX */
    uint64_t probes;     /* places looked at in searching for records */
};
void ledger_file_stats(struct ledger_log *log, struct ledger_file_stats *ret_stats);
/* As the port's replay, up to the newest record that is durable now. ret_text has
 * LEDGER_REPORT_TEXT_BYTES. Thread: any; ended before the log is freed. */
int ledger_file_replay(struct ledger_log *log, uint64_t seq_first, ledger_visit visit, void *owner,
                       char *ret_text);
/* From this record on nothing was in the archive when the log was opened. Thread: any. */
uint64_t ledger_file_live_seq(struct ledger_log *log);
/* Is the newest file that was in the archive when the log was opened there now? True when none was.
 * Thread: any. */
bool ledger_file_archive_there(struct ledger_log *log);
/* Compares every file in the archive with what was archived, by its SHA-256; *ret_files of them. 0;
 * -ERR_CORRUPT, -ERR_ARCHIVED or the disk's error, with ret_text. Thread: as replay. */
int ledger_file_check_archive(struct ledger_log *log, uint64_t *ret_files, char *ret_text);
/* How the log lies on disk now; ret_text as above. Thread: any; ended before the log is freed. */
int ledger_file_sizes(struct ledger_log *log, struct ledger_sizes *ret_sizes, char *ret_text);
/* The log's creation id. Thread: any. */
uint64_t ledger_file_creation(struct ledger_log *log);
/* The newest epoch that was taken. Thread: the owner's. */
uint64_t ledger_file_epoch(struct ledger_log *log);
/* As the port's take_epoch, but it takes this epoch, which is not below the newest: for a standby,
 * whose groups are another writer's, and for who was promoted (docs/LEDGER.md, "Log shipping"). */
int ledger_file_raise_epoch(struct ledger_log *log, uint64_t epoch);
/* Waits until no append is under way: the tail is what it came to. Thread: the owner's. */
void ledger_file_rest(struct ledger_log *log);
/* For ledger_cursor_file_new(): the durable log as of now, without a lock. Thread: any. */
struct ledger_cursor_log ledger_file_cursor_log(struct ledger_log *log);
/* File and byte of the damage that a read or replay answered -ERR_CORRUPT for, or "".
 * Borrowed until the next call. */
const char *ledger_file_problem(struct ledger_log *log);
