/* sim_report.c - what a run prints. */
#include <stddef.h>

#include "sim/sim.h"

struct count_row {
    const char *name;
    bool needed;
};

static const struct count_row rows[SIM_COUNTS] = {
#define SIM_COUNT_ROW(code, name, needed) [code] = {name, needed},
    SIM_COUNT_LIST(SIM_COUNT_ROW)
#undef SIM_COUNT_ROW
};

static void write_rest(const struct sim_report *report, FILE *out)
{
    (void)fprintf(out, ",\"ticks\":%llu,\"virtual_seconds\":%lld",
                  (unsigned long long)report->ticks, (long long)(report->virtual_us / 1000000));
    for (int i = 0; i < SIM_COUNTS; i++)
        (void)fprintf(out, ",\"%s\":%llu", rows[i].name, (unsigned long long)report->counts[i]);
    (void)fprintf(out, ",\"state_hash\":\"");
    for (size_t i = 0; i < sizeof report->state_hash; i++)
        (void)fprintf(out, "%02x", report->state_hash[i]);
    (void)fprintf(out, "\"}\n");
}

void sim_report_write(const struct sim_report *report, FILE *out)
{
    (void)fprintf(out, "{\"seed\":%llu", (unsigned long long)report->seed);
    write_rest(report, out);
}

void sim_report_write_sum(const struct sim_report *sum, uint64_t seeds, FILE *out)
{
    (void)fprintf(out, "{\"seeds\":%llu", (unsigned long long)seeds);
    write_rest(sum, out);
}

const char *sim_count_name(enum sim_count count)
{
    return rows[count].name;
}

void sim_report_add(struct sim_report *sum, const struct sim_report *report)
{
    sum->ticks += report->ticks;
    sum->virtual_us += report->virtual_us;
    for (int i = 0; i < SIM_COUNTS; i++)
        sum->counts[i] += report->counts[i];
    for (size_t i = 0; i < sizeof sum->state_hash; i++)
        sum->state_hash[i] ^= report->state_hash[i];
}

const char *sim_report_missing(const struct sim_report *sum)
{
    for (int i = 0; i < SIM_COUNTS; i++)
        if (rows[i].needed && sum->counts[i] == 0)
            return rows[i].name;
    return NULL;
}
