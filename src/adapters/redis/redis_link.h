/* redis_link.h - one connection to a Redis server, kept up: it connects, greets, and is connected
 * again after a loss, with growing pauses (base/backoff.h). Commands are pipelined; what may wait
 * is bounded in bytes and in number, and beyond it a command is refused and counted (S2).
 *
 * The socket and TLS are net's, on the owner's loop: nothing blocks. A server that does not answer
 * within timeout_us is taken for lost, also when nothing was asked: then it is pinged. Callbacks
 * come from the loop, never inside a call of this header but redis_link_free(). They may call
 * everything here but redis_link_free(). Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/redis/redis_pipe.h"
#include "base/backoff.h"
#include "base/metrics.h"
#include "net/loop/loop.h"
#include "net/stream/conn.h"
#include "net/stream/net_address.h"

struct redis_link_options {
    struct conn_pool *pool;      /* borrowed, as all pointers here; outlived by the pool */
    struct tls_client *tls;      /* NULL: plain */
    struct slice user, password; /* password empty: none is sent */
    size_t queue_bytes_max;      /* waiting for the kernel to take them */
    uint32_t in_flight_max;      /* commands without an answer */
    int64_t timeout_us;
    int64_t backoff_us_min, backoff_us_max;
    uint64_t seed; /* of the jitter */
};

#define REDIS_LINK_OPTIONS_DEFAULT                                                                 \
    ((struct redis_link_options){.queue_bytes_max = (size_t)8 << 20,                               \
                                 .in_flight_max = 4096,                                            \
                                 .timeout_us = 2000000,                                            \
                                 .backoff_us_min = 50000,                                          \
                                 .backoff_us_max = 2000000})

struct redis_link;

struct redis_link_listener {
    void *owner;
    void (*on_up)(void *owner, struct redis_link *link);
    /* It was up, and is not any more; those who waited have been told. May be NULL. */
    void (*on_down)(void *owner, struct redis_link *link);
};

/* What all links of a user count together. */
struct redis_link_stats {
    struct metrics_counter connects; /* attempts */
    struct metrics_counter losses;   /* connections that were up */
    struct metrics_counter timeouts;
    struct metrics_counter full; /* commands refused: queue_bytes_max, in_flight_max */
    struct metrics_gauge queued; /* commands without an answer, of the link that sent last */
};

/* Begins to connect at once. 0, -ERR_MEMORY. */
int redis_link_new(const struct redis_link_options *options, const struct net_address *address,
                   const struct redis_link_listener *listener, struct redis_link_stats *stats,
                   struct redis_link **ret_link);
/* Those who wait are told that it is lost. Accepts NULL. */
void redis_link_free(struct redis_link *link);

const struct net_address *redis_link_address(const struct redis_link *link);
bool redis_link_is_up(const struct redis_link *link);
/* "master", "slave", "sentinel", as the server said when it was greeted last; "" before. */
struct slice redis_link_role(const struct redis_link *link);
/* What tells this connection from every other, random: of the one that is up. */
uint64_t redis_link_session(const struct redis_link *link);
/* Counts what is sent through this connection: 1, 2, .. */
uint64_t redis_link_next_number(struct redis_link *link);
/* The last one that was given. */
uint64_t redis_link_numbered(const struct redis_link *link);

/* Whether a command of so many bytes would be taken. */
bool redis_link_has_room(const struct redis_link *link, size_t bytes);
/* `command` is whole, as redis_command.h makes it. False: it is not up, or has no room; nothing was
 * sent and nobody is called. Else `answer` comes once. */
bool redis_link_send(struct redis_link *link, struct slice command, redis_answer_fn answer,
                     void *owner, uint64_t word);
/* From now on messages of channels come to `push`; SUBSCRIBE is the caller's to send, at each up.
 */
void redis_link_listen(struct redis_link *link, redis_push_fn push, void *owner);
/* Ends the connection, soon, and connects again: the server is not what it should be. */
void redis_link_drop(struct redis_link *link);
