/* options_shard.h - which shard of the book a process has, and whether it must have its lease, read
 * for a node. Thread: any. */
#pragma once

#include "cli/node/node.h"
#include "cli/options/options.h"

/* clang-format off */
#define SHARD_SPECS                                                                                \
    {"shard", "0"},                                                                                \
    {"shards", "1"},                                                                               \
    {"lease", "off"},                                                                              \
    {"lease-ms", "3000"}
/* clang-format on */

/* ret->shard, and of ret->lease what the options say of it. After `ledger` was read. 0, or
 * -ERR_CONFIG with a sentence. */
int options_shard(const struct options *options, struct node_options *ret, struct buf *why);
