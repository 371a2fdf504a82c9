/* test_sim.c - twenty seeds of the simulator, and that it is one: the same seed, the same run. */
#include <string.h>

#include "test.h"

#include "sim/sim.h"
#include "sim/sim_swarm.h"

TEST(sim, runs_twenty_seeds_and_finds_nothing)
{
    struct sim_report report;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_options options = {.seed = seed, .ticks = 600};
        assert_int_equal(sim_run(&options, &report), 0); /* a finding ends this process */
        assert_int_equal(report.seed, seed);
        assert_true(report.counts[SIM_RECORD] > 10);
    }
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
