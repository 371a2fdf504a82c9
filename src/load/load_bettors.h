/* load_bettors.h - the crowd of `overround demo` and `overround bettors`: a few dozen simulated
 * customers with sessions, money and habits, over real HTTP and WebSocket connections. They come in
 * at random (Poisson), hurry when a price moves, sometimes send a bet again under its key,
 * sometimes ask for a price that is gone, sometimes move money. Nothing of the
 * server is touched but its listener.
 *
 * Everything happens on the given loop, seeded. Thread: the loop's. */
#pragma once

#include <stdint.h>

#include "net/loop/loop.h"
#include "net/stream/net_address.h"

#define LOAD_BETTORS_MAX 256

struct load_bettors;

struct load_bettors_options {
    struct net_address address; /* the public listener of a server with profile demo */
    uint32_t count;             /* 1 .. LOAD_BETTORS_MAX; each fourth bets over a WebSocket */
    uint64_t seed;
    int64_t think_us;                /* mean pause of one bettor between two acts */
    struct slice channels, currency; /* borrowed */
};

/* A small crowd at the simulated matches. */
#define LOAD_BETTORS_OPTIONS_DEFAULT                                                               \
    ((struct load_bettors_options){.count = 36,                                                    \
                                   .think_us = 2 * US_PER_SECOND,                                  \
                                   .channels = SLICE("sport:football"),                            \
                                   .currency = SLICE("GBP")})

/* 0, -ERR_LIMIT, -ERR_MEMORY. */
int load_bettors_new(struct loop *loop, const struct load_bettors_options *options,
                     struct load_bettors **ret_bettors);
void load_bettors_free(struct load_bettors *bettors); /* accepts NULL */

/* Counted since the beginning, but for the percentiles: these are of the last 5 to 10 seconds, 0
 * when there was no bet. */
struct load_bettors_sample {
    uint32_t with_session, with_money;
    uint64_t bets, accepted, pending, refused, replayed, lost, limited;
    uint64_t stale, retried, deposits, withdrawals, reads, hurried;
    uint64_t p50_us, p99_us; /* of acceptance: sent -> answer */
};
void load_bettors_sample(const struct load_bettors *bettors, struct load_bettors_sample *ret);
