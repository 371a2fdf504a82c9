/* options_results.h - the book's policies on results (options of serve and demo). */
#pragma once

#include "base/buf.h"
#include "cli/node/node.h"
#include "cli/options/options.h"

/* clang-format off */
#define RESULTS_SPECS                                                                              \
    {"deduction-model", "rule4"},                                                                  \
    {"rule4-table", "fractional"},                                                                 \
    {"rule4-cap-pence", "90"},                                                                     \
    {"rule4-waive-pence", "0"},                                                                    \
    {"results-approval", "none"},                                                                  \
    {"results-objection-s", "0"},                                                                  \
    {"results-certainty-least", "1"},                                                              \
    {"provider-skew-ms", "0"}
/* clang-format on */

/* 0, or -ERR_CONFIG with the reason. */
int options_results(const struct options *options, struct node_options *ret, struct buf *why);
