/* options_consumer.h - the options of the roles that follow a stream, read for their process.
 * Thread: any. */
#pragma once

#include "cli/consumers/consumer_node.h"
#include "cli/options/options.h"

/* clang-format off */
#define CONSUMER_SPECS                                                                             \
    {"stream-group", NULL},                                                                        \
    {"stream-session-ms", "6000"},                                                                 \
    {"notify-webhook", NULL},                                                                      \
    {"notify-webhook-ca", NULL},                                                                   \
    {"notify-secret", NULL},                                                                       \
    {"notify-tries", "20"},                                                                        \
    {"totals", NULL}
/* clang-format on */

/* But for the role, the listener and the stream. 0, or -ERR_CONFIG with a sentence. */
int options_consumer(const struct options *options, struct consumer_node_options *ret,
                     struct buf *why);
