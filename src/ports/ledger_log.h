/* ledger_log.h - the sharded, compare-and-append log under the ledger (DESIGN part 3).
 *
 * A shard is one dense sequence of records, appended in groups. append() is atomic and durable:
 * after APPEND_OK the group is found by every later read and replay, in any crash that leaves
 * the medium whole; after any other answer it must be looked for before anything is said to
 * anybody. One append per shard is under way at a time; the next group is built meanwhile
 * (commit when the disk is idle, never on a timer).
 *
 * Asynchronous calls follow one contract: the caller owns the request and keeps it, and the
 * bytes it points to, until its one callback; the callback runs inside poll() on the caller's
 * thread, never inside the submitting call; at its limit the port answers -ERR_BUSY at once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum append_outcome {
    APPEND_OK = 0,
    APPEND_MOVED,   /* another writer appended: expected_tail or epoch is old; fold, decide again */
    APPEND_UNKNOWN, /* the medium failed: the group may or may not be there; the log is stopped */
    APPEND_LATE,    /* until_us has passed: nothing was written, and the log goes on */
    APPEND_REFUSED, /* no space: nothing was written, the log goes on; the same may be tried again
                     */
};

/* What the medium is like, for whoever decides what may still be appended. */
enum ledger_trouble {
    LEDGER_WELL = 0,
    LEDGER_STALLED, /* the append under way waits longer than it should; it ends by itself */
    LEDGER_FULL,    /* space runs out: what is left is not for bets; it ends when there is space */
};

struct ledger_append {
    uint32_t shard;
    uint64_t epoch;         /* the writer's, from open(); an older one is refused (fenced) */
    uint64_t expected_tail; /* sequence number of the last record before this group */
    const char *records;    /* whole records, one after another (docs/LEDGER.md) */
    size_t bytes;
    uint32_t count; /* of records, >= 1; their numbers are expected_tail+1 .. +count */
    /* CLOCK_MONOTONIC: written later, by the medium's clock where it has one, it is APPEND_LATE
     * (L6): asked when the write begins, not when it ends. 0: whenever. */
    int64_t until_us;
    void (*on_done)(struct ledger_append *append, enum append_outcome outcome);
    void *owner;
};

/* Reads records [seq_first, seq_first + count) into the caller's memory. */
struct ledger_read {
    uint32_t shard;
    uint64_t seq_first;
    uint32_t count;
    char *memory;
    size_t capacity;
    /* error: 0 and `bytes` of whole records; -ERR_NOT_FOUND; -ERR_LIMIT (capacity);
     * -ERR_CORRUPT; -ERR_IO. */
    void (*on_done)(struct ledger_read *read, int error, size_t bytes);
    void *owner;
};

/* Called for each record in order; a negative answer ends the replay with that error. */
typedef int (*ledger_visit)(void *owner, uint32_t shard, const char *record, size_t bytes);

struct ledger_log;

struct ledger_log_ops {
    /* 0, -ERR_BUSY (one is under way), -ERR_STOPPED (an append failed before: restart),
     * -ERR_UNSUPPORTED (the log was opened to be read only) or -ERR_LIMIT (bytes above
     * LEDGER_APPEND_BYTES_MAX or what one group of this log may hold). */
    int (*append)(struct ledger_log *log, struct ledger_append *append);
    /* 0, or -ERR_BUSY when LEDGER_READS_MAX are under way. */
    int (*read)(struct ledger_log *log, struct ledger_read *read);
    /* Blocking; at start and offline only: every durable record from seq_first on. */
    int (*replay)(struct ledger_log *log, uint32_t shard, uint64_t seq_first, ledger_visit visit,
                  void *owner);
    /* Sequence number of the last durable record of the shard; 0 = none. */
    uint64_t (*tail)(struct ledger_log *log, uint32_t shard);
    /* Takes the next writer epoch for the shard, durably; any older writer is fenced. 0,
     * -ERR_STOPPED, -ERR_UNSUPPORTED (read only) or the medium's error. */
    int (*take_epoch)(struct ledger_log *log, uint32_t shard, uint64_t *ret_epoch);
    /* At any time, without waiting; notify tells of changes. */
    enum ledger_trouble (*trouble)(struct ledger_log *log);
    /* Runs the callbacks of what was completed. Called on the owner's thread after `notify`. */
    void (*poll)(struct ledger_log *log);
    /* Waits for what is under way (callbacks run), then closes. */
    void (*free)(struct ledger_log *log);
    /* The last record that may be told to anybody: below tail() while another copy that it must be
     * on as well does not have all of it, at a start too. NULL: tail(). */
    uint64_t (*confirmed)(struct ledger_log *log, uint32_t shard);
};

#define LEDGER_READS_MAX        256
#define LEDGER_APPEND_BYTES_MAX (1024 * 1024) /* record bytes of one group */
#define LEDGER_APPEND_BYTES_MIN (384 * 1024)  /* which every log takes */

struct ledger_log {
    const struct ledger_log_ops *ops;
    /* Record bytes that one group of this log may hold, from open() on: LEDGER_APPEND_BYTES_MIN up
     * to LEDGER_APPEND_BYTES_MAX, which 0 stands for. */
    size_t append_bytes_max;
    /* Set by the owner before the first append: called from any thread when poll() has work. */
    void (*notify)(void *notify_owner);
    void *notify_owner;
};

static inline size_t ledger_append_bytes_max(const struct ledger_log *log)
{
    return log->append_bytes_max == 0 ? LEDGER_APPEND_BYTES_MAX : log->append_bytes_max;
}
