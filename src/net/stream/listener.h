/* listener.h - accepts TCP connections into a pool. Thread: the loop's.
 *
 * Behind proxies (proxies_count > 0) every connection must come from one of them and begin with a
 * PROXY header (proxy_v2.h), within proxy_header_ms_max; conn_peer() is then the proxy's client.
 * Any other peer is closed and counted (CONN_CLOSE_PROXY_UNTRUSTED): it could claim to be
 * anybody. on_accept comes when that is settled; TLS, if any, begins behind the header. */
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
    struct slice refusal;   /* sent (as far as one write goes) to a connection above the limit */
    struct tls_server *tls; /* borrowed; NULL: plain */
    struct slice not_tls;   /* TLS: for a peer that speaks HTTP; see conn_accept_tls() */
    const struct net_range *proxies; /* borrowed; who may connect, each time with a header */
    size_t proxies_count;            /* 0: anybody, without one */
    bool shares; /* other listeners that share may have the same address, and the kernel spreads
                    connections over them (SO_REUSEPORT); of this process or of another one of the
                    same user, so that an address in use is not found out:
                    listener_probe() */
};

/* Opens a listening socket; callbacks, on_accept, owner, refusal and shares are set by the caller
 * before. The struct stays at its address until listener_close(). -ERR_NETWORK, -ERR_IO. */
int listener_open(struct listener *listener, struct conn_pool *pool,
                  const struct net_address *address, struct net_address *ret_bound);
/* The same with a socket that listens already, opened by another process; takes it, also when it
 * fails. -ERR_NETWORK: it is no such socket. */
int listener_adopt(struct listener *listener, struct conn_pool *pool, int fd,
                   struct net_address *ret_bound);
/* Whether that socket listens at the address (port 0: at any port of it), so that adopting it
 * cannot fail. -ERR_NETWORK: no listening socket; -ERR_NOT_FOUND: at another one. */
int listener_check(int fd, const struct net_address *address);
/* Whether an address is free, before the first listener that shares it: such a one would not find
 * out. -ERR_NETWORK: somebody listens there, or it is not ours. */
int listener_probe(const struct net_address *address);
/* Accepts no more; what was accepted stays. */
void listener_close(struct listener *listener);
/* For conn_proxy.c: the peer's address is settled, its layer begins. */
void listener_begin(struct listener *listener, struct conn *conn);
