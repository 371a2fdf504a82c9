/* scrub.h - reads all that lies at rest, again and again, so that what a disk lost is found while
 * there is another copy of it: the ledger's segments in whatever form, up to the durable end, the
 * archive too; the snapshots; the sealed segments of the odds log; the tiles of the tree, and the
 * runs of old keys.
 *
 * It checks checksums, hashes and chains, past the kernel's cache, and changes nothing. Small
 * steps; how fast is the host's. Thread: one, any; it takes no lock that a writer waits for. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/ledger_cursor_file.h"

#define SCRUB_TEXT_BYTES (LEDGER_REPORT_TEXT_BYTES + DISK_NAME_BYTES_MAX)

struct scrub_options {
    struct disk *ledger;   /* borrowed: where the snapshots are; NULL: without */
    struct disk *odds;     /* borrowed; NULL: without */
    struct disk *tree;     /* the same */
    struct disk *verdicts; /* the same */
};

enum scrub_damage {
    SCRUB_DAMAGE_KEPT = 0, /* there is no other copy here: segments, snapshots, the odds log */
    SCRUB_DAMAGE_DERIVED,  /* what the next start makes of the log again: an unreadable tree */
    SCRUB_DAMAGE_TILES,    /* the same, when it is told: the tree holds a wrong hash */
    SCRUB_DAMAGE_RUN,      /* a run of old keys: its keeper makes it again, when it is told */
};

struct scrub_stats {
    uint64_t bytes;   /* read; of what is packed, unpacked */
    uint64_t rounds;  /* over everything */
    uint64_t damage;  /* files found damaged, each one in each round */
    uint64_t damaged; /* of them, in the last whole round or in this one, whichever is more */
    uint64_t missing; /* files of the archive that were not there, the same */
};

struct scrub;

/* 0 or -ERR_MEMORY (about 3 MiB). `log` is copied; it and the disks outlive the scrub. The caller
 * owns *ret_scrub. */
int scrub_new(const struct ledger_cursor_log *log, const struct scrub_options *options,
              struct scrub **ret_scrub);
void scrub_free(struct scrub *scrub); /* accepts NULL */
/* Reads a few hundred KiB at most. 1: there is more to read; 0: a round is complete, and the next
 * step begins another; -ERR_CORRUPT: a file is damaged or cannot be read; the next step goes on
 * behind it. */
int scrub_step(struct scrub *scrub);
/* File, byte and problem behind the last -ERR_CORRUPT, or "". */
const char *scrub_problem(const struct scrub *scrub);
/* What that was found in. */
enum scrub_damage scrub_damage(const struct scrub *scrub);
/* The number of that run, when it was in one. */
uint64_t scrub_damaged_run(const struct scrub *scrub);
struct scrub_stats scrub_stats(const struct scrub *scrub);
