/* sim_swarm.c - contract in sim_swarm.h. The clock only says when to stop: no seed sees it. */
#include "sim/sim_swarm.h"

#include <time.h>

#include "base/error.h"

static int64_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool goes_on(const struct sim_swarm_options *options, uint64_t done, int64_t end)
{
    if (options->seeds > 0 && done >= options->seeds)
        return false;
    return options->seconds == 0 || seconds_now() < end;
}

int sim_swarm(const struct sim_swarm_options *options, FILE *out, struct sim_report *ret_sum)
{
    int64_t end = seconds_now() + options->seconds;
    *ret_sum = (struct sim_report){.seed = options->seed_first};
    uint64_t done = 0;
    for (; goes_on(options, done, end); done++) {
        struct sim_options one = {.seed = options->seed_first + done, .ticks = options->ticks};
        struct sim_report report;
        TRY(sim_run(&one, &report));
        sim_report_add(ret_sum, &report);
        if (!options->quiet)
            sim_report_write(&report, out);
        (void)fflush(out);
    }
    sim_report_write_sum(ret_sum, done, out);
    const char *missing = sim_report_missing(ret_sum);
    if (missing == NULL)
        return 0;
    (void)fprintf(stderr, "sim: no seed met \"%s\": this swarm proves nothing about it\n", missing);
    return 1;
}
