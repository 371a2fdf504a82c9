/* handover_socket.c - contract in handover_socket.h. */
#include "cli/node/handover_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"

#define NAME    "handover.sock"
#define LOOK_MS 100 /* between looks at the signals that wait */

/* ---- the place ---- */

/* A path below the folder's descriptor: sun_path has 108 bytes, and DATA may have more. */
static int place(const char *data, struct sockaddr_un *ret, int *ret_folder)
{
    int folder = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -ERR_IO;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/" NAME, folder);
    *ret_folder = folder;
    return 0;
}

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.uid == geteuid();
}

void handover_unlink(const char *data)
{
    int folder = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    (void)unlinkat(folder, NAME, 0); /* it may not be there */
    close(folder);
}

static int bind_and_listen(int fd, int folder, const struct sockaddr_un *at)
{
    (void)unlinkat(folder, NAME, 0);
    /* Nobody can connect before listen(), so nobody does before the mode is right. */
    bool good = bind(fd, (const struct sockaddr *)at, sizeof *at) == 0 &&
                fchmodat(folder, NAME, 0600, 0) == 0 && listen(fd, 4) == 0;
    return good ? 0 : -ERR_IO;
}

int handover_listen(const char *data, int *ret_fd)
{
    struct sockaddr_un at;
    int folder;
    TRY(place(data, &at, &folder));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result = fd < 0 ? -ERR_IO : bind_and_listen(fd, folder, &at);
    close(folder);
    if (result < 0 && fd >= 0)
        close(fd);
    if (result == 0)
        *ret_fd = fd;
    return result;
}

int handover_connect(const char *data, int *ret_fd)
{
    struct sockaddr_un at;
    int folder, result = 0;
    TRY(place(data, &at, &folder));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0)
        result = fd >= 0 && (errno == ENOENT || errno == ECONNREFUSED) ? -ERR_NOT_FOUND : -ERR_IO;
    else if (!is_ours(fd))
        result = -ERR_CONFIG;
    else if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        result = -ERR_IO;
    close(folder);
    if (result < 0 && fd >= 0)
        close(fd);
    if (result == 0)
        *ret_fd = fd;
    return result;
}

int handover_accept(int listening_fd, int *ret_fd)
{
    int fd = accept4(listening_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -ERR_NOT_FOUND;
    if (!is_ours(fd)) {
        close(fd);
        return -ERR_CONFIG;
    }
    *ret_fd = fd;
    return 0;
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_told_to_end(void)
{
    sigset_t waiting;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1);
}

static int wait_for(int fd, short events, int64_t until_ms)
{
    for (;;) {
        struct pollfd one = {.fd = fd, .events = events};
        int64_t left = until_ms - now_ms();
        if (is_told_to_end())
            return -ERR_STOPPED;
        if (left <= 0)
            return -ERR_BUSY;
        int ready = poll(&one, 1, (int)(left < LOOK_MS ? left : LOOK_MS));
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -ERR_IO;
    }
}

/* ---- sending ---- */

union control {
    char bytes[CMSG_SPACE(sizeof(int) * HANDOVER_SOCKETS_MAX)];
    struct cmsghdr align;
};

static void put_sockets(struct msghdr *message, union control *control,
                        const struct handover_sockets *sockets)
{
    if (sockets == NULL || sockets->count == 0)
        return;
    size_t bytes = sockets->count * sizeof(int);
    *control = (union control){.bytes = {0}};
    message->msg_control = control->bytes;
    message->msg_controllen = CMSG_SPACE(bytes);
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    *head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(bytes), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(head), sockets->fds, bytes);
}

/* What the first sendmsg took of the head goes with the sockets; the rest follows as it may. */
static int send_piece(int fd, struct slice piece, const struct handover_sockets *sockets,
                      int64_t until_ms)
{
    while (piece.bytes > 0) {
        union control control;
        struct iovec part = {(void *)piece.at, piece.bytes};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        put_sockets(&message, &control, sockets);
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            piece = slice_skip(piece, (size_t)sent);
            sockets = NULL;
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return -ERR_IO;
        if (wait_for(fd, POLLOUT, until_ms) < 0)
            return -ERR_IO;
    }
    return 0;
}

int handover_send(int fd, enum handover_type type, struct slice body,
                  const struct handover_sockets *sockets, int64_t patience_ms)
{
    char memory[HANDOVER_HEAD_BYTES];
    struct buf head = buf_over(memory, sizeof memory);
    int64_t until_ms = now_ms() + patience_ms;
    handover_put_head(&head, type, body);
    ASSERT(!head.overflow);
    TRY(send_piece(fd, buf_slice(&head), sockets, until_ms));
    return send_piece(fd, body, NULL, until_ms);
}

/* ---- receiving ---- */

static void close_sockets(struct handover_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++)
        close(sockets->fds[i]);
    sockets->count = 0;
}

static void take_sockets(struct msghdr *message, struct handover_sockets *ret)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    for (; head != NULL; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            if (ret->count < HANDOVER_SOCKETS_MAX)
                ret->fds[ret->count++] = fd;
            else
                close(fd);
        }
    }
}

/* Exactly so many bytes. */
static int receive_piece(int fd, struct buf *to, struct handover_sockets *sockets, int64_t until_ms)
{
    while (to->bytes < to->capacity) {
        union control control;
        struct iovec part = {to->at + to->bytes, to->capacity - to->bytes};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got > 0) {
            take_sockets(&message, sockets);
            to->bytes += (size_t)got;
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return -ERR_NOT_FOUND;
        TRY(wait_for(fd, POLLIN, until_ms));
    }
    return 0;
}

static int receive_body(int fd, const char *head_at, struct handover_message *message,
                        int64_t until_ms)
{
    struct handover_head head;
    TRY(handover_read_head(head_at, &head));
    message->type = head.type;
    if (head.bytes > 0) {
        TRY(shared_bytes_new(head.bytes, &message->body));
        struct buf to = buf_over(message->body->at, head.bytes);
        TRY(receive_piece(fd, &to, &message->sockets, until_ms));
    }
    if (message->sockets.count > 0 && message->type != HANDOVER_LISTENERS)
        return -ERR_FORMAT;
    return handover_check_body(head_at, message->body == NULL ? SLICE_NONE
                                                              : shared_bytes_slice(message->body));
}

int handover_receive(int fd, struct handover_message *ret, int64_t patience_ms)
{
    char memory[HANDOVER_HEAD_BYTES];
    struct buf head = buf_over(memory, sizeof memory);
    struct handover_message message = {.body = NULL};
    int64_t until_ms = now_ms() + patience_ms;
    int result = receive_piece(fd, &head, &message.sockets, until_ms);
    if (result == 0)
        result = receive_body(fd, memory, &message, until_ms);
    if (result < 0)
        handover_message_done(&message);
    else
        *ret = message;
    return result;
}

void handover_message_done(struct handover_message *message)
{
    close_sockets(&message->sockets);
    shared_bytes_give(message->body);
    message->body = NULL;
}
