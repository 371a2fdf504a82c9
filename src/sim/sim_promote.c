/* sim_promote.c - the standby takes over, while the old primary may still be running: what was told
 * synchronously is there (L2), the two folds are alike (L5), the old primary tells nobody anything
 * behind that, is fenced as soon as it hears of it, and comes back as a standby or is told where
 * the two logs part. All of it is a drill: then the world goes on with the old primary, and a new
 * and empty standby. */
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/odds_store_memory.h"
#include "app/book_copy.h"
#include "app/refold.h"
#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

#define DRILL_TURNS   40
#define FENCE_TURNS   200 /* a link that is taken for alive for 3 s keeps others out */
#define REJOIN_ROUNDS 4000

/* ---- the takeover, as cli/standby/standby_stores.c does it ---- */

static void finish_append(struct sim_ship *ship)
{
    for (int i = 0; ship->log.append != NULL || ship->log.reads_count > 0; i++) {
        ASSERT(i < 10);
        ship->log.now_us += US_PER_SECOND;
        ship->log.port.ops->poll(&ship->log.port);
    }
}

/* It goes on being a standby, also when it ends or its power fails, and then nobody is fenced
 * (sim_ship.c looks whenever the primary is). */
static void promotion_failed(struct sim *sim, int error)
{
    sim_count(sim, SIM_PROMOTE_FAILED);
    if (error == -ERR_STOPPED || sim_chance(sim, 700))
        sim_ship_standby_crash(sim);
}

static bool take_over(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    struct disk *disk = faulty_disk_of(ship->disk);
    struct ledger_duty_mark mark = {.duty = LEDGER_DUTY_PROMOTED};
    finish_append(ship);
    if (ship_receiver_stats(ship->receiver).failed || sim_ship_sync_keys(ship) < 0) {
        promotion_failed(sim, -ERR_STOPPED);
        return false;
    }
    faulty_disk_fail_write(ship->disk, sim_chance(sim, 100) ? 1 : 0);
    faulty_disk_fail_sync(ship->disk, sim_chance(sim, 200) ? 1 + (unsigned)sim_below(sim, 2) : 0);
    mark.creation = ship->store->creation;
    mark.epoch = ship_next_term(ship->store->epoch);
    mark.seq = ship->store->place.seq;
    int error = ledger_duty_change(disk, 0, &ship->mark, &mark);
    faulty_disk_fail_write(ship->disk, 0); /* from here on its disk is well */
    faulty_disk_fail_sync(ship->disk, 0);
    if (error < 0) {
        promotion_failed(sim, error);
        return false;
    }
    ship->mark = mark;
    ship->promoted = mark.seq;
    ship_receiver_stop(ship->receiver, mark.epoch);
    return true;
}

static void fold(struct sim *sim, struct ledger_log *log, uint64_t last, uint8_t ret_hash[32])
{
    const struct shard_limits limits = sim_ship_limits(sim);
    const struct refold_source source = {.log = log, .seq_last = last};
    struct shard_state *state = NULL;
    struct refold_end end;
    int error = shard_state_new(&limits, &state);
    ASSERT(error == 0);
    error = refold(&source, state, NULL, NULL, &end);
    SIM_CHECK(error == 0, "L5", "record %llu: %s", (unsigned long long)end.seq, end.reason);
    error = shard_state_hash(state, ret_hash);
    ASSERT(error == 0);
    shard_state_free(state);
}

/* The warm fold, one from the new primary's log, and one from the old one's as far as that goes. */
static void check_hashes(struct sim *sim)
{
    const struct sim_ship *ship = &sim->ship;
    uint8_t of_new[32], of_old[32], warm[32];
    fold(sim, &sim->ship.log.port, REFOLD_ALL, of_new);
    fold(sim, &sim->log.port, ship->promoted, of_old);
    SIM_CHECK(memcmp(of_new, of_old, sizeof of_new) == 0, "L5",
              "the standby's log folds to another state than the primary's");
    if (shard_state_seq(ship->state) != ship->promoted)
        return; /* a group was folded and found no space: the new primary folds for itself */
    int error = shard_state_hash(ship->state, warm);
    ASSERT(error == 0);
    SIM_CHECK(memcmp(of_new, warm, sizeof of_new) == 0, "L5",
              "the standby's warm state is not that of its log");
}

/* ---- the old primary goes on, and hears of it ---- */

static void turns(struct sim *sim, int count)
{
    for (int i = 0; i < count && sim->book != NULL && !sim->log.died; i++) {
        sim->now_us += 20000;
        sim_turn(sim);
    }
}

static bool no_send(void *owner, struct slice message)
{
    (void)owner, (void)message;
    return true;
}

static size_t no_queue(void *owner)
{
    (void)owner;
    return 0;
}

static void no_close(void *owner)
{
    (void)owner;
}

/* As cli/node/node_fence.c: again and again, until it obeys. */
static void tell_fence(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    const struct ship_link link = {ship, no_send, no_queue, no_close};
    char memory[128];
    struct buf out = buf_over(memory, sizeof memory);
    const struct ship_message message = {
        .type = SHIP_FENCE, .fence = {sim->store->creation, ship->mark.epoch, ship->promoted}};
    bool fits = ship_encode(&out, &message);
    ASSERT(fits);
    bool taken = false;
    for (int i = 0; i < FENCE_TURNS && !taken && !ship->fenced; i++) {
        taken = ship_sender_attach(ship->sender, &link);
        if (!taken)
            turns(sim, 1);
    }
    if (taken) {
        ship->sender_linked = false;
        ship_sender_message(ship->sender, buf_slice(&out));
        ship_sender_detached(ship->sender);
    }
    SIM_CHECK(ship->fenced && book_stopped(sim->book), "L2", "the old primary does not obey");
}

static void check_fenced(struct sim *sim)
{
    uint64_t told = sim->oracle.seq;
    struct ledger_append append = {.shard = 0};
    struct ledger_log *log = ship_sender_log(sim->ship.sender);
    turns(sim, 5);
    SIM_CHECK(sim->oracle.seq == told, "L2", "a fenced primary told of record %llu",
              (unsigned long long)sim->oracle.seq);
    int error = log->ops->append(log, &append);
    SIM_CHECK(error == -ERR_STOPPED || error == -ERR_BUSY, "L2", "a fenced primary appends: %s",
              error_text(error));
}

/* ---- the new primary writes, and the old one comes back to it ---- */

/* Its first record: it takes the term that the mark speaks of, as cli/node/node_stores.c does. */
static void write_first(struct sim *sim)
{
    static const uint64_t key[2] = {21, 22};
    struct sim_ship *ship = &sim->ship;
    struct odds_log_file_options options = {
        .segment_bytes = ODDS_LOG_SEGMENT_BYTES_MIN, .hash_key = {3, 4}, .stepped = true};
    struct odds_log_report report;
    struct odds_log *odds = NULL;
    struct odds_store *store = NULL;
    struct book *book = NULL;
    const struct book_listener nobody = {.owner = NULL};
    struct book_options book_options = sim->mix.book;
    const char *reason = "";
    book_options.limits = sim_ship_limits(sim);
    int error = ledger_store_raise_epoch(ship->store, ship->mark.epoch);
    ASSERT(error == 0);
    error = odds_log_file_open(&options, faulty_disk_of(ship->disk), &report, &odds);
    if (error == 0)
        error = odds_store_memory_new(sim->mix.store_max, key, &store);
    struct book_ports ports = {.log = &ship->log.port, .odds_log = odds, .store = store};
    if (error == 0)
        error = book_new(&book_options, &ports, &nobody, &book);
    if (error == 0 && shard_state_seq(ship->state) == ship->promoted)
        book_adopt(book, &ship->state);
    if (error == 0)
        error = book_start(book, sim_wall(sim), (struct monotonic){sim->now_us}, &reason);
    SIM_CHECK(error == 0, "L2", "what was promoted does not start: %s: %s", error_text(error),
              reason);
    for (int i = 0; i < 100 && ship->store->place.seq == ship->promoted; i++) {
        ship->log.now_us += 20000;
        book_begin_turn(book, sim_wall(sim), (struct monotonic){ship->log.now_us});
        book_end_turn(book);
        book_poll(book);
    }
    SIM_CHECK(ship->store->place.seq > ship->promoted, "L2", "what was promoted writes nothing");
    book_abandon(book);
    sim_ledger_log_done(&ship->log); /* what it has under way is nobody's */
    error = sim_ledger_log_init(&ship->log, ship->store, ship->disk, NULL);
    ASSERT(error == 0);
    ship->log.now_us = sim->now_us;
    odds_log_file_abandon(odds);
    store->ops->free(store);
}

/* The two ends of a link that is never slow; a queue each way. */
struct rejoin {
    struct sim *sim;
    struct sim_wire down, up;
    struct sim_ledger_log *new_log, old_log;
    struct ship_sender *sender;
    struct ship_receiver *receiver;
};

static bool put(struct sim_wire *wire, struct slice message)
{
    if (wire->closed || wire->count == SIM_WIRE_MAX)
        return false;
    wire->messages[wire->count].at = sim_message_new(message);
    wire->messages[wire->count++].bytes = message.bytes;
    return true;
}

static bool rejoin_down(void *owner, struct slice message)
{
    return put(&((struct rejoin *)owner)->down, message);
}

static bool rejoin_up(void *owner, struct slice message)
{
    return put(&((struct rejoin *)owner)->up, message);
}

static void rejoin_close_down(void *owner)
{
    ((struct rejoin *)owner)->down.closed = true;
}

static void rejoin_close_up(void *owner)
{
    ((struct rejoin *)owner)->up.closed = true;
}

static int obey(void *owner, uint64_t epoch, uint64_t seq)
{
    (void)owner, (void)epoch, (void)seq;
    return -ERR_UNSUPPORTED; /* nobody is above the new primary */
}

static int keep_epoch(void *owner, uint64_t epoch)
{
    const struct rejoin *rejoin = owner;
    return ledger_store_raise_epoch(rejoin->old_log.store, epoch);
}

static int make_room(void *owner)
{
    (void)owner;
    return SHIP_ROOM;
}

static int note_odds(void *owner, uint32_t epoch, uint64_t position)
{
    (void)owner, (void)epoch, (void)position;
    return 0;
}

static struct slice take(struct sim_wire *wire)
{
    struct slice message = slice_of(wire->messages[0].at, wire->messages[0].bytes);
    wire->count--;
    memmove(wire->messages, wire->messages + 1, wire->count * sizeof *wire->messages);
    return message;
}

static void poll_log(struct sim_ledger_log *log, int64_t now_us)
{
    log->now_us = now_us;
    log->port.ops->poll(&log->port);
}

static void run_rejoin(struct rejoin *rejoin, uint64_t wanted)
{
    int64_t now_us = rejoin->new_log->now_us;
    for (int i = 0; i < REJOIN_ROUNDS; i++) {
        now_us += 10000;
        ship_sender_tick(rejoin->sender, now_us);
        ship_receiver_tick(rejoin->receiver, now_us);
        poll_log(rejoin->new_log, now_us);
        poll_log(&rejoin->old_log, now_us);
        if (rejoin->down.count > 0 && !ship_receiver_busy(rejoin->receiver)) {
            struct slice message = take(&rejoin->down);
            ship_receiver_message(rejoin->receiver, message);
            free((char *)message.at);
        }
        if (rejoin->up.count > 0) {
            struct slice message = take(&rejoin->up);
            ship_sender_message(rejoin->sender, message);
            free((char *)message.at);
        }
        struct ship_receiver_stats stats = ship_receiver_stats(rejoin->receiver);
        if (stats.refusal != 0 || stats.failed || (stats.following && stats.tail == wanted))
            break;
    }
}

/* The old primary's log as it is, as a standby of the new one's. */
static void check_rejoined(struct sim *sim, struct rejoin *rejoin, struct ledger_tail before)
{
    const struct sim_ship *ship = &sim->ship;
    struct ship_receiver_stats stats = ship_receiver_stats(rejoin->receiver);
    if (before.place.seq <= ship->promoted) {
        SIM_CHECK(
            stats.refusal == 0 && !stats.failed && stats.tail == ship->store->place.seq, "L2",
            "the old primary has %llu, the new one took over at %llu, and it does not follow: "
            "%u",
            (unsigned long long)before.place.seq, (unsigned long long)ship->promoted,
            stats.refusal);
        sim_count(sim, SIM_REJOINED);
        return;
    }
    SIM_CHECK((stats.refusal == SHIP_DIVERGED || stats.refusal == SHIP_AHEAD) &&
                  stats.refusal_seq == ship->promoted + 1,
              "L2", "the logs part at %llu, and the old primary is told %u at %llu",
              (unsigned long long)ship->promoted + 1, stats.refusal,
              (unsigned long long)stats.refusal_seq);
    const struct ledger_store *old = rejoin->old_log.store;
    SIM_CHECK(old->place.seq == before.place.seq && old->epoch == before.epoch, "L1",
              "a log that parts was changed");
    sim_count(sim, SIM_PARTED);
}

static void rejoin_over(struct sim *sim, struct faulty_disk *copy, struct ledger_store *old)
{
    struct sim_ship *ship = &sim->ship;
    struct rejoin rejoin = {.sim = sim, .new_log = &ship->log};
    const struct ship_link down = {&rejoin, rejoin_down, no_queue, rejoin_close_down};
    const struct ship_link up = {&rejoin, rejoin_up, no_queue, rejoin_close_up};
    const struct ship_sender_options sending = {
        .mode = SHIP_MODE_ASYNC, .timeout_us = US_PER_SECOND, .creation = ship->store->creation};
    const struct ship_sender_events events = {.owner = &rejoin, .on_fenced = obey};
    const struct ship_store keeps = {&rejoin, NULL, keep_epoch, NULL, NULL, make_room, note_odds};
    const struct ship_receiver_options receiving = {.creation = old->creation, .epoch = old->epoch};
    const struct shard_limits limits = sim_ship_limits(sim);
    struct shard_state *state = NULL;
    struct refold_end end;
    uint64_t epoch = 0;
    const struct ledger_tail before = ledger_store_tail(old);
    int error = sim_ledger_log_init(&rejoin.old_log, old, copy, NULL);
    if (error == 0)
        error = shard_state_new(&limits, &state);
    const struct refold_source source = {.log = &rejoin.old_log.port, .seq_last = REFOLD_ALL};
    if (error == 0)
        error = refold(&source, state, NULL, NULL, &end);
    if (error == 0)
        error = ship_sender_new(&sending, &ship->log.port, &events, &rejoin.sender);
    ASSERT(error == 0);
    error =
        ship_sender_log(rejoin.sender)->ops->take_epoch(ship_sender_log(rejoin.sender), 0, &epoch);
    ASSERT(error == 0);
    error = ship_receiver_new(&receiving, &keeps, &rejoin.old_log.port, state, &rejoin.receiver);
    ASSERT(error == 0);
    ship_sender_tick(rejoin.sender, ship->log.now_us);
    bool attached = ship_sender_attach(rejoin.sender, &down);
    ASSERT(attached);
    ship_receiver_attach(rejoin.receiver, &up);
    run_rejoin(&rejoin, ship->store->place.seq);
    check_rejoined(sim, &rejoin, before);
    while (rejoin.down.count > 0)
        free((char *)take(&rejoin.down).at);
    while (rejoin.up.count > 0)
        free((char *)take(&rejoin.up).at);
    ship_receiver_free(rejoin.receiver);
    ship_sender_free(rejoin.sender);
    shard_state_free(state);
    sim_ledger_log_done(&rejoin.old_log);
}

static void rejoin(struct sim *sim)
{
    struct ledger_report report;
    struct ledger_store *old = NULL;
    const struct ledger_store_options options = {.segment_bytes = sim->mix.segment_bytes};
    struct faulty_disk *copy =
        faulty_disk_crash(sim->disk, faulty_disk_ops_count(sim->disk), 1, FAULTY_DISK_NO_WHY);
    int error = ledger_store_open(&options, faulty_disk_of(copy), &report, &old);
    SIM_CHECK(error == 0, "L2", "the old primary's log does not open: %s", report.text);
    rejoin_over(sim, copy, old);
    ledger_store_free(old);
    faulty_disk_free(copy);
}

/* ---- the drill ---- */

static void begin_anew(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    sim_machine_kill(sim);
    sim_ship_standby_stop(sim);
    faulty_disk_free(ship->disk);
    ship->disk = faulty_disk_new();
    ship->has = ship->told = ship->alone = ship->promoted = ship->ops_safe = 0;
    ship->fenced = ship->calm = false;
}

void sim_promote(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    bool safe = sim->mix.ship_mode == SHIP_MODE_SYNC && sim->mix.ship_degrade == SHIP_DEGRADE_STOP;
    if (ship->store == NULL || ship->store->place.seq == 0 || ship->store->stopped ||
        ship_receiver_stats(ship->receiver).failed || !take_over(sim))
        return;
    ship->calm = true;
    /* While it was degraded more may have been told, and is lost, as was said. */
    SIM_CHECK(ship->promoted >= ship->told, "L2",
              "record %llu was told, and the new primary has %llu", (unsigned long long)ship->told,
              (unsigned long long)ship->promoted);
    sim_count(sim, SIM_PROMOTED);
    check_hashes(sim);
    if (!ship->keys_unsure)
        sim_vault_check_standby(sim, ship->disk, ship->promoted);
    turns(sim, (int)sim_below(sim, DRILL_TURNS));
    SIM_CHECK(!safe || ship->told <= ship->promoted, "L2",
              "the old primary told of record %llu, the new one took over at %llu",
              (unsigned long long)ship->told, (unsigned long long)ship->promoted);
    if (!sim->log.died && !book_stopped(sim->book))
        tell_fence(sim);
    if (ship->fenced)
        check_fenced(sim);
    sim->report.counts[SIM_FENCED] += ship->fenced;
    write_first(sim);
    if (!sim->mix.two_volumes && !sim->mix.archive)
        rejoin(sim);
    begin_anew(sim);
}
