/* load_pool.h - the connections of a run, HTTP or WebSocket, and the requests that are under way
 * on them. A connection that breaks is opened again after a pause; what it had under way is
 * reported lost. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"
#include "net/http/http_client.h"
#include "net/loop/loop.h"
#include "net/stream/net_address.h"

#define LOAD_CONNECTIONS_MAX 65536
#define LOAD_PIPELINE_MAX    32 /* requests under way on one connection */
#define LOAD_RECONNECT_MS    200

enum load_transport { LOAD_TRANSPORT_HTTP = 1, LOAD_TRANSPORT_WS };

struct load_pool;

/* A request under way; the words are the owner's. */
struct load_flight {
    struct monotonic due, sent;
    uint64_t words[2];
};

struct load_pool_answer {
    uint32_t connection;
    struct load_flight flight;
    int status;        /* of HTTP, or the code of a `bet` frame */
    struct slice body; /* of HTTP, or the bet of the frame; borrowed for the call */
    bool replayed;     /* the stored answer of an idempotency key */
};

/* The first two may be NULL where nothing is sent that has an answer. */
struct load_pool_callbacks {
    void (*on_answer)(void *owner, const struct load_pool_answer *answer);
    /* No answer comes: the connection broke, or the pool was freed. */
    void (*on_lost)(void *owner, const struct load_flight *flight);
    /* A WebSocket's message that is no answer. May be NULL. */
    void (*on_text)(void *owner, uint32_t connection, struct slice text);
    /* The connection stands (again). May be NULL. */
    void (*on_open)(void *owner, uint32_t connection);
};

/* Where the load goes. */
struct load_target {
    struct net_address address;
    struct tls_client *tls; /* borrowed while anything connects; NULL: plain */
};

struct load_pool_options {
    struct load_target target;
    enum load_transport transport;
    uint32_t connections;  /* 1 .. LOAD_CONNECTIONS_MAX */
    uint32_t pipeline;     /* 1 .. LOAD_PIPELINE_MAX */
    uint32_t connects_max; /* being opened at once; 0: 64 */
    /* WS: the token of a connection (borrowed until the pool is freed), or empty; may be NULL. */
    struct slice (*token)(void *owner, uint32_t connection);
    void *token_owner;
};

struct load_pool_stats {
    uint32_t open; /* now */
    uint64_t opened, closed, refused;
    uint64_t in_flight; /* now */
};

/* Begins to open all connections. `callbacks` and `owner` are borrowed. 0, -ERR_MEMORY, -ERR_LIMIT.
 */
int load_pool_new(struct loop *loop, const struct load_pool_options *options,
                  const struct load_pool_callbacks *callbacks, void *owner,
                  struct load_pool **ret_pool);
/* on_lost runs inside for everything under way. Accepts NULL. */
void load_pool_free(struct load_pool *pool);

/* The next connection, in turn, that may take a request; false when none may. The caller sends
 * on it or gives it back by load_pool_give(). */
bool load_pool_take(struct load_pool *pool, uint32_t *ret_connection);
void load_pool_give(struct load_pool *pool, uint32_t connection);
/* Whether this very connection may take a request, for customers who keep to theirs. It is in
 * no list then; load_pool_send() may follow. */
bool load_pool_has_room(const struct load_pool *pool, uint32_t connection);
/* The id under which the connection's next request goes: WebSocket messages carry it as `id`. */
uint32_t load_pool_next_id(const struct load_pool *pool, uint32_t connection);
/* HTTP: a complete request. WS: the text of a message. False: not sent (the connection is going);
 * nothing is under way then. */
bool load_pool_send(struct load_pool *pool, uint32_t connection, struct slice bytes,
                    const struct load_flight *flight);
/* A WebSocket message that has no answer. */
bool load_pool_say(struct load_pool *pool, uint32_t connection, struct slice text);

/* Ends the connection, as a customer who leaves; it is opened again after the pause. What was under
 * way on it is lost. */
void load_pool_close(struct load_pool *pool, uint32_t connection);

/* Everything under way is reported lost now; answers that come later are passed over. */
void load_pool_drop(struct load_pool *pool);

/* Borrowed until load_pool_free(); always current. */
const struct load_pool_stats *load_pool_stats(const struct load_pool *pool);
