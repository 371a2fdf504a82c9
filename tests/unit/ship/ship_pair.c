/* ship_pair.c - contract in ship_pair.h. */
#include "ship_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "app/refold.h"
#include "base/assert.h"
#include "base/error.h"

#define GROUP_BYTES (1u << 20)

static const struct shard_limits limits = {.accounts_max = 20000,
                                           .markets_max = 100,
                                           .selections_max = 2000,
                                           .bets_max = 1000,
                                           .verdicts_max = 1000};

/* ---- wires ---- */

static bool wire_put(struct pair_wire *wire, struct slice message)
{
    struct ship_message decoded;
    if (wire->closed)
        return false;
    assert_true(wire->count < PAIR_WIRE_MAX);
    assert_int_equal(ship_decode(message, &decoded), 0); /* nothing else is ever sent */
    wire->messages[wire->count].at = malloc(message.bytes);
    memcpy(wire->messages[wire->count].at, message.at, message.bytes);
    wire->messages[wire->count++].bytes = message.bytes;
    wire->sent++;
    wire->last = decoded.type;
    return true;
}

/* The oldest; the caller frees it. */
static struct slice wire_take(struct pair_wire *wire)
{
    struct slice message = slice_of(wire->messages[0].at, wire->messages[0].bytes);
    wire->count--;
    memmove(wire->messages, wire->messages + 1, wire->count * sizeof *wire->messages);
    return message;
}

static void wire_clear(struct pair_wire *wire)
{
    while (wire->count > 0)
        free((char *)wire_take(wire).at);
    wire->closed = false;
}

static bool send_down(void *owner, struct slice message)
{
    return wire_put(&((struct pair *)owner)->down, message);
}

static bool send_up(void *owner, struct slice message)
{
    return wire_put(&((struct pair *)owner)->up, message);
}

static size_t queued_down(void *owner)
{
    return ((struct pair *)owner)->down.queued;
}

static size_t queued_up(void *owner)
{
    return ((struct pair *)owner)->up.queued;
}

static void close_down(void *owner)
{
    ((struct pair *)owner)->down.closed = true;
}

static void close_up(void *owner)
{
    ((struct pair *)owner)->up.closed = true;
}

/* ---- the primary's owner ---- */

static void on_note(void *owner, enum ship_note note, uint16_t refusal, uint64_t seq)
{
    struct pair *pair = owner;
    pair->notes[note]++;
    if (note == SHIP_NOTE_REFUSED || note == SHIP_NOTE_REFUSES) {
        pair->refusal = refusal;
        pair->refusal_seq = seq;
    }
}

static void on_away(void *owner, bool away)
{
    ((struct pair *)owner)->away = away;
}

static void on_confirmed(void *owner, uint64_t seq)
{
    struct pair *pair = owner;
    assert_true(seq > pair->confirmed); /* it never falls */
    pair->confirmed = seq;
}

static int on_fenced(void *owner, uint64_t epoch, uint64_t seq)
{
    struct pair *pair = owner;
    pair->fenced_epoch = epoch;
    pair->fenced_seq = seq;
    return pair->fence_error;
}

static uint64_t keys_size(void *owner)
{
    return ((struct pair *)owner)->keys_bytes;
}

static int keys_read(void *owner, uint64_t offset, char *to, size_t capacity)
{
    const struct pair *pair = owner;
    size_t left = pair->keys_bytes - (size_t)offset;
    size_t bytes = left < capacity ? left : capacity;
    bytes = bytes > 128 ? 128 : bytes; /* in many pieces */
    memcpy(to, pair->keys + offset, bytes);
    return (int)bytes;
}

static void open_primary(struct pair *pair)
{
    const struct ship_sender_events events = {pair, on_note, on_away, on_confirmed, on_fenced};
    pair->confirmed = 0;
    assert_int_equal(
        ship_sender_new(&pair->options, &pair->primary_log.port, &events, &pair->sender), 0);
    pair->log = ship_sender_log(pair->sender);
    assert_int_equal(pair->log->ops->take_epoch(pair->log, 0, &pair->epoch), 0);
    ship_sender_odds(pair->sender, 5, 1000);
    ship_sender_tick(pair->sender, pair->now_us);
}

/* ---- the standby's owner ---- */

static int create(void *owner, uint64_t creation, struct ledger_log **ret_log)
{
    struct pair *pair = owner;
    assert_int_equal(creation, PAIR_CREATION);
    *ret_log = &pair->standby_log.port;
    return 0;
}

static int raise_epoch(void *owner, uint64_t epoch)
{
    struct pair *pair = owner;
    assert_true(epoch >= pair->standby_log.epoch);
    pair->standby_log.epoch = epoch;
    return 0;
}

static int write_keys(void *owner, uint64_t offset, struct slice slots)
{
    struct pair *pair = owner;
    assert_true(offset + slots.bytes <= sizeof pair->keys_there);
    memcpy(pair->keys_there + offset, slots.at, slots.bytes);
    pair->keys_written = (size_t)offset + slots.bytes;
    pair->keys_dirty = true;
    return pair->keys_error;
}

static int sync_keys(void *owner)
{
    struct pair *pair = owner;
    pair->keys_syncs++;
    pair->keys_dirty = false;
    return 0;
}

static int make_room(void *owner)
{
    struct pair *pair = owner;
    if (pair->room == 0)
        return SHIP_NO_ROOM_YET;
    pair->room -= pair->room != UINT32_MAX;
    return SHIP_ROOM;
}

static int note_odds(void *owner, uint32_t epoch, uint64_t position)
{
    struct pair *pair = owner;
    pair->odds_epoch = epoch;
    pair->odds_position = position;
    return 0;
}

static void open_standby(struct pair *pair)
{
    const struct ship_store store = {pair,      create,    raise_epoch, write_keys,
                                     sync_keys, make_room, note_odds};
    bool there = pair->standby_log.tail > 0;
    const struct ship_receiver_options options = {
        .creation = there ? PAIR_CREATION : 0,
        .epoch = pair->standby_log.epoch,
        .keys_id = pair->options.keys_id,
    };
    const struct refold_source source = {.log = &pair->standby_log.port, .seq_last = REFOLD_ALL};
    struct refold_end end;
    assert_int_equal(shard_state_new(&limits, &pair->state), 0);
    assert_int_equal(refold(&source, pair->state, NULL, NULL, &end), 0);
    assert_int_equal(ship_receiver_new(&options, &store, there ? &pair->standby_log.port : NULL,
                                       pair->state, &pair->receiver),
                     0);
    ship_receiver_tick(pair->receiver, pair->now_us);
}

static void close_standby(struct pair *pair)
{
    pair->standby_log.under_way = NULL; /* of a process that is gone */
    pair->standby_log.reads_count = 0;
    ship_receiver_free(pair->receiver);
    shard_state_free(pair->state);
}

/* ---- life ---- */

void pair_begin(struct pair *pair, enum ship_mode mode, enum ship_degrade degrade)
{
    *pair = (struct pair){.now_us = 1000000, .room = UINT32_MAX};
    pair->maker = calloc(1, sizeof *pair->maker);
    pair->group = aligned_alloc(8, GROUP_BYTES);
    maker_empty(pair->maker, &limits);
    fake_log_init(&pair->primary_log);
    fake_log_init(&pair->standby_log);
    pair->options = (struct ship_sender_options){
        .mode = mode,
        .degrade = degrade,
        .timeout_us = 1000000,
        .creation = PAIR_CREATION,
        .keys_id = {{1, 2, 3}, {4, 5, 6}},
        .keys = {keys_size, keys_read, pair},
    };
    memset(pair->keys, 7, sizeof pair->keys);
    pair->keys_bytes = 320;
    open_primary(pair);
    open_standby(pair);
}

void pair_end(struct pair *pair)
{
    pair->primary_log.under_way = NULL;
    pair->log->ops->free(pair->log);
    ship_sender_free(pair->sender);
    close_standby(pair);
    wire_clear(&pair->down);
    wire_clear(&pair->up);
    maker_done(pair->maker);
    fake_log_done(&pair->primary_log);
    fake_log_done(&pair->standby_log);
    free(pair->maker);
    free(pair->group);
}

void pair_restart_primary(struct pair *pair)
{
    if (pair->attached)
        pair_detach(pair);
    pair->primary_log.under_way = NULL; /* killed: no callback comes */
    pair->primary_log.reads_count = 0;
    pair->appending = false;
    ship_sender_free(pair->sender);
    open_primary(pair);
}

void pair_restart_standby(struct pair *pair)
{
    if (pair->attached)
        pair_detach(pair);
    close_standby(pair);
    open_standby(pair);
}

/* ---- moves ---- */

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct pair *pair = append->owner;
    pair->appending = false;
    pair->appended++;
    pair->outcome = outcome;
}

static void make_record(struct pair *pair)
{
    char user[32];
    uint64_t seq = shard_state_seq(pair->maker->state);
    (void)snprintf(user, sizeof user, "user-%llu", (unsigned long long)seq);
    struct parts parts = seq == 0   ? parts_genesis(pair->maker)
                         : seq == 1 ? parts_opened(pair->maker)
                                    : parts_account(pair->maker, user);
    maker_accept(pair->maker, &parts);
}

void pair_append(struct pair *pair, uint32_t count)
{
    size_t bytes = 0;
    assert_false(pair->appending);
    uint64_t tail = shard_state_seq(pair->maker->state);
    for (uint32_t i = 0; i < count; i++) {
        make_record(pair);
        memcpy(pair->group + bytes, pair->maker->memory, pair->maker->view.head->bytes);
        bytes += pair->maker->view.head->bytes;
        assert_true(bytes < GROUP_BYTES);
    }
    pair->append = (struct ledger_append){.epoch = pair->epoch,
                                          .expected_tail = tail,
                                          .records = pair->group,
                                          .bytes = bytes,
                                          .count = count,
                                          .on_done = on_done,
                                          .owner = pair};
    pair->appending = true;
    assert_int_equal(pair->log->ops->append(pair->log, &pair->append), 0);
}

void pair_attach(struct pair *pair)
{
    const struct ship_link down = {pair, send_down, queued_down, close_down};
    const struct ship_link up = {pair, send_up, queued_up, close_up};
    wire_clear(&pair->down);
    wire_clear(&pair->up);
    pair->attached = ship_sender_attach(pair->sender, &down);
    assert_true(pair->attached);
    ship_receiver_attach(pair->receiver, &up);
}

void pair_lose_up(struct pair *pair)
{
    wire_clear(&pair->up);
}

void pair_detach(struct pair *pair)
{
    wire_clear(&pair->down);
    wire_clear(&pair->up);
    pair->attached = false;
    ship_sender_detached(pair->sender);
    ship_receiver_detached(pair->receiver);
}

bool pair_carry(struct pair *pair)
{
    bool moved = false;
    if (pair->down.count > 0 && !ship_receiver_busy(pair->receiver)) {
        struct slice message = wire_take(&pair->down);
        ship_receiver_message(pair->receiver, message);
        free((char *)message.at);
        moved = true;
    }
    if (pair->up.count > 0) {
        struct slice message = wire_take(&pair->up);
        ship_sender_message(pair->sender, message);
        free((char *)message.at);
        moved = true;
    }
    if (pair->attached && (pair->down.closed || pair->up.closed) && pair->down.count == 0 &&
        pair->up.count == 0)
        pair_detach(pair);
    return moved;
}

static void poll_both(struct pair *pair)
{
    pair->log->ops->poll(pair->log);
    pair->standby_log.port.ops->poll(&pair->standby_log.port);
}

void pair_run(struct pair *pair)
{
    for (int still = 0; still < 4; still++) {
        poll_both(pair);
        if (pair_carry(pair))
            still = 0;
    }
}

void pair_pass(struct pair *pair, int64_t us)
{
    pair->now_us += us;
    ship_sender_tick(pair->sender, pair->now_us);
    ship_receiver_tick(pair->receiver, pair->now_us);
}

static void say(struct pair_wire *wire, const struct ship_message *message)
{
    static char memory[SHIP_MESSAGE_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    assert_true(ship_encode(&out, message));
    assert_true(wire_put(wire, buf_slice(&out)));
}

void pair_say_up(struct pair *pair, const struct ship_message *message)
{
    say(&pair->up, message);
}

void pair_say_down(struct pair *pair, const struct ship_message *message)
{
    say(&pair->down, message);
}

void pair_check(struct pair *pair)
{
    const struct fake_log *a = &pair->primary_log;
    const struct fake_log *b = &pair->standby_log;
    struct ship_sender_stats stats = ship_sender_stats(pair->sender);
    assert_true(b->tail <= a->tail);
    assert_true(b->size <= a->size);
    assert_true(b->size == 0 || memcmp(a->bytes, b->bytes, b->size) == 0);
    assert_true(stats.acked <= b->tail);
    assert_true(b->tail <= shard_state_seq(pair->state));
    if (pair->options.mode == SHIP_MODE_SYNC && pair->options.degrade == SHIP_DEGRADE_STOP)
        assert_true(pair->confirmed <= b->tail); /* what is told is on both */
}
