/* odds_crossing.h - prices from the book's loop to a network loop, which keeps a store of its own.
 *
 * The sender is a book_listener on the book's loop, one for each network loop. Each change is one
 * record with the whole image, so that any record alone brings the newest state of its market.
 *
 *   level    every change was sent, in order;
 *   behind   a change found no room in the ring. The sender walks the slots of the store in a round
 *            and sends each market's newest image as room comes; changes are sent at once where
 *            they find room. One that finds none begins the round anew, but at the slot where it
 *            stands, so that no market waits for the others' sake. At the end of a round the
 *            receiver removes the markets that were not named in it, and both are level.
 *
 * A sender begins behind: the first round is the snapshot. The book never waits (P3).
 * P1: `behind` is set before the gate is opened over the first change that was left out, and
 * cleared after it was opened over the end of the round. So a loop that reads it before it looks
 * into its ring, behind each read of a socket, and finds it clear, has in its ring whatever any
 * other loop has shown to whoever sent what was read. Pure but for the two flags: no clock, no
 * socket. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/table.h"
#include "ports/odds_store.h"
#include "roles/shared/crossing.h"

#define ODDS_SENDER_SLOTS_MAX 4096 /* of the store, looked at in one turn */

/* What the two loops see of each other. All zero at first. */
struct odds_level {
    _Alignas(64) atomic_bool behind; /* written by the book's loop */
    _Alignas(64) atomic_bool again;  /* by the network loop: it could not keep a market */
};

/* ---- on the book's loop ---- */

struct odds_sender {
    struct crossing_down *down; /* borrowed, as the two below */
    struct odds_level *level;
    struct odds_store *store;
    size_t cursor, left; /* of the round: the next slot, and how many there are to name */
    size_t slots;        /* of the store, when it was last looked at */
    uint32_t round;
    bool behind, ended; /* ended: the round's end is in the batch of this turn */
    uint64_t left_out;  /* changes that found no room */
    uint64_t named;     /* images that were sent by rounds */
};

/* Behind from the first turn on. */
void odds_sender_init(struct odds_sender *sender, struct crossing_down *down,
                      struct odds_level *level, struct odds_store *store);
/* As the callbacks of struct book_listener; owner is the sender. After the store has changed. */
void odds_sender_on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                           const uint16_t *changed, size_t changed_count);
void odds_sender_on_removed(void *owner, const struct odds_image *image);
/* Goes on with the round: at the end of each turn, before the ring is offered. True: another turn
 * is wanted at once. */
bool odds_sender_turn(struct odds_sender *sender);
/* After the gate was opened. */
void odds_sender_turn_over(struct odds_sender *sender);

/* ---- on the network loop ---- */

/* Who is told, as by the book. The image of a removal is borrowed for the call. */
struct odds_receiver_listener {
    void *owner;
    void (*on_market)(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count);
    void (*on_removed)(void *owner, const struct odds_image *image);
};

struct odds_receiver {
    struct odds_store *store; /* borrowed; only the receiver writes to it */
    struct odds_level *level; /* borrowed */
    struct odds_receiver_listener listener;
    struct table *named; /* owned: the round in which each market of the store was named last */
    uint64_t hash_key[2];
    bool level_seen;                /* the ring was level when it was looked into last */
    bool missing;                   /* a market found no room in the store, in this round */
    bool lacking;                   /* and no round without one has ended since */
    struct metrics_counter refused; /* such markets, since the start */
};

/* For a store of `markets_max`; `hash_key` is a secret of this process. 0 or -ERR_MEMORY. */
int odds_receiver_init(struct odds_receiver *receiver, struct odds_store *store,
                       struct odds_level *level, size_t markets_max, const uint64_t hash_key[2]);
void odds_receiver_done(struct odds_receiver *receiver);
/* Before the ring is looked into, which is before any use of what a socket has brought. */
void odds_receiver_begin_look(struct odds_receiver *receiver);
/* After the ring was looked into: whether a newcomer may be shown prices here now. */
bool odds_receiver_is_level(const struct odds_receiver *receiver);
/* A record MARKET, REMOVED or ROUND_END. */
void odds_receiver_take(struct odds_receiver *receiver, struct slice record);
/* -ERR_LIMIT. */
int odds_receiver_register_metrics(const struct odds_receiver *receiver, struct metrics *metrics);
