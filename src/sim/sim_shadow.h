/* sim_shadow.h - the memory of the second fold and of its snapshots; this folder only. */
#pragma once

#include "app/shadow.h"

#define SIM_KEEP_MAX 4 /* snapshots that the store is told to keep */
#define SIM_KEPT_MAX 16

/* The second fold, while the machine is up, and the snapshots that must be on the disk. */
struct sim_shadow {
    struct snapshot_store *of_book, *own; /* owns; NULL: none */
    struct ledger_cursor *cursor;         /* owns */
    struct reconcile *reconcile;          /* owns */
    struct shadow *shadow;                /* owns */
    uint64_t snapshots, errors, samples;  /* its counters, as of the last step */
    bool ended, drifting;
    bool failing;      /* a write or sync of this very step */
    bool saved;        /* the last step wrote a snapshot, or tried to */
    size_t ops_before; /* of the disk, that step */
    struct sim_kept {
        uint64_t seq;
        size_t ops; /* of the disk, when it was kept */
        bool damaged;
    } kept[SIM_KEPT_MAX]; /* by rising number */
    size_t kept_count;
    bool damaged; /* some snapshot on the disk may be */
};
