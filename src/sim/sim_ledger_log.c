/* sim_ledger_log.c - contract in sim_ledger_log.h. */
#include "sim/sim_ledger_log.h"

#include <string.h>

#include "adapters/embedded/ledger_replay.h"
#include "base/assert.h"
#include "base/error.h"

#define LOOK_US 1000000 /* as the writer's thread does */

static struct sim_ledger_log *log_of(struct ledger_log *port)
{
    return (struct sim_ledger_log *)port;
}

static int log_append(struct ledger_log *port, struct ledger_append *append)
{
    struct sim_ledger_log *log = log_of(port);
    if (append->bytes > ledger_store_bytes_max(log->store))
        return -ERR_LIMIT;
    if (log->append != NULL)
        return -ERR_BUSY;
    if (log->store->stopped)
        return -ERR_STOPPED;
    log->append = append;
    log->append_due_us = log->now_us + log->latency_us;
    ledger_stall_begin(&log->stall, log->now_us);
    return 0;
}

static int log_read(struct ledger_log *port, struct ledger_read *read)
{
    struct sim_ledger_log *log = log_of(port);
    if (log->reads_count == LEDGER_READS_MAX)
        return -ERR_BUSY;
    log->reads[log->reads_count++] = read;
    return 0;
}

static int log_replay(struct ledger_log *port, uint32_t shard, uint64_t seq_first,
                      ledger_visit visit, void *owner)
{
    struct sim_ledger_log *log = log_of(port);
    struct ledger_view view = ledger_store_view(log->store);
    ASSERT(shard == log->store->options.shard);
    return ledger_replay(&view, seq_first, visit, owner, log->problem);
}

/* At once, since a directory that hung may come back a moment later. */
static void note_stop(struct sim_ledger_log *log)
{
    const struct ledger_hand *hands = log->store->hands;
    if (log->stopped || !log->store->stopped)
        return;
    log->stopped = true;
    log->stopped_though_well = ledger_hand_is_well(&hands[0]) || ledger_hand_is_well(&hands[1]);
}

static uint64_t log_tail(struct ledger_log *port, uint32_t shard)
{
    (void)shard;
    return log_of(port)->store->place.seq;
}

static int log_take_epoch(struct ledger_log *port, uint32_t shard, uint64_t *ret_epoch)
{
    (void)shard;
    struct sim_ledger_log *log = log_of(port);
    int error = ledger_store_take_epoch(log->store, ret_epoch);
    note_stop(log);
    return error;
}

/* ---- another directory ---- */

/* Until back_us nobody may use the directory that was left; a hand that failed is back at once. */
static void fail_over(struct sim_ledger_log *log, int64_t back_us)
{
    struct ledger_store *store = log->store;
    struct ledger_tail tail = ledger_store_tail(store);
    log->ops_left = faulty_disk_clock(log->disks[0]);
    ledger_store_give_up(store);
    int error = ledger_hand_take_over(ledger_store_hand(store), &tail);
    ledger_store_taken_over(store, error);
    ledger_stall_moved(&log->stall, log->now_us);
    log->append_due_us = log->now_us;
    log->back_us = back_us;
    log->left = log->failed_over = log->prepare = true;
    log->hung = false;
    log->counts.failovers++;
    log->counts.failovers_failed += error < 0;
    log->died = log->fate != SIM_FATE_ANSWER;
}

static void come_back(struct sim_ledger_log *log)
{
    uint32_t volume = 1 - log->store->active;
    if (!log->left || log->back_us > log->now_us)
        return;
    faulty_disk_late(log->disks[volume], log->hang_done);
    ledger_hand_rest(&log->store->hands[volume]);
    ledger_store_came_back(log->store, volume);
    log->left = false;
    log->counts.came_back++;
}

/* An append waits: for its turn, or for a hand that hangs. */
static void look_at_clock(struct sim_ledger_log *log)
{
    log->counts.stalls += ledger_stall_begins(&log->stall, log->now_us);
    if (!ledger_stall_leaves(&log->stall, log->now_us) || !ledger_store_can_fail_over(log->store))
        return;
    log->hang_done = log->hung && log->hang_done; /* else it hangs before its first operation */
    fail_over(log, log->hung ? log->back_us : log->append_due_us);
}

/* Around a call of the active hand. True: it hangs. */
static struct faulty_disk *arm_hang(struct sim_ledger_log *log)
{
    struct faulty_disk *disk = log->disks[log->store->active];
    if (log->hang_nth > 0 && ledger_store_can_fail_over(log->store))
        faulty_disk_hang(disk, log->hang_nth);
    return disk;
}

static bool hangs(struct sim_ledger_log *log, struct faulty_disk *disk)
{
    log->hung = faulty_disk_hangs(disk);
    faulty_disk_release(disk);
    if (!log->hung)
        return false;
    log->hang_nth = 0;
    log->back_us = log->now_us + log->hang_us;
    log->counts.hangs++;
    return true;
}

/* ---- one append ---- */

static void finish(struct sim_ledger_log *log, enum append_outcome outcome)
{
    struct ledger_append *append = log->append;
    log->append = NULL;
    ledger_stall_end(&log->stall);
    log->ops_told = faulty_disk_clock(log->disks[0]);
    append->on_done(append, outcome);
}

static void write_append(struct sim_ledger_log *log)
{
    struct ledger_hand *hand = ledger_store_hand(log->store);
    struct faulty_disk *disk = arm_hang(log);
    ledger_hand_lay(hand, log->append);
    enum append_outcome outcome = ledger_hand_write(hand);
    if (hangs(log, disk))
        return;
    ledger_store_settle(log->store, outcome);
    if (ledger_store_must_leave(log->store, outcome)) {
        log->hang_done = false;
        fail_over(log, log->now_us);
        return;
    }
    log->prepare = true;
    if (outcome == APPEND_OK && log->follower.on_durable != NULL)
        log->follower.on_durable(log->follower.owner, log->append);
    if (log->fate != SIM_FATE_ANSWER) /* done or half done, and nobody is told */
        log->died = true;
    else
        finish(log, outcome);
}

/* As the writer's thread does. */
static void carry_out(struct sim_ledger_log *log)
{
    if (log->store->stopped)
        finish(log, APPEND_UNKNOWN);
    else if (ledger_store_moved(log->store, log->append))
        finish(log, APPEND_MOVED);
    else
        write_append(log);
}

static void prepare_step(struct sim_ledger_log *log)
{
    struct faulty_disk *disk = arm_hang(log);
    log->prepare = ledger_store_prepare_step(log->store);
    (void)hangs(log, disk);
}

static void serve_reads(struct sim_ledger_log *log)
{
    struct ledger_read *waiting[LEDGER_READS_MAX];
    size_t count = log->reads_count;
    memcpy(waiting, log->reads, count * sizeof *waiting);
    log->reads_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct ledger_view view = ledger_store_view(log->store);
        size_t bytes = 0;
        int error = ledger_lookup_read(log->lookup, &view, waiting[i], &bytes);
        waiting[i]->on_done(waiting[i], error, bytes);
    }
}

static enum ledger_trouble log_trouble(struct ledger_log *port)
{
    struct sim_ledger_log *log = log_of(port);
    if (log->stall.stalled)
        return LEDGER_STALLED;
    return ledger_store_hand(log->store)->full ? LEDGER_FULL : LEDGER_WELL;
}

static void work(struct sim_ledger_log *log)
{
    if (log->look_due_us <= log->now_us) {
        ledger_store_look(log->store);
        log->look_due_us = log->now_us + LOOK_US;
    }
    if (log->append != NULL && log->append_due_us <= log->now_us)
        carry_out(log);
    else if (log->prepare) /* between two commits */
        prepare_step(log);
}

static void log_poll(struct ledger_log *port)
{
    struct sim_ledger_log *log = log_of(port);
    log->failed_over = false;
    if (log->died)
        return;
    come_back(log);
    if (log->append != NULL && (log->hung || log->append_due_us > log->now_us))
        look_at_clock(log);
    if (!log->died && !log->hung)
        work(log);
    note_stop(log);
    if (!log->died)
        serve_reads(log);
}

static void log_free(struct ledger_log *port)
{
    (void)port;
}

int sim_ledger_log_init(struct sim_ledger_log *log, struct ledger_store *store,
                        struct faulty_disk *disk, struct faulty_disk *second)
{
    static const struct ledger_log_ops ops = {.append = log_append,
                                              .read = log_read,
                                              .replay = log_replay,
                                              .tail = log_tail,
                                              .take_epoch = log_take_epoch,
                                              .trouble = log_trouble,
                                              .poll = log_poll,
                                              .free = log_free};
    *log = (struct sim_ledger_log){
        .port = {.ops = &ops}, .store = store, .disks = {disk, second}, .prepare = true};
    return ledger_lookup_new(&log->lookup);
}

void sim_ledger_log_done(struct sim_ledger_log *log)
{
    ledger_lookup_free(log->lookup);
    *log = (struct sim_ledger_log){.port = {.ops = NULL}};
}
