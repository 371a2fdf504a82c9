/* node_upkeep.h - the thread of a node that looks after the files of its ledger: it packs sealed
 * segments (adapters/embedded/ledger_packer.h). Of the lowest priority (SCHED_IDLE): it works with
 * what the other threads leave and holds no lock that they wait for. Thread: the main one, but for
 * the thread itself. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "adapters/embedded/ledger_packer.h"
#include "base/metrics.h"
#include "ports/ledger_log.h"

struct node_upkeep_options {
    bool pack;
    int64_t pack_keep; /* newest sealed segments that stay plain */
};

struct node_upkeep {
    struct ledger_packer *packer; /* owned; NULL: off */
    int64_t pack_retry_us;        /* after a failure: not before */
    uint32_t stop;                /* atomic: no more steps */
    bool running;
    pthread_t thread;
    /* Written by the thread alone. */
    struct metrics_counter packed, packed_before, packed_after, pack_errors;
    struct metrics_gauge pack_damaged;
};

/* `log` is a ledger_file and outlives node_upkeep_stop. 0 or -ERR_MEMORY. With everything off
 * there is no thread. */
int node_upkeep_start(struct node_upkeep *upkeep, const struct node_upkeep_options *options,
                      struct ledger_log *log);
/* Ends the thread, within one step. */
void node_upkeep_stop(struct node_upkeep *upkeep);

/* 0 or -ERR_LIMIT. */
int node_upkeep_register_metrics(struct node_upkeep *upkeep, struct metrics *metrics);
