/* ref_fanout.c - the bare sender: what the kernel lets anybody reach when one frame goes to many.
 *
 *   bench-ref-fanout RATE FRAME_BYTES [WINDOW_MS [MODE]]
 *
 * Prints its URL, takes WebSocket subscribers on any path, and sends all of them the same text
 * frame RATE times a second, numbered and stamped as a delta of the server is, with FRAME_BYTES of
 * payload. All frames that are due together are one send() for each connection; what the kernel
 * does not take waits in a buffer. RATE 0: one frame for each byte on standard input.
 * WINDOW_MS: what is due waits so long for others. MODE: "send", or how io_uring sends
 * (ref_uring.h). No parsing,
 * no channels, no limits but that one: not a server.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "net/ws/ws_frame.h"
#include "net/ws/ws_handshake.h"
#include "ref_listen.h"
#include "ref_uring.h"

#define CONNECTIONS_MAX  16384
#define REQUEST_BYTES    4096
#define WAITING_BYTES    (256 * 1024)
#define FRAME_BYTES_MAX  4096
#define BURST_MAX        256
#define FRAMES_BYTES_MAX (BURST_MAX * (FRAME_BYTES_MAX + 256))

enum step { STEP_REQUEST, STEP_OPEN, STEP_SUBSCRIBED };

struct peer {
    int fd;
    enum step step;
    size_t have;    /* bytes of the request */
    size_t waiting; /* bytes that the kernel did not take */
    char *text;     /* the request, later what waits */
};

static struct peer peers[CONNECTIONS_MAX], asker;
static size_t peers_count;
static int epoll_fd;
static uint64_t seq = 1, dropped;
static bool by_uring;

static int64_t clock_us(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * US_PER_SECOND + at.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void keep_rest(struct peer *peer, struct slice rest)
{
    if (rest.bytes == 0)
        return;
    if (peer->waiting + rest.bytes > WAITING_BYTES) {
        dropped++;
        return;
    }
    memcpy(peer->text + peer->waiting, rest.at, rest.bytes);
    if (peer->waiting == 0) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = peer};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, peer->fd, &event);
    }
    peer->waiting += rest.bytes;
}

static void send_bytes(struct peer *peer, const char *at, size_t bytes)
{
    ssize_t sent = peer->waiting > 0 ? 0 : send(peer->fd, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        sent = 0; /* full, or gone: the read side sees the latter */
    keep_rest(peer, slice_of(at + sent, bytes - (size_t)sent));
}

static void send_waiting(struct peer *peer)
{
    ssize_t sent = send(peer->fd, peer->text, peer->waiting, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0)
        return;
    peer->waiting -= (size_t)sent;
    memmove(peer->text, peer->text + sent, peer->waiting);
    if (peer->waiting == 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, peer->fd, &event);
    }
}

static void accept_peer(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return;
    if (peers_count == CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    struct peer *peer = &peers[peers_count++];
    *peer = (struct peer){.fd = fd, .text = malloc(WAITING_BYTES)};
    if (peer->text == NULL)
        die("memory");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (by_uring)
        ref_uring_add((uint32_t)(peer - peers), fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void answer_request(struct peer *peer)
{
    char answer[256];
    const char *key = strcasestr(peer->text, "sec-websocket-key: ");
    if (strstr(peer->text, "\r\n\r\n") == NULL || key == NULL)
        return;
    char accept[WS_ACCEPT_BYTES];
    ws_handshake_accept(slice_of(key + 19, WS_KEY_BYTES), accept);
    int bytes = snprintf(answer, sizeof answer,
                         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
                         WS_ACCEPT_BYTES, accept);
    peer->step = STEP_OPEN;
    send_bytes(peer, answer, (size_t)bytes);
}

static void send_snapshot(struct peer *peer)
{
    char frame[256], text[128];
    int bytes = snprintf(text, sizeof text,
                         "{\"op\":\"snapshot\",\"channel\":\"market:1.7000\",\"seq\":%llu,"
                         "\"markets\":[]}",
                         (unsigned long long)seq);
    size_t head = ws_frame_header(frame, WS_OPCODE_TEXT, (size_t)bytes, NULL);
    memcpy(frame + head, text, (size_t)bytes);
    send_bytes(peer, frame, head + (size_t)bytes);
    peer->step = STEP_SUBSCRIBED;
}

static void forget(struct peer *peer)
{
    if (by_uring)
        ref_uring_remove((uint32_t)(peer - peers));
    close(peer->fd);
    peer->step = STEP_REQUEST; /* its place stays empty: the run is short */
    peer->fd = -1;
    peer->waiting = 0;
}

static void read_peer(struct peer *peer)
{
    static char ignored[65536];
    bool request = peer->step == STEP_REQUEST;
    ssize_t got = recv(peer->fd, request ? peer->text + peer->have : ignored,
                       request ? REQUEST_BYTES - 1 - peer->have : sizeof ignored, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        forget(peer);
        return;
    }
    if (got < 0)
        return;
    if (request) {
        peer->have += (size_t)got;
        peer->text[peer->have] = '\0';
        answer_request(peer);
    } else if (peer->step == STEP_OPEN) {
        send_snapshot(peer); /* whatever it said: it can only have subscribed */
    }
}

/* The frames that are due, one behind the other. */
static size_t make_frames(char *to, uint64_t count, size_t payload_bytes)
{
    char stamp[RFC3339_BYTES_MAX], text[FRAME_BYTES_MAX + 256];
    size_t used = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct buf at = buf_over(stamp, sizeof stamp);
        rfc3339_write(&at, (struct instant){clock_us(CLOCK_REALTIME)});
        int bytes = snprintf(text, sizeof text,
                             "{\"op\":\"delta\",\"channel\":\"market:1.7000\",\"seq\":%llu,"
                             "\"updated_at\":\"%.*s\",\"filling\":\"",
                             (unsigned long long)++seq, (int)at.bytes, stamp);
        size_t fill = payload_bytes > (size_t)bytes + 2 ? payload_bytes - (size_t)bytes - 2 : 0;
        memset(text + bytes, 'x', fill);
        memcpy(text + (size_t)bytes + fill, "\"}", 2);
        size_t all = (size_t)bytes + fill + 2;
        used += ws_frame_header(to + used, WS_OPCODE_TEXT, all, NULL);
        memcpy(to + used, text, all);
        used += all;
    }
    return used;
}

/* What goes out now. */
static struct slice flushed;

static void on_uring_sent(uint32_t number, ssize_t sent)
{
    if (sent < 0)
        sent = 0;
    keep_rest(&peers[number], slice_skip(flushed, (size_t)sent));
}

static void send_to_all(char *frames, size_t bytes)
{
    flushed = slice_of(frames, bytes);
    for (size_t i = 0; i < peers_count; i++) {
        if (peers[i].step != STEP_SUBSCRIBED)
            continue;
        if (!by_uring || peers[i].waiting > 0)
            send_bytes(&peers[i], frames, bytes);
        else
            ref_uring_send((uint32_t)i, bytes);
    }
    if (by_uring)
        ref_uring_flush();
}

/* Bytes on standard input, from 0 on, each of which asks for a frame. */
static uint64_t read_asked(void)
{
    char asked[256];
    ssize_t got = read(STDIN_FILENO, asked, sizeof asked);
    if (got == 0)
        exit(0);
    return got > 0 ? (uint64_t)got : 0;
}

static uint64_t handle(int listener, int wait_ms)
{
    uint64_t asked = 0;
    struct epoll_event events[256];
    int count = epoll_wait(epoll_fd, events, 256, wait_ms);
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        if (peer == NULL || peer == &asker) {
            if (peer == NULL)
                accept_peer(listener);
            else
                asked += read_asked();
            continue;
        }
        if ((events[i].events & EPOLLOUT) != 0 && peer->fd >= 0)
            send_waiting(peer);
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && peer->fd >= 0)
            read_peer(peer);
    }
    return asked;
}

static void await_asking(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &asker};
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0)
        die("epoll: standard input");
}

int main(int argc, char **argv)
{
    static char memory[FRAMES_BYTES_MAX];
    uint64_t rate = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, sent = 0, asked = 0;
    size_t payload_bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 250;
    int64_t window_us = argc > 3 ? strtoll(argv[3], NULL, 10) * US_PER_MS : 0, flushed_us = 0;
    struct rlimit files;
    if (argc < 2 || payload_bytes > FRAME_BYTES_MAX) {
        fprintf(stderr, "usage: bench-ref-fanout RATE FRAME_BYTES [WINDOW_MS [MODE]]\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    by_uring = argc > 4 && strcmp(argv[4], "send") != 0;
    if (by_uring && !ref_uring_begin(argv[4], CONNECTIONS_MAX, FRAMES_BYTES_MAX, on_uring_sent)) {
        fprintf(stderr, "bench-ref-fanout: no %s here\n", argv[4]);
        return 3;
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = ref_listen("http://");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (listener < 0 || epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0)
        die("epoll");
    if (rate == 0)
        await_asking();
    int64_t begin_us = clock_us(CLOCK_MONOTONIC);
    for (;;) {
        int64_t now_us = clock_us(CLOCK_MONOTONIC);
        uint64_t due = (uint64_t)(now_us - begin_us) * rate / US_PER_SECOND + asked;
        uint64_t now = due - sent > BURST_MAX ? BURST_MAX : due - sent;
        bool more = due - sent > now;
        if (now > 0 && now_us - flushed_us >= window_us) {
            char *frames = by_uring ? ref_uring_buffer() : memory;
            size_t bytes = make_frames(frames, now, payload_bytes);
            sent += now;
            flushed_us = now_us;
            send_to_all(frames, bytes);
        }
        asked += handle(listener, more ? 0 : 1);
    }
}
