/* fault_proxy.c - contract in fault_proxy.h: one thread, poll(2) over a few pairs of sockets. What
 * it is told comes through a pipe, so that nothing happens between two looks. */
#include "fault_proxy.h"

#include <arpa/inet.h>
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

#define PAIRS_MAX 32 /* a client of a Kafka has several connections to one broker */
#define CHUNK     65536
#define HEAD_MAX  8192
#define POLL_MS   20 /* a fault that ended is seen by then */

struct pair {
    int client, server;  /* -1: free */
    bool asked;          /* the request whose answer is lost has passed */
    char head[HEAD_MAX]; /* of a request that is answered here */
    size_t head_bytes, body_left;
};

struct fault_proxy {
    char from[108], to[108]; /* paths; "": ports */
    int to_port;
    int listener;
    struct pair pairs[PAIRS_MAX];
    pthread_t thread;
    atomic_int fault;
    atomic_uint losses, answered, answers_left; /* left 0: no end */
    const char *status, *body;                  /* set before the fault */
    atomic_bool closing;
};

static int connect_to_port(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

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
    *pair = (struct pair){.client = -1, .server = -1};
}

static void take_connection(struct fault_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = atomic_load(&proxy->fault) == FAULT_REFUSE ? -1
                 : proxy->to[0] == '\0'                     ? connect_to_port(proxy->to_port)
                                                            : connect_to(proxy->to);
    for (size_t i = 0; i < PAIRS_MAX && client >= 0 && server >= 0; i++)
        if (proxy->pairs[i].client < 0) {
            proxy->pairs[i] = (struct pair){.client = client, .server = server};
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

/* ---- answering in the server's place ---- */

static void answer(struct fault_proxy *proxy, struct pair *pair)
{
    char head[256];
    int bytes = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
                         proxy->status, strlen(proxy->body));
    (void)send(pair->client, head, (size_t)bytes, MSG_NOSIGNAL | MSG_MORE);
    (void)send(pair->client, proxy->body, strlen(proxy->body), MSG_NOSIGNAL);
    pair->head_bytes = 0;
    atomic_fetch_add(&proxy->answered, 1);
    if (atomic_load(&proxy->answers_left) > 0 && atomic_fetch_sub(&proxy->answers_left, 1) == 1)
        atomic_store(&proxy->fault, FAULT_NONE);
}

/* Takes a piece of a request; answers when it is whole. */
static void take_request(struct fault_proxy *proxy, struct pair *pair, const char *at, size_t bytes)
{
    if (pair->body_left == 0) {
        size_t room = sizeof pair->head - 1 - pair->head_bytes;
        size_t taken = bytes < room ? bytes : room;
        memcpy(pair->head + pair->head_bytes, at, taken);
        pair->head_bytes += taken;
        pair->head[pair->head_bytes] = '\0';
        const char *end = strstr(pair->head, "\r\n\r\n");
        const char *length = strcasestr(pair->head, "content-length:");
        if (end == NULL)
            return;
        size_t whole = (size_t)(end - pair->head) + 4;
        if (length != NULL)
            whole += strtoul(length + strlen("content-length:"), NULL, 10);
        size_t have = pair->head_bytes + (bytes - taken);
        pair->body_left = whole > have ? whole - have : 0;
    } else {
        pair->body_left -= bytes < pair->body_left ? bytes : pair->body_left;
    }
    if (pair->body_left == 0)
        answer(proxy, pair);
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
    if (asks && fault == FAULT_ANSWER) {
        take_request(proxy, pair, chunk, (size_t)bytes);
        return true;
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

static struct fault_proxy *proxy_new(void)
{
    struct fault_proxy *proxy = calloc(1, sizeof *proxy);
    assert_non_null(proxy);
    for (size_t i = 0; i < PAIRS_MAX; i++)
        proxy->pairs[i] = (struct pair){.client = -1, .server = -1};
    return proxy;
}

static void begin(struct fault_proxy *proxy, const struct sockaddr *address, socklen_t bytes)
{
    proxy->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy->listener, address, bytes), 0);
    assert_int_equal(listen(proxy->listener, PAIRS_MAX), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
}

struct fault_proxy *fault_proxy_new_tcp(int to_port, int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    struct fault_proxy *proxy = proxy_new();
    proxy->to_port = to_port;
    begin(proxy, (struct sockaddr *)&address, sizeof address);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &bytes), 0);
    *ret_port = ntohs(address.sin_port);
    return proxy;
}

struct fault_proxy *fault_proxy_new(const char *from, const char *to)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct fault_proxy *proxy = proxy_new();
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", from);
    (void)snprintf(proxy->from, sizeof proxy->from, "%s", from);
    (void)snprintf(proxy->to, sizeof proxy->to, "%s", to);
    (void)unlink(from);
    begin(proxy, (struct sockaddr *)&address, sizeof address);
    return proxy;
}

void fault_proxy_free(struct fault_proxy *proxy)
{
    atomic_store(&proxy->closing, true);
    pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < PAIRS_MAX; i++)
        end_pair(&proxy->pairs[i]);
    close(proxy->listener);
    if (proxy->from[0] != '\0')
        (void)unlink(proxy->from);
    free(proxy);
}

void fault_proxy_set(struct fault_proxy *proxy, enum fault fault)
{
    atomic_store(&proxy->fault, fault);
}

void fault_proxy_answer(struct fault_proxy *proxy, unsigned count, const char *status,
                        const char *body)
{
    proxy->status = status;
    proxy->body = body;
    atomic_store(&proxy->answers_left, count);
    atomic_store(&proxy->fault, FAULT_ANSWER);
}

unsigned fault_proxy_answered(struct fault_proxy *proxy)
{
    return atomic_load(&proxy->answered);
}

unsigned fault_proxy_losses(struct fault_proxy *proxy)
{
    return atomic_load(&proxy->losses);
}
