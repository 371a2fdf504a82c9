/* sim_upkeep.c - the packer, the archiver and the scrubber in the simulated machine: what was
 * packed or archived reads the same for ever (the oracle replays all of it at each start), whatever
 * crashes, and a bit that falls over at rest is found, told, and never served (L1). */
#include "sim/sim_upkeep.h"

#include <string.h>

#include "adapters/embedded/ledger_slip.h"
#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

#define STEPS_AT_ONCE 4
#define STEPS_MAX     20000 /* of two rounds of the scrub */
#define LOOKS_COUNT   20    /* records that are asked for in a damaged segment */

/* ---- the machine ---- */

static struct ledger_view durable_now(void *owner)
{
    const struct sim *sim = owner;
    return ledger_store_view(sim->store);
}

int sim_upkeep_start(struct sim *sim)
{
    struct sim_upkeep *upkeep = &sim->upkeep;
    struct disk *disk = faulty_disk_of(sim->disk);
    const struct ledger_cursor_log log = {durable_now, sim};
    const struct ledger_packer_options packing = {.keep = sim->mix.pack_keep};
    const struct ledger_archiver_options archiving = {.archive = sim_disk_of(sim, SIM_DISK_ARCHIVE),
                                                      .snapshots = disk,
                                                      .keep = sim->mix.archive_keep,
                                                      .packs = true};
    const struct scrub_options scrubbing = {
        .ledger = disk, .odds = disk, .tree = disk, .verdicts = disk};
    *upkeep = (struct sim_upkeep){.changed = false};
    if (sim->mix.upkeep_pace == 0)
        return 0;
    TRY(ledger_packer_new(&log, &packing, &upkeep->packer));
    if (archiving.archive != NULL)
        TRY(ledger_archiver_new(&log, &archiving, &upkeep->archiver));
    return scrub_new(&log, &scrubbing, &upkeep->scrub);
}

void sim_upkeep_done(struct sim *sim)
{
    struct sim_upkeep *upkeep = &sim->upkeep;
    ledger_packer_free(upkeep->packer);
    ledger_archiver_free(upkeep->archiver);
    scrub_free(upkeep->scrub);
    *upkeep = (struct sim_upkeep){.changed = false};
}

static void check_failed(struct sim *sim, const char *who, int error, const char *problem)
{
    if (error >= 0)
        return;
    SIM_CHECK(error != -ERR_CORRUPT, "L1", "the %s finds damage that is none: %s", who, problem);
    SIM_CHECK((error == -ERR_IO && (sim->disk_failing || sim->upkeep.failing)) ||
                  (error == -ERR_NO_SPACE && sim->disk_full) ||
                  /* What is archived already, and came back with a crash, the archiver removes. */
                  (error == -ERR_NOT_FOUND && sim->mix.archive),
              "S1", "the %s fails without a fault: %s", who, error_text(error));
    sim_count(sim, SIM_UPKEEP_FAILED);
}

static void count(struct sim *sim)
{
    struct sim_upkeep *upkeep = &sim->upkeep;
    uint64_t packed = ledger_packer_stats(upkeep->packer).segments;
    uint64_t rounds = scrub_stats(upkeep->scrub).rounds;
    sim->report.counts[SIM_PACKED] += packed - upkeep->packed;
    upkeep->moved |= packed > upkeep->packed;
    sim->report.counts[SIM_SCRUB_ROUND] += rounds - upkeep->rounds;
    upkeep->packed = packed;
    upkeep->rounds = rounds;
    if (upkeep->archiver == NULL)
        return;
    uint64_t archived = ledger_archiver_stats(upkeep->archiver).segments;
    sim->report.counts[SIM_ARCHIVED] += archived - upkeep->archived;
    upkeep->moved |= archived > upkeep->archived;
    upkeep->archived = archived;
}

/* A snapshot may have been damaged by the world while the machine was down. */
static void scrub_one(struct sim *sim)
{
    struct scrub *scrub = sim->upkeep.scrub;
    int result = scrub_step(scrub);
    const char *problem = scrub_problem(scrub);
    if (result == -ERR_CORRUPT &&
        ((sim->shadow.damaged && strstr(problem, ".snap") != NULL) ||
         (sim->tree.damaged && strncmp(problem, "tree-", 5) == 0) ||
         (sim->verdicts.damaged && strncmp(problem, "verdicts-", 9) == 0)))
        return;
    check_failed(sim, "scrub", result, scrub_problem(scrub));
    SIM_CHECK(scrub_stats(scrub).missing == 0, "L1", "the archive is there, and files are missing");
}

static void move_one(struct sim *sim)
{
    const struct sim_upkeep *upkeep = &sim->upkeep;
    int result = ledger_packer_step(upkeep->packer);
    check_failed(sim, "packer", result, ledger_packer_problem(upkeep->packer));
    if (upkeep->archiver == NULL)
        return;
    result = ledger_archiver_step(upkeep->archiver);
    check_failed(sim, "archiver", result, ledger_archiver_problem(upkeep->archiver));
}

/* A bit of what lies at rest, while the book is up. */
static void flip(struct sim *sim);
static void flip_keys(struct sim *sim);

void sim_upkeep_step(struct sim *sim)
{
    struct sim_upkeep *upkeep = &sim->upkeep;
    upkeep->changed = upkeep->moved = false;
    if (upkeep->packer == NULL || !sim_chance(sim, sim->mix.upkeep_pace))
        return;
    upkeep->ops_before = sim_clock(sim);
    upkeep->failing = sim->mix.faults > 0 && sim_chance(sim, 80);
    if (upkeep->failing)
        sim_disks_fail_next(sim, true);
    for (uint64_t steps = 1 + sim_below(sim, STEPS_AT_ONCE); steps > 0; steps--)
        move_one(sim);
    if (upkeep->failing)
        sim_disks_fail_next(sim, false);
    upkeep->failing = false;
    upkeep->changed = sim_clock(sim) > upkeep->ops_before;
    scrub_one(sim);
    count(sim);
    if (sim_chance(sim, 20))
        flip(sim);
    if (sim_chance(sim, 100))
        flip_keys(sim);
}

/* ---- a bit falls over ---- */

struct fallen {
    struct faulty_disk *disk;
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes; /* of the file, as far as anything stands there */
    bool plain;
    uint64_t at;
    bool must_be_read; /* by a replay of the segment */
};

static bool look(struct fallen *fallen, struct faulty_disk *disk, uint64_t segment, bool packed)
{
    if (packed)
        ledger_packed_name(0, segment, fallen->name);
    else
        ledger_segment_name(0, segment, fallen->name);
    fallen->disk = disk;
    return disk != NULL && faulty_disk_content(disk, fallen->name, &fallen->bytes) != NULL;
}

/* Which of two forms it has there, its slip says: a crash may have left the other one. */
static bool find_archived(struct sim *sim, const struct ledger_view *view, uint64_t segment,
                          struct fallen *ret)
{
    struct ledger_slip slip = {.form = 0};
    const char *wrong = "";
    struct disk *disk = faulty_disk_of(sim->disks[view->segments[segment].volume]);
    int error = ledger_slip_read(disk, 0, segment, &slip, &wrong);
    bool plain = slip.form == LEDGER_SLIP_PLAIN;
    SIM_CHECK(error == 0 && look(ret, sim->disks[SIM_DISK_ARCHIVE], segment, !plain), "L2",
              "segment %llu is nowhere: %s", (unsigned long long)segment, wrong);
    return plain;
}

/* Where this segment lies now: here before the archive, plain before packed. */
static void find_segment(struct sim *sim, const struct ledger_view *view, uint64_t segment,
                         struct fallen *ret)
{
    struct ledger_place place;
    struct faulty_disk *disk = sim->disks[view->segments[segment].volume];
    bool plain = look(ret, disk, segment, false);
    bool here = plain || look(ret, disk, segment, true);
    if (!here)
        plain = find_archived(sim, view, segment, ret);
    ret->plain = plain;
    if (plain)
        ret->bytes = ledger_view_end(view, segment, &place);
}

static int visit_known(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    const struct sim *sim = owner;
    const struct sim_found found = sim_oracle_find(sim, record);
    (void)shard, (void)bytes;
    SIM_CHECK(found.beyond || found.same, "L1",
              "a bit fell over, and record %llu is read as another one",
              (unsigned long long)found.seq);
    return 0;
}

static void check_told(struct sim *sim, const struct fallen *fallen)
{
    struct scrub *scrub = sim->upkeep.scrub;
    uint64_t round = scrub_stats(scrub).rounds, damage = scrub_stats(scrub).damage;
    int result = 0;
    for (int steps = 0; steps < STEPS_MAX && scrub_stats(scrub).rounds < round + 2; steps++) {
        result = scrub_step(scrub);
        if (result == -ERR_CORRUPT && strstr(scrub_problem(scrub), fallen->name) != NULL)
            break;
    }
    SIM_CHECK(result == -ERR_CORRUPT && scrub_stats(scrub).damage > damage &&
                  scrub_stats(scrub).damaged > 0,
              "L1", "a bit of %s fell over, and the scrub does not say so", fallen->name);
}

/* A replay goes by the table in memory, and not by the heads; and nobody reads behind the end that
 * a failover names. The scrub reads all of a plain head, and of what is packed. */
static bool is_read(const struct ledger_view *view, uint64_t segment, const struct fallen *fallen)
{
    struct ledger_place place;
    if (fallen->plain)
        return fallen->at >= DISK_SECTOR;
    return ledger_view_end(view, segment, &place) == view->segments[segment].bytes;
}

/* Whoever reads gets what was written, or is told. */
static void check_not_served(struct sim *sim, const struct ledger_view *view, uint64_t segment,
                             const struct fallen *fallen)
{
    char memory[SIM_ASK_RECORD_BYTES];
    uint64_t first = view->segments[segment].before.seq + 1;
    uint64_t last =
        segment + 1 < view->segments_count ? view->segments[segment + 1].before.seq : view->end.seq;
    int error = sim->log.port.ops->replay(&sim->log.port, 0, first, visit_known, sim);
    SIM_CHECK(error == -ERR_CORRUPT || (error == 0 && !fallen->must_be_read), "L1",
              "a bit of %s fell over at %llu, and it replays: %s", fallen->name,
              (unsigned long long)fallen->at, error_text(error));
    for (int i = 0; i < LOOKS_COUNT && first <= last; i++) {
        const struct ledger_read read = {.seq_first = first + sim_below(sim, last - first + 1),
                                         .count = 1,
                                         .memory = memory,
                                         .capacity = sizeof memory};
        size_t bytes = 0;
        error = ledger_lookup_read(sim->log.lookup, view, &read, &bytes);
        SIM_CHECK(error == 0 || error == -ERR_CORRUPT || error == -ERR_LIMIT, "L1",
                  "a bit fell over, and reading says %s", error_text(error));
        if (error == 0)
            (void)visit_known(sim, 0, memory, bytes);
    }
}

static void flip(struct sim *sim)
{
    struct fallen fallen;
    struct ledger_view view = ledger_store_view(sim->store);
    uint64_t segment = sim_below(sim, view.segments_count);
    find_segment(sim, &view, segment, &fallen);
    fallen.at = sim_below(sim, fallen.bytes);
    fallen.must_be_read = is_read(&view, segment, &fallen);
    unsigned bit = (unsigned)sim_below(sim, 8);
    (void)faulty_disk_flip(fallen.disk, fallen.name, fallen.at, bit);
    check_told(sim, &fallen);
    check_not_served(sim, &view, segment, &fallen);
    (void)faulty_disk_flip(fallen.disk, fallen.name, fallen.at, bit);
    sim_count(sim, SIM_SCRUB_FOUND);
}

/* A run of old keys, in use: its keeper makes it again as soon as the scrub has told it, and no
 * start is needed. */
static void flip_keys(struct sim *sim)
{
    struct fallen fallen = {.disk = sim->disk};
    struct verdict_store *store = sim->verdicts.store;
    if (store == NULL || sim->verdicts.damaged || sim->disk_failing || sim->disk_full ||
        !sim_verdicts_choose(sim, fallen.name, &fallen.bytes))
        return;
    fallen.at = sim_below(sim, fallen.bytes);
    (void)faulty_disk_flip(sim->disk, fallen.name, fallen.at, (unsigned)sim_below(sim, 8));
    check_told(sim, &fallen);
    SIM_CHECK(scrub_damage(sim->upkeep.scrub) == SCRUB_DAMAGE_RUN, "L3",
              "damage in %s is called that of something else", fallen.name);
    verdict_keeper_distrust(store, scrub_damaged_run(sim->upkeep.scrub));
    for (int steps = 0; steps < STEPS_MAX && verdict_keeper_turn(store, 1); steps++)
        ;
    sim->verdicts.unsure_turn = sim->turn + 2; /* who asked meanwhile has heard of it then */
    SIM_CHECK(faulty_disk_content(sim->disk, fallen.name, &fallen.bytes) == NULL, "L3",
              "%s is damaged, the scrub has said so, and it is not made again", fallen.name);
    sim_count(sim, SIM_KEYS_SCRUBBED);
}
