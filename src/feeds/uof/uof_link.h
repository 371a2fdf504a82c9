/* uof_link.h - the connection to a broker of the Unified Odds Feed, kept up: it connects, declares
 * a queue of its own and binds it, and hands each message to the feed source. After a loss it
 * connects again, with pauses that grow and are drawn (base/backoff.h).
 *
 * The source is told of the link as of any feed (P2): each byte that comes while the link is up is
 * a sign of life of it (heartbeats too, which come every second), and when the link is lost, or
 * silent for two heartbeats, the source is reset: all its producers are down until their recovery
 * is complete. What the book cannot take now waits in the connection, which is not read on: TCP
 * tells the broker (P3). A turn takes messages for UOF_LINK_TURN_US_MAX.
 *
 * The socket and TLS are net's: nothing blocks. Callbacks and messages come from the loop, never
 * inside a call of this header. Thread: the loop's, which is the source's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "feeds/uof/uof_session.h"
#include "net/loop/loop.h"
#include "net/stream/net_address.h"
#include "ports/feed_source.h"

#define UOF_LINK_TURN_US_MAX 2000

struct tls_client;

/* All borrowed. */
struct uof_link_options {
    struct net_address address;
    struct tls_client *tls; /* NULL: plain */
    struct uof_session_options session;
    struct feed_source *source;
    int64_t setup_us_max;   /* from connecting to being up */
    int64_t silence_us_max; /* of the broker, while it is up */
    int64_t backoff_us_min, backoff_us_max;
    uint64_t seed; /* of the jitter */
};

/* Address, session and source are to be set. */
#define UOF_LINK_OPTIONS_DEFAULT                                                                   \
    ((struct uof_link_options){.setup_us_max = 5000000,                                            \
                               .silence_us_max = 2 * UOF_HEARTBEAT_S * INT64_C(1000000),           \
                               .backoff_us_min = 100000,                                           \
                               .backoff_us_max = 10000000})

struct uof_link_listener {
    void *owner;
    /* Whether a message can be taken now; when it could not, a turn comes when it can. */
    bool (*ready)(void *owner);
    int64_t (*now_us)(void *owner); /* monotonic, within a turn too */
    void (*on_up)(void *owner);
    /* It was up, or could not be brought up: why, as a sentence for a log. */
    void (*on_down)(void *owner, bool was_up, struct slice problem);
};

struct uof_link_stats {
    struct metrics_counter connects; /* attempts */
    struct metrics_counter ups, losses;
    struct metrics_counter messages, bytes; /* of the feed, and of all that came */
    struct metrics_counter malformed;       /* messages that the source refused */
    struct metrics_counter heartbeats;      /* sent */
    struct metrics_counter silences;        /* the limit silence_us_max */
    struct metrics_counter setups;          /* the limit setup_us_max */
    struct metrics_counter broken;          /* what came was no AMQP, or not due */
    struct metrics_counter too_long;        /* frames and messages beyond their limits */
    struct metrics_counter turn_reached;    /* UOF_LINK_TURN_US_MAX */
    struct metrics_counter book_reached;    /* `ready` said no */
    struct metrics_gauge up, held_bytes;    /* 0 or 1; bytes received and not taken yet */
    struct metrics_histogram freshness;     /* us: bytes received -> their prices in the store */
};

struct uof_link;

/* Connects in the loop's next turn. Registers a turn-end hook of stage WORK: to be made before
 * whoever ends the book's turn. 0, -ERR_MEMORY, -ERR_LIMIT. */
int uof_link_new(struct loop *loop, const struct uof_link_options *options,
                 const struct uof_link_listener *listener, struct uof_link **ret_link);
/* The source is not told any more. Accepts NULL. */
void uof_link_free(struct uof_link *link);
/* For ever, and without a word to the source: another process goes on. */
void uof_link_end(struct uof_link *link);

const struct uof_link_stats *uof_link_stats(const struct uof_link *link);
/* 0 or -ERR_LIMIT. */
int uof_link_register_metrics(const struct uof_link *link, struct metrics *metrics);
