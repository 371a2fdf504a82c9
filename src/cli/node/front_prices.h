/* front_prices.h - the prices of a front in a process of its own: a copy of those in the odds store
 * that the processes share, followed (adapters/redis/odds_follower.h) and shown by its odds
 * service. Thread: the front's loop. */
#pragma once

#include <stdbool.h>

#include "adapters/redis/odds_follower.h"
#include "cli/node/node_odds_store.h"
#include "roles/odds/odds_service.h"

/* All zero at first. */
struct front_prices {
    struct odds_service *service;   /* borrowed; as all prices are shown */
    struct tls_client *tls;         /* owned; NULL: plain */
    struct odds_follower *follower; /* owned; NULL: no store is shared, and there are no prices */
};

struct front_prices_parts {
    struct loop *loop;        /* borrowed */
    struct odds_store *store; /* borrowed; nobody else writes to it */
    uint32_t markets_max;     /* for which it has room */
};

/* 0, or an error with a sentence in `why` or none; front_prices_close() is due all the same. */
int front_prices_open(struct front_prices *prices, const struct node_odds_store_options *options,
                      const struct front_prices_parts *parts, struct buf *why);
/* Prices are shown by this service from now on, once they are level. */
void front_prices_attach(struct front_prices *prices, struct odds_service *service);
/* Nothing keeps this from being sent customers: the store is followed, or there is none. */
bool front_prices_is_ready(const struct front_prices *prices);
/* As odds_silence_fn; owner is the prices. */
int64_t front_prices_silence_us(void *owner, struct slice provider);
/* Before the service is freed. */
void front_prices_close(struct front_prices *prices);
/* -ERR_LIMIT. */
int front_prices_register_metrics(struct front_prices *prices, struct metrics *metrics);
