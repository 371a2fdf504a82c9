/* options_shard.h - which shard of the book a process has, and whether it must have its lease, read
 * for a node. Thread: any. */
#pragma once

#include "cli/node/node.h"
#include "cli/options/options.h"

/* clang-format off */
#define SHARD_SPECS                                                                                \
    {"shard", NULL},                                                                               \
    {"shards", "1"},                                                                               \
    {"lease", "off"},                                                                              \
    {"lease-ms", "3000"},                                                                          \
    {"personal-keys", "ledger"}
/* clang-format on */

/* ret->shard, and of ret->lease what the options say of it. After `ledger` was read. 0, or
 * -ERR_CONFIG with a sentence. */
int options_shard(const struct options *options, struct node_options *ret, struct buf *why);
/* The same of one that has the roles of a desk apart, behind it: its log is that one, where --shard
 * names none; and prices are written for the shards. */
int options_desk_roles(const struct options *options, struct node_options *ret, struct buf *why);
/* And of one without an odds-worker: prices are another process's, and how old they may be. */
int options_bet_service_roles(const struct options *options, struct node_options *ret,
                              struct buf *why);
