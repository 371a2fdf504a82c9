/* host.h - a book in process, as the server hosts it: on the embedded log, with or without the tree
 * beside it, without sockets. For measurements of the engine alone; whatever fails ends the
 * program. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/tree_keeper.h"
#include "app/book.h"
#include "crypto/sign.h"

#define HOST_SELECTIONS 3

struct host {
    const char *program; /* says so when something fails */
    bool proofs;         /* the tree is kept and signed beside, as the server does */
    struct ledger_log *log;
    struct disk *disk, *tree_disk;
    struct tree_keeper *keeper; /* NULL: without proofs */
    struct sign_key *key;
    struct odds_store *store;
    struct odds_log odds_log; /* offers are counted, not written */
    struct book *book;
    int event;
    uint64_t answered, placed;
    uint64_t shed; /* asks refused for want of room, tried again */
};

int64_t host_now_ns(clockid_t clock);
_Noreturn void host_die(const char *what, int error);

void host_init(struct host *host, const char *program);
/* In this order; what a measurement has beside (ports other than log, odds log and store) stands
 * between. The start checks every group of the log: opening it does not. */
void host_open_log(struct host *host, const char *directory);
void host_start_book(struct host *host, const struct shard_limits *limits,
                     const struct book_ports *others, uint32_t markets_max);
/* All that was begun is durable and settled; the tree is detached. */
void host_end_book(struct host *host);
void host_free_book(struct host *host);
void host_close_log(struct host *host);

/* The log's notify, with the host as its owner. */
void host_notify(void *host);
void host_begin_turn(struct host *host);
/* A turn when one is due at once; then what the log says within wait_ms. */
void host_poll(struct host *host, int wait_ms);

/* Market number `market` of event number `event`: three selections at 2.10. */
void host_publish(struct host *host, unsigned market, unsigned event);
/* The same, over: the first selection won, the others lost. Waits while there is no room. */
void host_result(struct host *host, unsigned market);
/* Opens accounts 0 .. count - 1 with 100,000.00 each, and waits until that is durable. */
void host_fund(struct host *host, uint64_t count);

/* A single of 1.00. */
struct host_bet {
    uint64_t n; /* makes the idempotency key */
    uint64_t user;
    unsigned market, selection;
};

/* Waits while there is no room. */
void host_place(struct host *host, const struct host_bet *bet);

/* Every `size` of its legs; 0.01 on each line. */
struct host_system {
    uint64_t n, user; /* as of host_bet */
    uint32_t legs, size;
    unsigned market[SYSTEM_LEGS_MAX], selection[SYSTEM_LEGS_MAX];
};

void host_place_system(struct host *host, const struct host_system *system);
