/* options_segments.h - what `serve` and `demo` are told of the ledger's segments. */
#pragma once

#include "base/buf.h"
#include "cli/node/node.h"
#include "cli/options/options.h"

/* One a line, so that those who add one do not meet. */
/* clang-format off */
#define SEGMENT_SPECS                                                                              \
    {"segment-bytes", "67108864"},                                                                 \
    {"compress-segments", "on"},                                                                   \
    {"compress-keep", "2"},                                                                        \
    {"archive", NULL},                                                                             \
    {"archive-keep", "16"},                                                                        \
    {"scrub-bytes-per-second", "8388608"},                                                         \
    {"scrub-interval-s", "3600"},                                                                  \
    {"scrub-damage", "alert"}
/* clang-format on */

/* 0, or -ERR_CONFIG with a sentence in `why`. Texts are borrowed from the options. */
int options_segments(const struct options *options, struct node_options *ret, struct buf *why);
