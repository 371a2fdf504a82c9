/* sim_ship.c - log shipping to a warm standby (adapters/ship) in the simulated world. Synchronously
 * nothing is told to anybody that the standby has not durably (L2), whatever the wires do to the
 * messages and whoever crashes; its log is the begin of the primary's. Taking over: sim_promote.c.
 */
#include "sim/sim_ship.h"

#include <stdlib.h>
#include <string.h>

#include "app/book_copy.h"
#include "app/refold.h"
#include "base/assert.h"
#include "base/error.h"
#include "sim/sim_world.h"

#define SILENCE_US (5 * US_PER_SECOND) /* of the primary, as in cli/standby/standby.c */

/* ---- wires ---- */

char *sim_message_new(struct slice message)
{
    char *copy = malloc(message.bytes);
    ASSERT(copy != NULL); /* no memory: nothing to find here */
    memcpy(copy, message.at, message.bytes);
    return copy;
}

static void wire_drop(struct sim_wire *wire, size_t at)
{
    wire->bytes -= wire->messages[at].bytes;
    free(wire->messages[at].at);
    wire->count--;
    memmove(&wire->messages[at], &wire->messages[at + 1],
            (wire->count - at) * sizeof *wire->messages);
}

static void wire_clear(struct sim_wire *wire)
{
    while (wire->count > 0)
        wire_drop(wire, wire->count - 1);
    wire->closed = false;
}

/* Until a sound link has carried all of them, keys may be missing (sim_promote.c). */
static void note_disorder(struct sim *sim)
{
    sim->ship.link_kept_no_order = sim->ship.keys_unsure = true;
}

/* A carrier that keeps order and lost something never carries again (adapters/ship/ship_wire.h). */
static void lose_link(struct sim *sim)
{
    note_disorder(sim);
    sim->ship.cut_due_us = sim->now_us + 1 + (int64_t)sim_below(sim, 1000000);
}

static void wire_put(struct sim *sim, struct sim_wire *wire, struct slice message)
{
    if (wire->count == SIM_WIRE_MAX)
        lose_link(sim); /* so full that it is lost */
    if (wire->count == SIM_WIRE_MAX)
        return;
    wire->messages[wire->count].at = sim_message_new(message);
    wire->messages[wire->count].bytes = message.bytes;
    wire->messages[wire->count++].due_us =
        sim->now_us + (int64_t)sim_below(sim, (uint64_t)sim->mix.wire_us_max);
    wire->bytes += message.bytes;
}

/* What a carrier that keeps no promise does to it. */
static void wire_trouble(struct sim *sim, struct sim_wire *wire)
{
    size_t last = wire->count - 1;
    switch (sim_below(sim, 4)) {
    case 0:
        wire_drop(wire, last);
        lose_link(sim);
        sim_count(sim, SIM_SHIP_DROPPED);
        break;
    case 1:
        wire_put(sim, wire, slice_of(wire->messages[last].at, wire->messages[last].bytes));
        sim_count(sim, SIM_SHIP_DUPLICATED);
        break;
    case 2:
        if (last == 0)
            break;
        char *at = wire->messages[last].at;
        size_t bytes = wire->messages[last].bytes;
        wire->messages[last].at = wire->messages[last - 1].at;
        wire->messages[last].bytes = wire->messages[last - 1].bytes;
        wire->messages[last - 1].at = at;
        wire->messages[last - 1].bytes = bytes;
        note_disorder(sim);
        sim_count(sim, SIM_SHIP_REORDERED);
        break;
    default:
        wire->messages[last].at[sim_below(sim, wire->messages[last].bytes)] ^=
            (char)(1 << sim_below(sim, 8));
        sim_count(sim, SIM_SHIP_GARBLED);
    }
}

static bool send_on(struct sim *sim, struct sim_wire *wire, struct slice message)
{
    if (wire->closed)
        return false;
    wire_put(sim, wire, message);
    if (!sim->ship.calm && !sim->quiet && wire->count > 0 && sim_chance(sim, sim->mix.wire_faults))
        wire_trouble(sim, wire);
    return true;
}

static bool send_down(void *owner, struct slice message)
{
    struct sim_ship *ship = owner;
    return ship->receiver_linked && send_on(ship->sim, &ship->down, message);
}

static bool send_up(void *owner, struct slice message)
{
    struct sim_ship *ship = owner;
    return send_on(ship->sim, &ship->up, message);
}

static size_t queued_down(void *owner)
{
    return ((struct sim_ship *)owner)->down.bytes;
}

static size_t queued_up(void *owner)
{
    return ((struct sim_ship *)owner)->up.bytes;
}

static void close_down(void *owner)
{
    ((struct sim_ship *)owner)->down.closed = true;
}

static void close_up(void *owner)
{
    ((struct sim_ship *)owner)->up.closed = true;
}

static void leave_sender(struct sim_ship *ship)
{
    if (ship->sender_linked)
        ship_sender_detached(ship->sender);
    ship->sender_linked = false;
}

static void leave_receiver(struct sim_ship *ship)
{
    if (ship->receiver_linked)
        ship_receiver_detached(ship->receiver);
    ship->receiver_linked = false;
    ship->link_due_us = ship->sim->now_us + 100000;
}

/* What was on the way is lost. */
static void cut(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    leave_sender(ship);
    leave_receiver(ship);
    wire_clear(&ship->down);
    wire_clear(&ship->up);
    ship->cut_due_us = 0;
}

/* ---- the primary ---- */

static void on_away(void *owner, bool away)
{
    struct sim *sim = owner;
    if (sim->book != NULL)
        book_pause(sim->book, away ? "standby_away" : NULL);
    if (away)
        sim_count(sim, SIM_SHIP_AWAY);
}

static void on_note(void *owner, enum ship_note note, uint16_t refusal, uint64_t seq)
{
    struct sim *sim = owner;
    (void)refusal, (void)seq;
    if (note == SHIP_NOTE_DEGRADED) {
        sim->ship.alone = ship_sender_stats(sim->ship.sender).tail;
        sim_count(sim, SIM_SHIP_DEGRADED);
    } else if (note == SHIP_NOTE_CAUGHT_UP) {
        sim_count(sim, SIM_SHIP_CAUGHT_UP);
    }
    if (note == SHIP_NOTE_CAUGHT_UP && !sim->ship.link_kept_no_order)
        sim->ship.keys_unsure = false;
}

static void on_confirmed(void *owner, uint64_t seq)
{
    struct sim *sim = owner;
    if (sim->mix.ship_mode == SHIP_MODE_SYNC && sim->tree.keeper != NULL)
        tree_keeper_confirm(sim->tree.keeper, seq);
}

static int on_fenced(void *owner, uint64_t epoch, uint64_t seq)
{
    struct sim *sim = owner;
    (void)epoch;
    SIM_CHECK(sim->ship.promoted != 0 && seq == sim->ship.promoted, "L2",
              "the primary is fenced behind record %llu, and nobody took over there",
              (unsigned long long)seq);
    sim->ship.fenced = true;
    book_stop(sim->book, "fenced");
    return 0;
}

/* ---- the keys of personal fields, as cli/standby/ship_keys.c and crypto/personal_copy.c do it
 * ---- */

static uint64_t keys_size(void *owner)
{
    const struct sim *sim = owner;
    uint64_t bytes = 0;
    bool there = faulty_disk_content(sim->disk, SIM_KEYS_NAME, &bytes) != NULL;
    return there ? bytes / SIM_SLOT_BYTES * SIM_SLOT_BYTES : 0;
}

static int keys_read(void *owner, uint64_t offset, char *to, size_t capacity)
{
    const struct sim *sim = owner;
    uint64_t bytes = 0;
    const char *content = faulty_disk_content(sim->disk, SIM_KEYS_NAME, &bytes);
    if (content == NULL || offset >= bytes)
        return 0;
    size_t part = bytes - offset < capacity ? (size_t)(bytes - offset) : capacity;
    part -= part % SIM_SLOT_BYTES;
    memcpy(to, content + offset, part);
    return (int)part;
}

static int open_keys(struct sim_ship *ship, int *ret_file)
{
    struct disk *disk = faulty_disk_of(ship->disk);
    uint64_t bytes = 0;
    bool there = faulty_disk_content(ship->disk, SIM_KEYS_NAME, &bytes) != NULL;
    TRY(disk->ops->open(disk, SIM_KEYS_NAME, true, ret_file));
    return there ? 0 : disk->ops->sync_directory(disk, DISK_WHY_KEY_NAME);
}

int sim_ship_sync_keys(void *owner)
{
    struct sim_ship *ship = owner;
    struct disk *disk = faulty_disk_of(ship->disk);
    int file = -1;
    int error = open_keys(ship, &file);
    if (error == 0)
        error = disk->ops->sync(disk, file, DISK_WHY_KEY);
    if (file >= 0)
        disk->ops->close(disk, file);
    ship->file_failed |= error < 0;
    return error;
}

static int write_keys(void *owner, uint64_t offset, struct slice slots)
{
    struct sim_ship *ship = owner;
    struct disk *disk = faulty_disk_of(ship->disk);
    int file = -1;
    for (size_t at = 0; at < slots.bytes; at += SIM_SLOT_BYTES)
        if (!personal_slot_is_sound((offset + at) / SIM_SLOT_BYTES, slots.at + at))
            return -ERR_FORMAT;
    int error = open_keys(ship, &file);
    if (error == 0 && offset == 0) { /* the head first */
        error = disk->ops->write(disk, file, 0, slots.at, SIM_SLOT_BYTES);
        if (error == 0)
            error = disk->ops->sync(disk, file, DISK_WHY_KEY);
    }
    if (error == 0)
        error = disk->ops->write(disk, file, offset, slots.at, slots.bytes);
    if (file >= 0)
        disk->ops->close(disk, file);
    ship->file_failed |= error < 0;
    return error;
}

/* The log that the book is to use. */
int sim_ship_start(struct sim *sim, struct ledger_log **ret_log)
{
    struct sim_ship *ship = &sim->ship;
    *ret_log = &sim->log.port;
    if (ship->disk == NULL)
        return 0;
    const struct ship_sender_options options = {.mode = (enum ship_mode)sim->mix.ship_mode,
                                                .degrade = (enum ship_degrade)sim->mix.ship_degrade,
                                                .timeout_us = sim->mix.ship_timeout_us,
                                                .creation = sim->store->creation,
                                                .keys = {keys_size, keys_read, sim}};
    const struct ship_sender_events events = {sim, on_note, on_away, on_confirmed, on_fenced};
    if (sim->mix.ship_mode == SHIP_MODE_SYNC && sim->tree.keeper != NULL)
        tree_keeper_confirm(sim->tree.keeper, 0);
    TRY(ship_sender_new(&options, &sim->log.port, &events, &ship->sender));
    *ret_log = ship_sender_log(ship->sender);
    ship_sender_tick(ship->sender, sim->now_us);
    return 0;
}

/* The primary's process is gone, and the book with it. */
void sim_ship_drop(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    if (ship->sender == NULL)
        return;
    cut(sim);
    ship_sender_free(ship->sender);
    ship->sender = NULL;
}

/* L2: somebody is told of this record now. */
void sim_ship_told(struct sim *sim, uint64_t seq)
{
    struct sim_ship *ship = &sim->ship;
    if (ship->sender == NULL || sim->mix.ship_mode != SHIP_MODE_SYNC ||
        ship_sender_stats(ship->sender).degraded)
        return;
    if (seq > ship->has && seq <= ship->alone)
        return; /* it waited for a standby that was given up, which may have come back since */
    SIM_CHECK(seq <= ship->has, "L2", "record %llu is told, and the standby has %llu",
              (unsigned long long)seq, (unsigned long long)ship->has);
    ship->told = seq;
    sim->report.counts[SIM_SHIP_SAFE]++;
}

/* ---- the standby's machine ---- */

static int open_log(struct sim_ship *ship, uint64_t creation)
{
    struct ledger_report report;
    const struct sim *sim = ship->sim;
    const struct ledger_store_options options = {.segment_bytes = UINT64_C(2) << 20,
                                                 .creation = creation};
    int error = ledger_store_open(&options, faulty_disk_of(ship->disk), &report, &ship->store);
    SIM_CHECK(error != -ERR_CORRUPT, "L1", "the standby's log does not open: %s", report.text);
    TRY(error);
    TRY(sim_ledger_log_init(&ship->log, ship->store, ship->disk, NULL));
    ship->log.now_us = sim->now_us;
    return 0;
}

/* As cli/standby/standby_stores.c does: before there is a log, and when it follows again. */
static int write_mark(struct sim_ship *ship, uint64_t creation)
{
    const struct ledger_duty_mark mark = {.duty = LEDGER_DUTY_STANDBY, .creation = creation};
    int error = ledger_duty_write(faulty_disk_of(ship->disk), 0, &mark);
    ship->file_failed |= error < 0;
    TRY(error);
    ship->mark = mark;
    return 0;
}

static int create(void *owner, uint64_t creation, struct ledger_log **ret_log)
{
    struct sim_ship *ship = owner;
    TRY(write_mark(ship, creation));
    TRY(open_log(ship, creation));
    *ret_log = &ship->log.port;
    return 0;
}

static int raise_epoch(void *owner, uint64_t epoch)
{
    const struct sim_ship *ship = owner;
    return ledger_store_raise_epoch(ship->store, epoch);
}

static int make_room(void *owner)
{
    (void)owner;
    return SHIP_ROOM; /* the memory for verdicts is as large as the run */
}

static int note_odds(void *owner, uint32_t epoch, uint64_t position)
{
    struct sim_ship *ship = owner;
    (void)epoch, (void)position;
    return ship->mark.duty == LEDGER_DUTY_STANDBY ? 0 : write_mark(ship, ship->store->creation);
}

struct shard_limits sim_ship_limits(const struct sim *sim)
{
    struct shard_limits limits = sim->mix.book.limits;
    limits.verdicts_max = sim->entries_max + 1;
    return limits;
}

static int visit_begin(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    const struct sim *sim = owner;
    const struct sim_found found = sim_oracle_find(sim, record);
    (void)shard, (void)bytes;
    SIM_CHECK(found.beyond || found.same, "L1", "record %llu is another one on the standby",
              (unsigned long long)found.seq);
    return 0;
}

/* What it has said it has is there, and it is the begin of the primary's log. */
static void check_log(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    uint64_t tail = ship->store == NULL ? 0 : ship->store->place.seq;
    SIM_CHECK(tail >= ship->has, "L2", "the standby said it has %llu, and its log ends at %llu",
              (unsigned long long)ship->has, (unsigned long long)tail);
    if (ship->store == NULL)
        return;
    int error = ship->log.port.ops->replay(&ship->log.port, 0, 1, visit_begin, sim);
    SIM_CHECK(error == 0, "L5", "the standby's log cannot be replayed: %s", ship->log.problem);
}

static int fold_log(struct sim_ship *ship)
{
    const struct shard_limits limits = sim_ship_limits(ship->sim);
    const struct refold_source source = {.log = &ship->log.port, .seq_last = REFOLD_ALL};
    struct refold_end end;
    TRY(shard_state_new(&limits, &ship->state));
    return ship->store == NULL ? 0 : refold(&source, ship->state, NULL, NULL, &end);
}

static void standby_start(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    const struct ship_store store = {
        ship, create, raise_epoch, write_keys, sim_ship_sync_keys, make_room, note_odds};
    uint64_t bytes = 0;
    int error = 0;
    ship->file_failed = false;
    error = ledger_duty_read(faulty_disk_of(ship->disk), 0, &ship->mark);
    if (error == 0 && faulty_disk_content(ship->disk, "epoch-0000", &bytes) != NULL) {
        SIM_CHECK(ship->mark.duty != LEDGER_DUTY_NONE, "L2", "a standby's folder could be served");
        error = open_log(ship, 0);
    }
    SIM_CHECK(error == 0, "L2", "the standby does not start: %s", error_text(error));
    check_log(sim);
    error = fold_log(ship);
    SIM_CHECK(error == 0, "L5", "the standby's log does not fold: %s", error_text(error));
    const struct ship_receiver_options options = {
        .creation = ship->store == NULL ? 0 : ship->store->creation,
        .epoch = ship->store == NULL ? 0 : ship->store->epoch};
    error = ship_receiver_new(&options, &store, ship->store == NULL ? NULL : &ship->log.port,
                              ship->state, &ship->receiver);
    ASSERT(error == 0);
    ship_receiver_tick(ship->receiver, sim->now_us);
    ship->link_due_us = sim->now_us;
    ship->ops_safe = faulty_disk_clock(ship->disk); /* what it found is durable now */
}

void sim_ship_standby_stop(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    if (ship->receiver == NULL)
        return;
    bool told = sim_chance(sim, 500); /* else the primary finds out by its silence */
    if (told)
        leave_sender(ship);
    leave_receiver(ship);
    wire_clear(&ship->down);
    wire_clear(&ship->up);
    ship_receiver_free(ship->receiver);
    ship->receiver = NULL;
    shard_state_free(ship->state);
    ship->state = NULL;
    if (ship->store != NULL) {
        sim_ledger_log_done(&ship->log);
        ledger_store_free(ship->store);
    }
    ship->store = NULL;
    faulty_disk_kill(ship->disk);
    faulty_disk_fail_write(ship->disk, 0);
    faulty_disk_fail_sync(ship->disk, 0);
    ship->up_due_us = sim->now_us + (int64_t)sim_below(sim, 2000000);
}

void sim_ship_standby_crash(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    uint64_t safe = ship->ops_safe;
    if (ship->store != NULL && ship->log.ops_told > safe)
        safe = ship->log.ops_told;
    uint64_t op = safe + sim_below(sim, faulty_disk_clock(ship->disk) - safe + 1);
    bool has_log = ship->store != NULL;
    sim_ship_standby_stop(sim);
    if (!has_log || sim_chance(sim, 300)) {
        sim_count(sim, SIM_STANDBY_KILL);
        return;
    }
    struct faulty_disk *after =
        faulty_disk_crash(ship->disk, faulty_disk_ops_at(ship->disk, op),
                          2 + prng_next(&sim->prng) / 2, FAULTY_DISK_NO_WHY);
    faulty_disk_free(ship->disk);
    ship->disk = after;
    ship->ops_safe = 0;
    sim_count(sim, SIM_STANDBY_CRASH);
}

/* ---- turns ---- */

static void connect(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    const struct ship_link down = {ship, send_down, queued_down, close_down};
    const struct ship_link up = {ship, send_up, queued_up, close_up};
    ship->link_due_us = sim->now_us + 200000;
    if (ship->sender == NULL || ship->receiver == NULL || ship->receiver_linked)
        return;
    ship->down.closed = false; /* one that was silent is closed by attach, and is no longer ours */
    if (!ship_sender_attach(ship->sender, &down))
        return;
    wire_clear(&ship->down);
    wire_clear(&ship->up);
    ship->sender_linked = ship->receiver_linked = true;
    ship->link_kept_no_order = false;
    ship_receiver_attach(ship->receiver, &up);
}

/* True: a message was taken. */
static bool deliver(struct sim *sim, struct sim_wire *wire, bool down)
{
    struct sim_ship *ship = &sim->ship;
    if (wire->count == 0 || wire->messages[0].due_us > sim->now_us)
        return false;
    if (down && ship_receiver_busy(ship->receiver))
        return false;
    struct slice message = slice_of(wire->messages[0].at, wire->messages[0].bytes);
    char *owned = wire->messages[0].at;
    wire->messages[0].at = NULL;
    wire_drop(wire, 0);
    if (down)
        ship_receiver_message(ship->receiver, message);
    else
        ship_sender_message(ship->sender, message);
    free(owned);
    return true;
}

static void carry(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    for (int i = 0; i < SIM_WIRE_MAX && ship->receiver_linked; i++)
        if (!deliver(sim, &ship->down, true))
            break;
    for (int i = 0; i < SIM_WIRE_MAX && ship->sender_linked; i++)
        if (!deliver(sim, &ship->up, false))
            break;
    bool over =
        (ship->down.closed && ship->down.count == 0) || (ship->up.closed && ship->up.count == 0);
    bool lost = ship->cut_due_us != 0 && sim->now_us >= ship->cut_due_us;
    if (over || lost)
        cut(sim);
}

static void run_standby(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    ship_receiver_tick(ship->receiver, sim->now_us);
    if (ship->store != NULL) {
        ship->log.now_us = sim->now_us;
        ship->log.port.ops->poll(&ship->log.port);
    }
    struct ship_receiver_stats stats = ship_receiver_stats(ship->receiver);
    if (stats.tail > ship->has)
        ship->has = stats.tail;
    if (stats.failed) {
        SIM_CHECK(ship->store == NULL || ship->store->stopped || ship->file_failed, "L5",
                  "the standby fails: %s", ship_receiver_text(ship->receiver));
        sim_count(sim, SIM_STANDBY_FAILED);
        sim_ship_standby_stop(sim);
        return;
    }
    if (ship->receiver_linked && sim->now_us - stats.heard_us > SILENCE_US)
        leave_receiver(ship);
}

static void trouble(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    ship->log.latency_us = 50 + (int64_t)sim_below(sim, 2000);
    if (ship->calm || sim->quiet || sim->mix.faults == 0 || ship->receiver == NULL)
        return;
    if (sim_chance(sim, 4)) {
        cut(sim);
        sim_count(sim, SIM_SHIP_CUT);
    } else if (sim_chance(sim, 3)) {
        sim_ship_standby_crash(sim);
    } else if (sim_chance(sim, 2) && ship->store != NULL) {
        faulty_disk_fail_sync(ship->disk, 1 + (unsigned)sim_below(sim, 2));
    }
}

void sim_ship_step(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    if (ship->disk == NULL || ship->sender == NULL)
        return;
    ship_sender_tick(ship->sender, sim->now_us);
    trouble(sim);
    if (ship->receiver == NULL && ship->promoted == 0 &&
        (sim->quiet || sim->now_us >= ship->up_due_us))
        standby_start(sim);
    if (ship->receiver != NULL && ship->promoted == 0 && sim->now_us >= ship->link_due_us)
        connect(sim);
    if (ship->receiver != NULL)
        run_standby(sim);
    carry(sim);
    if (ship_sender_ready(ship->sender))
        book_poll(sim->book);
    struct ship_sender_stats stats = ship_sender_stats(ship->sender);
    sim->report.counts[SIM_SHIP_SESSION] += stats.sessions - ship->sessions;
    sim->report.counts[SIM_SHIP_BAD] += stats.bad_messages - ship->bad;
    ship->sessions = stats.sessions;
    ship->bad = stats.bad_messages;
}

void sim_ship_new(struct sim *sim)
{
    sim->ship.sim = sim;
    if (sim->mix.ship_mode != SHIP_MODE_OFF)
        sim->ship.disk = faulty_disk_new();
}

void sim_ship_free(struct sim *sim)
{
    struct sim_ship *ship = &sim->ship;
    if (ship->disk == NULL)
        return;
    sim_ship_standby_stop(sim);
    faulty_disk_free(ship->disk);
    ship->disk = NULL;
}
