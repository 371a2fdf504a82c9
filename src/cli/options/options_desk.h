/* options_desk.h - where a shard's process finds the desk of its book, read for a node.
 * Thread: any. */
#pragma once

#include "cli/node/node.h"
#include "cli/options/options.h"

/* clang-format off */
#define DESK_SPECS                                                                                 \
    {"desk", NULL},                                                                                \
    {"desk-apart", "off"},                                                                         \
    {"desk-token", NULL},                                                                          \
    {"desk-ca", NULL},                                                                             \
    {"desk-name", NULL},                                                                           \
    {"desk-cert", NULL},                                                                           \
    {"desk-key", NULL}
/* clang-format on */

/* ret->desk and ->desk_apart, after ret->shard: "HOST:PORT,HOST:PORT", each the admin listener of a
 * process that may be the desk. 0, or -ERR_CONFIG with a sentence. The token is kept for the
 * process's life. */
int options_desk(const struct options *options, struct node_options *ret, struct buf *why);
