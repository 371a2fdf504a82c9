/* sim_faults.c - the machine: how it starts, stops, dies, and what the disk does to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/odds_store_memory.h"
#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

/* ---- down ---- */

static void machine_drop(struct sim *sim)
{
    if (sim->book != NULL)
        book_abandon(sim->book);
    sim->book = NULL;
    sim_verdicts_done(sim);
    sim_odds_drop(sim);
    sim_vault_drop(sim);
    sim_shadow_done(sim);
    sim_tree_drop(sim);
    sim_upkeep_done(sim);
    sim_ship_drop(sim);
    if (sim->store != NULL) {
        sim->hang_done = sim->log.hang_done;
        sim_ledger_log_done(&sim->log);
        ledger_store_free(sim->store);
    }
    sim->store = NULL;
    sim_disks_end_hanging(sim);
    if (sim->odds_store != NULL)
        sim->odds_store->ops->free(sim->odds_store);
    sim->odds_store = NULL;
    sim->stopped_told = false;
    sim_clients_restart(sim);
    sim_published_forget(sim);
    sim->down_until_us = sim->now_us + (int64_t)sim_below(sim, 3000000);
}

void sim_machine_heal(struct sim *sim)
{
    sim_disks_heal(sim);
    sim->disk_full = sim->disk_failing = false;
    sim->crash_in_start = false;
    sim->odds_log.failing = false;
    sim->log.fate = SIM_FATE_ANSWER;
}

static void lost_records(struct sim *sim)
{
    uint64_t folded = sim->book == NULL ? 0 : shard_state_seq(book_state(sim->book));
    if (folded > sim->oracle.seq)
        sim->report.counts[SIM_RECORD_LOST] += folded - sim->oracle.seq;
}

void sim_machine_kill(struct sim *sim)
{
    lost_records(sim);
    machine_drop(sim);
    sim_disks_kill(sim);
    sim_machine_heal(sim);
}

/* Power fails behind operation `op` of the disk. */
void sim_machine_crash(struct sim *sim, size_t op)
{
    lost_records(sim);
    machine_drop(sim);
    sim_disks_kill(sim);
    sim_disks_crash(sim, op);
    sim->ops_safe = 0;
    sim_shadow_crashed(sim, op);
    sim_tree_crashed(sim);
    sim->verdicts.damaged = false;
    sim_odds_log_crashed(&sim->odds_log, op);
    sim_machine_heal(sim);
}

/* What a crash must leave: somebody was told of it. */
static size_t safe_ops(const struct sim *sim)
{
    return sim->log.ops_told > sim->ops_safe ? sim->log.ops_told : sim->ops_safe;
}

static size_t crash_op(struct sim *sim)
{
    size_t safe = safe_ops(sim);
    size_t now = sim_clock(sim);
    ASSERT(safe <= now);
    if (sim->log.died && now > safe && sim_chance(sim, 500))
        return now - 1; /* all of the commit is written, and its sync has not come */
    return safe + sim_below(sim, now - safe + 1);
}

/* ---- up ---- */

static int open_store(struct sim *sim, struct ledger_report *report)
{
    struct ledger_store_options options = {.segment_bytes = sim->mix.segment_bytes,
                                           .creation = sim->options.seed | 1,
                                           .newest_only = sim->mix.newest_only,
                                           .reserve_bytes = sim->mix.segment_bytes,
                                           .free_bytes_min = sim->mix.segment_bytes / 2,
                                           .second = sim_disk_of(sim, SIM_DISK_SECOND),
                                           .archive = sim_disk_of(sim, SIM_DISK_ARCHIVE)};
    int error = ledger_store_open(&options, faulty_disk_of(sim->disk), report, &sim->store);
    if (error < 0)
        return error;
    error = sim_ledger_log_init(&sim->log, sim->store, sim->disk, sim->disks[SIM_DISK_SECOND]);
    sim->log.stall.limit_us = sim->mix.stall_limit_us;
    sim->report.counts[SIM_SUPERSEDED] += report->superseded_groups;
    return error;
}

static int start_book(struct sim *sim, const char **ret_reason)
{
    static const uint64_t key[2] = {11, 12};
    struct book_listener listener = sim_listener(sim);
    TRY(odds_store_memory_new(sim->mix.store_max, key, &sim->odds_store));
    struct ledger_log *log = NULL;
    TRY(sim_ship_start(sim, &log));
    struct book_ports ports = {
        .log = log, .odds_log = &sim->odds_log.port, .store = sim->odds_store};
    TRY(sim_shadow_open(sim));
    ports.snapshots = sim->shadow.of_book;
    ports.reconcile = sim->shadow.reconcile;
    ports.verdicts = sim->verdicts.store;
    ports.vault = sim->vault.file == NULL ? NULL : &sim->vault.port;
    sim->log.now_us = sim->odds_log.now_us = sim->now_us;
    TRY(book_new(&sim->mix.book, &ports, &listener, &sim->book));
    TRY(book_start(sim->book, sim_wall(sim), (struct monotonic){sim->now_us}, ret_reason));
    TRY(sim_shadow_start(sim));
    return sim_upkeep_start(sim);
}

/* A start that the world made impossible is tried again, after it is healed. */
static void start_failed(struct sim *sim, int error, const char *where, const char *reason)
{
    bool caused =
        (sim->disk_full && error == -ERR_NO_SPACE) || (sim->disk_failing && error == -ERR_IO);
    SIM_CHECK(caused, "L2", "%s fails with %s: %s", where, error_text(error), reason);
    machine_drop(sim);
    sim_disks_kill(sim);
    sim_machine_heal(sim);
}

void sim_machine_start(struct sim *sim)
{
    struct ledger_report report;
    const char *reason = "";
    if (sim_chance(sim, 200))
        sim_shadow_damage(sim);
    if (sim_chance(sim, 250))
        sim_tree_damage(sim);
    if (sim_chance(sim, 300))
        sim_verdicts_damage(sim);
    if (sim_disks_are_stopped(sim)) /* the process ended while it was stopped cleanly */
        sim_disks_kill(sim);
    size_t ops_before = sim_clock(sim);
    sim->incarnation++;
    sim_published_forget(sim);
    int error = open_store(sim, &report);
    if (error < 0) {
        start_failed(sim, error, "opening the log", report.text);
        return;
    }
    if (sim->crash_in_start && sim_chance(sim, 500)) { /* while the log recovers */
        sim->ops_safe = ops_before;
        sim_count(sim, SIM_CRASH_IN_START);
        sim_machine_crash(sim, crash_op(sim));
        return;
    }
    sim->ops_safe = sim_clock(sim); /* what it found is durable now */
    sim_oracle_catch_up(sim);
    sim_tree_check_held(sim);
    error = sim_tree_start(sim, &reason);
    if (error < 0) {
        start_failed(sim, error, "opening the tree", reason);
        return;
    }
    error = sim_odds_start(sim, &reason);
    if (error < 0) {
        start_failed(sim, error, "opening the odds log", reason);
        return;
    }
    error = sim_verdicts_start(sim, &reason);
    if (error < 0) {
        start_failed(sim, error, "opening the old keys", reason);
        return;
    }
    error = sim_vault_start(sim);
    if (error < 0) {
        start_failed(sim, error, "opening the keys", "");
        return;
    }
    error = start_book(sim, &reason);
    if (error < 0) {
        start_failed(sim, error, "starting the book", reason);
        return;
    }
    sim_clients_restored(sim);
    sim_feed_reconnect(sim);
    sim->turns_left = sim_chance(sim, 400) ? 1 + (uint32_t)sim_below(sim, 4) : 0;
    if (!sim->crash_in_start) {
        sim->odds_log.epoch_shown = sim->odds_log.epoch;
        sim->ops_safe = sim_clock(sim); /* the epochs are seen from now on */
        return;
    }
    sim_count(sim, SIM_CRASH_IN_START);
    sim_machine_crash(sim, crash_op(sim));
}

void sim_machine_stop(struct sim *sim)
{
    if (!sim_settle_down(sim)) {
        sim_machine_kill(sim);
        return;
    }
    sim_check_state(sim);
    sim_tree_settle(sim);
    if (sim_chance(sim, 300))
        sim_check_refold(sim);
    if (sim_chance(sim, 150))
        sim_check_audit(sim);
    if (sim_chance(sim, 300))
        sim_shadow_drift(sim);
    if (sim->book == NULL)
        return;
    sim_shadow_done(sim);
    book_free(sim->book);
    sim->book = NULL;
    sim_verdicts_done(sim);
    sim_odds_stop(sim);
    sim_vault_stop(sim);
    if (sim_chance(sim, 300))
        sim_vault_flip(sim);
    sim_tree_stop(sim);
    if (sim_chance(sim, 700))
        sim_forge(sim);
    machine_drop(sim);
    sim_count(sim, SIM_CLEAN_RESTART);
}

/* ---- damage at rest ---- */

struct listing {
    struct faulty_disk *disk;
    uint64_t files, bytes, chosen;
    char name[DISK_NAME_BYTES_MAX + 1];
};

static bool has(struct faulty_disk *disk, const char *name, size_t stem, const char *end)
{
    char other[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes = 0;
    (void)snprintf(other, sizeof other, "%.*s%s", (int)stem, name, end);
    return faulty_disk_content(disk, other, &bytes) != NULL;
}

/* Of two forms of one segment, which a crash may leave, only one is ever looked at. */
static bool is_looked_at(struct faulty_disk *disk, const char *name)
{
    const char *end = strchr(name, '.');
    size_t stem = end == NULL ? strlen(name) : (size_t)(end - name);
    if (strncmp(name, "ledger-", 7) != 0)
        return strcmp(name, "epoch-0000") == 0 || strcmp(name, "volume-0000") == 0;
    if (end == NULL || strcmp(end, ".seg") == 0)
        return true;
    if (strcmp(end, ".segz") == 0)
        return !has(disk, name, stem, ".seg");
    return strcmp(end, ".away") == 0 && !has(disk, name, stem, ".seg") &&
           !has(disk, name, stem, ".segz");
}

static int visit_file(void *owner, const char *name)
{
    struct listing *list = owner;
    uint64_t bytes = 0;
    (void)faulty_disk_content(list->disk, name, &bytes);
    list->bytes += bytes;
    if (bytes > 0 && is_looked_at(list->disk, name) && list->files++ == list->chosen)
        memcpy(list->name, name, strlen(name) + 1);
    return 0;
}

static struct listing list_files(struct faulty_disk *of, uint64_t chosen)
{
    struct listing list = {.disk = of, .chosen = chosen};
    struct disk *disk = faulty_disk_of(of);
    int error = disk->ops->list(disk, visit_file, &list);
    ASSERT(error == 0);
    return list;
}

/* A byte of a sector that holds something; false when none was met by chance. */
static bool choose_byte(struct sim *sim, struct listing *ret_list, uint64_t *ret_offset)
{
    struct faulty_disk *second = sim->disks[SIM_DISK_SECOND];
    struct faulty_disk *disk = second != NULL && sim_chance(sim, 500) ? second : sim->disk;
    struct listing all = list_files(disk, UINT64_MAX);
    for (int tries = 0; all.files > 0 && tries < 50; tries++) {
        *ret_list = list_files(disk, sim_below(sim, all.files));
        uint64_t bytes = 0;
        const char *content = faulty_disk_content(disk, ret_list->name, &bytes);
        *ret_offset = sim_below(sim, bytes);
        uint64_t sector = *ret_offset / DISK_SECTOR * DISK_SECTOR;
        if (bytes > sector &&
            !ledger_all_zero(content + sector,
                             bytes - sector < DISK_SECTOR ? bytes - sector : DISK_SECTOR))
            return true;
    }
    return false;
}

/* What is read of a damaged log is what was written, up to where it is damaged. */
static int visit_known(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    const struct sim *sim = owner;
    const struct sim_found found = sim_oracle_find(sim, record);
    (void)shard, (void)bytes;
    SIM_CHECK(found.same, "L1", "a bit was flipped, and record %llu is read as another one",
              (unsigned long long)found.seq);
    return 0;
}

static void check_named(struct sim *sim, const char *text, const char *name)
{
    SIM_CHECK(strstr(text, "ledger-") != NULL || strstr(text, "epoch-") != NULL ||
                  strstr(text, "volume-") != NULL,
              "L1", "a flipped bit in %s is refused without a place: \"%s\"", name, text);
    SIM_CHECK(strstr(text, " at byte ") != NULL, "L1",
              "a flipped bit in %s is refused without the byte: \"%s\"", name, text);
}

/* Of two directories one holds groups that a failover superseded, and no reader comes there: a
 * start that looks at the newest segments alone need not see them either. */
static void replay_damaged(struct sim *sim, const struct listing *file, uint64_t offset)
{
    SIM_CHECK(sim->mix.newest_only, "L1", "a bit was flipped in %s at byte %llu, and it opens",
              file->name, (unsigned long long)offset);
    int error = sim->log.port.ops->replay(&sim->log.port, 0, 1, visit_known, sim);
    SIM_CHECK(error == -ERR_CORRUPT || (error == 0 && sim->mix.two_volumes), "L1",
              "a bit was flipped in %s at byte %llu, and it replays", file->name,
              (unsigned long long)offset);
    if (error < 0)
        check_named(sim, sim->log.problem, file->name);
    sim_ledger_log_done(&sim->log);
    ledger_store_free(sim->store);
    sim->store = NULL;
}

/* The log must not open, or not replay, and nothing may be changed; then the world repairs it. */
static void flip_a_bit(struct sim *sim)
{
    struct listing file;
    struct ledger_report report;
    uint64_t offset;
    unsigned bit = (unsigned)sim_below(sim, 8);
    if (!choose_byte(sim, &file, &offset))
        return;
    size_t ops = sim_clock(sim);
    (void)faulty_disk_flip(file.disk, file.name, offset, bit);
    int error = open_store(sim, &report);
    if (error == 0) {
        replay_damaged(sim, &file, offset);
    } else {
        SIM_CHECK(error == -ERR_CORRUPT, "L1", "a flipped bit is called %s", error_text(error));
        SIM_CHECK(sim_clock(sim) == ops, "L1", "a refused log was changed");
        check_named(sim, report.text, file.name);
    }
    sim_disks_kill(sim);
    (void)faulty_disk_flip(file.disk, file.name, offset, bit);
    sim_count(sim, SIM_BIT_FLIPPED);
}

/* ---- what happens when ---- */

static void stall_disk(struct sim *sim)
{
    struct sim_ledger_log *log = &sim->log;
    if (!sim->mix.two_volumes) {
        log->latency_us = (int64_t)sim_below(sim, (uint64_t)sim->mix.stall_us_max);
        sim_count(sim, SIM_DISK_STALLED);
        return;
    }
    log->hang_nth = 1 + (unsigned)sim_below(sim, sim_chance(sim, 200) ? 4 : 2);
    log->hang_us =
        log->stall.limit_us + (int64_t)sim_below(sim, 30 * (uint64_t)sim->mix.tick_us_max);
    log->hang_done = sim_chance(sim, 700);
}

static void arm_disk(struct sim *sim, uint64_t kind)
{
    struct faulty_disk *disk = sim_disks_any(sim);
    if (kind == 0) {
        faulty_disk_fail_write(disk, 1 + (unsigned)sim_below(sim, 3));
        sim->disk_failing = true;
        sim_count(sim, SIM_WRITE_FAILED);
    } else if (kind == 1) {
        faulty_disk_fail_sync(disk, 1 + (unsigned)sim_below(sim, 3));
        sim->disk_failing = true;
        sim_count(sim, SIM_SYNC_FAILED);
    } else if (kind == 2) {
        faulty_disk_limit(disk, list_files(disk, UINT64_MAX).bytes + 1 + sim_below(sim, 300000));
        sim->disk_full = true;
        sim_count(sim, SIM_DISK_FULL);
    } else {
        stall_disk(sim);
    }
}

static void set_clock(struct sim *sim)
{
    int64_t us = (int64_t)sim_below(sim, 7200) * US_PER_SECOND;
    us /= 1 + (int64_t)sim_below(sim, 999); /* C leaves the order of draws in one line open */
    switch (sim_below(sim, 3)) {
    case 0:
        sim->wall_offset_us -= us;
        sim_count(sim, SIM_CLOCK_BACK);
        break;
    case 1:
        sim->wall_offset_us += us;
        sim_count(sim, SIM_CLOCK_FORTH);
        break;
    default:
        sim->skew_ppm = (int64_t)sim_below(sim, 4001) - 2000;
        sim_count(sim, SIM_CLOCK_SKEWED);
    }
}

static void stop_and_damage(struct sim *sim)
{
    sim_machine_stop(sim);
    if (sim->book == NULL && sim_chance(sim, 500) && !sim->disk_full && !sim->disk_failing)
        flip_a_bit(sim);
    if (sim->book == NULL && sim_chance(sim, 300))
        sim_odds_flip(sim);
    sim->crash_in_start = sim_chance(sim, 200);
}

static void die(struct sim *sim, uint64_t kind)
{
    if (kind == 0) {
        sim_machine_crash(sim, crash_op(sim));
        sim_count(sim, SIM_CRASH);
    } else if (kind == 1) {
        sim_machine_kill(sim);
        sim_count(sim, SIM_KILL);
    } else if (kind == 4) { /* between two operations of whatever is at work then */
        sim_disks_stop_after(sim, 1 + sim_below(sim, 8));
        sim->disk_failing = true;
        return;
    } else if (kind == 2) {
        sim->log.fate = SIM_FATE_CRASH; /* counted when it comes */
        return;
    } else {
        sim->log.fate = SIM_FATE_KILL;
        if (sim_chance(sim, 500)) { /* half of it was written */
            faulty_disk_fail_write(sim_disks_any(sim), 1);
            sim->disk_failing = true;
        }
        return;
    }
    sim->crash_in_start = sim_chance(sim, 200);
}

void sim_machine_make_space(struct sim *sim)
{
    if (!sim->disk_full)
        return;
    for (int i = 0; i < SIM_DISKS; i++)
        if (sim->disks[i] != NULL)
            faulty_disk_limit(sim->disks[i], 0);
    sim->disk_full = false;
    sim_count(sim, SIM_SPACE_BACK);
}

static void fail_once(struct sim *sim, struct faulty_disk *disk)
{
    sim->disk_failing = true;
    if (sim_chance(sim, 500)) {
        faulty_disk_fail_write(disk, 1 + (unsigned)sim_below(sim, 3));
        sim_count(sim, SIM_WRITE_FAILED);
    } else {
        faulty_disk_fail_sync(disk, 1 + (unsigned)sim_below(sim, 3));
        sim_count(sim, SIM_SYNC_FAILED);
    }
}

/* The directory that the log is in hangs or fails, and sometimes the other one with it. */
static void break_volume(struct sim *sim)
{
    uint64_t kind = sim_below(sim, 6);
    if (kind < 4) {
        stall_disk(sim);
    } else if (kind == 4) {
        sim->log.latency_us = 2 * sim->log.stall.limit_us + (int64_t)sim_below(sim, 1000000);
        sim_count(sim, SIM_DISK_STALLED);
    } else {
        fail_once(sim, sim->disks[sim->store->active]);
    }
    if (sim_chance(sim, 300))
        fail_once(sim, sim->disks[1 - sim->store->active]);
}

void sim_faults_step(struct sim *sim)
{
    sim->log.latency_us = 50 + (int64_t)sim_below(sim, 400);
    if (sim_chance(sim, 20))
        sim_machine_make_space(sim);
    if (sim->turns_left > 0 && --sim->turns_left == 0) { /* it dies young */
        die(sim, sim_below(sim, 2));
        return;
    }
    if (sim->mix.two_volumes && sim->mix.faults > 0 && sim_chance(sim, 15))
        break_volume(sim);
    if (sim->ship.receiver != NULL && sim->mix.faults > 0 && sim_chance(sim, 4)) {
        sim_promote(sim);
        return;
    }
    if (!sim_chance(sim, sim->mix.faults) || sim->book == NULL)
        return;
    uint64_t kind = sim_below(sim, 17);
    if (kind < 5)
        die(sim, kind);
    else if (kind < 11)
        arm_disk(sim, kind < 8 ? kind - 5 : 3);
    else if (kind < 14)
        set_clock(sim);
    else if (kind < 15)
        sim->odds_log.failing = !sim->odds_log.failing;
    else
        stop_and_damage(sim);
}

/* Told what it was doing, power fails behind any operation of it. */
static bool crash_during(struct sim *sim, enum sim_count what, size_t begin)
{
    if (begin < safe_ops(sim))
        begin = safe_ops(sim);
    size_t ops = sim_clock(sim) - begin;
    sim_count(sim, what);
    sim_machine_crash(sim, begin + sim_below(sim, ops + 1));
    return true;
}

static bool crash_at_work(struct sim *sim)
{
    if (sim->log.died)
        return false;
    if (sim->shadow.saved && sim_chance(sim, 60))
        return crash_during(sim, SIM_CRASH_IN_SNAPSHOT, sim->shadow.ops_before);
    if (sim->log.failed_over && sim_chance(sim, 200))
        return crash_during(sim, SIM_CRASH_IN_FAILOVER, sim->log.ops_left);
    /* It is rare, and where one file takes the place of another is short. */
    if (sim->upkeep.changed && sim_chance(sim, sim->upkeep.moved ? 500 : 60))
        return crash_during(sim, SIM_CRASH_IN_UPKEEP, sim->upkeep.ops_before);
    return false;
}

/* S1: one disk that fails or hangs stops no log that has another. */
static void check_volumes(struct sim *sim)
{
    bool stops = sim->log.stopped && !sim->log.stopped_seen;
    sim->log.stopped_seen = sim->log.stopped;
    SIM_CHECK(!stops || !sim->mix.two_volumes || !sim->log.stopped_though_well, "S1",
              "the log stopped, and one of its directories is well");
}

static void count_log(struct sim *sim)
{
    const struct sim_log_counts *now = &sim->log.counts;
    struct sim_log_counts *told = &sim->log_told;
    sim->report.counts[SIM_LOG_STALLED] += now->stalls - told->stalls;
    sim->report.counts[SIM_DISK_HUNG] += now->hangs - told->hangs;
    sim->report.counts[SIM_FAILOVER] += now->failovers - told->failovers;
    sim->report.counts[SIM_FAILOVER_FAILED] += now->failovers_failed - told->failovers_failed;
    sim->report.counts[SIM_CAME_BACK] += now->came_back - told->came_back;
    *told = *now;
}

void sim_machine_after_turn(struct sim *sim)
{
    count_log(sim);
    check_volumes(sim);
    if (crash_at_work(sim))
        return;
    if (!sim->log.died && sim_disks_are_stopped(sim)) {
        sim_count(sim, SIM_KILL_IN_OP);
        sim_machine_kill(sim);
        sim->crash_in_start = sim_chance(sim, 300);
        return;
    }
    if (sim->log.died) {
        bool power = sim->log.fate == SIM_FATE_CRASH;
        sim_count(sim, power ? SIM_CRASH_IN_APPEND : SIM_KILL_IN_APPEND);
        if (power)
            sim_machine_crash(sim, crash_op(sim));
        else
            sim_machine_kill(sim);
        sim->crash_in_start = sim_chance(sim, 300);
    } else if (book_stopped(sim->book) && sim_chance(sim, 100)) {
        SIM_CHECK(sim->stopped_told, "S1", "the book stopped and told nobody");
        SIM_CHECK(sim->disk_full || sim->disk_failing, "S1", "the book stopped without a fault");
        if (sim_chance(sim, 500))
            sim_machine_kill(sim);
        else
            sim_machine_crash(sim, crash_op(sim));
    }
}
