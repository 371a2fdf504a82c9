/* crowd.c - many subscribers and one publisher of any server, whatever it speaks.
 *
 *   bench-crowd SUBSCRIBE_AT PUBLISH_AT PIDS CLIENTS RATE SECONDS FOLDER
 *
 * FOLDER holds what is said, as bytes: each client sends `hello`, waits for an empty line, sends
 * `subscribe`; the publisher sends `publisher`, and then messages, each of them `before`, the
 * payload, `after`. The payload is JSON of PAYLOAD_BYTES with the moment of its publication in
 * updated_at, and deliveries are found in the streams by that member alone. PUBLISH_AT "-": who
 * publishes is another process, told by bytes on standard output (RATE 0) or by itself.
 * RATE 0: one at a time, the next message when all clients have the last. Reports as JSON on
 * standard error. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/histogram.h"
#include "base/rfc3339.h"
#include "load/load_process.h"
#include "net/stream/net_address.h"

#define CLIENTS_MAX   16384
#define SAID_MAX      4096
#define PAYLOAD_BYTES 250
#define STAMP_BYTES   27 /* 2026-11-28T04:36:47.200501Z */
#define CARRY_MAX     64
#define READ_BYTES    (256 * 1024)
#define SERVERS_MAX   16
#define BURST_MAX     64
#define WARMUP_US     1500000
#define MARK          "\"updated_at\":\""
#define MARK_BYTES    (sizeof MARK - 1)

struct said {
    char at[SAID_MAX];
    size_t bytes;
};

struct client {
    int fd;
    size_t carried; /* the end of what was read, where a mark may have begun */
    char carry[CARRY_MAX];
};

static struct client clients[CLIENTS_MAX];
static struct net_address subscribe_at, publish_at;
static struct said before, after;
static int clients_count, epoll_fd, publisher_fd = -1;
static uint64_t rate, deliveries, published, awaited;
static pid_t servers[SERVERS_MAX];
static int servers_count;
static bool measuring;
static int64_t asked_us;
static struct histogram latency_us, round_us;

static void die(const char *what)
{
    fprintf(stderr, "bench-crowd: %s: %s\n", what, errno != 0 ? strerror(errno) : "unexpected");
    exit(1);
}

static void read_said(const char *folder, const char *name, struct said *ret)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ret->bytes = file != NULL ? fread(ret->at, 1, sizeof ret->at, file) : 0;
    if (file == NULL || ret->bytes == sizeof ret->at)
        die(path);
    fclose(file);
}

static int connect_to(const struct net_address *address)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(address, &sockaddr);
    int fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&sockaddr, size) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void say(int fd, const char *at, size_t bytes)
{
    if (send(fd, at, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        die("send");
}

/* To the empty line, byte by byte: what is behind it is a message already. */
static void await_empty_line(int fd)
{
    char last[4] = "";
    while (memcmp(last, "\r\n\r\n", 4) != 0) {
        memmove(last, last + 1, 3);
        if (recv(fd, last + 3, 1, 0) != 1)
            die("the answer to hello");
    }
}

static void open_clients(const char *folder)
{
    struct said hello, subscribe;
    read_said(folder, "hello", &hello);
    read_said(folder, "subscribe", &subscribe);
    for (int i = 0; i < clients_count; i++) {
        struct client *client = &clients[i];
        client->fd = connect_to(&subscribe_at);
        say(client->fd, hello.at, hello.bytes);
        await_empty_line(client->fd);
        say(client->fd, subscribe.at, subscribe.bytes);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event) != 0)
            die("epoll_ctl");
    }
}

static void open_publisher(const char *folder)
{
    struct said publisher;
    read_said(folder, "publisher", &publisher);
    read_said(folder, "before", &before);
    read_said(folder, "after", &after);
    publisher_fd = connect_to(&publish_at);
    say(publisher_fd, publisher.at, publisher.bytes);
}

/* ---- publishing ---- */

static size_t put_message(char *to)
{
    char stamp[RFC3339_BYTES_MAX], payload[PAYLOAD_BYTES + 1];
    struct buf at = buf_over(stamp, sizeof stamp);
    rfc3339_write(&at, load_process_wall());
    int head = snprintf(payload, sizeof payload,
                        "{\"op\":\"delta\",\"channel\":\"market:1.7000\",\"seq\":%010llu," MARK
                        "%.*s\",\"filling\":\"",
                        (unsigned long long)published, (int)at.bytes, stamp);
    memset(payload + head, 'x', PAYLOAD_BYTES - (size_t)head);
    memcpy(payload + PAYLOAD_BYTES - 2, "\"}", 2);
    memcpy(to, before.at, before.bytes);
    memcpy(to + before.bytes, payload, PAYLOAD_BYTES);
    memcpy(to + before.bytes + PAYLOAD_BYTES, after.at, after.bytes);
    return before.bytes + PAYLOAD_BYTES + after.bytes;
}

static void publish(uint64_t count)
{
    static char messages[BURST_MAX * (2 * SAID_MAX + PAYLOAD_BYTES)];
    size_t bytes = 0;
    for (uint64_t i = 0; i < count; i++, published++)
        bytes += put_message(messages + bytes);
    say(publisher_fd, messages, bytes);
}

static void ask_next(void)
{
    awaited = (uint64_t)clients_count;
    asked_us = load_process_now().us;
    if (publisher_fd >= 0)
        publish(1);
    else if (write(STDOUT_FILENO, "x", 1) != 1)
        die("the publisher is gone");
}

/* ---- receiving ---- */

static void take_delivery(const char *stamp)
{
    static char known[STAMP_BYTES];
    static struct instant known_at;
    if (memcmp(known, stamp, STAMP_BYTES) != 0) { /* the same message comes to all */
        memcpy(known, stamp, STAMP_BYTES);
        if (rfc3339_parse(slice_of(stamp, STAMP_BYTES), &known_at) < 0)
            die("updated_at");
    }
    if (awaited > 0)
        awaited--;
    if (!measuring)
        return;
    int64_t us = load_process_wall().us - known_at.us;
    histogram_record(&latency_us, us > 0 ? (uint64_t)us : 0);
    deliveries++;
}

/* Between two messages may stand a ping, without a payload, that wants its answer. */
static void answer_ping(const struct client *client, const char *from, const char *to)
{
    static const char pong[6] = "\x8a\x80";
    if (memmem(from, (size_t)(to - from), "\x89\0", 2) != NULL)
        say(client->fd, pong, sizeof pong);
}

/* Messages of one server have one size: the next mark is looked for where it should be first. */
static const char *find_mark(const char *from, const char *end, size_t stride)
{
    if (stride > 0 && (size_t)(end - from) >= stride + MARK_BYTES &&
        memcmp(from + stride, MARK, MARK_BYTES) == 0)
        return from + stride;
    return memmem(from, (size_t)(end - from), MARK, MARK_BYTES);
}

static void take_bytes(struct client *client)
{
    static char memory[CARRY_MAX + READ_BYTES];
    static size_t stride;
    memcpy(memory, client->carry, client->carried);
    ssize_t got = recv(client->fd, memory + client->carried, READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        die("a connection ended");
    const char *end = memory + client->carried + got, *at = memory, *mark, *last = NULL;
    size_t ahead = 0; /* from behind a stamp to the next mark */
    while ((mark = find_mark(at, end, ahead)) != NULL &&
           (size_t)(end - mark) >= MARK_BYTES + STAMP_BYTES) {
        if (mark != at + ahead)
            answer_ping(client, at, mark);
        if (last != NULL)
            stride = (size_t)(mark - last);
        take_delivery(mark + MARK_BYTES);
        last = mark;
        at = mark + MARK_BYTES + STAMP_BYTES;
        ahead = stride > MARK_BYTES + STAMP_BYTES ? stride - MARK_BYTES - STAMP_BYTES : 0;
    }
    if (mark == NULL)
        mark = (size_t)(end - at) < MARK_BYTES ? at : end - (MARK_BYTES - 1);
    client->carried = (size_t)(end - mark);
    memmove(client->carry, mark, client->carried);
}

static void publish_due(int64_t begin_us, uint64_t first)
{
    if (rate == 0 || publisher_fd < 0)
        return;
    uint64_t due =
        first + (uint64_t)(load_process_now().us - begin_us) * rate / US_PER_SECOND - published;
    if (due > 0)
        publish(due < BURST_MAX ? due : BURST_MAX);
}

static void run_until(int64_t until_us)
{
    struct epoll_event events[512];
    int64_t begin_us = load_process_now().us;
    uint64_t first = published;
    while (load_process_now().us < until_us) {
        publish_due(begin_us, first);
        int count = epoll_wait(epoll_fd, events, 512, 1);
        for (int i = 0; i < count; i++) {
            take_bytes(events[i].data.ptr);
            if (i % 64 == 63)
                publish_due(begin_us, first);
        }
        if (rate > 0 || awaited > 0)
            continue;
        if (asked_us > 0 && measuring)
            histogram_record(&round_us, (uint64_t)(load_process_now().us - asked_us));
        ask_next();
    }
}

/* ---- the report ---- */

static int64_t servers_us(void)
{
    int64_t sum = 0;
    for (int i = 0; i < servers_count; i++)
        sum += load_process_cpu_us(servers[i]);
    return sum;
}

static void measure(int64_t seconds)
{
    run_until(load_process_now().us + WARMUP_US);
    uint64_t first = published;
    int64_t begin_us = load_process_now().us, cpu_us = servers_us();
    int64_t own_us = load_process_thread_us();
    measuring = true;
    run_until(begin_us + seconds * US_PER_SECOND);
    double took = (double)(load_process_now().us - begin_us), all = (double)deliveries;
    cpu_us = servers_us() - cpu_us;
    own_us = load_process_thread_us() - own_us;
    fprintf(stderr,
            "{\"clients\":%d,\"rate\":%llu,\"published\":%llu,\"deliveries\":%llu,"
            "\"deliveries_per_s\":%.0f,\"server_cpu_us_per_delivery\":%.3f,"
            "\"server_cpu_share\":%.3f,\"generator_cpu_share\":%.3f,"
            "\"latency_us\":{\"p50\":%llu,\"p99\":%llu},\"round_us\":{\"p50\":%llu,"
            "\"p99\":%llu}}\n",
            clients_count, (unsigned long long)rate, (unsigned long long)(published - first),
            (unsigned long long)deliveries, all / took * 1e6, all > 0 ? (double)cpu_us / all : 0.0,
            (double)cpu_us / took, (double)own_us / took,
            (unsigned long long)histogram_percentile(&latency_us, 5000),
            (unsigned long long)histogram_percentile(&latency_us, 9900),
            (unsigned long long)histogram_percentile(&round_us, 5000),
            (unsigned long long)histogram_percentile(&round_us, 9900));
}

int main(int argc, char **argv)
{
    if (argc != 8 || net_address_parse(slice_text(argv[1]), &subscribe_at) < 0) {
        fprintf(stderr, "usage: bench-crowd SUBSCRIBE_AT PUBLISH_AT PIDS CLIENTS RATE SECONDS "
                        "FOLDER\n");
        return 2;
    }
    for (char *at = argv[3]; *at != '\0' && servers_count < SERVERS_MAX; at += *at == ',')
        servers[servers_count++] = (pid_t)strtol(at, &at, 10);
    clients_count = (int)strtol(argv[4], NULL, 10);
    rate = strtoull(argv[5], NULL, 10);
    if (clients_count < 1 || clients_count > CLIENTS_MAX)
        return 2;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* refused: fewer clients can be opened */
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    open_clients(argv[7]);
    if (net_address_parse(slice_text(argv[2]), &publish_at) == 0)
        open_publisher(argv[7]);
    run_until(load_process_now().us + (rate > 0 ? 0 : 500000)); /* snapshots are no deliveries */
    measure(strtol(argv[6], NULL, 10));
    return 0;
}
