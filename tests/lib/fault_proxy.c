/* fault_proxy.c - contract in fault_proxy.h: one thread, poll(2) over a few pairs of sockets. What
 * it is told comes through a pipe, so that nothing happens between two looks. */
#include "fault_proxy.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

#define PAIRS_MAX 8
#define CHUNK     65536
#define POLL_MS   20 /* a fault that ended is seen by then */

struct pair {
    int client, server; /* -1: free */
    bool asked;         /* the request whose answer is lost has passed */
};

struct fault_proxy {
    char from[108], to[108];
    int listener;
    struct pair pairs[PAIRS_MAX];
    pthread_t thread;
    atomic_int fault;
    atomic_uint losses;
    atomic_bool closing;
};

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void end_pair(struct pair *pair)
{
    if (pair->client >= 0)
        close(pair->client);
    if (pair->server >= 0)
        close(pair->server);
    *pair = (struct pair){-1, -1, false};
}

static void take_connection(struct fault_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = atomic_load(&proxy->fault) == FAULT_REFUSE ? -1 : connect_to(proxy->to);
    for (size_t i = 0; i < PAIRS_MAX && client >= 0 && server >= 0; i++)
        if (proxy->pairs[i].client < 0) {
            proxy->pairs[i] = (struct pair){client, server, false};
            return;
        }
    if (client >= 0)
        close(client);
    if (server >= 0)
        close(server);
}

static void lose(struct fault_proxy *proxy, struct pair *pair)
{
    atomic_store(&proxy->fault, FAULT_NONE);
    end_pair(pair);
    atomic_fetch_add(&proxy->losses, 1);
}

/* False: the pair has ended. */
static bool pass(struct fault_proxy *proxy, struct pair *pair, bool asks)
{
    static char chunk[CHUNK];
    int fault = atomic_load(&proxy->fault);
    ssize_t bytes = read(asks ? pair->client : pair->server, chunk, sizeof chunk);
    if (bytes <= 0) {
        end_pair(pair);
        return false;
    }
    if ((asks && fault == FAULT_LOSE_REQUEST) ||
        (!asks && fault == FAULT_LOSE_ANSWER && pair->asked)) {
        lose(proxy, pair);
        return false;
    }
    pair->asked = asks && fault == FAULT_LOSE_ANSWER;
    for (ssize_t sent = 0; sent < bytes;) {
        ssize_t more = send(asks ? pair->server : pair->client, chunk + sent,
                            (size_t)(bytes - sent), MSG_NOSIGNAL);
        if (more <= 0) {
            end_pair(pair);
            return false;
        }
        sent += more;
    }
    return true;
}

static void pass_all(struct fault_proxy *proxy, const struct pollfd *fds)
{
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        struct pair *pair = &proxy->pairs[i];
        if (pair->client < 0 || fds[2 * i].fd != pair->client)
            continue;
        if (atomic_load(&proxy->fault) == FAULT_REFUSE)
            end_pair(pair);
        else if ((fds[2 * i].revents == 0 || pass(proxy, pair, true)) &&
                 fds[2 * i + 1].revents != 0)
            (void)pass(proxy, pair, false);
    }
}

static void *run(void *owner)
{
    struct fault_proxy *proxy = owner;
    while (!atomic_load(&proxy->closing)) {
        struct pollfd fds[2 * PAIRS_MAX + 1];
        short events = atomic_load(&proxy->fault) == FAULT_SILENCE ? 0 : POLLIN;
        for (size_t i = 0; i < PAIRS_MAX; i++) {
            fds[2 * i] = (struct pollfd){.fd = proxy->pairs[i].client, .events = events};
            fds[2 * i + 1] = (struct pollfd){.fd = proxy->pairs[i].server, .events = events};
        }
        fds[2 * PAIRS_MAX] = (struct pollfd){.fd = proxy->listener, .events = events};
        int ready = poll(fds, 2 * PAIRS_MAX + 1, POLL_MS);
        if (ready < 0 && errno != EINTR)
            break;
        if (atomic_load(&proxy->fault) == FAULT_SILENCE) {
            usleep(1000); /* an end that hangs up is always ready */
            continue;
        }
        pass_all(proxy, fds);
        if (fds[2 * PAIRS_MAX].revents != 0)
            take_connection(proxy);
    }
    return NULL;
}

struct fault_proxy *fault_proxy_new(const char *from, const char *to)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct fault_proxy *proxy = calloc(1, sizeof *proxy);
    assert_non_null(proxy);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", from);
    (void)snprintf(proxy->from, sizeof proxy->from, "%s", from);
    (void)snprintf(proxy->to, sizeof proxy->to, "%s", to);
    for (size_t i = 0; i < PAIRS_MAX; i++)
        proxy->pairs[i] = (struct pair){-1, -1, false};
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)unlink(from);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, PAIRS_MAX), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    return proxy;
}

void fault_proxy_free(struct fault_proxy *proxy)
{
    atomic_store(&proxy->closing, true);
    pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < PAIRS_MAX; i++)
        end_pair(&proxy->pairs[i]);
    close(proxy->listener);
    (void)unlink(proxy->from);
    free(proxy);
}

void fault_proxy_set(struct fault_proxy *proxy, enum fault fault)
{
    atomic_store(&proxy->fault, fault);
}

unsigned fault_proxy_losses(struct fault_proxy *proxy)
{
    return atomic_load(&proxy->losses);
}
