/* churn.c - customers who come and go, as fast as they can: COUNT connections to a server, AT_ONCE
 * at a time, each from another address of 127.0.0.0/8, by chance
 *   touch   connects and closes
 *   visit   opens a WebSocket, follows a market, reads its snapshot, and leaves in an orderly way
 *   leave   the same, and closes without a close frame
 *   reset   the same, and breaks off (RST) with unread input
 *   half    sends half of a handshake, stays for a while, and breaks off
 *   stuck   sends half of a handshake, and stays until the server has had enough
 *   vanish  as visit, but then nothing comes from it any more, not even an acknowledgement: its
 *           socket has a mark whose packets somebody must drop (tests/e2e/lib/netns.py)
 * Prints one JSON line: how many of each, how many went otherwise than they should, and the time.
 * usage: churn PORT MARKET COUNT AT_ONCE SEED STUCK_PER_MILLION VANISH_PER_MILLION */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/prng.h"
#include "net/ws/ws_frame.h"

#define AT_ONCE_MAX  8192
#define INPUT_BYTES  4096
#define EVENTS       256
#define HALF_STAY_US 50000
#define VANISH_US    5000000 /* the server must have given up by then: --ping-ms and --pong-ms */
#define SILENT_MARK  0x66
#define PATIENCE_US  60000000 /* of one visitor: then it has failed */

enum kind { TOUCH = 0, VISIT, LEAVE, RESET, HALF, STUCK, VANISH };
#define KINDS 7
static const char *const names[KINDS] = {"touch", "visit", "leave", "reset",
                                         "half",  "stuck", "vanish"};

enum stage { AWAY = 0, CONNECTING, WAITING, STAYING, CLOSING };

struct visitor {
    int fd;
    enum kind kind;
    enum stage stage;
    int64_t due_us; /* STAYING: goes; else: has failed */
    size_t bytes;
    char input[INPUT_BYTES];
};

static struct visitor visitors[AT_ONCE_MAX];
static uint64_t counts[KINDS], failed, begun, ended, count;
static int epoll;
static struct sockaddr_in server = {.sin_family = AF_INET};
static struct prng prng;
static uint64_t stuck_per_million, vanish_per_million;
static char request[512], close_frame[16];
static size_t request_bytes, head_bytes, close_bytes;
static char snapshot[128];

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The handshake and, in the same piece, what is asked for. */
static void write_request(const char *market)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    char text[256];
    int head = snprintf(request, sizeof request,
                        "GET /v1/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    int bytes =
        snprintf(text, sizeof text, "{\"op\":\"subscribe\",\"channels\":[\"market:%s\"]}", market);
    (void)snprintf(snapshot, sizeof snapshot, "\"channel\":\"market:%s\"", market);
    head_bytes = request_bytes = (size_t)head;
    request_bytes += ws_frame_header(request + request_bytes, WS_OPCODE_TEXT, (size_t)bytes, mask);
    memcpy(request + request_bytes, text, (size_t)bytes);
    ws_frame_mask(request + request_bytes, (size_t)bytes, mask, 0);
    request_bytes += (size_t)bytes;
    close_bytes = ws_frame_header(close_frame, WS_OPCODE_CLOSE, 2, mask);
    close_frame[close_bytes] = 0x03;
    close_frame[close_bytes + 1] = (char)0xe8;
    ws_frame_mask(close_frame + close_bytes, 2, mask, 0);
    close_bytes += 2;
}

static enum kind choose(void)
{
    if (prng_below(&prng, 1000000) < stuck_per_million)
        return STUCK;
    if (prng_below(&prng, 1000000) < vanish_per_million)
        return VANISH;
    uint64_t throw = prng_below(&prng, 100);
    return throw < 30 ? TOUCH : throw < 55 ? VISIT : throw < 70 ? LEAVE : throw < 90 ? RESET : HALF;
}

static void come(struct visitor *visitor)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;
    /* Not 127.0.0.1 and not a broadcast: the other 16 million. */
    source.sin_addr.s_addr = htonl(0x7f010000u + (uint32_t)prng_below(&prng, 0xfd0000));
    visitor->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    visitor->kind = choose();
    visitor->stage = CONNECTING;
    visitor->bytes = 0;
    visitor->due_us = now_us() + PATIENCE_US;
    counts[visitor->kind]++;
    begun++;
    (void)setsockopt(visitor->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = visitor};
    if (visitor->fd < 0 || bind(visitor->fd, (struct sockaddr *)&source, sizeof source) != 0 ||
        (connect(visitor->fd, (struct sockaddr *)&server, sizeof server) != 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, visitor->fd, &event) != 0) {
        perror("churn: connect");
        exit(1);
    }
}

static void go(struct visitor *visitor, bool broken_off, bool well)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (broken_off)
        (void)setsockopt(visitor->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(visitor->fd);
    visitor->stage = AWAY;
    failed += !well;
    ended++;
}

static void say(struct visitor *visitor, const char *at, size_t bytes)
{
    if (send(visitor->fd, at, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        go(visitor, true, false);
}

static void on_connected(struct visitor *visitor)
{
    switch (visitor->kind) {
    case TOUCH:
        go(visitor, false, true);
        return;
    case VISIT:
    case LEAVE:
    case RESET:
    case VANISH:
        visitor->stage = WAITING;
        say(visitor, request, request_bytes);
        return;
    case HALF:
    case STUCK:
        visitor->stage = STAYING;
        visitor->due_us = now_us() + (visitor->kind == HALF ? HALF_STAY_US : PATIENCE_US);
        say(visitor, request, 1 + prng_below(&prng, head_bytes - 1));
        return;
    }
}

/* It stays here, so that the kernel answers nothing on its behalf. */
static void vanish(struct visitor *visitor)
{
    int mark = SILENT_MARK;
    if (setsockopt(visitor->fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
        perror("churn: SO_MARK");
        exit(1);
    }
    visitor->stage = STAYING;
    visitor->due_us = now_us() + VANISH_US;
}

static void on_snapshot(struct visitor *visitor)
{
    if (visitor->kind == VANISH) {
        vanish(visitor);
        return;
    }
    if (visitor->kind != VISIT) {
        go(visitor, visitor->kind == RESET, true);
        return;
    }
    visitor->stage = CLOSING;
    say(visitor, close_frame, close_bytes);
}

static void on_input(struct visitor *visitor)
{
    while (visitor->stage != AWAY) {
        size_t room = INPUT_BYTES - visitor->bytes;
        ssize_t got = recv(visitor->fd, visitor->input + visitor->bytes, room, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            /* We were hung up on; it was due after a close frame, and for who got stuck. */
            go(visitor, false, visitor->stage == CLOSING || visitor->kind == STUCK);
            return;
        }
        visitor->bytes += (size_t)got;
        if (visitor->stage == WAITING &&
            memmem(visitor->input, visitor->bytes, snapshot, strlen(snapshot)) != NULL)
            on_snapshot(visitor);
        else if (visitor->bytes == INPUT_BYTES)
            visitor->bytes = 0; /* prices behind the snapshot */
    }
}

static void on_event(struct visitor *visitor, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (visitor->stage == CONNECTING && (events & (EPOLLOUT | EPOLLERR)) != 0) {
        (void)getsockopt(visitor->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0)
            go(visitor, false, false);
        else
            on_connected(visitor);
    }
    if (visitor->stage >= WAITING && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        on_input(visitor);
}

static bool has_vanished(const struct visitor *visitor)
{
    return visitor->kind == VANISH && visitor->stage == STAYING;
}

/* Those who have stayed long enough go; the empty places are taken by others. */
static void tend(size_t at_once)
{
    int64_t now = now_us();
    for (size_t i = 0; i < at_once; i++) {
        struct visitor *visitor = &visitors[i];
        if (visitor->stage != AWAY && visitor->due_us <= now)
            go(visitor, true, visitor->kind == HALF || has_vanished(visitor));
        if (visitor->stage == AWAY && begun < count)
            come(visitor);
    }
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    write_request(argv[2]);
    count = strtoull(argv[3], NULL, 10);
    size_t at_once = strtoul(argv[4], NULL, 10);
    prng_seed(&prng, strtoull(argv[5], NULL, 10));
    stuck_per_million = strtoull(argv[6], NULL, 10);
    vanish_per_million = strtoull(argv[7], NULL, 10);
    if (at_once == 0 || at_once > AT_ONCE_MAX)
        return 2;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int64_t from = now_us();
    while (ended < count) {
        struct epoll_event events[EVENTS];
        tend(at_once);
        int ready = epoll_wait(epoll, events, EVENTS, 1);
        for (int i = 0; i < ready; i++)
            on_event(events[i].data.ptr, events[i].events);
    }
    printf("{\"connections\":%llu,\"failed\":%llu,\"seconds\":%.1f", (unsigned long long)ended,
           (unsigned long long)failed, (double)(now_us() - from) / 1e6);
    for (int i = 0; i < KINDS; i++)
        printf(",\"%s\":%llu", names[i], (unsigned long long)counts[i]);
    printf("}\n");
    return failed > 0 ? 1 : 0;
}
