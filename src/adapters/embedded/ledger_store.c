/* ledger_store.c - contract in ledger_store.h. What is written and how is in ledger_hand.c, opening
 * in ledger_recover.c. */
#include "adapters/embedded/ledger_store.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

size_t ledger_store_bytes_max(const struct ledger_store *store)
{
    uint64_t sectors = store->options.segment_bytes / DISK_SECTOR - 1;
    uint64_t room = sectors * LEDGER_PAYLOAD_BYTES - sizeof(struct ledger_group_head);
    return room < LEDGER_APPEND_BYTES_MAX ? (size_t)room : LEDGER_APPEND_BYTES_MAX;
}

struct ledger_hand *ledger_store_hand(struct ledger_store *store)
{
    return &store->hands[store->active];
}

/* --- Settling --- */

static void add_stats(struct ledger_store_stats *to, struct ledger_store_stats *from)
{
    to->groups += from->groups;
    to->refused += from->refused;
    to->prepare_waits += from->prepare_waits;
    to->prepare_failures += from->prepare_failures;
    to->failovers += from->failovers;
    to->reserve_used += from->reserve_used;
    *from = (struct ledger_store_stats){0};
}

void ledger_store_settle(struct ledger_store *store, enum append_outcome outcome)
{
    struct ledger_hand *hand = ledger_store_hand(store);
    if (hand->has_begun)
        store->segments[store->segments_count++] = hand->begun;
    hand->has_begun = false;
    store->place = hand->tail.place;
    store->offset = hand->tail.offset;
    add_stats(&store->stats, &hand->stats);
    store->stopped = store->stopped || outcome == APPEND_UNKNOWN;
}

bool ledger_store_moved(const struct ledger_store *store, const struct ledger_append *append)
{
    return append->epoch != store->epoch_taken || append->expected_tail != store->place.seq;
}

enum append_outcome ledger_store_append(struct ledger_store *store,
                                        const struct ledger_append *append)
{
    ASSERT(!store->stopped);
    ASSERT(!store->options.read_only);
    ASSERT(append->bytes <= ledger_store_bytes_max(store));
    if (ledger_store_moved(store, append))
        return APPEND_MOVED;
    enum append_outcome outcome = ledger_hand_append(ledger_store_hand(store), append);
    ledger_store_settle(store, outcome);
    return outcome;
}

bool ledger_store_prepare_step(struct ledger_store *store)
{
    if (store->stopped || store->options.read_only)
        return false;
    bool more = ledger_hand_prepare_step(ledger_store_hand(store));
    add_stats(&store->stats, &ledger_store_hand(store)->stats);
    return more;
}

void ledger_store_look(struct ledger_store *store)
{
    if (!store->stopped && !store->options.read_only)
        ledger_hand_look(ledger_store_hand(store));
}

/* --- Epochs --- */

int ledger_store_raise_epoch(struct ledger_store *store, uint64_t epoch)
{
    ASSERT(epoch >= store->epoch);
    if (store->options.read_only)
        return -ERR_UNSUPPORTED;
    if (store->stopped)
        return -ERR_STOPPED;
    struct ledger_hand *hand = ledger_store_hand(store);
    int result = ledger_hand_write_epoch(hand, epoch);
    if (result < 0) {
        store->stopped = true;
        hand->failed = true;
        return result;
    }
    store->epoch = epoch;
    store->epoch_taken = epoch;
    hand->tail.epoch = epoch;
    return 0;
}

int ledger_store_take_epoch(struct ledger_store *store, uint64_t *ret_epoch)
{
    TRY(ledger_store_raise_epoch(store, store->epoch + 1));
    *ret_epoch = store->epoch;
    return 0;
}

/* --- Failing over --- */

static struct ledger_hand *other_hand(const struct ledger_store *store)
{
    return (struct ledger_hand *)&store->hands[1 - store->active];
}

bool ledger_store_can_fail_over(const struct ledger_store *store)
{
    return ledger_hand_is_well(other_hand(store)) && !store->taking_over &&
           !store->options.read_only && store->segments_count < LEDGER_SEGMENTS_MAX;
}

/* A disk that failed is as good as one that hangs: nothing is tried again on it. Being full is no
 * failure, and the other one is not for that. */
bool ledger_store_must_leave(struct ledger_store *store, enum append_outcome outcome)
{
    struct ledger_hand *hand = ledger_store_hand(store);
    bool failed =
        outcome == APPEND_UNKNOWN || (outcome == APPEND_REFUSED && hand->error != -ERR_NO_SPACE);
    if (!failed || !ledger_store_can_fail_over(store))
        return false;
    hand->failed = true;
    return true;
}

void ledger_store_give_up(struct ledger_store *store)
{
    struct ledger_hand *hand = ledger_store_hand(store);
    ASSERT(ledger_store_can_fail_over(store));
    ledger_hand_give_up(hand);
    hand->hangs = true;
    store->active = 1 - store->active;
    store->taking_over = true;
    ledger_store_hand(store)->given_up = 0;
}

void ledger_store_came_back(struct ledger_store *store, uint32_t volume)
{
    ASSERT(store->hands[volume].hangs);
    ASSERT(volume != store->active);
    store->hands[volume].hangs = false;
}

struct ledger_tail ledger_store_tail(const struct ledger_store *store)
{
    return (struct ledger_tail){
        .place = store->place,
        .segments_count = store->segments_count,
        .offset = store->offset,
        .bytes = store->segments[store->segments_count - 1].bytes,
        .epoch = store->epoch,
    };
}

void ledger_store_taken_over(struct ledger_store *store, int error)
{
    store->taking_over = false;
    store->stopped = error < 0;
    if (error < 0) {
        /* Nobody knows whether it began its segment, so no other one may: only a restart looks. */
        other_hand(store)->failed = true;
        return;
    }
    store->epoch = ledger_store_hand(store)->tail.epoch;
    ledger_store_settle(store, APPEND_OK);
}

int ledger_store_fail_over(struct ledger_store *store)
{
    uint32_t left = store->active;
    struct ledger_tail tail = ledger_store_tail(store);
    ledger_store_give_up(store);
    ledger_hand_rest(&store->hands[left]);
    ledger_store_came_back(store, left);
    int error = ledger_hand_take_over(ledger_store_hand(store), &tail);
    ledger_store_taken_over(store, error);
    return error;
}

void ledger_store_free(struct ledger_store *store)
{
    if (store == NULL)
        return;
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++) {
        struct disk *disk = store->volumes.disks[i];
        ledger_hand_done(&store->hands[i]);
        if (store->lock_files[i] >= 0)
            disk->ops->close(disk, store->lock_files[i]);
    }
    reserve_free(store->segments, LEDGER_SEGMENTS_MAX, sizeof *store->segments);
    free(store->records);
    free(store);
}
