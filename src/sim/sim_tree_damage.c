/* sim_tree_damage.c - bits of the tree's files fall over while the machine is down. The tree is
 * made of the log, so whoever notices makes it again; a wrong proof or head is never given. */
#include <string.h>

#include "base/assert.h"
#include "sim/sim_world.h"

struct tree_files {
    struct sim *sim;
    uint64_t count, chosen;
    char name[DISK_NAME_BYTES_MAX + 1];
};

/* The signed heads are not of the log, and their damage is another matter. */
static int visit(void *owner, const char *name)
{
    struct tree_files *files = owner;
    uint64_t bytes = 0;
    (void)faulty_disk_content(files->sim->disk, name, &bytes);
    if (strncmp(name, "tree-0000", 9) == 0 && bytes > 0 && files->count++ == files->chosen)
        memcpy(files->name, name, strlen(name) + 1);
    return 0;
}

static struct tree_files list(struct sim *sim, uint64_t chosen)
{
    struct tree_files files = {.sim = sim, .chosen = chosen};
    struct disk *disk = faulty_disk_of(sim->disk);
    int error = disk->ops->list(disk, visit, &files);
    ASSERT(error == 0);
    return files;
}

void sim_tree_damage(struct sim *sim)
{
    uint64_t bytes = 0;
    struct tree_files files = list(sim, UINT64_MAX);
    if (files.count == 0)
        return;
    files = list(sim, sim_below(sim, files.count));
    (void)faulty_disk_content(sim->disk, files.name, &bytes);
    uint64_t at = sim_below(sim, bytes);
    unsigned bit = (unsigned)sim_below(sim, 8);
    if (sim_chance(sim, 200))
        (void)faulty_disk_set_size(sim->disk, files.name, at);
    else
        (void)faulty_disk_flip(sim->disk, files.name, at, bit);
    sim->tree.damaged = true;
    sim->tree.noticed = false;
    sim_count(sim, SIM_TREE_DAMAGED);
}
