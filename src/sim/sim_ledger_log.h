/* sim_ledger_log.h - the ledger_log port over the embedded ledger store, on the caller's thread:
 * what ledger_file does with writer threads and a clock happens here in poll(), when virtual time
 * has reached the latency that the world gave it. Records, groups, segments, recovery, lookup, when
 * the log leaves a directory and how it goes on in the other one are the production code. Thread:
 * one. */
#pragma once

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_lookup.h"
#include "adapters/embedded/ledger_stall.h"
#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"

/* What becomes of the next append that is carried out. */
enum sim_append_fate { SIM_FATE_ANSWER = 0, SIM_FATE_CRASH, SIM_FATE_KILL };

/* What happened; the world counts what is new. */
struct sim_log_counts {
    uint64_t stalls, hangs, failovers, failovers_failed, came_back;
};

struct sim_ledger_log {
    struct ledger_log port;
    struct ledger_store *store;                    /* borrowed */
    struct faulty_disk *disks[LEDGER_VOLUMES_MAX]; /* borrowed; the second may be NULL */
    struct ledger_lookup *lookup;                  /* owns */
    struct ledger_follower follower;
    struct ledger_append *append; /* under way, or NULL */
    int64_t append_due_us, latency_us, look_due_us, now_us;
    struct ledger_read *reads[LEDGER_READS_MAX];
    size_t reads_count;
    enum sim_append_fate fate;
    bool died;       /* the fate came: the machine must be restarted before another call */
    size_t ops_told; /* operations of the disks before the newest answer that was given */
    bool prepare;    /* steps of preparing a segment may be left to do */
    struct ledger_stall stall;
    unsigned hang_nth; /* armed: the operation of the active directory that hangs */
    int64_t hang_us;   /* and for how long, */
    bool hang_done;    /* and whether it is done in the end */
    bool hung;         /* the active hand is in it */
    int64_t back_us;   /* when it comes back */
    bool left;         /* the log left it; it has not come back */
    uint64_t ops_left; /* operations of the disks when the log left it last */
    bool stopped,
        stopped_though_well; /* S1: one of its directories was neither failed nor hanging */
    bool stopped_seen;       /* by the world */
    bool failed_over;        /* in this turn */
    struct sim_log_counts counts;
    char problem[LEDGER_REPORT_TEXT_BYTES]; /* of the last replay */
};

/* Over an open store. 0 or -ERR_MEMORY. */
int sim_ledger_log_init(struct sim_ledger_log *log, struct ledger_store *store,
                        struct faulty_disk *disk, struct faulty_disk *second);
/* Forgets what is under way: no callback comes. */
void sim_ledger_log_done(struct sim_ledger_log *log);
