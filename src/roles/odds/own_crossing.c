/* own_crossing.c - contract in own_crossing.h. */
#include "roles/odds/own_crossing.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "roles/odds/odds_service.h"

struct own_presence {
    uint64_t hash_key[2];
    void (*on_edge)(void *owner, uint32_t cell, bool there); /* NULL: nobody is told */
    void *owner;
    atomic_uint cells[OWN_PRESENCE_CELLS];
};

/* Behind it: the user's id, then the object. */
struct own_record {
    uint32_t kind;
    uint32_t user_bytes, object_bytes;
    char op[OWN_OP_BYTES_MAX];
};

struct gap_record {
    uint32_t kind;
};

/* ---- who is there ---- */

int own_presence_new(const uint64_t hash_key[2], struct own_presence **ret_presence)
{
    struct own_presence *presence = calloc(1, sizeof *presence);
    if (presence == NULL)
        return -ERR_MEMORY;
    presence->hash_key[0] = hash_key[0];
    presence->hash_key[1] = hash_key[1];
    *ret_presence = presence;
    return 0;
}

void own_presence_free(struct own_presence *presence)
{
    free(presence);
}

void own_presence_watch(struct own_presence *presence,
                        void (*on_edge)(void *owner, uint32_t cell, bool there), void *owner)
{
    presence->on_edge = on_edge;
    presence->owner = owner;
}

static uint32_t cell_of(const struct own_presence *presence, struct slice user_id)
{
    struct hash128 hash = siphash128(presence->hash_key, user_id.at, user_id.bytes);
    return (uint32_t)(hash.low % OWN_PRESENCE_CELLS);
}

/* One thread writes, so that no locked instruction is needed. */
static void count(struct own_presence *presence, uint32_t cell, unsigned by)
{
    unsigned before = atomic_load_explicit(&presence->cells[cell], memory_order_relaxed);
    atomic_store_explicit(&presence->cells[cell], before + by, memory_order_relaxed);
    bool there = before + by > 0;
    if (presence->on_edge != NULL && there != (before > 0))
        presence->on_edge(presence->owner, cell, there);
}

uint32_t own_presence_take(struct own_presence *presence, struct slice user_id)
{
    uint32_t cell = cell_of(presence, user_id);
    count(presence, cell, 1);
    return cell;
}

void own_presence_give(struct own_presence *presence, uint32_t cell)
{
    ASSERT(cell < OWN_PRESENCE_CELLS);
    ASSERT(atomic_load_explicit(&presence->cells[cell], memory_order_relaxed) > 0);
    count(presence, cell, -1U);
}

bool own_presence_has(const struct own_presence *presence, struct slice user_id)
{
    const atomic_uint *cell = &presence->cells[cell_of(presence, user_id)];
    return atomic_load_explicit(cell, memory_order_relaxed) > 0;
}

/* ---- the sender ---- */

bool own_sender_wants(struct own_sender *sender, struct slice user_id)
{
    if (!own_presence_has(sender->presence, user_id))
        return false;
    sender->left_out += sender->gap;
    return !sender->gap;
}

void own_sender_push(struct own_sender *sender, struct slice user_id, const char *op,
                     struct slice object)
{
    struct own_record head = {
        .kind = CROSSING_OWN,
        .user_bytes = (uint32_t)user_id.bytes,
        .object_bytes = (uint32_t)object.bytes,
    };
    struct slice word = slice_text(op);
    size_t bytes = sizeof head + user_id.bytes + object.bytes;
    ASSERT(!sender->gap);
    ASSERT(word.bytes < sizeof head.op);
    memcpy(head.op, word.at, word.bytes);
    char *at = bytes <= ring_record_bytes_max(sender->down->ring)
                   ? crossing_begin(sender->down, bytes)
                   : NULL;
    if (at == NULL) {
        sender->gap = true;
        sender->left_out++;
        return;
    }
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, user_id.at, user_id.bytes);
    memcpy(at + sizeof head + user_id.bytes, object.at, object.bytes);
    ring_end(sender->down->ring, bytes);
    sender->sent++;
}

void own_sender_turn(struct own_sender *sender)
{
    const struct gap_record record = {CROSSING_OWN_GAP};
    void *at = sender->gap ? crossing_begin(sender->down, sizeof record) : NULL;
    if (at == NULL)
        return;
    memcpy(at, &record, sizeof record);
    ring_end(sender->down->ring, sizeof record);
    sender->gap = false;
    sender->gaps++;
}

/* ---- the receiver ---- */

static void take_own(struct odds_service *service, struct slice record)
{
    struct own_record head;
    ASSERT(record.bytes >= sizeof head);
    memcpy(&head, record.at, sizeof head);
    ASSERT(record.bytes == sizeof head + head.user_bytes + head.object_bytes);
    const char *at = record.at + sizeof head;
    odds_service_push(service, slice_of(at, head.user_bytes), head.op,
                      slice_of(at + head.user_bytes, head.object_bytes));
}

void own_receiver_take(struct odds_service *service, struct slice record)
{
    if (crossing_kind_of(record) == CROSSING_OWN)
        take_own(service, record);
    else
        odds_service_renew_users(service, NULL, NULL);
}
