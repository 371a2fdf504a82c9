/* sim_main.c - the simulator as a program of its own, for tools/mutants: SEED TICKS, or SEED TICKS
 * SEEDS for a swarm. */
#include <stdlib.h>

#include "sim/sim_swarm.h"

int main(int argc, char **argv)
{
    struct sim_report report;
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t ticks = argc > 2 ? strtoull(argv[2], NULL, 10) : SIM_TICKS_DEFAULT;
    if (argc > 3) {
        struct sim_swarm_options swarm = {
            .seed_first = seed, .ticks = ticks, .seeds = strtoull(argv[3], NULL, 10)};
        return sim_swarm(&swarm, stdout, &report) == 0 ? 0 : 1;
    }
    struct sim_options one = {.seed = seed, .ticks = ticks, .trace = getenv("SIM_TRACE") != NULL};
    if (sim_run(&one, &report) < 0)
        return 2;
    sim_report_write(&report, stdout);
    return 0;
}
