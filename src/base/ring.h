/* ring.h - records from one thread to one other, in batches, in fixed memory and without a lock.
 *
 * The producer puts records and then offers them; the consumer sees either the whole batch or
 * nothing of it. Nobody waits: a full ring says so, and what then happens is the producer's rule.
 *
 * Several rings that one thread fills share a gate. What was offered to all of them becomes visible
 * in all of them by the one store that opens the gate: when a consumer has seen something of a
 * batch, everything of that batch is there for every other consumer, however late it looks. So
 * whoever learns of a version from one thread never finds an older one at another (P1).
 *
 * Order of calls. Producer, each batch: ring_begin, ring_end for each record; ring_offer on every
 * ring of the gate, also on those with nothing new; ring_gate_open once. Consumer: ring_look,
 * ring_take until it says false, then ring_give_back. Thread: as each function says; _new and _free
 * while nobody else uses it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define RING_BYTES_MIN ((size_t)4096)
#define RING_BYTES_MAX ((size_t)1 << 30)

struct ring;

/* All zero at first. At its address as long as a ring uses it. */
struct ring_gate {
    _Alignas(64) _Atomic uint64_t batch; /* the newest that is visible */
};

/* `bytes` is a power of two within the limits above. The gate is borrowed until ring_free.
 * 0, -ERR_LIMIT, -ERR_MEMORY. */
int ring_new(size_t bytes, const struct ring_gate *gate, struct ring **ret_ring);
void ring_free(struct ring *ring); /* accepts NULL */
/* The longest record; one always fits into an empty ring. Thread: any. */
size_t ring_record_bytes_max(const struct ring *ring);

/* ---- the producer's ---- */

/* Room for a record of up to `bytes`, aligned for any type, until ring_end. NULL: the ring is too
 * full now; nothing has changed. More than ring_record_bytes_max is a programmer error. */
void *ring_begin(struct ring *ring, size_t bytes);
/* The record begun is complete, with so many bytes of what was asked for. */
void ring_end(struct ring *ring, size_t bytes);
/* Whether a record of so many bytes would fit now, leaving `reserve` bytes free behind it. */
bool ring_has_room(struct ring *ring, size_t bytes, size_t reserve);
/* What was put belongs to the gate's next batch. True: there is something new in it, so that the
 * consumer should be woken after the gate is open. */
bool ring_offer(struct ring *ring);
/* Everything offered is visible from here on. */
void ring_gate_open(struct ring_gate *gate);
/* Whoever has found no room and stops looking for it asks to be woken: the ring_give_back that
 * follows says so. False: there is more room since it was last looked for, so look again. */
bool ring_wait_room(struct ring *ring);

/* ---- the consumer's ---- */

/* What is visible now is what ring_take gives, so that a fast producer cannot keep the consumer
 * busy for ever. False: there is nothing to take. */
bool ring_look(struct ring *ring);
/* The next record, borrowed until ring_give_back. False: there is none. */
bool ring_take(struct ring *ring, struct slice *ret_record);
/* The room of all records taken is the producer's again. True: it waits for room and is to be woken
 * (said once). */
bool ring_give_back(struct ring *ring);
