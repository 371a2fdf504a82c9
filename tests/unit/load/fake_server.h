/* fake_server.h - a small server in a thread of its own that behaves as the tests need. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "net/ws/ws_conn.h"

#define FAKE_SOCKETS_MAX 64

struct fake_server {
    /* how it behaves; set before fake_server_begin() */
    int stall_ms;         /* at bet number stall_at it does nothing at all for so long */
    uint64_t stall_at;    /* 0: never */
    uint64_t close_at;    /* closes the connection at this bet instead of answering; 0: never */
    uint64_t refuse_each; /* each so-many-th bet gets 409 ODDS_CHANGED; 0: none */
    uint64_t mute_from;   /* from this bet on nothing is answered; 0: never */
    uint64_t lose_each;   /* each so-many-th delta is not sent, but numbered; 0: none */
    /* what it saw */
    atomic_ulong bets, deposits, reads, sessions, other;
    char last_bet[1024], last_token[256];
    /* its own */
    struct net_address address;
    struct loop *loop;
    struct http_server *server;
    struct loop_wakeup stop;
    struct timer tick;
    pthread_t thread;
    uint64_t seq;
    uint32_t sockets_count;
    struct ws_handle sockets[FAKE_SOCKETS_MAX];
};

/* Listens on a free port of 127.0.0.1, and runs until fake_server_end(). */
void fake_server_begin(struct fake_server *fake);
void fake_server_end(struct fake_server *fake);
