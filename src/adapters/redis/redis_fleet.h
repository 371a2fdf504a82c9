/* redis_fleet.h - the servers of a place (redis_place.h) and a link to each master of them: one
 * server; the master that the sentinels name, asked again each second and after a loss; or the
 * masters of a cluster, as its slots say. Who asks for the link of a key always gets the one that
 * serves it, as far as that is known.
 *
 * Everything is on the owner's loop and nothing blocks. Callbacks come from the loop, never inside
 * a call of this header but redis_fleet_free(). Thread: the loop's. */
#pragma once

#include <stdbool.h>

#include "adapters/redis/redis_link.h"
#include "adapters/redis/redis_place.h"
#include "adapters/redis/redis_slots.h"
#include "base/metrics.h"
#include "net/loop/loop.h"

struct redis_fleet;

struct redis_fleet_options {
    struct redis_place place;
    struct tls_client *tls;         /* borrowed; NULL: plain */
    struct redis_link_options link; /* pool, tls, user and password are the fleet's to set */
};

struct redis_fleet_listener {
    void *owner;
    /* A master can be used: for the first time, or again. */
    void (*on_up)(void *owner, struct redis_link *link);
    void (*on_down)(void *owner, struct redis_link *link); /* may be NULL */
};

/* 0, -ERR_MEMORY, -ERR_LIMIT. */
int redis_fleet_new(struct loop *loop, const struct redis_fleet_options *options,
                    const struct redis_fleet_listener *listener, struct redis_fleet **ret_fleet);
void redis_fleet_free(struct redis_fleet *fleet); /* accepts NULL */

/* The number of the master that serves that key, for redis_fleet_at(); a number that is none where
 * nobody does. */
size_t redis_fleet_find(struct redis_fleet *fleet, struct slice key);
/* The masters that are known: 0 .. count - 1; NULL: it is not up, or there is none of that number.
 * Not to be kept beyond the turn. */
size_t redis_fleet_count(const struct redis_fleet *fleet);
struct redis_link *redis_fleet_at(struct redis_fleet *fleet, size_t n);
/* The slots that master `n` serves, as ranges in order, the first `most` of them: how many. Of one
 * server, or a master with sentinels: all of them. */
size_t redis_fleet_ranges(struct redis_fleet *fleet, size_t n, struct redis_range *ret,
                          size_t most);
/* As redis_fleet_find, of any key in that slot. */
size_t redis_fleet_serves(struct redis_fleet *fleet, uint16_t slot);
/* Another number whenever some slot of a cluster is served by another master. */
uint32_t redis_fleet_map(const struct redis_fleet *fleet);
/* Every master that is known is up, and every slot of a cluster has one. */
bool redis_fleet_is_whole(const struct redis_fleet *fleet);
/* One more connection to that server, of the caller's own, with the fleet's credentials; ended by
 * the caller before the fleet. 0, -ERR_MEMORY. */
int redis_fleet_connect(struct redis_fleet *fleet, const struct net_address *address,
                        const struct redis_link_listener *listener, struct redis_link **ret_link);

/* What an error that master `n` has answered says of the servers is taken note of. REDIS_MOVED: ask
 * again. REDIS_ASK: ask master *ret_ask, which may not be up, behind the command ASKING. */
enum redis_redirect redis_fleet_note_error(struct redis_fleet *fleet, size_t n,
                                           const redisReply *reply, size_t *ret_ask);

/* -ERR_LIMIT. */
int redis_fleet_register_metrics(struct redis_fleet *fleet, struct metrics *metrics);
