/* uof_producers.h - the sources of prices behind the feed, and whether each can be relied on.
 *
 * A producer is down (FORMATS 2.9) from the moment that it says that it lost us (subscribed="0"),
 * that more lies between two of its alives than UOF_ALIVE_GAP_MS by its own clock, or that the link
 * was lost: messages of it are missing then. It is up again with its snapshot_complete, which ends
 * the recovery that whoever brings the messages has asked for. That no alive comes at all is the
 * lease's matter, which the sink keeps (UOF_SILENCE_US). A producer that is first heard of is up:
 * nothing older of it is known that could be stale. Pure. Thread: one loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/ids.h"
#include "ports/feed_sink.h"

/* The provider in the sink; its producers are "uof:1", ... */
#define UOF_LINK          "uof"
#define UOF_PRODUCERS_MAX 32
#define UOF_ALIVE_GAP_MS  20000
#define UOF_SILENCE_US    (INT64_C(20) * US_PER_SECOND)

struct uof_producer {
    uint16_t number;
    bool down;
    bool asked;       /* its recoveries are asked for here: see uof_producers_ask() */
    bool subscribed;  /* as its last alive said */
    int64_t alive_ms; /* timestamp of its last alive; -1: none yet */
    int64_t good_ms;  /* of the last one up to which nothing is missing; -1: none yet */
    uint64_t alives;  /* heard since it went down, the one with which it did too */
    uint64_t awaited; /* the request whose recovery brings it up; 0: none is under way */
    uint8_t id_bytes;
    char id[PROVIDER_ID_BYTES_MAX];
};

struct uof_producers {
    struct feed_sink *sink; /* borrowed */
    struct uof_producer rows[UOF_PRODUCERS_MAX];
    uint32_t count;
    uint16_t asked[UOF_PRODUCERS_MAX]; /* whose recoveries are asked for here */
    uint32_t asked_count;
    uint64_t went_down, came_up;
};

/* NULL when there is none of the number. */
struct uof_producer *uof_producers_find(struct uof_producers *producers, uint16_t number);
/* Finds, or makes and introduces to the sink. NULL: UOF_PRODUCERS_MAX. */
struct uof_producer *uof_producers_meet(struct uof_producers *producers, uint16_t number);

void uof_producer_alive(struct uof_producers *producers, struct uof_producer *producer,
                        int64_t timestamp_ms, bool subscribed);
/* A recovery is complete, of this request (0: it does not say). While its last alive says that it
 * lost us, it stays down; also, where recoveries are asked for here, when it is not the one that is
 * awaited. */
void uof_producer_recovered(struct uof_producers *producers, struct uof_producer *producer,
                            uint64_t request_id);
/* The recoveries of this producer are asked for here (uof_recovery.h): it is down when it is first
 * heard of, and only a recovery that is awaited brings it up. Before the first message; at most
 * UOF_PRODUCERS_MAX times. */
void uof_producers_ask(struct uof_producers *producers, uint16_t number);
/* A replay says that the silence is the recording's: what lives is renewed. */
void uof_producers_renew(struct uof_producers *producers);
/* The link was lost: all are down. */
void uof_producers_lost(struct uof_producers *producers);

static inline struct slice uof_producer_id(const struct uof_producer *producer)
{
    return slice_of(producer->id, producer->id_bytes);
}
