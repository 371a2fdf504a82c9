/* node_front.h - all that customers reach on one loop: the public listeners, the tokens, the
 * gateway and the odds service. A node has one, on the book's loop, or several on loops of their
 * own (node_fronts.h). Thread: its loop's; those that open and close it, while no loop runs. */
#pragma once

#include "cli/node/node.h"
#include "crypto/jwt.h"
#include "net/http/http_server.h"
#include "roles/bet/bet_port.h"
#include "roles/gateway/gateway.h"
#include "roles/odds/odds_service.h"

struct own_presence;

/* All borrowed until node_front_close(). */
struct node_front_parts {
    const struct node_options *options;
    struct loop *loop;
    struct odds_store *store;
    struct own_presence *presence; /* own_crossing.h; NULL: the book is on the same loop */
    struct bet_port *bets;
    const struct jwt_rules *rules; /* no other thread's */
    bool (*takes_bets)(void *owner);
    odds_silence_fn silence_us;
    odds_scoreboard_fn scoreboard; /* NULL: no event has one */
    void *owner;                   /* of the three */
    unsigned share;                /* the process's limits are for so many fronts */
    struct slice numbers;          /* of the streams of the process before, checked; none: empty */
};

/* All zero at first. */
struct node_front {
    struct node_front_parts parts;
    struct token_cache *tokens; /* owned, as all below */
    struct bearer bearer;
    struct http_server *server;
    struct odds_service *odds;
    struct gateway *gateway;
};

/* How it listens; sockets of the process before are taken. */
struct node_front_listening {
    const struct node_listen_options *options;
    struct net_address plain, tls;
    struct tls_server *tls_server;      /* borrowed */
    int plain_inherited, tls_inherited; /* 0: none */
    bool shares;                        /* each front listens at the same addresses */
};

/* 0, or an error: node_front_close() is due all the same. */
int node_front_open(struct node_front *front, const struct node_front_parts *parts);
/* With the prices in the store that are shown first. */
void node_front_attach(struct node_front *front);
/* -ERR_NETWORK: *ret_refused is the address that cannot be had. Where it listens stands in *plain
 * and *tls of the argument then. */
int node_front_listen(struct node_front *front, struct node_front_listening *listening,
                      const struct net_address **ret_refused);
/* Answers what is under way, and ends what is open; on_drained(owner) comes once, from the loop. */
void node_front_drain(struct node_front *front, int64_t deadline_ms,
                      void (*on_drained)(void *owner), void *owner);
/* What it counts. -ERR_LIMIT. */
int node_front_register_metrics(struct node_front *front, struct metrics *metrics);
/* Connections end at once. */
void node_front_close(struct node_front *front);
