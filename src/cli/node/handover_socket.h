/* handover_socket.h - the unix socket DATA/handover.sock: opened for its owner only, spoken on by
 * processes of the same user only (SO_PEERCRED), messages as in handover_wire.h. Calls with a
 * patience block the thread for so long at most, or until SIGTERM or SIGINT waits for it.
 * Thread: the main one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "cli/node/handover_wire.h"
#include "net/stream/shared_bytes.h"

/* Listens there, in the place of what an ended process left. The caller holds the lock of the
 * ledger, so that nobody else listens, and closes *ret_fd. -ERR_IO. */
int handover_listen(const char *data, int *ret_fd);
void handover_unlink(const char *data);
/* -ERR_NOT_FOUND: nobody listens there; -ERR_IO; -ERR_CONFIG: another user's process does. */
int handover_connect(const char *data, int *ret_fd);
/* The next connection, non-blocking. -ERR_NOT_FOUND: none; -ERR_CONFIG: another user's, closed. */
int handover_accept(int listening_fd, int *ret_fd);

struct handover_sockets {
    int fds[HANDOVER_SOCKETS_MAX];
    size_t count;
};

struct handover_message {
    enum handover_type type;
    struct shared_bytes *body;       /* owned by who receives it; NULL: empty */
    struct handover_sockets sockets; /* likewise; only with LISTENERS */
};

/* Sends all of it; sockets may be NULL. -ERR_IO: it did not take it in time, or hung up. */
int handover_send(int fd, enum handover_type type, struct slice body,
                  const struct handover_sockets *sockets, int64_t patience_ms);
/* Waits for one. -ERR_NOT_FOUND: the other side hung up; -ERR_BUSY: nothing in time;
 * -ERR_STOPPED: a signal to end waits; -ERR_FORMAT, -ERR_UNSUPPORTED, -ERR_CORRUPT, -ERR_MEMORY. */
int handover_receive(int fd, struct handover_message *ret, int64_t patience_ms);
/* Gives back what came with it. */
void handover_message_done(struct handover_message *message);
