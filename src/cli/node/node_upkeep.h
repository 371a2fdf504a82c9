/* node_upkeep.h - the thread of a node that looks after the files of its ledger: it packs sealed
 * segments (adapters/embedded/ledger_packer.h), moves old ones into the archive
 * (ledger_archiver.h), and reads everything that lies at rest again and again (scrub.h). Of the
 * lowest priority (SCHED_IDLE): it works with what the other threads leave and holds no lock that
 * they wait for. Thread: the main one, but for the thread itself. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "adapters/embedded/ledger_archiver.h"
#include "adapters/embedded/ledger_packer.h"
#include "adapters/embedded/scrub.h"
#include "adapters/embedded/tree_keeper.h"
#include "adapters/embedded/verdict_keeper.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "ports/ledger_log.h"

struct node_upkeep_options {
    bool pack;
    int64_t pack_keep;              /* newest sealed segments that stay plain */
    const char *archive;            /* folder, or NULL */
    int64_t archive_keep;           /* newest sealed segments that stay here */
    int64_t scrub_bytes_per_second; /* 0: off */
    int64_t scrub_interval_s;       /* from the begin of a round to that of the next, at least */
    bool scrub_stop;                /* damage at rest stops the book */
};

/* All borrowed, and there until node_upkeep_stop. */
struct node_upkeep_stores {
    struct ledger_log *log; /* a ledger_file */
    struct disk *disk;      /* of the log; the snapshots are there too */
    struct disk *archive;   /* NULL: none, or not there */
    struct disk *odds;
    struct disk *tree, *verdicts; /* NULL: not scrubbed */
    struct tree_keeper *keeper;   /* of the tree */
    struct verdict_store *keys;   /* a verdict_keeper, of the old keys; NULL: none */
};

struct node_upkeep {
    struct ledger_packer *packer;     /* owned; NULL: off */
    struct ledger_archiver *archiver; /* owned; NULL: off */
    struct scrub *scrub;              /* owned; NULL: off */
    struct node_upkeep_options options;
    struct tree_keeper *keeper; /* borrowed; or NULL */
    struct verdict_store *keys; /* the same */
    int64_t pack_due_us, archive_due_us, scrub_due_us;
    int64_t round_begun_us, round_ended_us; /* of the scrub; ended: of the last whole one */
    void (*notify)(void *owner);            /* any thread: the loop has something to look at */
    void *notify_owner;
    uint32_t found; /* atomic: `stop_reason` is written, and stays */
    char stop_reason[SCRUB_TEXT_BYTES + 64];
    uint32_t stop; /* atomic: no more steps */
    bool running;
    pthread_t thread;
    /* Written by the thread alone. */
    struct metrics_counter packed, packed_before, packed_after, pack_errors;
    struct metrics_counter archived, archived_bytes, archive_errors;
    struct metrics_counter scrub_bytes, scrub_rounds, scrub_damage;
    struct metrics_gauge pack_damaged, archive_damaged;
    struct metrics_gauge scrub_damaged, scrub_missing, scrub_age_s;
    struct metrics_gauge archive_missing; /* written before the thread starts */
};

/* Before the log is opened: the folder of the archive, or NULL when none was named, or it is not
 * there, which is told: a start needs nothing of it. The caller owns *ret_disk. 0 or an error, with
 * `why`. */
int node_upkeep_open_archive(struct node_upkeep *upkeep, const struct node_upkeep_options *options,
                             struct disk **ret_disk, struct buf *why);
/* 0, -ERR_MEMORY or -ERR_CRYPTO. With everything off there is no thread. */
int node_upkeep_start(struct node_upkeep *upkeep, const struct node_upkeep_options *options,
                      const struct node_upkeep_stores *stores);
/* Ends the thread, within one step, or leaves it where it hangs in a disk for seconds. */
void node_upkeep_stop(struct node_upkeep *upkeep);

/* Why the book is to stop for what the scrub found, or NULL. Thread: the loop's. */
const char *node_upkeep_stop_reason(const struct node_upkeep *upkeep);

/* 0 or -ERR_LIMIT. */
int node_upkeep_register_metrics(struct node_upkeep *upkeep, struct metrics *metrics);
