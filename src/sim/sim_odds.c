/* sim_odds.c - the odds log through starts, stops and damage (L6: the evidence of every price must
 * be there, and be what was offered). */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

struct walk {
    struct sim *sim;
    size_t at;   /* the next remembered change */
    size_t kept; /* of them, found so far */
    uint64_t from;
};

/* Each change of the log must be one that was appended; one that is left out must be one that a
 * crash could take. */
static int meet(void *owner, uint64_t position, const struct odds_log_change *change)
{
    struct walk *walk = owner;
    struct sim *sim = walk->sim;
    struct sim_odds_log *log = &sim->odds_log;
    for (; walk->at < log->count && log->changes[walk->at].position < position; walk->at++)
        SIM_CHECK(log->changes[walk->at].sure == SIZE_MAX ||
                      log->changes[walk->at].position < walk->from,
                  "L6", "the odds log has lost the synced change %llu",
                  (unsigned long long)log->changes[walk->at].position);
    SIM_CHECK(walk->at < log->count && log->changes[walk->at].position == position, "L6",
              "the odds log has a change at %llu that nobody appended",
              (unsigned long long)position);
    SIM_CHECK(log->changes[walk->at].hash == sim_odds_hash(change), "L6",
              "the odds log has another change at %llu than was appended",
              (unsigned long long)position);
    log->changes[walk->kept++] = log->changes[walk->at++];
    return 0;
}

/* After a start: what is there is what is remembered from now on. */
static void check_found(struct sim *sim)
{
    struct sim_odds_log *log = &sim->odds_log;
    struct walk walk = {.sim = sim};
    int error = log->file->ops->kept_from(log->file, &walk.from);
    SIM_CHECK(error == 0, "L6", "the odds log does not say what it keeps: %s", error_text(error));
    error = log->file->ops->replay(log->file, meet, &walk);
    SIM_CHECK(error == 0, "L6", "the odds log cannot be replayed: %s", error_text(error));
    for (; walk.at < log->count; walk.at++)
        SIM_CHECK(log->changes[walk.at].sure == SIZE_MAX ||
                      log->changes[walk.at].position < walk.from,
                  "L6", "the odds log has lost the synced change %llu",
                  (unsigned long long)log->changes[walk.at].position);
    sim->report.counts[SIM_ODDS_LOST] += log->count - walk.kept;
    if (log->count > walk.kept) /* what was seen to be gone is forgotten, and does not come back */
        sim->ops_safe = sim_clock(sim);
    sim->report.counts[SIM_ODDS_DELETED] += walk.from > 0;
    log->count = walk.kept;
    log->synced = log->count; /* a start does not give what it found away again */
    for (size_t i = 0; i < log->count; i++)
        if (log->changes[i].sure == SIZE_MAX)
            log->changes[i].sure = sim_clock(sim);
}

static struct odds_log_file_options options_of(const struct sim *sim)
{
    return (struct odds_log_file_options){.segment_bytes = ODDS_LOG_SEGMENT_BYTES_MIN,
                                          .bytes_max = sim->mix.odds_bytes_max,
                                          .hash_key = {3, 4},
                                          .stepped = true};
}

int sim_odds_start(struct sim *sim, const char **ret_reason)
{
    static struct odds_log_report report;
    const struct odds_log_file_options options = options_of(sim);
    struct sim_odds_log *log = &sim->odds_log;
    log->disk = sim->disk;
    log->stopped = false;
    *ret_reason = report.text;
    TRY(odds_log_file_open(&options, faulty_disk_of(sim->disk), &report, &log->file));
    check_found(sim);
    return 0;
}

/* ---- damage at rest ---- */

struct odds_files {
    struct sim *sim;
    uint64_t count, chosen, bytes;
    char name[DISK_NAME_BYTES_MAX + 1];
};

static int visit_file(void *owner, const char *name)
{
    struct odds_files *files = owner;
    uint64_t bytes = 0;
    (void)faulty_disk_content(files->sim->disk, name, &bytes);
    if (strncmp(name, "odds-", 5) != 0 || bytes == 0 || files->count++ != files->chosen)
        return 0;
    memcpy(files->name, name, strlen(name) + 1);
    files->bytes = bytes;
    return 0;
}

static bool choose_file(struct sim *sim, struct odds_files *ret)
{
    struct disk *disk = faulty_disk_of(sim->disk);
    *ret = (struct odds_files){.sim = sim, .chosen = UINT64_MAX};
    int error = disk->ops->list(disk, visit_file, ret);
    ASSERT(error == 0);
    if (ret->count == 0)
        return false;
    *ret = (struct odds_files){.sim = sim, .chosen = sim_below(sim, ret->count)};
    error = disk->ops->list(disk, visit_file, ret);
    ASSERT(error == 0);
    return true;
}

struct reading {
    struct sim *sim;
    size_t at;
};

static int meet_damaged(void *owner, uint64_t position, const struct odds_log_change *change)
{
    struct reading *reading = owner;
    struct sim *sim = reading->sim;
    const struct sim_odds_log *log = &sim->odds_log;
    while (reading->at < log->count && log->changes[reading->at].position < position)
        reading->at++;
    SIM_CHECK(reading->at < log->count && log->changes[reading->at].position == position &&
                  log->changes[reading->at].hash == sim_odds_hash(change),
              "L6", "a bit of the odds log fell over, and a change at %llu is read that never was",
              (unsigned long long)position);
    return 0;
}

/* Opened to be read: whatever it says of the damage, it shows no price that was never offered. */
void sim_odds_flip(struct sim *sim)
{
    const struct odds_log_file_options options = {.hash_key = {3, 4}, .read_only = true};
    struct odds_log_report report;
    struct odds_log *log = NULL;
    struct odds_files file;
    struct reading reading = {.sim = sim};
    if (!choose_file(sim, &file))
        return;
    uint64_t offset = sim_below(sim, file.bytes);
    unsigned bit = (unsigned)sim_below(sim, 8);
    size_t ops = sim_clock(sim);
    (void)faulty_disk_flip(sim->disk, file.name, offset, bit);
    int error = odds_log_file_open(&options, faulty_disk_of(sim->disk), &report, &log);
    SIM_CHECK(error == 0 || error == -ERR_CORRUPT, "L6", "a flipped bit in %s is called %s",
              file.name, error_text(error));
    if (error == 0)
        error = log->ops->replay(log, meet_damaged, &reading);
    SIM_CHECK(error == 0 || error == -ERR_CORRUPT, "L6", "a flipped bit in %s is called %s",
              file.name, error_text(error));
    if (log != NULL)
        log->ops->free(log);
    SIM_CHECK(sim_clock(sim) <= ops + 1, "L6", "what is read was changed");
    (void)faulty_disk_flip(sim->disk, file.name, offset, bit);
    sim_count(sim, SIM_ODDS_FLIPPED);
}

/* ---- the machine ---- */

void sim_odds_flush(struct sim *sim)
{
    struct sim_odds_log *log = &sim->odds_log;
    struct odds_log_file_stats stats;
    odds_log_file_step(log->file);
    odds_log_file_stats(log->file, &stats);
    SIM_CHECK(!stats.failed || log->stopped || sim->disk_failing || sim->disk_full, "L6",
              "the odds log stopped without a fault");
    sim->report.counts[SIM_ODDS_STOPPED] += stats.failed && !log->stopped;
    log->stopped = stats.failed;
    if (stats.failed)
        return;
    for (; log->synced < log->count; log->synced++)
        log->changes[log->synced].sure = sim_clock(sim);
    sim_count(sim, SIM_ODDS_SYNCED);
}

void sim_odds_step(struct sim *sim)
{
    struct sim_odds_log *log = &sim->odds_log;
    if (log->file == NULL || log->synced == log->count || sim->now_us < log->due_us)
        return;
    if (sim->mix.faults > 0 && !sim->quiet &&
        sim_chance(sim, 12)) { /* it dies between write and sync */
        sim_disks_stop_after(sim, 1);
        sim->disk_failing = true;
    }
    sim_odds_flush(sim);
}

void sim_odds_stop(struct sim *sim)
{
    struct sim_odds_log *log = &sim->odds_log;
    if (log->file == NULL)
        return;
    sim_odds_flush(sim);
    log->file->ops->free(log->file);
    log->file = NULL;
}

void sim_odds_drop(struct sim *sim)
{
    if (sim->odds_log.file != NULL)
        odds_log_file_abandon(sim->odds_log.file);
    sim->odds_log.file = NULL;
}
