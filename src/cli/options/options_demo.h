/* options_demo.h - the options of `overround demo` about what it plays, read for a node. Thread:
 * any. */
#pragma once

#include "cli/node/node.h"
#include "cli/options/options.h"
#include "cli/options/options_shard.h"

/* clang-format off */
#define DEMO_SPECS                                                                                 \
    SHARD_SPECS,                                                                                   \
    {"speed", "1"},                                                                                \
    {"seed", "0"},                                                                                 \
    {"bettors-at", NULL}
/* clang-format on */

/* With the ledger read before, as options_shard. 0, or -ERR_CONFIG with a sentence. */
int options_demo(const struct options *options, struct node_options *ret, struct buf *why);
