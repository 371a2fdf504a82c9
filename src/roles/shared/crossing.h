/* crossing.h - what the records are that cross between the book's loop and a network loop, and who
 * may fill the ring that leads to the network loop.
 *
 * Both ends are the same build of the same process, so a record is the bytes of structs; it begins
 * with its kind. Thread: the book's loop, for the functions. */
#pragma once

#include <stdint.h>

#include "base/assert.h"
#include "base/ring.h"

enum crossing_kind {
    CROSSING_QUESTION = 1, /* to the book: bet_crossing.h */
    CROSSING_ANSWER,       /* from the book: bet_crossing.h */
    CROSSING_MARKET,       /* from the book, as the next two: odds_crossing.h */
    CROSSING_REMOVED,
    CROSSING_ROUND_END,
    CROSSING_OWN, /* from the book, as the next one: own_crossing.h */
    CROSSING_OWN_GAP,
};

/* The ring from the book to one network loop: several write to it in one turn, and an answer that
 * is owed must always find room. */
struct crossing_down {
    struct ring *ring;
    size_t owed; /* bytes kept free: see bet_crossing.h */
};

/* As ring_begin, but leaves what is owed. */
static inline void *crossing_begin(struct crossing_down *down, size_t bytes)
{
    return ring_has_room(down->ring, bytes, down->owed) ? ring_begin(down->ring, bytes) : NULL;
}

static inline uint32_t crossing_kind_of(struct slice record)
{
    uint32_t kind;
    ASSERT(record.bytes >= sizeof kind);
    memcpy(&kind, record.at, sizeof kind);
    return kind;
}
