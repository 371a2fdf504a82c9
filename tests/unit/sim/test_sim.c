/* test_sim.c - two hundred seeds of the simulator, that they meet every kind of fault, and that the
 * same seed is the same run. What a seed finds ends this process, with the seed and its step. */
#include <string.h>

#include "test.h"

#include "sim/sim.h"
#include "sim/sim_swarm.h"

/* Ten times slower under sanitizers, which look for other mistakes than a swarm does. */
#ifdef __SANITIZE_ADDRESS__
#define SEEDS 30
#else
#define SEEDS 200
#endif

TEST(sim, runs_a_swarm_that_meets_every_fault_and_finds_nothing)
{
    struct sim_report sum;
    struct sim_swarm_options options = {
        .seed_first = 1, .seeds = SEEDS, .ticks = 700, .quiet = true};
    FILE *nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    int missed = sim_swarm(&options, nowhere, &sum);
    fclose(nowhere);
    if (SEEDS == 200)
        assert_int_equal(missed, 0); /* its name is on stderr */
    assert_true(sum.counts[SIM_BET_SETTLED] > 75 * SEEDS);
}

TEST(sim, gives_the_same_run_for_the_same_seed_and_another_one_for_another)
{
    struct sim_report one, same, other;
    struct sim_options options = {.seed = 7, .ticks = 1500};
    assert_int_equal(sim_run(&options, &one), 0);
    assert_int_equal(sim_run(&options, &same), 0);
    assert_memory_equal(&one, &same, sizeof one);
    options.seed = 8;
    assert_int_equal(sim_run(&options, &other), 0);
    assert_memory_not_equal(one.state_hash, other.state_hash, sizeof one.state_hash);
}

TEST(sim, names_what_a_swarm_never_met)
{
    struct sim_report sum = {0};
    for (int i = 0; i < SIM_COUNTS; i++)
        sum.counts[i] = 1;
    assert_null(sim_report_missing(&sum));
    sum.counts[SIM_BIT_FLIPPED] = 0;
    assert_string_equal(sim_report_missing(&sum), "bit_flipped");
}
