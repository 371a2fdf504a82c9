/* projector_node.h - a process of the role `projector`: it follows a ledger in a database
 * (ledger_database.h) and fills the tables that people query, there or in another one, a thread for
 * each shard
 * (`overround serve --roles projector`). It takes no bets and holds no files; its admin listener
 * has health and metrics only. Thread: the main one. */
#pragma once

#include "cli/consumers/follower_process.h"

struct projector_node_options {
    const char *ledger, *projection; /* URLs of databases */
    struct net_address admin_address;
    struct node_listen_options listen; /* of which the admin's certificate counts */
    struct shard_limits limits;        /* of each shard's fold */
};

/* Is it a ledger that one can follow? A *projection that is NULL becomes the ledger's own database,
 * where that has room for other tables. 0, or -ERR_CONFIG with `why` (empty before). */
int projector_node_sources(const char *ledger, const char **projection, struct buf *why);

/* Waits until the ledger's database is there and has a shard; then runs until SIGTERM or SIGINT, or
 * a shard cannot be followed any more. On another end than NODE_ENDED `why` holds a sentence. A
 * shard that comes later is followed from the next start on. */
enum node_end projector_node_run(const struct projector_node_options *options,
                                 follower_ready_fn ready, struct buf *why);
