/* tls_server.h - what a listener needs to speak TLS: certificate, key, rules, ticket keys.
 *
 * Loading reads files and may wait for a disk, so it is apart from use: tls_material_new() runs on
 * any thread, tls_server_replace() is a pointer's change. Sessions that began before
 * keep what they began with until they end, so a reload drops no connection.
 * What is offered: TLS 1.3, and TLS 1.2 (ECDHE with AEAD only) where it was asked for; ALPN
 * http/1.1 (a client that offers other protocols only is refused as RFC 7301 says; one that offers
 * none is served); the server name is not looked at. No renegotiation, no compression, no early
 * data (it can be replayed, and a bet must not be).
 * Resumption: stateless tickets (RFC 5077, RFC 8446 section 4.6.1) under keys that live in memory
 * only and are replaced by tls_server_rotate(): a ticket is good under the key of its time and the
 * next. Where client certificates are asked for there are no tickets: each connection is verified.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define TLS_TICKET_LIFETIME_S (12 * 3600) /* tls_server_rotate() should be called as often */
#define TLS_FILE_BYTES_MAX    (1024 * 1024)

struct tls_files {
    const char *certificates; /* PEM: the server's own first, then those that vouch for it */
    const char *key;          /* PEM, not encrypted, out of reach for others */
    const char *client_ca;    /* PEM: clients must show a certificate of these; NULL: none asked */
    bool allow_1_2;           /* TLS 1.2 besides 1.3 */
    bool kernel;              /* let the kernel encrypt, where it can (kernel TLS) */
};

struct tls_material;

/* Reads and checks the files (the key must be the certificate's). The caller owns *ret_material.
 * -ERR_CONFIG with a sentence in `why`, -ERR_MEMORY, -ERR_CRYPTO. Blocks. Thread: any. */
int tls_material_new(const struct tls_files *files, struct tls_material **ret_material,
                     struct buf *why);
void tls_material_free(struct tls_material *material); /* accepts NULL */
/* When the server's certificate ends, in seconds since 1970. */
int64_t tls_material_expires_s(const struct tls_material *material);

struct tls_server;

/* Takes the material. It outlives every session made with it. -ERR_MEMORY: the material is the
 * caller's still. Several loops may accept with one server, so that a ticket of one is good at all.
 * Thread: any, as all below but _free. */
int tls_server_new(struct tls_material *material, struct tls_server **ret_server);
void tls_server_free(struct tls_server *server); /* accepts NULL */
/* Takes the material for handshakes that begin from now on. */
void tls_server_replace(struct tls_server *server, struct tls_material *material);
int64_t tls_server_expires_s(struct tls_server *server);
/* A new key for tickets; those of the key before stay good until the next call. */
void tls_server_rotate(struct tls_server *server);
