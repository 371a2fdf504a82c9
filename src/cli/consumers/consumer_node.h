/* consumer_node.h - a process of a role that follows a stream, or a book's own log (`overround
 * serve --roles notification-service` or `analytics-service`; docs/OPERATIONS.md, "Consumers"): one
 * member of a group on a thread of its own, and an admin listener with health, readiness and
 * metrics. It takes no bets and has no ledger. Thread: the main one. */
#pragma once

#include "cli/consumers/follower_process.h"
#include "cli/consumers/notifier.h"

enum consumer_role { CONSUMER_NOTIFIES = 1, CONSUMER_COUNTS };

struct consumer_node_options {
    enum consumer_role role;
    struct node_streams_options streams; /* a Kafka, or instead */
    const char *book; /* http(s)://HOST:PORT of the admin listener of a book, whose logs are read */
    const char *token; /* for that, of role auditor, regulator or admin */
    const char *ca;    /* who vouches for the book; NULL: the system */
    const char *group; /* NULL: the role's */
    int64_t session_ms;
    const char *data;   /* made where it is missing */
    const char *totals; /* a folder; NULL: DATA/totals */
    struct notifier_options notifier;
    struct net_address admin_address;
    struct node_listen_options listen; /* of which the admin's certificate counts */
};

/* Runs until SIGTERM or SIGINT, or the stream cannot be followed any more: away brokers are waited
 * for. What was taken is settled and committed before a clean end, as far as that takes seconds. On
 * another end than NODE_ENDED `why` holds a sentence. */
enum node_end consumer_node_run(const struct consumer_node_options *options,
                                follower_ready_fn ready, struct buf *why);
