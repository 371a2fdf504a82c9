/* node_upkeep.c - contract in node_upkeep.h. */
#include "cli/node/node_upkeep.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "adapters/embedded/ledger_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define IDLE_US  50000    /* between looks when there was nothing to do */
#define LOOK_US  1000000  /* between looks for a segment to archive */
#define RETRY_US 10000000 /* after a step that failed */

#define STOP_S_MAX 5

static bool told_to_stop(const struct node_upkeep *upkeep)
{
    return __atomic_load_n(&upkeep->stop, __ATOMIC_ACQUIRE) != 0;
}

static void say_damage(const char *place)
{
    log_error("upkeep", "a segment of the ledger is damaged, and is left as it is",
              LOG_TEXT("place", slice_text(place)));
}

static void say_error(const char *what, int error)
{
    log_warn("upkeep", "a segment of the ledger stays where it is for now",
             LOG_TEXT("what", slice_text(what)), LOG_TEXT("reason", slice_text(error_text(error))));
}

/* ---- packing ---- */

static void count_packed(struct node_upkeep *upkeep)
{
    struct ledger_packer_stats stats = ledger_packer_stats(upkeep->packer);
    metrics_count(&upkeep->packed, stats.segments - upkeep->packed.value);
    metrics_count(&upkeep->packed_before, stats.bytes_before - upkeep->packed_before.value);
    metrics_count(&upkeep->packed_after, stats.bytes_after - upkeep->packed_after.value);
    metrics_count(&upkeep->pack_errors, stats.errors - upkeep->pack_errors.value);
    metrics_set(&upkeep->pack_damaged, (int64_t)stats.damaged);
}

/* True: there is more to do at once. */
static bool pack_step(struct node_upkeep *upkeep)
{
    if (upkeep->packer == NULL || clock_us(CLOCK_MONOTONIC) < upkeep->pack_due_us)
        return false;
    int result = ledger_packer_step(upkeep->packer);
    count_packed(upkeep);
    if (result == -ERR_CORRUPT)
        say_damage(ledger_packer_problem(upkeep->packer));
    else if (result < 0)
        say_error("compressing", result);
    if (result < 0 && result != -ERR_CORRUPT)
        upkeep->pack_due_us = clock_us(CLOCK_MONOTONIC) + RETRY_US;
    return result > 0 || result == -ERR_CORRUPT;
}

/* ---- archiving ---- */

static void count_archived(struct node_upkeep *upkeep)
{
    struct ledger_archiver_stats stats = ledger_archiver_stats(upkeep->archiver);
    metrics_count(&upkeep->archived, stats.segments - upkeep->archived.value);
    metrics_count(&upkeep->archived_bytes, stats.bytes - upkeep->archived_bytes.value);
    metrics_count(&upkeep->archive_errors, stats.errors - upkeep->archive_errors.value);
    metrics_set(&upkeep->archive_damaged, (int64_t)stats.damaged);
}

static bool archive_step(struct node_upkeep *upkeep)
{
    if (upkeep->archiver == NULL || clock_us(CLOCK_MONOTONIC) < upkeep->archive_due_us)
        return false;
    int result = ledger_archiver_step(upkeep->archiver);
    count_archived(upkeep);
    if (result == -ERR_CORRUPT)
        say_damage(ledger_archiver_problem(upkeep->archiver));
    else if (result < 0)
        say_error("archiving", result);
    if (result <= 0)
        upkeep->archive_due_us = clock_us(CLOCK_MONOTONIC) + (result < 0 ? RETRY_US : LOOK_US);
    return result > 0;
}

/* ---- scrubbing ---- */

static void count_scrubbed(struct node_upkeep *upkeep)
{
    struct scrub_stats stats = scrub_stats(upkeep->scrub);
    metrics_count(&upkeep->scrub_bytes, stats.bytes - upkeep->scrub_bytes.value);
    metrics_count(&upkeep->scrub_rounds, stats.rounds - upkeep->scrub_rounds.value);
    metrics_count(&upkeep->scrub_damage, stats.damage - upkeep->scrub_damage.value);
    metrics_set(&upkeep->scrub_damaged, (int64_t)stats.damaged);
    metrics_set(&upkeep->scrub_missing, (int64_t)stats.missing);
}

/* What is made of the log, whoever has it makes again. Until then whoever reads it checks it. */
static void make_again(struct node_upkeep *upkeep, enum scrub_damage damage)
{
    if (damage == SCRUB_DAMAGE_TILES && upkeep->keeper != NULL)
        tree_keeper_distrust(upkeep->keeper);
    if (damage == SCRUB_DAMAGE_RUN && upkeep->keys != NULL)
        verdict_keeper_distrust(upkeep->keys, scrub_damaged_run(upkeep->scrub));
}

static void say_found(struct node_upkeep *upkeep)
{
    const char *problem = scrub_problem(upkeep->scrub);
    enum scrub_damage damage = scrub_damage(upkeep->scrub);
    const char *what = damage == SCRUB_DAMAGE_KEPT
                           ? "a file is damaged where it lies: there should be another copy of it"
                       : damage == SCRUB_DAMAGE_RUN
                           ? "a file of old keys is damaged: it is made again from the ledger"
                           : "the tree is damaged: the next start makes it again from the ledger";
    log_error("scrub", what, LOG_TEXT("place", slice_text(problem)));
    make_again(upkeep, damage);
    if (damage != SCRUB_DAMAGE_KEPT)
        return;
    if (!upkeep->options.scrub_stop || __atomic_load_n(&upkeep->found, __ATOMIC_RELAXED) != 0)
        return;
    (void)snprintf(upkeep->stop_reason, sizeof upkeep->stop_reason,
                   "the scrub found damage at rest: %s", problem);
    __atomic_store_n(&upkeep->found, 1, __ATOMIC_RELEASE);
    upkeep->notify(upkeep->notify_owner);
}

/* When the next step may be made, so that no more is read in a second than was allowed. */
static int64_t scrub_pause_us(const struct node_upkeep *upkeep, uint64_t bytes)
{
    return (int64_t)(bytes * 1000000 / (uint64_t)upkeep->options.scrub_bytes_per_second);
}

static bool scrub_on(struct node_upkeep *upkeep)
{
    if (upkeep->scrub == NULL)
        return false;
    int64_t now = clock_us(CLOCK_MONOTONIC);
    metrics_set(&upkeep->scrub_age_s, (now - upkeep->round_ended_us) / 1000000);
    if (now < upkeep->scrub_due_us)
        return false;
    uint64_t before = upkeep->scrub_bytes.value;
    int result = scrub_step(upkeep->scrub);
    if (told_to_stop(upkeep)) /* perhaps long ago: then what it works for is gone */
        return false;
    count_scrubbed(upkeep);
    upkeep->scrub_due_us = now + scrub_pause_us(upkeep, upkeep->scrub_bytes.value - before);
    if (result == -ERR_CORRUPT)
        say_found(upkeep);
    if (result != 0)
        return upkeep->scrub_due_us <= now;
    upkeep->round_ended_us = now;
    upkeep->round_begun_us += upkeep->options.scrub_interval_s * 1000000;
    if (upkeep->round_begun_us < now)
        upkeep->round_begun_us = now; /* the round took longer than that */
    upkeep->scrub_due_us = upkeep->round_begun_us;
    return false;
}

const char *node_upkeep_stop_reason(const struct node_upkeep *upkeep)
{
    return __atomic_load_n(&upkeep->found, __ATOMIC_ACQUIRE) != 0 ? upkeep->stop_reason : NULL;
}

/* ---- the thread ---- */

static void *run(void *owner)
{
    struct node_upkeep *upkeep = owner;
    const struct sched_param lowest = {0};
    const struct timespec idle = {0, IDLE_US * 1000};
    (void)sched_setscheduler(0, SCHED_IDLE, &lowest); /* refused: it competes as others do */
    while (!told_to_stop(upkeep)) {
        bool packing = pack_step(upkeep);
        bool archiving = archive_step(upkeep);
        bool scrubbing = scrub_on(upkeep);
        if (!packing && !archiving && !scrubbing)
            (void)nanosleep(&idle, NULL);
    }
    return NULL;
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct node_upkeep *upkeep)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    upkeep->running = pthread_create(&upkeep->thread, NULL, run, upkeep) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return upkeep->running ? 0 : -ERR_MEMORY;
}

static void tell_no_archive(struct node_upkeep *upkeep, const char *path)
{
    metrics_set(&upkeep->archive_missing, 1);
    log_warn("upkeep", "the archive is not there: nothing goes into it before a restart with it",
             LOG_TEXT("folder", slice_text(path)));
}

/* A folder that is not there is not made, for it may be the mount point of a volume. */
int node_upkeep_open_archive(struct node_upkeep *upkeep, const struct node_upkeep_options *options,
                             struct disk **ret_disk, struct buf *why)
{
    const char *path = options->archive;
    struct disk *there = NULL;
    if (path == NULL)
        return 0;
    int error = disk_open_to_read(path, &there);
    disk_free(there);
    if (error == 0)
        error = disk_open_directory(path, ret_disk);
    if (error == -ERR_NOT_FOUND) {
        tell_no_archive(upkeep, path);
        return 0;
    }
    if (error < 0)
        buf_printf(why, "--archive %s: %s", path, error_text(error));
    return error;
}

/* An empty folder may be where a volume is mounted at other times: what is archived into it would
 * fill the wrong disk, and be hidden later. */
static bool is_mounted(struct node_upkeep *upkeep, const struct node_upkeep_options *options,
                       const struct node_upkeep_stores *stores)
{
    if (ledger_file_archive_there(stores->log))
        return true;
    tell_no_archive(upkeep, options->archive);
    return false;
}

int node_upkeep_start(struct node_upkeep *upkeep, const struct node_upkeep_options *options,
                      const struct node_upkeep_stores *stores)
{
    const struct ledger_cursor_log of = ledger_file_cursor_log(stores->log);
    const struct ledger_packer_options packing = {(uint64_t)options->pack_keep};
    const struct ledger_archiver_options archiving = {.archive = stores->archive,
                                                      .snapshots = stores->disk,
                                                      .keep = (uint64_t)options->archive_keep,
                                                      .packs = options->pack};
    const struct scrub_options scrubbing = {.ledger = stores->disk,
                                            .odds = stores->odds,
                                            .tree = stores->tree,
                                            .verdicts = stores->verdicts};
    upkeep->options = *options;
    upkeep->keeper = stores->keeper;
    upkeep->keys = stores->keys;
    upkeep->round_begun_us = upkeep->round_ended_us = clock_us(CLOCK_MONOTONIC);
    if (options->scrub_bytes_per_second > 0)
        TRY(scrub_new(&of, &scrubbing, &upkeep->scrub));
    if (options->pack)
        TRY(ledger_packer_new(&of, &packing, &upkeep->packer));
    if (stores->archive != NULL && is_mounted(upkeep, options, stores))
        TRY(ledger_archiver_new(&of, &archiving, &upkeep->archiver));
    bool idle = upkeep->packer == NULL && upkeep->archiver == NULL && upkeep->scrub == NULL;
    return idle ? 0 : start_thread(upkeep);
}

void node_upkeep_stop(struct node_upkeep *upkeep)
{
    struct timespec end;
    __atomic_store_n(&upkeep->stop, 1, __ATOMIC_RELEASE);
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += STOP_S_MAX;
    if (upkeep->running && pthread_timedjoin_np(upkeep->thread, NULL, &end) != 0) {
        /* It hangs in a disk that does not answer, and ends with the process. What it works with
         * is left to it. */
        (void)pthread_detach(upkeep->thread);
        upkeep->running = false;
        return;
    }
    upkeep->running = false;
    ledger_packer_free(upkeep->packer);
    ledger_archiver_free(upkeep->archiver);
    scrub_free(upkeep->scrub);
    upkeep->packer = NULL;
    upkeep->archiver = NULL;
    upkeep->scrub = NULL;
}

/* ---- metrics ---- */

static int add_counters(struct node_upkeep *upkeep, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_ledger_compressed_segments_total", "Segments compressed", NULL, 0},
         &upkeep->packed.value},
        {{"overround_ledger_compressed_before_bytes_total", "Bytes of them before", NULL, 0},
         &upkeep->packed_before.value},
        {{"overround_ledger_compressed_after_bytes_total", "Bytes of them after", NULL, 0},
         &upkeep->packed_after.value},
        {{"overround_ledger_compress_errors_total", "Segments that could not be compressed", NULL,
          0},
         &upkeep->pack_errors.value},
        {{"overround_ledger_archived_segments_total", "Segments moved into the archive", NULL, 0},
         &upkeep->archived.value},
        {{"overround_ledger_archived_bytes_total", "Bytes of their files", NULL, 0},
         &upkeep->archived_bytes.value},
        {{"overround_ledger_archive_errors_total", "Segments that could not be archived", NULL, 0},
         &upkeep->archive_errors.value},
        {{"overround_scrub_bytes_total", "Bytes read where they lie, unpacked", NULL, 0},
         &upkeep->scrub_bytes.value},
        {{"overround_scrub_rounds_total", "Times that everything was read", NULL, 0},
         &upkeep->scrub_rounds.value},
        {{"overround_scrub_damage_total", "Damaged files, each one in each round", NULL, 0},
         &upkeep->scrub_damage.value},
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

int node_upkeep_register_metrics(struct node_upkeep *upkeep, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_ledger_compress_damaged_segments",
          "Segments left as they are for damage in them", NULL, 0},
         &upkeep->pack_damaged},
        {{"overround_ledger_archive_damaged", "1: damage, here or there, stops the archiving", NULL,
          0},
         &upkeep->archive_damaged},
        {{"overround_scrub_damaged_files", "Damaged files in the last round or in this one", NULL,
          0},
         &upkeep->scrub_damaged},
        {{"overround_scrub_missing_files", "Files of the archive that were not there, the same",
          NULL, 0},
         &upkeep->scrub_missing},
        {{"overround_scrub_round_age_seconds",
          "Since the last round was complete or, before that, since the start", NULL, 0},
         &upkeep->scrub_age_s},
        {{"overround_ledger_archive_missing", "1: the archive was not there at the start", NULL, 0},
         &upkeep->archive_missing},
    };
    TRY(add_counters(upkeep, metrics));
    return metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges);
}
