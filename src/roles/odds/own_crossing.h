/* own_crossing.h - users' own messages (bets, balances, receipts) from the book's loop to a network
 * loop, where their sockets are.
 *
 * The network loop shows by a table of counts, by hash, which users have sockets there. It alone
 * writes it; the book reads it, so that a message is put only where somebody may want it. Two users
 * of one count cost a message that nobody takes. Who opens a socket and then asks about the account
 * misses nothing: the question crosses after the count, so a record that was durable before the
 * count was seen is in the answer.
 *
 * Nothing waits (S2), and none is left out silently: a message that finds no room is a gap. It is
 * told as soon as there is room, and until then no further one is sent; the network loop then sends
 * away everyone who may see own messages, and they read their account when they are back.
 * Thread: as each part says. No clock, no socket. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "roles/shared/crossing.h"

#define OWN_PRESENCE_CELLS 65536 /* 256 KB a loop */
#define OWN_OP_BYTES_MAX   16    /* with its NUL */

/* ---- who is there ---- */

struct own_presence;

/* `hash_key` is a secret of this process. 0 or -ERR_MEMORY. */
int own_presence_new(const uint64_t hash_key[2], struct own_presence **ret_presence);
void own_presence_free(struct own_presence *presence); /* accepts NULL */
/* Told when a cell gets its first socket and when its last one has gone: by who may not read the
 * table, because it is in another process. */
void own_presence_watch(struct own_presence *presence,
                        void (*on_edge)(void *owner, uint32_t cell, bool there), void *owner);
/* The user's cell, to be counted and, when the last socket has gone, given back. Thread: the
 * network loop's. */
uint32_t own_presence_take(struct own_presence *presence, struct slice user_id);
void own_presence_give(struct own_presence *presence, uint32_t cell);
/* False: no socket. Thread: any. */
bool own_presence_has(const struct own_presence *presence, struct slice user_id);

/* ---- on the book's loop ---- */

/* All zero but the two first at first. */
struct own_sender {
    struct crossing_down *down;          /* borrowed */
    const struct own_presence *presence; /* borrowed */
    bool gap;                            /* there is one that was not told yet */
    uint64_t sent, left_out, gaps;
};

/* Whether the user may have a socket there; false, too, while a gap is to be told, which then
 * covers the message. Encode only what one of the senders wants. */
bool own_sender_wants(struct own_sender *sender, struct slice user_id);
/* As odds_service_push(); after own_sender_wants(). */
void own_sender_push(struct own_sender *sender, struct slice user_id, const char *op,
                     struct slice object);
/* At the end of each turn, before the ring is offered. */
void own_sender_turn(struct own_sender *sender);

/* ---- on the network loop ---- */

struct odds_service;

/* A record OWN or OWN_GAP. */
void own_receiver_take(struct odds_service *service, struct slice record);
