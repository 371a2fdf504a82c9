/* tls_client.h - how our own tools speak TLS to a server: always verified against given
 * authorities; never a bare "trust everybody". Thread: the loop's. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define TLS_CLIENT_TICKETS_MAX 256

struct tls_client_files {
    const char *ca;                 /* PEM: authorities that may vouch for the server */
    const char *server_name;        /* the name in its certificate; NULL: whom we connect to, by its
                                       name or its address */
    const char *certificates, *key; /* our own, for servers that ask; both or none */
    bool resume; /* tickets are kept, TLS_CLIENT_TICKETS_MAX at most, and used once each */
};

struct tls_client;

/* The caller owns *ret_client, which outlives its sessions. -ERR_CONFIG with a sentence,
 * -ERR_MEMORY, -ERR_CRYPTO. */
int tls_client_new(const struct tls_client_files *files, struct tls_client **ret_client,
                   struct buf *why);
void tls_client_free(struct tls_client *client); /* accepts NULL */
