/* tls_pair.h - certificates made on the spot, and a TLS server and client that talk in memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/stream/tls.h"
#include "net/stream/tls_client.h"
#include "net/stream/tls_server.h"

#define PAIR_PATH_BYTES 160

/* A folder with an authority and what it vouches for; each path is a PEM file. */
struct pki {
    char folder[PAIR_PATH_BYTES - 32];
    char ca[PAIR_PATH_BYTES], cert[PAIR_PATH_BYTES], key[PAIR_PATH_BYTES];
    char cert2[PAIR_PATH_BYTES], key2[PAIR_PATH_BYTES]; /* another of the same authority */
    char other_ca[PAIR_PATH_BYTES];
};

/* Valid for 127.0.0.1 and "test.example", for `days` (the second one for twice as long). */
void pki_make(struct pki *pki, int days);
void pki_remove(struct pki *pki);
void pki_write(const char *path, const char *text, unsigned mode);

#define PAIR_WIRE_BYTES (256 * 1024)

/* One direction's bytes under way; `room` is what the transport takes in all before it blocks. */
struct wire {
    char bytes[PAIR_WIRE_BYTES];
    size_t count, room;
    bool broken;
};

struct pair {
    struct tls_server *server;
    struct tls_client *client;
    struct tls_session *at_server, *at_client;
    struct wire to_server, to_client;
    char plain[128 * 1024]; /* what came last */
    size_t plain_bytes;
};

struct tls_server *pair_server(const struct tls_files *files);
struct tls_client *pair_client(const struct tls_client_files *files);
/* New sessions of both; nothing was sent yet. */
void pair_connect(struct pair *pair);
void pair_disconnect(struct pair *pair);
/* Delivers what is under way to the one or the other. */
void pair_to_server(struct pair *pair);
void pair_to_client(struct pair *pair);
/* Until nothing moves any more. */
void pair_shake(struct pair *pair);
