/* options_uof.h - the options about the broker of the Unified Odds Feed, read for a node. */
#pragma once

#include "cli/node/node_uof.h"
#include "cli/options/options.h"

/* clang-format off */
#define UOF_SPECS                                                                                  \
    {"uof", NULL},                                                                                 \
    {"uof-ca", NULL},                                                                              \
    {"uof-name", NULL},                                                                            \
    {"uof-exchange", "unifiedfeed"},                                                               \
    {"uof-keys", "#"},                                                                             \
    {"uof-recovery", NULL},                                                                        \
    {"uof-recovery-ca", NULL},                                                                     \
    {"uof-recovery-window-min", "170"},                                                            \
    {"uof-node", "0"}
/* clang-format on */

/* The texts are borrowed from the options. 0, or -ERR_CONFIG with a sentence. Thread: any. */
int options_uof(const struct options *options, struct node_uof_options *ret, struct buf *why);
