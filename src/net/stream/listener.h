/* listener.h - accepts TCP connections into a pool. Thread: the loop's. */
#pragma once

#include "base/slice.h"
#include "net/loop/loop.h"
#include "net/stream/conn.h"

#define LISTENER_BACKLOG  4096
#define LISTENER_PAUSE_MS 100 /* after the process ran out of descriptors */

struct listener {
    struct conn_pool *pool;
    struct loop_source source;
    struct timer pause;
    const struct conn_callbacks *callbacks; /* of accepted connections */
    void (*on_accept)(void *owner, struct listener *listener, struct conn *conn);
    void *owner;
    struct slice refusal; /* sent (as far as one write goes) to a connection above the limit */
};

/* Opens a listening socket; callbacks, on_accept, owner and refusal are set by the caller before.
 * The struct stays at its address until listener_close(). -ERR_NETWORK, -ERR_IO. */
int listener_open(struct listener *listener, struct conn_pool *pool,
                  const struct net_address *address, struct net_address *ret_bound);
/* Accepts no more; what was accepted stays. */
void listener_close(struct listener *listener);
