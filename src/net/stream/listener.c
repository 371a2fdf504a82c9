/* listener.c - contract in listener.h. */
#include "net/stream/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "net/stream/conn_inside.h"

static void refuse(struct listener *listener, int fd)
{
    /* A courtesy; in TLS it would take the handshake that there is no room for. */
    if (listener->tls == NULL) {
        ssize_t sent =
            send(fd, listener->refusal.at, listener->refusal.bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent;
    }
    close(fd);
}

/* Without descriptors the waiting connection would wake the loop for ever. */
static void pause_accepting(struct listener *listener)
{
    struct loop *loop = conn_pool_loop(listener->pool);
    (void)loop_source_change(loop, &listener->source, 0);
    loop_timer_set(loop, &listener->pause,
                   (struct monotonic){loop_now(loop).us + LISTENER_PAUSE_MS * US_PER_MS});
}

static void on_pause_over(void *owner)
{
    struct listener *listener = owner;
    (void)loop_source_change(conn_pool_loop(listener->pool), &listener->source, EPOLLIN);
}

static bool is_proxy(const struct listener *listener, const struct net_address *peer)
{
    for (size_t i = 0; i < listener->proxies_count; i++)
        if (net_range_has(&listener->proxies[i], peer))
            return true;
    return false;
}

void listener_begin(struct listener *listener, struct conn *conn)
{
    if (listener->tls != NULL && conn_accept_tls(conn, listener->tls, listener->not_tls) < 0) {
        conn_close(conn, CONN_CLOSE_TLS_HANDSHAKE);
        return;
    }
    conn_set_callbacks(conn, listener->callbacks);
    listener->on_accept(listener->owner, listener, conn);
}

static void accept_one(struct listener *listener, int fd, const struct sockaddr_storage *from)
{
    struct net_address peer = net_address_of(from);
    struct conn *conn;
    if (listener->proxies_count > 0 && !is_proxy(listener, &peer)) {
        net_count(&conn_pool_stats(listener->pool)->closed[CONN_CLOSE_PROXY_UNTRUSTED], 1);
        close(fd);
    } else if (conn_adopt(listener->pool, fd, &peer, &conn_unbegun_callbacks, &conn) < 0) {
        refuse(listener, fd);
    } else if (listener->proxies_count > 0) {
        conn_proxy_begin(conn, listener);
    } else {
        listener_begin(listener, conn);
    }
}

static void on_ready(void *owner, uint32_t events)
{
    (void)events;
    struct listener *listener = owner;
    size_t max = conn_pool_limits(listener->pool)->accepts_per_turn_max;
    for (size_t i = 0; i < max; i++) {
        struct sockaddr_storage from = {0};
        socklen_t size = sizeof from;
        int fd = accept4(listener->source.fd, (struct sockaddr *)&from, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_one(listener, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(listener);
        if (errno == EAGAIN || errno != ECONNABORTED)
            return;
    }
    net_stats_hit(conn_pool_stats(listener->pool), NET_LIMIT_accepts_per_turn_max);
}

static int bind_socket(const struct net_address *address, bool shares)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(address, &sockaddr);
    int fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -ERR_NETWORK;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shares)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on); /* refused: bind() fails */
    if (sockaddr.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&sockaddr, size) == 0)
        return fd;
    close(fd);
    return -ERR_NETWORK;
}

static int open_socket(const struct net_address *address, bool shares,
                       struct net_address *ret_bound)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = sizeof sockaddr;
    int fd = bind_socket(address, shares);
    if (fd < 0)
        return fd;
    if (listen(fd, LISTENER_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&sockaddr, &size) != 0) {
        close(fd);
        return -ERR_NETWORK;
    }
    *ret_bound = net_address_of(&sockaddr);
    return fd;
}

/* It does not listen, so that nobody can connect to it. */
int listener_probe(const struct net_address *address)
{
    int fd = bind_socket(address, false);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

/* Takes nothing on trust that would make accept() do something else. */
static int check_socket(int fd, struct net_address *ret_bound)
{
    struct sockaddr_storage sockaddr = {0};
    socklen_t size = sizeof sockaddr;
    int type = 0, listening = 0;
    socklen_t type_size = sizeof type, listening_size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_size) != 0 ||
        listening == 0 || getsockname(fd, (struct sockaddr *)&sockaddr, &size) != 0 ||
        (sockaddr.ss_family != AF_INET && sockaddr.ss_family != AF_INET6) ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return -ERR_NETWORK;
    *ret_bound = net_address_of(&sockaddr);
    return 0;
}

int listener_check(int fd, const struct net_address *address)
{
    struct net_address bound;
    TRY(check_socket(fd, &bound));
    bool same = memcmp(bound.ip, address->ip, sizeof bound.ip) == 0 &&
                (address->port == 0 || address->port == bound.port);
    return same ? 0 : -ERR_NOT_FOUND;
}

int listener_open(struct listener *listener, struct conn_pool *pool,
                  const struct net_address *address, struct net_address *ret_bound)
{
    int fd = open_socket(address, listener->shares, ret_bound);
    return fd < 0 ? fd : listener_adopt(listener, pool, fd, ret_bound);
}

int listener_adopt(struct listener *listener, struct conn_pool *pool, int fd,
                   struct net_address *ret_bound)
{
    int checked = check_socket(fd, ret_bound);
    if (checked < 0) {
        close(fd);
        return checked;
    }
    listener->pool = pool;
    listener->source = (struct loop_source){on_ready, listener, fd, EPOLLIN};
    timer_init(&listener->pause, on_pause_over, listener);
    int result = loop_source_add(conn_pool_loop(pool), &listener->source);
    if (result < 0)
        close(fd);
    return result;
}

void listener_close(struct listener *listener)
{
    struct loop *loop = conn_pool_loop(listener->pool);
    loop_timer_cancel(loop, &listener->pause);
    loop_source_remove(loop, &listener->source);
    close(listener->source.fd);
}
