/* follower_process.h - a process of a role that follows something on threads of its own, a ledger
 * or a stream: its loop, its signals, its admin listener with health, readiness and metrics. What
 * is followed is the owner's (projector_node.c, consumer_node.c). One a process. Thread: the main
 * one. */
#pragma once

#include "cli/node/node.h"

/* What the owner does. */
struct follower_work {
    void *owner;
    /* Before anything listens: begins, as far as it can, and registers its metrics. 0, or an error,
     * with `why` of follower_process_run() where it is worth a sentence. NULL: nothing is to do. */
    int (*open)(void *owner, struct metrics *metrics);
    void (*on_tick)(void *owner); /* when it listens, and five times a second from then on */
    bool (*is_ready)(void *owner);
    void (*close)(void *owner); /* always, and first; also where open() failed or was not called */
    const char *name;           /* "the projector cannot run" */
    const char *not_ready;      /* the sentence of 503 at /readyz */
    const char *not_here;       /* of 404 */
};

struct follower_options {
    struct follower_work work;
    struct net_address admin_address;
    const struct node_listen_options *listen; /* of which the admin's certificate counts */
    struct metrics_item *items;               /* memory for `items_max` metrics; borrowed */
    size_t items_max;
    struct buf out; /* memory for their text; borrowed */
};

/* Called once, when it listens. */
typedef void (*follower_ready_fn)(const struct node_addresses *bound);

/* Runs until SIGTERM or SIGINT, or the owner fails; SIGHUP: the certificate is read again. On
 * another end than NODE_ENDED `why` holds a sentence. */
enum node_end follower_process_run(const struct follower_options *options, follower_ready_fn ready,
                                   struct buf *why);
/* The process ends with this error, for which the owner has written `why`: NODE_DAMAGED for
 * -ERR_CORRUPT, NODE_CONFIG for -ERR_CONFIG, else NODE_FAILED. From on_tick. */
void follower_process_fail(int error);
