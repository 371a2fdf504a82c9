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

int conn_connect(struct conn_pool *pool, const struct net_address *address,
                 const struct conn_callbacks *callbacks, struct conn **ret_conn)
{
    struct conn *conn;
    TRY(conn_begin(pool, PHASE_CONNECTING, address, callbacks, &conn));
    int result = dial_for(conn, address);
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
