/* standby.h - one process that follows a primary's ledger and can take over (docs/LEDGER.md, "Log
 * shipping"; docs/OPERATIONS.md). It keeps log, tree, personal keys and folded state; it takes no
 * bets. POST /v1/admin/promote makes it the primary, in the same process. Thread: the main one. */
#pragma once

#include "cli/node/node.h"
#include "net/stream/tls_client.h"

#define STANDBY_TOKEN_BYTES_MAX 2048

struct standby_options {
    struct node_options node;            /* also of the primary that it becomes */
    struct net_address primary;          /* its admin listener */
    struct tls_client_files primary_tls; /* ca NULL: it is plain */
    const char *token;                   /* of role standby */
};

/* Called once, when the listeners are open, with the addresses that were bound. */
typedef void (*standby_follows_fn)(const struct node_addresses *bound);

/* Follows until SIGTERM or SIGINT, or until it is promoted: then runs the node, as node_run().
 * NODE_CONFIG: it is not this primary's standby (another log, other keys); NODE_DAMAGED: the logs
 * have parted, or a record was refused. */
enum node_end standby_run(struct standby_options *options, standby_follows_fn follows,
                          node_ready_fn ready, struct buf *why);
