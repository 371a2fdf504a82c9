/* node_listen.h - where a node listens: plain, with TLS, behind proxies; and how its certificates
 * are read again while it runs (SIGHUP). Files are read by a thread of their own, because a disk
 * may make it wait; what it has read is taken by the loop. A file that cannot serve changes
 * nothing: the certificate in use stays, and the log and a metric say so. Thread: the main one. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "net/http/http_server.h"
#include "net/stream/tls_server.h"

#define NODE_PROXIES_MAX 32

/* A listener's proxies; none: clients connect themselves. */
struct node_proxies {
    struct net_range ranges[NODE_PROXIES_MAX];
    size_t count;
};

struct node_listen_options {
    bool plain;                     /* the public listener without TLS is wanted */
    bool tls;                       /* the one with TLS too */
    struct net_address tls_address; /* of it */
    struct tls_files public_files;
    struct tls_files admin_files; /* certificates NULL: the admin listener is plain */
    struct node_proxies plain_proxies, tls_proxies;
};

/* What was bound, for the lines at the start. */
struct node_addresses {
    struct net_address plain, tls, admin;
    bool has_plain, has_tls, admin_is_tls;
};

enum { NODE_TLS_PUBLIC = 0, NODE_TLS_ADMIN, NODE_TLS_COUNT };

/* One certificate and what was read for it last. */
struct node_tls {
    const struct tls_files *files; /* NULL: not in use */
    struct tls_server *server;     /* owned */
    struct tls_material *loaded;   /* owned; by the thread, for the loop */
    int error;                     /* of the thread's last reading */
    char why[256];
    struct metrics_gauge expiry_s;
    struct metrics_counter reloads, kept;
};

struct node_listen {
    struct loop *loop; /* borrowed; NULL: nothing was opened */
    struct node_tls tls[NODE_TLS_COUNT];
    struct timer rotation;
    struct loop_wakeup loaded;
    bool wakeup_open;
    pthread_t thread;
    bool reading, again; /* a thread reads; and was asked for once more meanwhile */
};

/* Reads the certificates, before anything listens. 0, or an error with a sentence in `why`. */
int node_listen_open(struct node_listen *listen, struct loop *loop,
                     const struct node_listen_options *options, struct buf *why);
/* SIGHUP: certificates are read again. */
void node_listen_reload(struct node_listen *listen);
/* Waits for a reading under way. After the servers were freed. */
void node_listen_close(struct node_listen *listen);
/* 0 or -ERR_LIMIT. */
int node_listen_register_metrics(struct node_listen *listen, struct metrics *metrics);
