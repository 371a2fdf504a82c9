/* fuzz_ship.c - any bytes as messages of log shipping: adapters/ship. The input is cut into
 * messages by two bytes of length each; the first byte says what is made right before each is
 * looked at, for a fuzzer does not guess checksums: bit 0 magic, format, length and checksum; and
 * to whom they are given: bit 1 the primary, else the standby. Properties: what is taken for a
 * message encodes to the same bytes again; nobody trips over it; the standby's log takes no group
 * that does not follow, and a primary is fenced by a higher epoch only. */
#include <stdlib.h>
#include <string.h>

#include "adapters/ship/ship_receiver.h"
#include "adapters/ship/ship_sender.h"
#include "base/assert.h"
#include "base/hash.h"
#include "fake_ports.h"

#define INPUT_BYTES_MAX 65536
#define CREATION        77

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static const struct shard_limits limits = {
    .accounts_max = 8, .markets_max = 16, .selections_max = 64, .bets_max = 32, .verdicts_max = 64};

static char again[SHIP_MESSAGE_BYTES_MAX], copy[INPUT_BYTES_MAX];
static uint64_t own_epoch;

static bool link_send(void *owner, struct slice message)
{
    struct ship_message decoded;
    (void)owner;
    ASSERT(ship_decode(message, &decoded) == 0); /* whatever is said to us, we speak well */
    return true;
}

static size_t link_queued(void *owner)
{
    (void)owner;
    return 0;
}

static void link_close(void *owner)
{
    *(bool *)owner = true;
}

static int on_fenced(void *owner, uint64_t epoch, uint64_t seq)
{
    (void)owner, (void)seq;
    ASSERT(epoch >= own_epoch);
    return 0;
}

static int store_create(void *owner, uint64_t creation, struct ledger_log **ret_log)
{
    (void)creation;
    *ret_log = owner;
    return 0;
}

static int store_epoch(void *owner, uint64_t epoch)
{
    ((struct fake_log *)owner)->epoch = epoch;
    return 0;
}

static int store_keys(void *owner, uint64_t offset, struct slice slots)
{
    (void)owner;
    ASSERT(offset % SHIP_SLOT_BYTES == 0 && slots.bytes % SHIP_SLOT_BYTES == 0);
    return 0;
}

static int store_sync(void *owner)
{
    (void)owner;
    return 0;
}

static int store_room(void *owner)
{
    (void)owner;
    return SHIP_ROOM;
}

static int store_odds(void *owner, uint32_t epoch, uint64_t position)
{
    (void)owner, (void)epoch, (void)position;
    return 0;
}

static void check_again(struct slice bytes)
{
    struct ship_message message;
    struct buf out = buf_over(again, sizeof again);
    if (ship_decode(bytes, &message) < 0)
        return;
    ASSERT(ship_encode(&out, &message));
    ASSERT(slice_equal(bytes, buf_slice(&out)));
}

/* The next message of the input; false at its end. */
static bool next(struct slice *input, bool repair, struct slice *ret)
{
    uint16_t length;
    if (input->bytes < sizeof length)
        return false;
    memcpy(&length, input->at, sizeof length);
    *input = slice_skip(*input, sizeof length);
    size_t bytes = length < input->bytes ? length : input->bytes;
    memcpy(copy, input->at, bytes);
    *input = slice_skip(*input, bytes);
    if (repair && bytes >= sizeof(struct ship_head)) {
        struct ship_head head;
        memcpy(&head, copy, sizeof head);
        head.magic = SHIP_MAGIC;
        head.format = SHIP_FORMAT;
        head.bytes = (uint32_t)bytes;
        head.crc = crc32c(crc32c(0, &head, 12), copy + sizeof head, bytes - sizeof head);
        memcpy(copy, &head, sizeof head);
    }
    *ret = slice_of(copy, bytes);
    check_again(*ret);
    return true;
}

static void to_primary(struct slice input, bool repair)
{
    struct fake_log log;
    struct ship_sender *sender = NULL;
    bool closed = false;
    const struct ship_link link = {&closed, link_send, link_queued, link_close};
    const struct ship_sender_options options = {
        .mode = SHIP_MODE_SYNC, .timeout_us = 1000, .creation = CREATION};
    const struct ship_sender_events events = {.on_fenced = on_fenced};
    struct slice message;
    fake_log_init(&log);
    ASSERT(ship_sender_new(&options, &log.port, &events, &sender) == 0);
    struct ledger_log *port = ship_sender_log(sender);
    ASSERT(port->ops->take_epoch(port, 0, &own_epoch) == 0);
    for (int64_t now_us = 1; next(&input, repair, &message); now_us += 500) {
        ship_sender_tick(sender, now_us);
        if (closed)
            ship_sender_detached(sender);
        closed = false;
        (void)ship_sender_attach(sender, &link);
        ship_sender_message(sender, message);
        port->ops->poll(port);
        ASSERT(ship_sender_stats(sender).acked <= ship_sender_stats(sender).sent);
    }
    port->ops->free(port);
    ship_sender_free(sender);
    fake_log_done(&log);
}

static void to_standby(struct slice input, bool repair)
{
    struct fake_log log;
    struct shard_state *state = NULL;
    struct ship_receiver *receiver = NULL;
    bool closed = true;
    const struct ship_link link = {&closed, link_send, link_queued, link_close};
    const struct ship_store store = {&log,       store_create, store_epoch, store_keys,
                                     store_sync, store_room,   store_odds};
    const struct ship_receiver_options options = {.shard = 0};
    struct slice message;
    fake_log_init(&log);
    ASSERT(shard_state_new(&limits, &state) == 0);
    ASSERT(ship_receiver_new(&options, &store, NULL, state, &receiver) == 0);
    for (int64_t now_us = 1; next(&input, repair, &message); now_us += 500) {
        ship_receiver_tick(receiver, now_us);
        if (closed) {
            ship_receiver_detached(receiver);
            ship_receiver_attach(receiver, &link);
        }
        closed = false;
        ship_receiver_message(receiver, message);
        log.port.ops->poll(&log.port);
        ASSERT(ship_receiver_stats(receiver).tail == log.tail);
        ASSERT(log.tail <= shard_state_seq(state));
    }
    ship_receiver_free(receiver);
    shard_state_free(state);
    fake_log_done(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    if (bytes == 0 || bytes > INPUT_BYTES_MAX)
        return 0;
    struct slice input = slice_of(at + 1, bytes - 1);
    if ((at[0] & 2) != 0)
        to_primary(input, (at[0] & 1) != 0);
    else
        to_standby(input, (at[0] & 1) != 0);
    return 0;
}
