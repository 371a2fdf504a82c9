/* desk_link.h - the way from another shard's process to the desk's: a WebSocket to GET
 * /v1/desk-link of its admin listener, opened again whenever it ends, and the follower over it
 * (app/relay_follower.h). Where the desk may be at several addresses (its standby's) they are tried
 * in turn. Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/relay_follower.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "net/http/http_client.h"
#include "net/loop/loop.h"
#include "net/stream/tls_client.h"

#define DESK_LINK_TOKEN_BYTES_MAX 2048
#define DESK_LINK_ADDRESSES_MAX   8
#define DESK_LINK_BACKOFF_US_MIN  INT64_C(50000)
#define DESK_LINK_BACKOFF_US_MAX  INT64_C(1000000)
/* So long may opening a link take: a process that stands still takes connections, too. */
#define DESK_LINK_HANDSHAKE_MS 2000
/* The desk's silence: pings go out so often, and so long may their answer take. */
#define DESK_LINK_PING_MS 1000
#define DESK_LINK_PONG_MS 2000

/* Borrowed for the node's life. */
struct desk_link_options {
    struct net_address addresses[DESK_LINK_ADDRESSES_MAX]; /* of admin listeners */
    uint32_t addresses_count;                              /* 0: the desk is this process */
    struct tls_client_files tls;                           /* ca NULL: it is plain */
    const char *token;                                     /* of role shard */
};

/* All zero at first. */
struct desk_link {
    struct loop *loop; /* borrowed, as the next two */
    struct book *book;
    const struct desk_link_options *options;
    struct relay_follower *follower; /* owned, as the two below */
    struct http_client *client;
    struct tls_client *tls; /* NULL: plain */
    struct ws_handle ws;
    struct timer connect_timer, due_timer;
    uint32_t at; /* of the addresses */
    int64_t backoff_us;
    uint64_t jitter;
    int status_told; /* of the last refusal that was logged; -1: none */
    bool ending, foreign_told;
    struct metrics_gauge is_attached, is_granted;
    struct metrics_counter sessions, words, refused, asked, granted, later, bad, foreign, inbox;
    char authorization[DESK_LINK_TOKEN_BYTES_MAX + 64];
};

/* With the book started: begins to connect. 0, or an error with a sentence in `why`, or none;
 * desk_link_close() is due all the same. */
int desk_link_open(struct desk_link *link, struct loop *loop, struct book *book,
                   const struct desk_link_options *options, struct buf *why);
/* Behind book_begin_turn(), and behind book_end_turn(). Without a desk elsewhere: nothing. */
void desk_link_turn_begin(struct desk_link *link);
void desk_link_turn_end(struct desk_link *link);
/* Ends the link, while the loop and the book are there. */
void desk_link_end(struct desk_link *link);
/* Behind the book. */
void desk_link_close(struct desk_link *link);

/* -ERR_LIMIT. */
int desk_link_register_metrics(struct desk_link *link, const struct book *book,
                               struct metrics *metrics);
