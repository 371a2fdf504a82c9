/* sim.h - the deterministic simulator: one whole book on one thread, virtual time, and a world
 * that tries to make it lose money (DESIGN part 5).
 *
 * Under test is the production code: app, ledger, core, and the embedded ledger store over a
 * disk in memory (adapters/faulty). Everything that happens follows from the seed: feeds,
 * clients, desk, crashes, torn and lost writes, full and stalled disks, flipped bits, clocks.
 * Checkers of L1-L7, P1, P2 and S2 run throughout; the first that finds something prints the
 * invariant, seed and step on stderr and ends the process with 1. A failed ASSERT of the book
 * is a finding too: it prints seed and step before the process aborts.
 * Thread: one run at a time in a process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/sim_counts.h"

#define SIM_TICKS_DEFAULT 3000
#define SIM_TICKS_MAX     10000000

struct sim_options {
    uint64_t seed;
    uint64_t ticks;
    bool trace; /* every event that is counted goes to stderr, with its step */
};

struct sim_report {
    uint64_t seed, ticks;
    int64_t virtual_us;
    uint64_t counts[SIM_COUNTS];
    uint8_t state_hash[32]; /* of state, records and counts: equal for equal seeds */
};

/* Runs one seed to its end. 0 or -ERR_MEMORY; a broken invariant ends the process (above). */
int sim_run(const struct sim_options *options, struct sim_report *ret);
/* One line of JSON. */
void sim_report_write(const struct sim_report *report, FILE *out);
/* The same of many seeds together; its hash is that of all of them. */
void sim_report_write_sum(const struct sim_report *sum, uint64_t seeds, FILE *out);
void sim_report_add(struct sim_report *sum, const struct sim_report *report);
/* "crash", "bets_accepted", ... */
const char *sim_count_name(enum sim_count count);
/* The name of the first count that is zero and must not be, over a swarm; NULL: none. */
const char *sim_report_missing(const struct sim_report *sum);
