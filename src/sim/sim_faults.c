/* sim_faults.c - the machine: how it starts, stops, dies, and what the disk does to it. */
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
    if (sim->store != NULL) {
        sim_ledger_log_done(&sim->log);
        ledger_store_free(sim->store);
    }
    sim->store = NULL;
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
    faulty_disk_fail_write(sim->disk, 0);
    faulty_disk_fail_sync(sim->disk, 0);
    faulty_disk_limit(sim->disk, 0);
    faulty_disk_stop_after(sim->disk, 0);
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
    faulty_disk_kill(sim->disk);
    sim_machine_heal(sim);
}

/* Power fails behind operation `op` of the disk. */
void sim_machine_crash(struct sim *sim, size_t op)
{
    uint64_t keep = sim_below(sim, 10);
    lost_records(sim);
    machine_drop(sim);
    faulty_disk_kill(sim->disk);
    struct faulty_disk *after = faulty_disk_crash(
        sim->disk, op, keep < 2 ? keep : 2 + prng_next(&sim->prng) / 2, FAULTY_DISK_NO_WHY);
    faulty_disk_free(sim->disk);
    sim->disk = after;
    sim->ops_safe = 0;
    sim_shadow_crashed(sim, op);
    sim_tree_crashed(sim);
    sim->verdicts.damaged = false;
    sim_odds_log_crashed(&sim->odds_log, op);
    sim_machine_heal(sim);
}

static size_t crash_op(struct sim *sim)
{
    size_t safe = sim->log.ops_told > sim->ops_safe ? sim->log.ops_told : sim->ops_safe;
    size_t now = faulty_disk_ops_count(sim->disk);
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
                                           .free_bytes_min = sim->mix.segment_bytes / 2};
    int error = ledger_store_open(&options, faulty_disk_of(sim->disk), report, &sim->store);
    if (error < 0)
        return error;
    return sim_ledger_log_init(&sim->log, sim->store, sim->disk);
}

static int start_book(struct sim *sim, const char **ret_reason)
{
    static const uint64_t key[2] = {11, 12};
    struct book_listener listener = sim_listener(sim);
    TRY(odds_store_memory_new(sim->mix.store_max, key, &sim->odds_store));
    struct book_ports ports = {
        .log = &sim->log.port, .odds_log = &sim->odds_log.port, .store = sim->odds_store};
    TRY(sim_shadow_open(sim));
    ports.snapshots = sim->shadow.of_book;
    ports.reconcile = sim->shadow.reconcile;
    ports.verdicts = sim->verdicts.store;
    ports.vault = sim->vault.file == NULL ? NULL : &sim->vault.port;
    sim->log.now_us = sim->odds_log.now_us = sim->now_us;
    TRY(book_new(&sim->mix.book, &ports, &listener, &sim->book));
    TRY(book_start(sim->book, sim_wall(sim), (struct monotonic){sim->now_us}, ret_reason));
    return sim_shadow_start(sim);
}

/* A start that the world made impossible is tried again, after it is healed. */
static void start_failed(struct sim *sim, int error, const char *where, const char *reason)
{
    bool caused =
        (sim->disk_full && error == -ERR_NO_SPACE) || (sim->disk_failing && error == -ERR_IO);
    SIM_CHECK(caused, "L2", "%s fails with %s: %s", where, error_text(error), reason);
    machine_drop(sim);
    faulty_disk_kill(sim->disk);
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
    size_t ops_before = faulty_disk_ops_count(sim->disk);
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
    sim->ops_safe = faulty_disk_ops_count(sim->disk); /* what it found is durable now */
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
        sim->ops_safe = faulty_disk_ops_count(sim->disk); /* the epochs are seen from now on */
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
    struct sim *sim;
    uint64_t files, bytes, chosen;
    char name[DISK_NAME_BYTES_MAX + 1];
};

static int visit_file(void *owner, const char *name)
{
    struct listing *list = owner;
    uint64_t bytes = 0;
    (void)faulty_disk_content(list->sim->disk, name, &bytes);
    list->bytes += bytes;
    if (bytes > 0 && (strncmp(name, "ledger-", 7) == 0 || strcmp(name, "epoch-0000") == 0) &&
        list->files++ == list->chosen)
        memcpy(list->name, name, strlen(name) + 1);
    return 0;
}

static struct listing list_files(struct sim *sim, uint64_t chosen)
{
    struct listing list = {.sim = sim, .chosen = chosen};
    struct disk *disk = faulty_disk_of(sim->disk);
    int error = disk->ops->list(disk, visit_file, &list);
    ASSERT(error == 0);
    return list;
}

/* A byte of a sector that holds something; false when none was met by chance. */
static bool choose_byte(struct sim *sim, struct listing *ret_list, uint64_t *ret_offset)
{
    struct listing all = list_files(sim, UINT64_MAX);
    for (int tries = 0; all.files > 0 && tries < 50; tries++) {
        *ret_list = list_files(sim, sim_below(sim, all.files));
        uint64_t bytes = 0;
        const char *content = faulty_disk_content(sim->disk, ret_list->name, &bytes);
        *ret_offset = sim_below(sim, bytes);
        uint64_t sector = *ret_offset / DISK_SECTOR * DISK_SECTOR;
        if (bytes >= sector + DISK_SECTOR && !ledger_all_zero(content + sector, DISK_SECTOR))
            return true;
    }
    return false;
}

static int visit_nothing(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    (void)owner, (void)shard, (void)record, (void)bytes;
    return 0;
}

static void check_named(struct sim *sim, const char *text, const char *name)
{
    SIM_CHECK(strstr(text, "ledger-") != NULL || strstr(text, "epoch-") != NULL, "L1",
              "a flipped bit in %s is refused without a place: \"%s\"", name, text);
    SIM_CHECK(strstr(text, " at byte ") != NULL, "L1",
              "a flipped bit in %s is refused without the byte: \"%s\"", name, text);
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
    size_t ops = faulty_disk_ops_count(sim->disk);
    (void)faulty_disk_flip(sim->disk, file.name, offset, bit);
    int error = open_store(sim, &report);
    if (error == 0) {
        SIM_CHECK(sim->mix.newest_only, "L1", "a bit was flipped in %s at byte %llu, and it opens",
                  file.name, (unsigned long long)offset);
        error = sim->log.port.ops->replay(&sim->log.port, 0, 1, visit_nothing, NULL);
        SIM_CHECK(error == -ERR_CORRUPT, "L1",
                  "a bit was flipped in %s at byte %llu, and it replays", file.name,
                  (unsigned long long)offset);
        check_named(sim, sim->log.problem, file.name);
        sim_ledger_log_done(&sim->log);
        ledger_store_free(sim->store);
        sim->store = NULL;
    } else {
        SIM_CHECK(error == -ERR_CORRUPT, "L1", "a flipped bit is called %s", error_text(error));
        SIM_CHECK(faulty_disk_ops_count(sim->disk) == ops, "L1", "a refused log was changed");
        check_named(sim, report.text, file.name);
    }
    faulty_disk_kill(sim->disk);
    (void)faulty_disk_flip(sim->disk, file.name, offset, bit);
    sim_count(sim, SIM_BIT_FLIPPED);
}

/* ---- what happens when ---- */

static void arm_disk(struct sim *sim, uint64_t kind)
{
    if (kind == 0) {
        faulty_disk_fail_write(sim->disk, 1 + (unsigned)sim_below(sim, 3));
        sim->disk_failing = true;
        sim_count(sim, SIM_WRITE_FAILED);
    } else if (kind == 1) {
        faulty_disk_fail_sync(sim->disk, 1 + (unsigned)sim_below(sim, 3));
        sim->disk_failing = true;
        sim_count(sim, SIM_SYNC_FAILED);
    } else if (kind == 2) {
        faulty_disk_limit(sim->disk,
                          list_files(sim, UINT64_MAX).bytes + 1 + sim_below(sim, 300000));
        sim->disk_full = true;
        sim_count(sim, SIM_DISK_FULL);
    } else {
        sim->log.latency_us = (int64_t)sim_below(sim, (uint64_t)sim->mix.stall_us_max);
        sim_count(sim, SIM_DISK_STALLED);
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
        faulty_disk_stop_after(sim->disk, 1 + sim_below(sim, 8));
        sim->disk_failing = true;
        return;
    } else if (kind == 2) {
        sim->log.fate = SIM_FATE_CRASH; /* counted when it comes */
        return;
    } else {
        sim->log.fate = SIM_FATE_KILL;
        if (sim_chance(sim, 500)) { /* half of it was written */
            faulty_disk_fail_write(sim->disk, 1);
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
    faulty_disk_limit(sim->disk, 0);
    sim->disk_full = false;
    sim_count(sim, SIM_SPACE_BACK);
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

void sim_machine_after_turn(struct sim *sim)
{
    const struct sim_shadow *shadow = &sim->shadow;
    if (!sim->log.died && shadow->saved && sim_chance(sim, 60)) {
        size_t ops = faulty_disk_ops_count(sim->disk) - shadow->ops_before;
        sim_count(sim, SIM_CRASH_IN_SNAPSHOT);
        sim_machine_crash(sim, shadow->ops_before + sim_below(sim, ops + 1));
        return;
    }
    if (!sim->log.died && faulty_disk_is_stopped(sim->disk)) {
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
