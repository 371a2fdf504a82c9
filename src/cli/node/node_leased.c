/* node_leased.c - a node that works on its shard while it has the lease: contracts in node.h and
 * node_internal.h. */
#include "base/error.h"
#include "cli/node/node_internal.h"
#include "cli/node/shard_folder.h"

/* What was decided all the same meets the log, where the first insert wins. */
bool node_has_shard(const struct node *node)
{
    return node->options->lease == NULL ||
           node_lease_holds(node->options->lease, loop_now(node->loop));
}

/* A book that takes no bets any more keeps its shard from one that would. */
bool node_must_leave(const struct node *node)
{
    return node->options->lease != NULL &&
           (node_lease_is_lost(node->options->lease) || book_stopped(node->book));
}

bool node_has_moved(struct node *node)
{
    struct node_lease *lease = node->options->lease;
    if (lease == NULL || !(node_lease_is_lost(lease) || node->database.moved > 0))
        return false;
    node->why->bytes = 0;
    buf_printf(node->why, "shard %u has moved to another process", node->options->shard.shard);
    return true;
}

static enum node_end run(struct node_lease *lease, const struct node_options *options,
                         uint32_t shard, node_ready_fn ready, struct buf *why)
{
    char path[SHARD_FOLDER_PATH_MAX];
    struct node_options node = *options;
    int error = node.any_shard ? shard_folder_open(node.data, node.jwks, shard, path, why) : 0;
    if (error < 0)
        return error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
    node.lease = lease;
    node.shard.shard = shard;
    node.data = node.any_shard ? path : node.data;
    return node_run(&node, ready, why);
}

enum node_end node_run_leased(const struct node_options *options, node_ready_fn ready,
                              struct buf *why)
{
    static struct node_lease lease; /* one a process */
    const struct node_lease_options asked = {
        .url = options->ledger,
        .asked = {.shard = options->any_shard ? SHARD_LEASE_ANY : options->shard.shard,
                  .shards = options->shard.shards,
                  .ttl_us = options->lease_us}};
    uint32_t shard = 0;
    int error = node_lease_wait(&lease, &asked, &shard, why);
    enum node_end end = error == 0              ? run(&lease, options, shard, ready, why)
                        : error == -ERR_STOPPED ? NODE_ENDED
                        : error == -ERR_CONFIG  ? NODE_CONFIG
                                                : NODE_FAILED;
    if (end != NODE_ENDED && why->bytes == 0)
        buf_put_text(why, error_text(error));
    node_lease_end(&lease);
    return end;
}
