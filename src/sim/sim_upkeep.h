/* sim_upkeep.h - what looks after the files of the ledger in the simulated machine; this folder
 * only. */
#pragma once

#include "adapters/embedded/ledger_archiver.h"
#include "adapters/embedded/ledger_packer.h"
#include "adapters/embedded/scrub.h"

struct sim_upkeep {
    struct ledger_packer *packer;      /* owns, while up; NULL: this run has none */
    struct ledger_archiver *archiver;  /* the same */
    struct scrub *scrub;               /* the same */
    uint64_t packed, archived, rounds; /* counted already */
    size_t ops_before;                 /* of the disks, the last step */
    bool changed;                      /* it changed something */
    bool moved;                        /* a segment was packed, or has gone to the archive */
    bool failing;                      /* the disks fail, for this step */
};

struct sim;

/* sim_upkeep.c: sealed segments are packed, archived and read again and again */
int sim_upkeep_start(struct sim *sim); /* after the book */
void sim_upkeep_done(struct sim *sim);
void sim_upkeep_step(struct sim *sim);
