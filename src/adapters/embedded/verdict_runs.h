/* verdict_runs.h - which record answers an old key: all runs of one shard, without threads.
 *
 * The runs cover the log from record 1 to covered() without a hole, each a stretch of it. New ones
 * are made from the durable log alone, in chunks of chunk_keys, as far as want() says; two or more
 * neighbours are merged into one when the oldest of them is no larger than the others together, so
 * there are few (log2 of keys / chunk_keys), and a key is written about as often. Nothing here is
 * the truth: what is missing, damaged, stale or of another book is deleted at open() and made
 * again from the log, and until then covered() does not say that it is there (L3). The filter over
 * all keys is filled while open() reads and checks the runs.
 *
 * A state machine: step() does a bounded piece of work. It has no clock; verdict_keeper.c hosts it
 * on a thread, the simulator may with tiny limits (chunk_keys 32, filter_bytes 64: a filter that
 * is wrong most of the time).
 * Threads: one at a time calls step(); another may call find(); covered(), want(), may_have() and
 * distrust() are anyone's. Memory: the filter, 48 bytes for each key of a chunk, 256 KiB for each
 * run that is merged.
 *
 * Damage that find() or a merge meets later, or somebody else told distrust() of, costs that run:
 * it is deleted and made again, and until then find() knows only of keys in the others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/verdict_run.h"
#include "base/hash.h"
#include "ports/ledger_cursor.h"

#define VERDICT_RUNS_MAX     32 /* then no more are made until some are merged */
#define VERDICT_TEXT_BYTES   192
#define VERDICT_COLLECT_STEP (256u << 10) /* bytes of log in one step */

struct verdict_runs_options {
    uint32_t shard;
    uint32_t chunk_keys;   /* of a new run, at least 1 */
    uint64_t filter_bytes; /* at least 64 */
};

struct verdict_runs;

/* What open() found; counters of files. */
struct verdict_runs_report {
    uint64_t runs; /* sound, and in use */
    uint64_t keys;
    uint64_t dropped;              /* damaged, stale or of another book: made again from the log */
    char text[VERDICT_TEXT_BYTES]; /* of the last of those: file and why; or "" */
};

/* Reads all runs and checks them. The disk is borrowed until free; the cursor, over the durable
 * log, too, and used by open() and step() only. 0; -ERR_MEMORY; or an error of the disk or of the
 * log. The caller owns *ret_runs. */
int verdict_runs_open(const struct verdict_runs_options *options, struct disk *disk,
                      struct ledger_cursor *cursor, struct verdict_runs_report *ret_report,
                      struct verdict_runs **ret_runs);
/* Nobody is inside step() or find(). Accepts NULL. */
void verdict_runs_free(struct verdict_runs *runs);

/* Every key of a record up to this is found. Never falls. */
uint64_t verdict_runs_covered(const struct verdict_runs *runs);
/* Asks for as much; a lower number than before says nothing. Beyond the durable log: as far as it
 * goes. */
void verdict_runs_want(struct verdict_runs *runs, uint64_t seq);

enum verdict_step { VERDICT_IDLE = 0, VERDICT_MORE = 1 };
/* VERDICT_IDLE: nothing to do before more is wanted. -ERR_CORRUPT: the log cannot be read, or a
 * key has two verdicts in it (L3): verdict_runs_text says which, and every later step the same.
 * Another error: the disk failed; what was begun is given up, and a later step begins it again. */
int verdict_runs_step(struct verdict_runs *runs);
const char *verdict_runs_text(const struct verdict_runs *runs);

/* False: no record up to covered() has the key. A cache miss and no I/O. */
bool verdict_runs_may_have(const struct verdict_runs *runs, struct hash128 key);
void verdict_runs_prefetch(const struct verdict_runs *runs, struct hash128 key);

/* The largest run first, a page of each. 0 and the record; -ERR_NOT_FOUND: no record up to
 * *ret_covered has it; -ERR_CORRUPT, -ERR_BUSY (a run is being made again), -ERR_IO: it is not
 * known. Blocks for the disk. */
int verdict_runs_find(struct verdict_runs *runs, struct hash128 key, uint64_t *ret_seq,
                      uint64_t *ret_covered);

/* There is damage in the file of this run, if it is still in use: the next step deletes it. */
void verdict_runs_distrust(struct verdict_runs *runs, uint64_t serial);

/* Any thread. */
struct verdict_runs_stats {
    uint64_t runs, keys, bytes; /* now */
    uint64_t made, merged;      /* runs written from the log; by merging */
    uint64_t errors;            /* files given up */
    uint64_t dropped;           /* runs that were damaged, stale or another book's, made again */
    uint64_t pages_read;        /* by find() */
    uint64_t pages_damaged;     /* that find() met */
};
struct verdict_runs_stats verdict_runs_stats(struct verdict_runs *runs);
