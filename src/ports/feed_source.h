/* feed_source.h - a decoder of one provider's messages: bytes in, calls to a feed_sink out.
 *
 * Pure: no sockets, no clock, no threads. The intake (HTTP POST /v1/feed/FORMAT, a replay, a
 * live connection) hands over the provider's messages one line at a time. */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "ports/feed_sink.h"

struct feed_source;

/* What was counted since the source was made; read by /metrics and by `feed replay`. */
struct feed_counts {
    uint64_t messages;
    uint64_t bytes;
    uint64_t market_changes;
    uint64_t runner_changes;
    uint64_t malformed;      /* messages refused whole, without effect */
    uint64_t limits_reached; /* markets or runners beyond the named limits */
    uint64_t results;
};

struct feed_source_ops {
    /* One message without its line end. 0, or -ERR_FORMAT when it is malformed (refused whole,
     * counted, no effect), or -ERR_LIMIT. Borrows the line for the call. */
    int (*message)(struct feed_source *source, struct slice line);
    /* The connection was lost or begins afresh: prices are unknown until the next image. */
    void (*reset)(struct feed_source *source);
    void (*free)(struct feed_source *source);
};

struct feed_source {
    const struct feed_source_ops *ops;
    struct feed_counts counts;
};
