/* conn_lookup.c - contract in conn_lookup.h. */
#include "net/stream/conn_lookup.h"

#include <ares.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/stream/net_names.h"

#define SOCKETS_MAX 16 /* one beyond is not heard, and its question is as one without answer */

struct socket_of {
    struct loop_source source; /* fd -1: free */
    struct conn_lookup *lookup;
};

struct conn_lookup {
    struct loop *loop;
    conn_lookup_answer answer;
    void *owner;
    ares_channel channel;
    struct socket_of sockets[SOCKETS_MAX];
    struct timer timer;
    struct net_address name, address;
    bool answered, found;
};

static void go_on(struct conn_lookup *lookup);

/* ---- sockets: c-ares says which to watch ---- */

static void on_socket(void *owner, uint32_t events)
{
    struct socket_of *socket = owner;
    bool readable = (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
    ares_process_fd(socket->lookup->channel, readable ? socket->source.fd : ARES_SOCKET_BAD,
                    (events & EPOLLOUT) != 0 ? socket->source.fd : ARES_SOCKET_BAD);
    go_on(socket->lookup);
}

static struct socket_of *find_socket(struct conn_lookup *lookup, int fd)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        if (lookup->sockets[i].source.fd == fd)
            return &lookup->sockets[i];
    return NULL;
}

static void watch(struct conn_lookup *lookup, int fd, uint32_t events)
{
    struct socket_of *socket = find_socket(lookup, -1);
    if (socket == NULL)
        return;
    socket->source = (struct loop_source){on_socket, socket, fd, events};
    if (loop_source_add(lookup->loop, &socket->source) < 0)
        socket->source.fd = -1;
}

static void on_wanted(void *owner, ares_socket_t fd, int readable, int writable)
{
    struct conn_lookup *lookup = owner;
    struct socket_of *socket = find_socket(lookup, fd);
    uint32_t events = (readable != 0 ? EPOLLIN : 0u) | (writable != 0 ? EPOLLOUT : 0u);
    if (socket == NULL && events != 0) {
        watch(lookup, fd, events);
    } else if (socket != NULL && events != 0) {
        (void)loop_source_change(lookup->loop, &socket->source, events);
    } else if (socket != NULL) {
        loop_source_remove(lookup->loop, &socket->source);
        socket->source.fd = -1;
    }
}

/* ---- the answer ---- */

static void take_address(struct conn_lookup *lookup, const struct ares_addrinfo_node *node)
{
    struct sockaddr_storage sockaddr = {0};
    if (node->ai_addrlen > sizeof sockaddr)
        return;
    memcpy(&sockaddr, node->ai_addr, node->ai_addrlen);
    lookup->address = net_address_of(&sockaddr);
    lookup->address.port = lookup->name.port;
    lookup->found = true;
}

/* Inside a call to c-ares, so nobody is told yet. */
static void on_answer(void *owner, int status, int timeouts, struct ares_addrinfo *info)
{
    struct conn_lookup *lookup = owner;
    unsigned count = 0, due = net_names_turn(lookup->name.name);
    struct ares_addrinfo_node *node;
    (void)timeouts;
    lookup->answered = true;
    if (status != ARES_SUCCESS)
        return;
    for (node = info->nodes; node != NULL; node = node->ai_next)
        count++;
    for (node = info->nodes; node != NULL; node = node->ai_next)
        if (due-- % count == 0)
            break;
    if (node != NULL)
        take_address(lookup, node);
    ares_freeaddrinfo(info);
}

/* ---- its life ---- */

static void arm(struct conn_lookup *lookup)
{
    struct timeval most = {CONN_LOOKUP_MS_MAX / 1000, 0}, due;
    const struct timeval *next = ares_timeout(lookup->channel, &most, &due);
    int64_t us = next->tv_sec * US_PER_SECOND + next->tv_usec;
    loop_timer_set(lookup->loop, &lookup->timer,
                   (struct monotonic){loop_now(lookup->loop).us + us});
}

static void go_on(struct conn_lookup *lookup)
{
    if (!lookup->answered) {
        arm(lookup);
        return;
    }
    conn_lookup_answer answer = lookup->answer;
    struct net_address address = lookup->address;
    bool found = lookup->found;
    void *owner = lookup->owner;
    conn_lookup_end(lookup);
    answer(owner, found ? &address : NULL);
}

static void on_timer(void *owner)
{
    struct conn_lookup *lookup = owner;
    ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    go_on(lookup);
}

static int open_channel(struct conn_lookup *lookup)
{
    struct ares_options options = {.timeout = CONN_LOOKUP_MS_MAX,
                                   .tries = CONN_LOOKUP_TRIES,
                                   .sock_state_cb = on_wanted,
                                   .sock_state_cb_data = lookup};
    const char *servers = net_names_servers();
    if (ares_init_options(&lookup->channel, &options,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
        ARES_SUCCESS)
        return -ERR_NETWORK;
    if (servers == NULL || ares_set_servers_ports_csv(lookup->channel, servers) == ARES_SUCCESS)
        return 0;
    ares_destroy(lookup->channel);
    return -ERR_NETWORK;
}

static struct conn_lookup *conn_lookup_new(void)
{
    struct conn_lookup *lookup = calloc(1, sizeof *lookup);
    for (size_t i = 0; lookup != NULL && i < SOCKETS_MAX; i++)
        lookup->sockets[i] = (struct socket_of){{.fd = -1}, lookup};
    return lookup;
}

int conn_lookup_begin(struct loop *loop, const struct net_address *name, conn_lookup_answer answer,
                      void *owner, struct conn_lookup **ret_lookup)
{
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct conn_lookup *lookup = conn_lookup_new();
    if (lookup == NULL)
        return -ERR_MEMORY;
    lookup->loop = loop;
    lookup->answer = answer;
    lookup->owner = owner;
    lookup->name = *name;
    int result = open_channel(lookup);
    if (result < 0) {
        free(lookup);
        return result;
    }
    timer_init(&lookup->timer, on_timer, lookup);
    ares_getaddrinfo(lookup->channel, net_names_text(name->name).at, NULL, &hints, on_answer,
                     lookup);
    if (lookup->answered) /* by the hosts file: told from the loop all the same */
        loop_timer_set(loop, &lookup->timer, loop_now(loop));
    else
        arm(lookup);
    *ret_lookup = lookup;
    return 0;
}

void conn_lookup_end(struct conn_lookup *lookup)
{
    loop_timer_cancel(lookup->loop, &lookup->timer);
    ares_destroy(lookup->channel); /* its sockets are no more wanted, one by one */
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        ASSERT(lookup->sockets[i].source.fd < 0);
    free(lookup);
}
