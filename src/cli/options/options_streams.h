/* options_streams.h - the options about streams of events, read for a node. Thread: any. */
#pragma once

#include "cli/node/node_streams.h"
#include "cli/options/options.h"

/* clang-format off */
#define STREAMS_SPECS                                                                              \
    {"streams", NULL},                                                                             \
    {"streams-config", NULL},                                                                      \
    {"schema-registry", NULL},                                                                     \
    {"schema-registry-ca", NULL},                                                                  \
    {"schema-registry-auth", NULL},                                                                \
    {"streams-create", "0"}
/* clang-format on */

/* 0, or -ERR_CONFIG with a sentence. */
int options_streams(const struct options *options, struct node_streams_options *ret,
                    struct buf *why);
