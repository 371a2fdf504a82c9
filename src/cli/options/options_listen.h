/* options_listen.h - the options of listeners: addresses, TLS, proxies. Thread: any. */
#pragma once

#include "cli/node/node_listen.h"
#include "cli/options/options.h"

/* One a line, so that those who add one do not meet. */
/* clang-format off */
/* For `serve` and `demo`; TLS is off unless --tls-listen, --admin-tls-cert say otherwise. */
#define LISTEN_SPECS                                                                               \
    {"listen", "127.0.0.1:8080"},                                                                  \
    {"admin", "127.0.0.1:8081"},                                                                   \
    {"tls-listen", NULL},                                                                          \
    {"tls-cert", NULL},                                                                            \
    {"tls-key", NULL},                                                                             \
    {"tls-min", "1.3"},                                                                            \
    {"tls-kernel", "on"},                                                                          \
    {"admin-tls-cert", NULL},                                                                      \
    {"admin-tls-key", NULL},                                                                       \
    {"admin-client-ca", NULL}
/* For `serve` only: the simulated bettors of a demo are no proxies. */
#define PROXY_SPECS                                                                                \
    {"listen-proxies", NULL},                                                                      \
    {"tls-listen-proxies", NULL}
/* clang-format on */

/* The three addresses and TLS. Texts are borrowed from `options`. 0, or -ERR_CONFIG with a
 * sentence.
 */
int options_listen(const struct options *options, struct node_listen_options *ret,
                   struct net_address *ret_public, struct net_address *ret_admin, struct buf *why);
/* The proxies. */
int options_proxies(const struct options *options, struct node_listen_options *ret,
                    struct buf *why);
