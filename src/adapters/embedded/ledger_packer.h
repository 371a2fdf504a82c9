/* ledger_packer.h - packs sealed segments of a live log, one after the other, in small steps.
 *
 * A segment is sealed when a later one has a head. The packer checks it as a replay does, writes
 * it packed (ledger_packed.h) beside the plain one under a name of its own, syncs, reads all of it
 * back and compares it byte by byte, gives it its name, syncs the directory, and only then removes
 * the plain file. After a crash anywhere the log opens with the plain file, the packed one or both,
 * of which the plain one wins; it is then packed again. What is damaged is left as it is. Thread:
 * one, any; it takes no lock that the log's writer waits for. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/ledger_cursor_file.h"

#define LEDGER_PACK_SYNC_BYTES (UINT64_C(4) << 20) /* written between two syncs */

struct ledger_packer_options {
    uint64_t keep; /* so many of the newest sealed segments stay plain */
};

struct ledger_packer_stats {
    uint64_t segments;     /* packed by this process */
    uint64_t bytes_before; /* of them, plain */
    uint64_t bytes_after;  /* of them, packed */
    uint64_t errors;       /* steps that failed: tried again from the segment's begin */
    uint64_t damaged;      /* segments that are left plain for what was found in them */
};

struct ledger_packer;

/* 0 or -ERR_MEMORY (about 4 MiB). `log` is copied; what it tells of is open for writing and
 * outlives the packer. The caller owns *ret_packer. */
int ledger_packer_new(const struct ledger_cursor_log *log,
                      const struct ledger_packer_options *options,
                      struct ledger_packer **ret_packer);
/* Accepts NULL. What is half done is left as a file that the next packer overwrites. */
void ledger_packer_free(struct ledger_packer *packer);

/* Reads and packs, or compares, one chunk at most. 1: there is more to do now; 0: nothing until
 * the log has grown; -ERR_CORRUPT: the segment is damaged, and passed over from now on; or the
 * disk's error: wait, the next step begins the segment again. */
int ledger_packer_step(struct ledger_packer *packer);
/* File, byte and problem behind the last -ERR_CORRUPT, or "". */
const char *ledger_packer_problem(const struct ledger_packer *packer);
struct ledger_packer_stats ledger_packer_stats(const struct ledger_packer *packer);
