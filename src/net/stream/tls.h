/* tls.h - one TLS connection as a machine: ciphertext in, plain bytes out, and the reverse.
 *
 * It knows no socket and no clock: received bytes are handed in, and what is to be sent goes
 * through a function of the owner, so that two of them can talk in memory. The only files that know
 * libssl are tls*.c. Nothing is called back but `send`. A session whose state is TLS_FAILED has
 * already sent the alert that says why, as far as the transport took it. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/slice.h"
#include "net/stream/net_address.h"

#define TLS_RECORD_BYTES_MAX 16384                        /* plain bytes of one record */
#define TLS_HELD_BYTES_MAX   (TLS_RECORD_BYTES_MAX + 512) /* of a record that is not complete */

struct tls_server;
struct tls_client;
struct tls_session;

enum tls_state {
    TLS_HANDSHAKE = 0,
    TLS_OPEN,
    TLS_ENDED,  /* the peer said that nothing more comes (close_notify); we may still send */
    TLS_FAILED, /* for ever */
};

struct tls_transport {
    /* Takes bytes as send(2) does: how many; 0: none now, tls_session_go_on() follows when there is
     * room; negative: broken. */
    ssize_t (*send)(void *owner, struct slice bytes);
    void *owner;
    int fd; /* of the connection, for kernel TLS only; -1: none */
};

/* The caller owns *ret_session. -ERR_MEMORY. */
int tls_session_new_accept(struct tls_server *server, const struct tls_transport *transport,
                           struct tls_session **ret_session);
/* `peer` is what the certificate must name when the client has no name for it. */
int tls_session_new_connect(struct tls_client *client, const struct net_address *peer,
                            const struct tls_transport *transport,
                            struct tls_session **ret_session);
void tls_session_free(struct tls_session *session); /* accepts NULL */

enum tls_state tls_session_state(const struct tls_session *session);
/* The transport had no room for what is to be sent. */
bool tls_session_is_blocked(const struct tls_session *session);
/* The handshake was a resumption. */
bool tls_session_is_resumed(const struct tls_session *session);
/* The kernel encrypts: once the state is TLS_OPEN, plain bytes are written to the socket itself,
 * and tls_session_put() is not called. */
bool tls_session_kernel_sends(const struct tls_session *session);
/* Why it failed, as the library says it; for logs and tests. Never NULL. */
const char *tls_session_problem(const struct tls_session *session);

/* Begins the handshake (client), or goes on after the transport was blocked. */
void tls_session_go_on(struct tls_session *session);
/* Takes all of `input`; answers how many plain bytes were written to `to`, of which there must be
 * room for input.bytes + TLS_HELD_BYTES_MAX. Nothing in a state after TLS_OPEN. */
size_t tls_session_take(struct tls_session *session, struct slice input, char *to, size_t room);
/* Encrypts and sends the first bytes of `plain`, as one record; answers how many were taken: 0 when
 * the transport is blocked (the same bytes must come again, more may follow them) or the session
 * cannot send. */
size_t tls_session_put(struct tls_session *session, struct slice plain);
/* What is put from now on is under a new key; tls_session_put() does so by itself, often enough. */
void tls_session_renew_key(struct tls_session *session);
/* Says, once and as far as the transport takes it, that we send nothing more. */
void tls_session_end(struct tls_session *session);
