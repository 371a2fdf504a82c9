/* ring.c - contract in ring.h.
 * Positions are bytes since the beginning and never wrap; a record stands in one piece, behind a
 * head that tells its length, and what is left at the end of the memory is skipped.
 *
 * The gate. There are two ends, used in turn: the end of batch b stands in ends[b & 1]. A consumer
 * reads the gate, then that end, then the gate again. The end it read can be that of batch b + 2
 * only if the producer has opened b + 1 before writing it, and then the second look at the gate
 * says so (the load of the end acquires what its store released), and the consumer begins anew. */
#include "base/ring.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

#define LINE 64
#define HEAD sizeof(uint64_t)
#define SKIP UINT64_MAX

struct ring {
    /* Written by nobody after _new. */
    const struct ring_gate *gate; /* borrowed */
    char *memory;                 /* owned */
    size_t bytes;
    /* The producer's. */
    _Alignas(LINE) uint64_t put; /* behind the last record */
    uint64_t offered;
    uint64_t free_from; /* given_back as it was last seen */
    uint64_t begun;     /* room of the record begun; 0: none */
    _Atomic uint64_t ends[2];
    /* The consumer's. */
    _Alignas(LINE) uint64_t taken;
    uint64_t visible; /* the end as it was last seen */
    _Atomic uint64_t given_back;
    /* Set by the producer, cleared by whoever sees to it. It and given_back are written and read in
     * one order that all agree on: either the producer sees the room, or the consumer the wish. */
    _Alignas(LINE) atomic_bool waits;
};

static uint64_t padded(uint64_t bytes)
{
    return (bytes + HEAD - 1) & ~(uint64_t)(HEAD - 1);
}

int ring_new(size_t bytes, const struct ring_gate *gate, struct ring **ret_ring)
{
    if (bytes < RING_BYTES_MIN || bytes > RING_BYTES_MAX || (bytes & (bytes - 1)) != 0)
        return -ERR_LIMIT;
    struct ring *ring = aligned_alloc(LINE, sizeof *ring);
    char *memory = aligned_alloc(LINE, bytes);
    if (ring == NULL || memory == NULL) {
        free(ring);
        free(memory);
        return -ERR_MEMORY;
    }
    *ring = (struct ring){.gate = gate, .memory = memory, .bytes = bytes};
    *ret_ring = ring;
    return 0;
}

void ring_free(struct ring *ring)
{
    if (ring == NULL)
        return;
    free(ring->memory);
    free(ring);
}

/* Wherever a record begins, what is skipped before it is shorter than itself: two halves. */
size_t ring_record_bytes_max(const struct ring *ring)
{
    return ring->bytes / 2 - HEAD;
}

/* ---- the producer's ---- */

static size_t place(const struct ring *ring, uint64_t position)
{
    return (size_t)position & (ring->bytes - 1);
}

static void put_head(struct ring *ring, uint64_t position, uint64_t value)
{
    memcpy(ring->memory + place(ring, position), &value, HEAD);
}

/* What is left to the end of the memory, when the record does not fit into it. */
static uint64_t skipped(const struct ring *ring, uint64_t need)
{
    uint64_t left = ring->bytes - place(ring, ring->put);
    return left < need ? left : 0;
}

static bool fits(struct ring *ring, uint64_t need)
{
    if (ring->put + need - ring->free_from <= ring->bytes)
        return true;
    /* Acquire: what the consumer has read is read before it is written over. */
    ring->free_from = atomic_load_explicit(&ring->given_back, memory_order_acquire);
    ASSERT(ring->free_from <= ring->put);
    return ring->put + need - ring->free_from <= ring->bytes;
}

bool ring_has_room(struct ring *ring, size_t bytes, size_t reserve)
{
    ASSERT(bytes <= ring_record_bytes_max(ring));
    uint64_t need = HEAD + padded(bytes);
    return fits(ring, skipped(ring, need) + need + reserve);
}

void *ring_begin(struct ring *ring, size_t bytes)
{
    ASSERT(ring->begun == 0);
    if (!ring_has_room(ring, bytes, 0))
        return NULL;
    uint64_t need = HEAD + padded(bytes);
    uint64_t skip = skipped(ring, need);
    if (skip > 0)
        put_head(ring, ring->put, SKIP);
    ring->put += skip;
    ring->begun = need;
    return ring->memory + place(ring, ring->put) + HEAD;
}

void ring_end(struct ring *ring, size_t bytes)
{
    ASSERT(ring->begun != 0);
    ASSERT(bytes <= ring->begun - HEAD);
    put_head(ring, ring->put, bytes);
    ring->put += HEAD + padded(bytes);
    ring->begun = 0;
}

bool ring_offer(struct ring *ring)
{
    ASSERT(ring->begun == 0);
    uint64_t batch = atomic_load_explicit(&ring->gate->batch, memory_order_relaxed) + 1;
    bool newer = ring->put != ring->offered;
    ring->offered = ring->put;
    atomic_store_explicit(&ring->ends[batch & 1], ring->put, memory_order_release);
    return newer;
}

void ring_gate_open(struct ring_gate *gate)
{
    uint64_t batch = atomic_load_explicit(&gate->batch, memory_order_relaxed) + 1;
    atomic_store_explicit(&gate->batch, batch, memory_order_release);
}

bool ring_wait_room(struct ring *ring)
{
    atomic_store(&ring->waits, true);
    if (atomic_load(&ring->given_back) == ring->free_from)
        return true;
    atomic_store(&ring->waits, false);
    return false;
}

/* ---- the consumer's ---- */

static uint64_t visible_end(const struct ring *ring)
{
    uint64_t end, batch, again = atomic_load_explicit(&ring->gate->batch, memory_order_acquire);
    do {
        batch = again;
        end = atomic_load_explicit(&ring->ends[batch & 1], memory_order_acquire);
        again = atomic_load_explicit(&ring->gate->batch, memory_order_acquire);
    } while (again != batch);
    return end;
}

bool ring_look(struct ring *ring)
{
    ring->visible = visible_end(ring);
    ASSERT(ring->visible >= ring->taken);
    return ring->visible > ring->taken;
}

bool ring_take(struct ring *ring, struct slice *ret_record)
{
    uint64_t bytes = SKIP;
    while (ring->taken < ring->visible) {
        const char *head = ring->memory + place(ring, ring->taken);
        memcpy(&bytes, head, HEAD);
        if (bytes != SKIP) {
            *ret_record = slice_of(head + HEAD, (size_t)bytes);
            ring->taken += HEAD + padded(bytes);
            return true;
        }
        ring->taken += ring->bytes - place(ring, ring->taken);
    }
    return false;
}

bool ring_give_back(struct ring *ring)
{
    uint64_t before = atomic_load_explicit(&ring->given_back, memory_order_relaxed);
    if (before == ring->taken)
        return false;
    atomic_store(&ring->given_back, ring->taken);
    return atomic_load(&ring->waits) && atomic_exchange(&ring->waits, false);
}
