/* sim_swarm.h - many seeds one after another, and the sum of what they met. */
#pragma once

#include "sim/sim.h"

struct sim_swarm_options {
    uint64_t seed_first;
    uint64_t seeds;  /* as many; 0: until the time is over */
    int64_t seconds; /* of the machine's clock; 0: no limit */
    uint64_t ticks;  /* of each */
    bool quiet;      /* only the sum is printed, not a line per seed */
};

/* Prints a line of JSON per seed and one for the sum to `out`. 0: nothing was found and every kind
 * of fault and outcome was met; 1: some kind was never met (said on stderr); negative: errors as
 * sim_run. *ret_sum is always written. */
int sim_swarm(const struct sim_swarm_options *options, FILE *out, struct sim_report *ret_sum);
