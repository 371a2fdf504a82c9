/* node_fronts.h - the public side of a node, seen from the book's loop: one front on this loop, or
 * one on each of several network loops (--loops). The node tells it what the book has done, and
 * when its turns begin and end; what that takes is decided here. Thread: the book's loop. */
#pragma once

#include "cli/node/network_loop.h"
#include "cli/node/node_front.h"
#include "ledger/record.h"

#define NODE_LOOPS_MAX 32

/* Borrowed until node_fronts_close(). */
struct node_fronts_parts {
    const struct node_options *options;
    struct loop *loop;
    struct book *book;
    struct odds_store *store;
    struct bet_port *bets;         /* the counter */
    const struct jwt_rules *rules; /* this thread's */
    odds_scoreboard_fn scoreboard; /* of a front on this loop */
    void *scoreboard_owner;
    const struct slice *numbers; /* one for each front; of the process before, may be empty */
    struct tls_server *tls;      /* of the public listener; NULL: none */
};

/* The book's side of one network loop. */
struct loop_side {
    struct network_loop network;
    struct crossing_down down;
    struct odds_sender prices;
    struct own_sender own;
    struct bet_teller teller;
    bool stuck; /* questions wait for room for their answers */
    bool newer; /* something was offered in this turn */
};

/* All zero at first. */
struct node_fronts {
    struct node_fronts_parts parts;
    struct node_front here;       /* without network loops */
    struct shared_bytes *numbers; /* owned; its own, when it was sent away */
    struct loop_side *sides;      /* owned; NULL: none */
    unsigned sides_count;
    struct book_board board;
    struct ring_gate gate; /* of the rings to all loops */
    struct loop_wakeup wakeup;
    bool wakeup_open, attached;
    struct net_address plain, tls; /* where it listens */
    struct metrics_gauge behind;   /* loops whose prices are not level */
    void (*on_drained)(void *owner);
    void *owner; /* of on_drained */
    bool draining;
};

/* How many fronts a node with these options has: as many as a process that takes over must have. */
unsigned node_fronts_count(const struct node_options *options);

/* 0, or an error with a sentence in `why`, or none; node_fronts_close() is due all the same. */
int node_fronts_open(struct node_fronts *fronts, const struct node_fronts_parts *parts,
                     struct buf *why);
/* Once the book has started: shows the prices that there are. */
void node_fronts_attach(struct node_fronts *fronts);
/* Sockets of the process before, one for each front, or 0s; taken, those that were used are 0. */
struct node_fronts_sockets {
    int *plain, *tls;
};
int node_fronts_listen(struct node_fronts *fronts, const struct node_fronts_sockets *inherited,
                       struct buf *why);

/* What the book tells its listener, to be told to all fronts. */
void node_fronts_on_market(struct node_fronts *fronts, const struct odds_image *image,
                           uint64_t before_version, const uint16_t *changed, size_t changed_count);
/* Only without network loops, which never see a version in another light. */
void node_fronts_on_standing(struct node_fronts *fronts, const struct odds_image *image);
void node_fronts_on_removed(struct node_fronts *fronts, const struct odds_image *image);

/* Whether somebody may want own messages of this user; and sends them one: odds_service_push(). */
bool node_fronts_wants(struct node_fronts *fronts, struct slice user_id);
void node_fronts_push(struct node_fronts *fronts, struct slice user_id, const char *op,
                      struct slice object);

/* Questions are asked of the book; after its own turn has begun. */
void node_fronts_turn_begin(struct node_fronts *fronts);
/* What the book has done goes out; after its own turn has ended. */
void node_fronts_turn_end(struct node_fronts *fronts);
/* A loop has failed: the process should end. */
bool node_fronts_failed(const struct node_fronts *fronts);

/* Connections and WebSockets that are open now, over all fronts; owner is the fronts. */
void node_fronts_open_now(void *owner, uint64_t *ret_connections, uint64_t *ret_websockets);

/* ---- the end ---- */

/* As the functions of odds_service.h and http_server.h of these names, of each front. */
void node_fronts_leave(struct node_fronts *fronts);
bool node_fronts_is_answered(const struct node_fronts *fronts);
void node_fronts_send_away(struct node_fronts *fronts);
/* on_drained(owner) comes once, from the loop, when nothing is open. */
void node_fronts_drain(struct node_fronts *fronts, int64_t deadline_ms,
                       void (*on_drained)(void *owner), void *owner);
/* No network loop runs any more. */
void node_fronts_stop(struct node_fronts *fronts);
/* The numbers that the front with this index was sent away with; borrowed; NULL: none. After
 * node_fronts_stop(). */
struct shared_bytes *node_fronts_numbers(struct node_fronts *fronts, unsigned index);
/* The listening sockets of the front with this index, plain and TLS; -1: it has none. Borrowed. */
void node_fronts_listening(const struct node_fronts *fronts, unsigned index, int *ret_plain,
                           int *ret_tls);
void node_fronts_close(struct node_fronts *fronts);

/* -ERR_LIMIT. */
int node_fronts_register_metrics(struct node_fronts *fronts, struct metrics *metrics);
