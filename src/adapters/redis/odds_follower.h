/* odds_follower.h - keeps a copy of the prices in Redis in a store of this process, for an
 * odds-service without a book, or a book without an odds-worker: reads all keys, then follows the
 * channel (odds_message.h). A message that is missing (odds_gaps.h), a connection that broke, or
 * half a minute: all keys are read again (odds_round.h). Versions of a market only rise here (P1).
 *
 * A market whose provider has no lease, as far as is known here, is shown suspended (P2), also
 * while Redis is away; what cannot be heard of is not alive. A market that was not heard of for the
 * life of a key, while its provider is alive, is taken out. Thread: the loop's, on which the store
 * is. */
#pragma once

#include <stdint.h>

#include "adapters/redis/redis_fleet.h"
#include "ports/odds_store.h"

struct odds_follower;

/* Who is told, after the store has changed. */
struct odds_follower_listener {
    void *owner;
    void (*on_market)(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count);
    void (*on_removed)(void *owner, const struct odds_image *image); /* before it has */
    /* The version that was there, in another light: its provider was lost, or is back. */
    void (*on_standing)(void *owner, const struct odds_image *image);
    /* A writer says for how long the provider's lease holds from now on; 0: it does not. May be
     * NULL.
     */
    void (*on_lease)(void *owner, struct slice provider, int64_t valid_for_us);
    /* Whether newcomers may be shown prices here: false until all keys were read once. */
    void (*on_level)(void *owner);
    /* Whose prices are followed: odds_book_number() (odds_message.h). What another book says is
     * passed over. NULL, or 0: anybody's. */
    uint64_t (*book)(void *owner);
};

struct odds_follower_options {
    struct redis_fleet_options fleet;
    uint32_t markets_max;
    uint64_t hash_key[2]; /* a secret of this process */
};

/* `store` is borrowed, and nobody else writes to it; it has room for markets_max. 0, -ERR_MEMORY,
 * -ERR_LIMIT. */
int odds_follower_new(struct loop *loop, const struct odds_follower_options *options,
                      struct odds_store *store, const struct odds_follower_listener *listener,
                      struct odds_follower **ret_follower);
void odds_follower_free(struct odds_follower *follower); /* accepts NULL */

/* All keys were read, and the channel is heard. */
bool odds_follower_is_ready(const struct odds_follower *follower);
/* Microseconds since the provider's lease was heard of; or that it holds and Redis is there; or
 * that it was never heard of. */
#define ODDS_FOLLOWER_ALIVE   INT64_C(-1)
#define ODDS_FOLLOWER_UNKNOWN INT64_C(-2)
int64_t odds_follower_silence_us(const struct odds_follower *follower, struct slice provider);
/* As of when (CLOCK_MONOTONIC) the image's version, of this follower's store, is known to be the
 * newest of its market: odds_claims.h. ODDS_FOLLOWER_NEVER: it is not known. */
#define ODDS_FOLLOWER_NEVER INT64_MIN
int64_t odds_follower_as_of_us(const struct odds_follower *follower,
                               const struct odds_image *image);
/* -ERR_LIMIT. */
int odds_follower_register_metrics(struct odds_follower *follower, struct metrics *metrics);
