/* options_shard.h - which shard of the book a process has, read for a node. Thread: any. */
#pragma once

#include "cli/node.h"
#include "cli/options.h"

/* clang-format off */
#define SHARD_SPECS                                                                                \
    {"shard", "0"},                                                                                \
    {"shards", "1"}
/* clang-format on */

/* 0, or -ERR_CONFIG with a sentence. */
int options_shard(const struct options *options, struct shard_place *ret, struct buf *why);
