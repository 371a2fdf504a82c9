/* ledger_archiver.h - moves old segments of a live log into the archive, oldest first, in small
 * steps: a directory that may be on another volume, and need not be there later.
 *
 * A segment goes when `keep` newer ones are sealed and the oldest snapshot that is kept covers all
 * of it, so that no start needs it. It is checked as a replay does, copied under a name of its own,
 * synced, read back and compared by its SHA-256, renamed, the archive's directory synced; then a
 * slip (ledger_slip.h) takes its place, durably, and only then it is removed here. After a crash
 * anywhere it is here, or there with its slip here, or both; of which the one here is read.
 * Segment 0 stays: GENESIS is in it. Thread: one, any; no lock that the log's writer waits for. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/ledger_cursor_file.h"

struct ledger_archiver_options {
    struct disk *archive;   /* borrowed */
    struct disk *snapshots; /* borrowed: where the shard's snapshots are */
    uint64_t keep;          /* newest sealed segments that stay */
    bool packs;             /* a packer is at work: what is plain waits for it */
};

struct ledger_archiver_stats {
    uint64_t segments; /* moved by this process */
    uint64_t bytes;    /* of their files */
    uint64_t errors;   /* steps that failed: tried again from the segment's begin */
    uint64_t damaged;  /* segments, here or there, that stand in the way */
};

struct ledger_archiver;

/* 0, -ERR_MEMORY or -ERR_CRYPTO. `log` is copied; what it tells of is open for writing and outlives
 * the archiver. The caller owns *ret_archiver. */
int ledger_archiver_new(const struct ledger_cursor_log *log,
                        const struct ledger_archiver_options *options,
                        struct ledger_archiver **ret_archiver);
void ledger_archiver_free(struct ledger_archiver *archiver); /* accepts NULL */
/* One small piece of work. 1: there is more to do now; 0: nothing for now, ask again in a second;
 * -ERR_CORRUPT: the segment, or what the archive gives back, is damaged: nothing is removed, and
 * nothing behind it goes; or the disk's error: wait, the next step begins the segment again. */
int ledger_archiver_step(struct ledger_archiver *archiver);
/* File and problem behind the last -ERR_CORRUPT, or "". */
const char *ledger_archiver_problem(const struct ledger_archiver *archiver);
struct ledger_archiver_stats ledger_archiver_stats(const struct ledger_archiver *archiver);
