/* session_cache.h - balances in Redis: `session:USER` is a text such as "50.00", for session_s from
 * when it was written last. Source: V0, "Redis serves as a session cache for user balances".
 *
 * It is a cache: what is not there, or cannot be asked, is looked up in the database. One
 * connection that is kept up; a server that does not answer for answer_us_max is taken for lost.
 * Limits (S2): in_flight_max commands without an answer; a further one is refused and counted.
 * Replies are parsed by hiredis, the socket is net's. Callbacks come from the loop, never inside a
 * call of this header but session_cache_free(). Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/slice.h"
#include "net/loop/loop.h"
#include "net/stream/conn.h"

#define SESSION_IN_FLIGHT_MAX 4096
#define SESSION_VALUE_BYTES   32

struct session_cache;

struct session_cache_options {
    struct conn_pool *pool; /* borrowed; outlived by it */
    struct net_address address;
    int64_t session_s;
    int64_t answer_us_max;
};

struct session_cache_stats {
    struct metrics_gauge up;
    struct metrics_counter hits, misses; /* V0-9: more than 95 of 100 should be hits */
    struct metrics_counter unanswered;   /* not up, refused, lost, or an error of the server */
    struct metrics_counter losses;
    struct metrics_counter in_flight_reached;
    struct metrics_histogram answer_us;
};

/* `value` is borrowed for the call; empty: not there, or nobody knows. */
typedef void (*session_value_fn)(void *owner, struct slice value);

/* Begins to connect at once. 0, -ERR_MEMORY. */
int session_cache_new(const struct session_cache_options *options, struct session_cache **ret);
/* Those who wait are told that nothing is there. Accepts NULL. */
void session_cache_free(struct session_cache *cache);

/* False: it cannot be asked now, and nobody is called. */
bool session_cache_get(struct session_cache *cache, struct slice user, session_value_fn fn,
                       void *owner);
/* Nobody waits for these, and nobody is told when they are lost: the cache is then stale. */
void session_cache_set(struct session_cache *cache, struct slice user, struct slice value);
void session_cache_forget(struct session_cache *cache, struct slice user);

/* Whether its connection stands. */
bool session_cache_is_up(const struct session_cache *cache);
/* Borrowed; they change as the loop runs. */
struct session_cache_stats *session_cache_stats(struct session_cache *cache);
