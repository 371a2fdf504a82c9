/* sim_cmd.c - `overround sim`: one seed, or a swarm of them. 0: nothing was found; 1: an invariant
 * is broken (told on stderr with its seed and step) or the swarm missed a kind of fault; 2:
 * options. */
#include <stdio.h>

#include "base/error.h"
#include "cli/command.h"
#include "sim/sim_swarm.h"

static const struct option_spec specs[] = {
    {"config", NULL}, {"seed", "1"},    {"ticks", NULL},
    {"swarm", "0"},   {"minutes", "0"}, {"trace", "off"},
};

#define SEED_MAX    (INT64_C(1) << 62)
#define SWARM_MAX   INT64_C(1000000000)
#define MINUTES_MAX (INT64_C(7) * 24 * 60)

struct numbers {
    int64_t seed, ticks, swarm, minutes;
};

static int read_numbers(const struct options *options, struct numbers *ret, struct buf *why)
{
    ret->ticks = SIM_TICKS_DEFAULT;
    TRY(options_number(options, "seed", (struct number_range){0, SEED_MAX}, &ret->seed, why));
    TRY(options_number(options, "swarm", (struct number_range){0, SWARM_MAX}, &ret->swarm, why));
    TRY(options_number(options, "minutes", (struct number_range){0, MINUTES_MAX}, &ret->minutes,
                       why));
    if (options_text(options, "ticks") == NULL)
        return 0;
    return options_number(options, "ticks", (struct number_range){1, SIM_TICKS_MAX}, &ret->ticks,
                          why);
}

static int run_swarm(const struct numbers *numbers)
{
    struct sim_report sum;
    struct sim_swarm_options swarm = {.seed_first = (uint64_t)numbers->seed,
                                      .seeds = (uint64_t)numbers->swarm,
                                      .seconds = numbers->minutes * 60,
                                      .ticks = (uint64_t)numbers->ticks};
    int error = sim_swarm(&swarm, stdout, &sum);
    return error < 0 ? command_fail(1, slice_text(error_text(error))) : error;
}

int command_sim(int argc, char *const *argv)
{
    static struct options options;
    char why_memory[256];
    struct buf why = buf_over(why_memory, sizeof why_memory);
    struct numbers numbers;
    struct sim_report report;
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (read_numbers(&options, &numbers, &why) < 0)
        return command_fail(2, buf_slice(&why));
    if (numbers.swarm > 0 || numbers.minutes > 0)
        return run_swarm(&numbers);
    struct sim_options one = {.seed = (uint64_t)numbers.seed,
                              .ticks = (uint64_t)numbers.ticks,
                              .trace = slice_is(slice_text(options_text(&options, "trace")), "on")};
    int error = sim_run(&one, &report);
    if (error < 0)
        return command_fail(1, slice_text(error_text(error)));
    sim_report_write(&report, stdout);
    return 0;
}
