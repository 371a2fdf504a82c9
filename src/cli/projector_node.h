/* projector_node.h - a process of the role `projector`: it follows the table `ledger` of a database
 * and fills the tables that people query, there or in another one, a thread for each shard
 * (`overround serve --roles projector`). It takes no bets and holds no files; its admin listener
 * has health and metrics only. Thread: the main one. */
#pragma once

#include "cli/node.h"

struct projector_node_options {
    const char *ledger, *projection; /* URLs of databases */
    struct net_address admin_address;
    struct node_listen_options listen; /* of which the admin's certificate counts */
    struct shard_limits limits;        /* of each shard's fold */
};

/* Called once, when it follows. */
typedef void (*projector_ready_fn)(const struct node_addresses *bound);

/* Waits until the ledger's database is there and has a shard; then runs until SIGTERM or SIGINT, or
 * a shard cannot be followed any more. On another end than NODE_ENDED `why` holds a sentence. A
 * shard that comes later is followed from the next start on. */
enum node_end projector_node_run(const struct projector_node_options *options,
                                 projector_ready_fn ready, struct buf *why);
