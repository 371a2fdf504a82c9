/* bench_http.c - what one HTTP request costs the server: 300-byte answers over keep-alive loopback.
 *
 * The server loop runs on CPU 0, a client with its own epoll on CPU 1; every connection has
 * `depth` requests in flight. Prints one JSON line: requests a second, and the CPU time of the
 * server thread per request (the number that the budget of a REST read is about).
 * usage: bench_http [connections] [depth] [seconds]; one connection with depth 1 is the unpipelined
 * ping-pong. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/http/http_reply.h"
#include "net/http/http_server.h"

#define BODY_BYTES      300
#define CONNECTIONS_MAX 1024
#define DEPTH_MAX       64

static const char request[] = "GET /v1/odds/1.23456789 HTTP/1.1\r\nHost: localhost:8080\r\n"
                              "User-Agent: bench\r\nAccept: application/json\r\n\r\n";

static char body[BODY_BYTES];
static struct net_address address;
static int connections = 64, depth = 1;
static atomic_bool stop;
static atomic_ulong answers;

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set); /* fewer CPUs: unpinned */
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- the client: every answer has the same size, so counting bytes is enough ---- */

static int connect_one(void)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(&address, &sockaddr);
    int fd = socket(sockaddr.ss_family, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sockaddr, size) != 0)
        die("connect");
    return fd;
}

static size_t learn_answer_bytes(int fd)
{
    char text[4096];
    size_t got = 0;
    if (send(fd, request, sizeof request - 1, 0) < 0)
        die("send");
    for (;;) {
        ssize_t bytes = recv(fd, text + got, sizeof text - 1 - got, 0);
        if (bytes <= 0)
            die("recv");
        got += (size_t)bytes;
        text[got] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        if (end != NULL && got >= (size_t)(end + 4 - text) + BODY_BYTES)
            return got;
    }
}

struct client_conn {
    int fd;
    size_t bytes; /* of the answer in progress */
};

static void send_requests(int fd, size_t count)
{
    static char many[DEPTH_MAX * sizeof request];
    for (size_t i = 0; i < count; i++)
        memcpy(many + i * (sizeof request - 1), request, sizeof request - 1);
    size_t bytes = count * (sizeof request - 1);
    if (send(fd, many, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        die("send");
}

static void *client(void *unused)
{
    (void)unused;
    static struct client_conn conns[CONNECTIONS_MAX];
    static char buffer[256 * 1024];
    struct epoll_event events[256];
    pin(1);
    int epoll = epoll_create1(0);
    size_t answer_bytes = 0;
    for (int i = 0; i < connections; i++) {
        conns[i].fd = connect_one();
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &conns[i]};
        answer_bytes = learn_answer_bytes(conns[i].fd);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, conns[i].fd, &event) != 0)
            die("epoll_ctl");
        send_requests(conns[i].fd, (size_t)depth);
    }
    while (!atomic_load(&stop)) {
        int count = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < count; i++) {
            struct client_conn *conn = events[i].data.ptr;
            ssize_t got = recv(conn->fd, buffer, sizeof buffer, MSG_DONTWAIT);
            if (got <= 0)
                die("recv");
            conn->bytes += (size_t)got;
            size_t done = conn->bytes / answer_bytes;
            conn->bytes %= answer_bytes;
            atomic_fetch_add(&answers, done);
            if (done > 0)
                send_requests(conn->fd, done);
        }
    }
    return NULL;
}

/* ---- the server ---- */

static void on_request(void *owner, struct http_request *http_request)
{
    (void)owner;
    http_reply(http_request->reply_to, 200, SLICE("application/json"),
               SLICE("ETag: \"4294967297\"\r\n"), slice_of(body, sizeof body));
}

int main(int argc, char **argv)
{
    double seconds = 3;
    if (argc > 1)
        connections = (int)strtol(argv[1], NULL, 10);
    if (argc > 2)
        depth = (int)strtol(argv[2], NULL, 10);
    if (argc > 3)
        seconds = (double)strtol(argv[3], NULL, 10);
    if (connections < 1 || connections > CONNECTIONS_MAX || depth < 1 || depth > DEPTH_MAX)
        return 2;
    memset(body, 'x', sizeof body);
    struct loop *loop;
    struct http_server *server;
    struct net_limits limits = net_limits_default();
    struct http_handlers handlers = {NULL, NULL, on_request};
    if (net_address_parse(SLICE("127.0.0.1:0"), &address) < 0 || loop_new(&loop) < 0 ||
        http_server_new(loop, &limits, &server) < 0 ||
        http_server_listen(server, &address, &handlers, &address) < 0)
        die("server");
    pin(0);
    pthread_t thread;
    if (pthread_create(&thread, NULL, client, NULL) != 0)
        die("thread");
    double begin = seconds_of(CLOCK_MONOTONIC), warm = begin + 0.5;
    while (seconds_of(CLOCK_MONOTONIC) < warm)
        (void)loop_run_once(loop, 100000);
    unsigned long first = atomic_load(&answers);
    double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID), from = seconds_of(CLOCK_MONOTONIC);
    uint64_t requests = http_server_stats(server)->requests;
    uint64_t turns = loop_turns(loop);
    while (loop_now(loop).us < (int64_t)((from + seconds) * 1e6))
        (void)loop_run_once(loop, 100000);
    requests = http_server_stats(server)->requests - requests;
    cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    double wall = seconds_of(CLOCK_MONOTONIC) - from;
    unsigned long done = atomic_load(&answers) - first;
    printf("{\"bench\":\"http\",\"connections\":%d,\"depth\":%d,\"requests_per_second\":%.0f,"
           "\"server_cpu_us_per_request\":%.2f,\"requests_per_turn\":%.1f}\n",
           connections, depth, (double)done / wall, cpu * 1e6 / (double)requests,
           (double)requests / (double)(loop_turns(loop) - turns));
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    http_server_free(server);
    loop_free(loop);
    return 0;
}
