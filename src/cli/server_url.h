/* server_url.h - the server that a command talks to, as an option names it: http or https, a
 * host, a port; and what its TLS is verified with. Thread: any. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "cli/options/options.h"
#include "net/stream/net_address.h"
#include "net/stream/tls_client.h"

struct server_url {
    struct net_address address;
    struct slice host; /* of the Host header; part of the text */
    bool tls;
};

/* One a line, so that those who add one do not meet. */
/* clang-format off */
#define SERVER_TLS_SPECS                                                                           \
    {"ca", NULL},                                                                                  \
    {"server-name", NULL},                                                                         \
    {"client-cert", NULL},                                                                         \
    {"client-key", NULL}
/* clang-format on */

/* The value of option `key`. 0, or -ERR_CONFIG with a sentence. */
int server_url_take(const struct options *options, const char *key, struct server_url *ret,
                    struct buf *why);
/* *ret_client is NULL without TLS, else the caller's. -ERR_CONFIG with a sentence (https needs
 * --ca), -ERR_MEMORY, -ERR_CRYPTO. */
int server_url_tls_new(const struct options *options, const struct server_url *url, bool resume,
                       struct tls_client **ret_client, struct buf *why);
