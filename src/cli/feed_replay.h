/* feed_replay.h - plays recordings into a running server's feed intake, over one chunked POST.
 *
 * Thread: one; reading the files blocks the loop, which has nothing else to do. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "feeds/replay/replay_format.h"
#include "net/stream/net_address.h"

struct tls_client;

struct feed_replay_options {
    enum replay_format format;
    const char *format_name; /* of the path */
    uint32_t speed_milli;    /* REPLAY_SPEED_MAX: as fast as it is taken */
    struct net_address to;
    struct tls_client *tls; /* borrowed; NULL: plain */
    struct slice token;
    const char *const *files;
    size_t files_count;
};

/* Plays all files; progress goes to stderr, the server's summary to stdout. 0, or an error with a
 * sentence in `why`. */
int feed_replay(const struct feed_replay_options *options, struct buf *why);
