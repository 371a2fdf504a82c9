/* network_loop.h - one loop of the network: a thread with a front of its own, that shows prices and
 * asks about bets through two rings (docs/decisions/0002-several-loops.md). The book's side of the
 * rings is node_fronts.c.
 *
 * Thread: each member of struct loop_link says who writes it; the functions are the book's loop's.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cli/node/local_keys.h"
#include "cli/node/node_front.h"
#include "roles/bet/bet_crossing.h"
#include "roles/odds/odds_crossing.h"
#include "roles/odds/own_crossing.h"
#include "roles/odds/provider_board.h"

/* What the book's loop wants of a network loop; obeyed in this order, each once. */
enum loop_order {
    LOOP_ORDER_LEAVE = 1,     /* no more accepts, nothing new is begun */
    LOOP_ORDER_SEND_AWAY = 2, /* everyone is told when to come back; then the numbers are there */
    LOOP_ORDER_DRAIN = 4,     /* answer what is under way, within drain_ms */
    LOOP_ORDER_STOP = 8,      /* the thread ends */
};

/* What the book shows to all network loops. */
struct book_board {
    struct provider_board providers;
    atomic_bool takes_bets;
};

/* All that the two loops have in common. */
struct loop_link {
    struct ring *up;               /* owned; filled by the network loop, under up_gate */
    struct ring *down;             /* owned; filled by the book's, under its gate for all loops */
    struct ring_gate up_gate;      /* the network loop's */
    struct odds_level level;       /* as odds_crossing.h says */
    struct own_presence *presence; /* owned; written by the network loop */
    const struct book_board *board;
    struct loop_wakeup *book;  /* borrowed; the book's, signalled by the network loop */
    struct loop_wakeup wakeup; /* the network loop's, signalled by the book's */
    bool wakeup_open;
    atomic_uint orders;       /* of enum loop_order; the book's */
    _Atomic int64_t drain_ms; /* the book's, before LOOP_ORDER_DRAIN */
    atomic_bool answered;     /* the network loop's: every bet over a socket has its answer */
    atomic_bool drained;      /* the same: nothing is open any more, or the thread has failed */
    atomic_bool failed;       /* the same: the kernel refuses to wait */
};

struct network_loop {
    struct loop_link link;
    unsigned number; /* from 0 */
    /* the network loop's */
    struct loop *loop;        /* owned */
    struct local_keys keys;   /* owned; verifying has scratch memory, so each loop has its own */
    struct odds_store *store; /* owned */
    struct odds_receiver receiver;
    bool receiver_open;
    struct bet_asker *asker; /* owned */
    struct node_front front;
    unsigned obeyed;                /* of enum loop_order */
    struct shared_bytes *numbers;   /* owned; LOOP_ORDER_SEND_AWAY's, for after the end */
    struct metrics_counter wakeups; /* of the book */
    pthread_t thread;
    bool running;
};

struct network_loop_parts {
    const struct node_options *options;
    const struct ring_gate *gate; /* of the rings down; borrowed, as all here */
    const struct book_board *board;
    struct loop_wakeup *book;
    uint64_t hash_key[2]; /* a secret of this process */
    unsigned number, count;
    struct slice numbers; /* node_front_parts */
};

/* Everything but the thread. 0 or an error with a sentence in `why`; network_loop_close() is due in
 * any case. */
int network_loop_open(struct network_loop *network, const struct network_loop_parts *parts,
                      struct buf *why);
/* Takes what is in the ring, on the caller's thread: before network_loop_start(). */
void network_loop_take(struct network_loop *network);
/* -ERR_MEMORY: no thread can be had. */
int network_loop_start(struct network_loop *network);
/* One more order; wakes the loop. */
void network_loop_order(struct network_loop *network, enum loop_order order);
/* The thread has ended: nothing of the loop runs any more. */
void network_loop_stop(struct network_loop *network);
void network_loop_close(struct network_loop *network);
/* As a part of its own (metrics.h). -ERR_LIMIT. */
int network_loop_register_metrics(struct network_loop *network, struct metrics *metrics);
