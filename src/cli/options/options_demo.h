/* options_demo.h - the options of `overround demo`, and of a `serve` with the match simulator as a
 * feed, about what is played; read for a node. Thread: any. */
#pragma once

#include "cli/node/node.h"
#include "cli/options/options.h"
#include "cli/options/options_shard.h"

/* clang-format off */
#define MATCH_SPECS                                                                                \
    {"speed", "1"},                                                                                \
    {"seed", "0"}

#define SIMULATOR_SPECS                                                                            \
    {"simulator", "off"},                                                                          \
    MATCH_SPECS

#define DEMO_SPECS                                                                                 \
    SHARD_SPECS,                                                                                   \
    MATCH_SPECS,                                                                                   \
    {"bettors-at", NULL}
/* clang-format on */

/* With the ledger read before, as options_shard. 0, or -ERR_CONFIG with a sentence. */
int options_demo(const struct options *options, struct node_options *ret, struct buf *why);
/* Whether and how matches are played, once it is known what the process is: ret->profile and
 * ->follows. 0, or -ERR_CONFIG with a sentence. */
int options_simulator(const struct options *options, struct node_options *ret, struct buf *why);
