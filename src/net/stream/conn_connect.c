/* conn_connect.c - connections that we begin. Contract in conn.h. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "net/stream/conn_inside.h"

static int dial(const struct net_address *address, int *ret_fd)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(address, &sockaddr);
    int fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -ERR_NETWORK;
    if (connect(fd, (struct sockaddr *)&sockaddr, size) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -ERR_NETWORK;
    }
    *ret_fd = fd;
    return 0;
}

/* The connection's socket, on its way to `address`. */
static int dial_for(struct conn *conn, const struct net_address *address)
{
    int fd = -1;
    TRY(dial(address, &fd));
    int result = conn_attach(conn, fd, EPOLLOUT);
    if (result < 0)
        close(fd);
    return result;
}

/* ---- names ---- */

static void lookup_ended(struct conn *conn)
{
    conn->lookup = NULL;
    net_count_off(&conn->pool->stats.lookups, 1);
}

static void on_address(void *owner, const struct net_address *address)
{
    struct conn *conn = owner;
    lookup_ended(conn);
    net_names_looked_up(address != NULL);
    if (address == NULL)
        conn_close(conn, CONN_CLOSE_NO_ADDRESS);
    else if (dial_for(conn, address) < 0)
        conn_close(conn, CONN_CLOSE_CONNECT_FAILED);
}

static int look_up(struct conn *conn)
{
    struct conn_pool *pool = conn->pool;
    if (pool->stats.lookups >= pool->limits.lookups_max) {
        net_stats_hit(&pool->stats, NET_LIMIT_lookups_max);
        return -ERR_LIMIT;
    }
    TRY(conn_lookup_begin(pool->loop, &conn->peer, on_address, conn, &conn->lookup));
    net_count(&pool->stats.lookups, 1);
    return 0;
}

void conn_connect_forget(struct conn *conn, enum conn_close reason)
{
    if (conn->lookup != NULL) {
        conn_lookup_end(conn->lookup);
        lookup_ended(conn);
    }
    if (conn->peer.name != 0 && reason == CONN_CLOSE_CONNECT_FAILED)
        net_names_next_turn(conn->peer.name);
}

/* ---- connecting ---- */

int conn_connect(struct conn_pool *pool, const struct net_address *address,
                 const struct conn_callbacks *callbacks, struct conn **ret_conn)
{
    struct conn *conn;
    TRY(conn_begin(pool, PHASE_CONNECTING, address, callbacks, &conn));
    int result = address->name != 0 ? look_up(conn) : dial_for(conn, address);
    if (result < 0) {
        conn_unbegin(conn);
        return result;
    }
    conn_arm_stall_timer(conn, pool->limits.write_stall_ms_max);
    *ret_conn = conn;
    return 0;
}

void conn_connect_ready(struct conn *conn)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(conn->source.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        conn_close(conn, CONN_CLOSE_CONNECT_FAILED);
        return;
    }
    conn->phase = PHASE_OPEN;
    loop_timer_cancel(conn->pool->loop, &conn->stall_timer);
    conn_ask_events(conn);
    if (conn->phase != PHASE_OPEN)
        return;
    if (conn->tls != NULL) {
        conn_tls_connected(conn);
        return;
    }
    if (conn->outbox.bytes > 0 || conn->drained_wanted)
        conn_mark_dirty(conn);
    if (conn->callbacks->on_connected != NULL)
        conn->callbacks->on_connected(conn);
}
