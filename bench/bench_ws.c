/* bench_ws.c - what one WebSocket delivery costs: shared frames to many connections, coalesced.
 *
 * The server loop (CPU 0) queues `frames` shared frames of `bytes` payload to every connection in
 * each turn, as a burst of prices does; a client (CPU 1) reads and throws away. A connection that
 * lags gets nothing until it has drained, as the layer above does it. Prints one JSON line. usage:
 * bench_ws [connections] [frames] [bytes] [seconds] */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/http/http_server.h"
#include "net/http/http_upgrade.h"

#define CONNECTIONS_MAX 16384
#define BYTES_MAX       65536

static const char request[] = "GET /v1/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct subscriber {
    struct ws_handle ws;
    bool lagging;
};

static struct subscriber subscribers[CONNECTIONS_MAX];
static int subscribers_count;
static int connections = 1000, frames = 10, bytes = 200, seconds = 3;
static struct net_address address;
static atomic_bool stop;
static atomic_ulong received_bytes;
static uint64_t lagged, delivered;

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

static void *client(void *unused)
{
    (void)unused;
    static char buffer[1 << 20];
    struct epoll_event events[256];
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(&address, &sockaddr);
    pin(1);
    int epoll = epoll_create1(0);
    for (int i = 0; i < connections; i++) {
        int fd = socket(sockaddr.ss_family, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&sockaddr, size) != 0)
            die("connect");
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (send(fd, request, sizeof request - 1, 0) < 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            die("send");
    }
    while (!atomic_load(&stop)) {
        int count = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < count; i++) {
            ssize_t got = recv(events[i].data.fd, buffer, sizeof buffer, MSG_DONTWAIT);
            if (got > 0)
                atomic_fetch_add(&received_bytes, (unsigned long)got);
        }
    }
    return NULL;
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)owner;
    (void)ws;
    (void)text;
}

static void on_drained(void *owner, struct ws_handle ws)
{
    (void)ws;
    ((struct subscriber *)owner)->lagging = false;
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    (void)ws;
    (void)code;
    ((struct subscriber *)owner)->lagging = true;
}

static const struct ws_callbacks callbacks = {on_text, on_drained, on_closed, NULL};

static void on_request(void *owner, struct http_request *http_request)
{
    (void)owner;
    struct subscriber *subscriber = &subscribers[subscribers_count];
    if (http_upgrade_websocket(http_request, SLICE_NONE, &callbacks, subscriber, &subscriber->ws) ==
        HTTP_UPGRADE_DONE)
        subscribers_count++;
}

static void fan_out(struct shared_bytes *frame)
{
    for (int i = 0; i < subscribers_count; i++) {
        if (subscribers[i].lagging) {
            lagged++;
            continue;
        }
        for (int k = 0; k < frames; k++) {
            enum send_outcome outcome = ws_conn_send_shared(subscribers[i].ws, frame);
            delivered += outcome == SEND_OK || outcome == SEND_LAGGING;
            if (outcome != SEND_OK) {
                subscribers[i].lagging = true;
                break;
            }
        }
    }
}

int main(int argc, char **argv)
{
    int *const settings[] = {&connections, &frames, &bytes, &seconds};
    for (int i = 1; i < argc && i <= 4; i++)
        *settings[i - 1] = (int)strtol(argv[i], NULL, 10);
    if (connections < 1 || connections > CONNECTIONS_MAX || bytes < 1 || bytes > BYTES_MAX)
        return 2;
    struct rlimit files = {65536, 65536};
    (void)setrlimit(RLIMIT_NOFILE, &files); /* fewer: connect says so */
    static char payload[BYTES_MAX];
    memset(payload, 'x', sizeof payload);
    struct loop *loop;
    struct http_server *server;
    struct shared_bytes *frame;
    struct net_limits limits = net_limits_default();
    struct http_handlers handlers = {NULL, NULL, on_request};
    if (net_address_parse(SLICE("127.0.0.1:0"), &address) < 0 || loop_new(&loop) < 0 ||
        ws_frame_shared_text(slice_of(payload, (size_t)bytes), &frame) < 0 ||
        http_server_new(loop, &limits, &server) < 0 ||
        http_server_listen(server, &address, &handlers, &address) < 0)
        die("server");
    pin(0);
    pthread_t thread;
    if (pthread_create(&thread, NULL, client, NULL) != 0)
        die("thread");
    while (subscribers_count < connections)
        (void)loop_run_once(loop, 100000);
    const struct net_stats *stats = http_server_stats(server);
    uint64_t writes = stats->writes, turns = loop_turns(loop);
    double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID), from = seconds_of(CLOCK_MONOTONIC);
    while (seconds_of(CLOCK_MONOTONIC) < from + seconds) {
        fan_out(frame);
        (void)loop_run_once(loop, 0);
    }
    cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    double wall = seconds_of(CLOCK_MONOTONIC) - from;
    printf("{\"bench\":\"ws\",\"connections\":%d,\"frames_per_turn\":%d,\"payload_bytes\":%d,"
           "\"deliveries_per_second\":%.0f,\"server_cpu_us_per_delivery\":%.3f,"
           "\"deliveries_per_write\":%.1f,\"turns_per_second\":%.0f,\"lagging_share\":%.3f}\n",
           connections, frames, bytes, (double)delivered / wall, cpu * 1e6 / (double)delivered,
           (double)delivered / (double)(stats->writes - writes),
           (double)(loop_turns(loop) - turns) / wall,
           (double)lagged / ((double)lagged + (double)delivered / frames));
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    http_server_free(server);
    shared_bytes_give(frame);
    loop_free(loop);
    return 0;
}
