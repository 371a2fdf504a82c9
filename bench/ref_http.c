/* ref_http.c - the bare responder: what the kernel lets anybody reach who answers small requests.
 *
 *   bench-ref-http ANSWER_BYTES
 *
 * Prints its address, and answers each request with the same ANSWER_BYTES: one recv and one send
 * for whatever came together. A request ends with an empty line; nothing else of it is looked at.
 * No limits, no routes, no clock: not a server. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ref_listen.h"

#define ANSWER_BYTES_MAX  65536
#define PIPELINE_MAX      64
#define CONNECTIONS_MAX   4096
#define RECEIVE_BYTES_MAX 65536

static char answers[PIPELINE_MAX * ANSWER_BYTES_MAX];
static unsigned ends[CONNECTIONS_MAX]; /* of CR LF CR LF, how much has come; by descriptor */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void make_answers(size_t bytes)
{
    static const char form[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                               "Content-Length: %05zu\r\n\r\n"; /* any number: one size */
    char head[256];
    size_t head_bytes = (size_t)snprintf(head, sizeof head, form, (size_t)0);
    snprintf(head, sizeof head, form, bytes - head_bytes);
    for (int i = 0; i < PIPELINE_MAX; i++) {
        char *at = answers + (size_t)i * bytes;
        memset(at, 'x', bytes);
        memcpy(at, head, head_bytes);
    }
}

static size_t count_requests(int fd, const char *at, size_t bytes)
{
    static const char end[] = "\r\n\r\n";
    size_t count = 0;
    const char *stop = at + bytes;
    while (at < stop) {
        if (ends[fd] == 0) { /* from line to line, as a parser does at least */
            at = memchr(at, '\r', (size_t)(stop - at));
            if (at == NULL)
                break;
        }
        ends[fd] = *at == end[ends[fd]] ? ends[fd] + 1 : *at == '\r' ? 1 : 0;
        at++;
        if (ends[fd] == 4) {
            ends[fd] = 0;
            count++;
        }
    }
    return count;
}

static void serve(int fd, size_t answer_bytes)
{
    static char received[RECEIVE_BYTES_MAX];
    ssize_t got = recv(fd, received, sizeof received, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        close(fd);
        return;
    }
    size_t count = got > 0 ? count_requests(fd, received, (size_t)got) : 0;
    if (count > PIPELINE_MAX)
        die("too many requests at once");
    size_t bytes = count * answer_bytes;
    if (count > 0 && send(fd, answers, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        die("send");
}

static void take_connection(int epoll_fd, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || fd >= CONNECTIONS_MAX || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ends[fd] = 0;
}

int main(int argc, char **argv)
{
    size_t answer_bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    if (answer_bytes < 256 || answer_bytes > ANSWER_BYTES_MAX) {
        fprintf(stderr, "usage: bench-ref-http ANSWER_BYTES\n");
        return 2;
    }
    make_answers(answer_bytes);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), listener = ref_listen("");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    if (listener < 0 || epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0)
        die("epoll");
    for (;;) {
        int count = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                take_connection(epoll_fd, listener);
            else
                serve(events[i].data.fd, answer_bytes);
        }
    }
}
