/* sim_disks.c - the disks of the simulated machine: the first, which has all of its folders, and in
 * some runs that of the log's second directory and that of the archive. One clock counts the
 * operations of all, so that one power failure can be told to each. */
#include "base/assert.h"
#include "sim/sim_world.h"

static void beside(struct sim *sim)
{
    for (int i = 1; i < SIM_DISKS; i++)
        if (sim->disks[i] != NULL)
            faulty_disk_beside(sim->disks[i], sim->disk);
}

void sim_disks_new(struct sim *sim)
{
    sim->disk = sim->disks[SIM_DISK_FIRST] = faulty_disk_new();
    if (sim->mix.two_volumes)
        sim->disks[SIM_DISK_SECOND] = faulty_disk_new();
    if (sim->mix.archive)
        sim->disks[SIM_DISK_ARCHIVE] = faulty_disk_new();
    beside(sim);
}

void sim_disks_free(struct sim *sim)
{
    for (int i = SIM_DISKS; i-- > 0;)
        if (sim->disks[i] != NULL)
            faulty_disk_free(sim->disks[i]);
}

size_t sim_clock(const struct sim *sim)
{
    return faulty_disk_clock(sim->disk);
}

struct disk *sim_disk_of(const struct sim *sim, enum sim_disk which)
{
    return sim->disks[which] == NULL ? NULL : faulty_disk_of(sim->disks[which]);
}

/* What still hangs in a disk is done in the end, or never. */
void sim_disks_end_hanging(struct sim *sim)
{
    for (int i = 0; i < SIM_DISKS; i++)
        if (sim->disks[i] != NULL)
            faulty_disk_late(sim->disks[i], sim->hang_done);
}

void sim_disks_kill(struct sim *sim)
{
    for (int i = 0; i < SIM_DISKS; i++)
        if (sim->disks[i] != NULL)
            faulty_disk_kill(sim->disks[i]);
}

static uint64_t crash_seed(struct sim *sim)
{
    uint64_t keep = sim_below(sim, 10);
    return keep < 2 ? keep : 2 + prng_next(&sim->prng) / 2;
}

void sim_disks_crash(struct sim *sim, size_t op)
{
    struct faulty_disk *after[SIM_DISKS] = {NULL};
    for (int i = 0; i < SIM_DISKS; i++)
        if (sim->disks[i] != NULL)
            after[i] = faulty_disk_crash(sim->disks[i], faulty_disk_ops_at(sim->disks[i], op),
                                         crash_seed(sim), FAULTY_DISK_NO_WHY);
    sim_disks_free(sim);
    for (int i = 0; i < SIM_DISKS; i++)
        sim->disks[i] = after[i];
    sim->disk = after[SIM_DISK_FIRST];
    beside(sim);
}

void sim_disks_heal(struct sim *sim)
{
    for (int i = 0; i < SIM_DISKS; i++) {
        if (sim->disks[i] == NULL)
            continue;
        faulty_disk_fail_write(sim->disks[i], 0);
        faulty_disk_fail_sync(sim->disks[i], 0);
        faulty_disk_limit(sim->disks[i], 0);
        faulty_disk_stop_after(sim->disks[i], 0);
    }
}

void sim_disks_fail_next(struct sim *sim, bool fail)
{
    bool sync = fail && sim_chance(sim, 500);
    for (int i = 0; i < SIM_DISKS; i++) {
        if (sim->disks[i] == NULL)
            continue;
        faulty_disk_fail_write(sim->disks[i], fail && !sync ? 1 : 0);
        faulty_disk_fail_sync(sim->disks[i], sync ? 1 : 0);
    }
}

void sim_disks_stop_after(struct sim *sim, size_t ops)
{
    for (int i = 0; i < SIM_DISKS; i++)
        if (sim->disks[i] != NULL)
            faulty_disk_stop_after(sim->disks[i], ops);
}

bool sim_disks_are_stopped(const struct sim *sim)
{
    bool stopped = false;
    for (int i = 0; i < SIM_DISKS; i++)
        stopped = stopped || (sim->disks[i] != NULL && faulty_disk_is_stopped(sim->disks[i]));
    return stopped;
}

struct faulty_disk *sim_disks_any(struct sim *sim)
{
    uint64_t others = 0;
    for (int i = 1; i < SIM_DISKS; i++)
        others += sim->disks[i] != NULL;
    uint64_t chosen = others == 0 || sim_chance(sim, 500) ? 0 : 1 + sim_below(sim, others);
    for (int i = 1; i < SIM_DISKS; i++)
        if (chosen > 0 && sim->disks[i] != NULL && --chosen == 0)
            return sim->disks[i];
    return sim->disk;
}
