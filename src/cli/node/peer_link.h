/* peer_link.h - a WebSocket that this process keeps up to the admin listener of another of ours: it
 * is opened again whenever it ends, at the next of the addresses at which the peer may be, with a
 * token, by TLS where its authority is named, and carries what an end of a link says
 * (ports/carrier.h). Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "net/http/http_client.h"
#include "net/loop/loop.h"
#include "net/stream/tls_client.h"
#include "ports/carrier.h"

#define PEER_LINK_TOKEN_BYTES_MAX 2048
#define PEER_LINK_ADDRESSES_MAX   8
#define PEER_LINK_BACKOFF_US_MIN  INT64_C(50000)
#define PEER_LINK_BACKOFF_US_MAX  INT64_C(1000000)
/* So long may opening a link take: a process that stands still takes connections, too. */
#define PEER_LINK_HANDSHAKE_MS 2000
/* The peer's silence: pings go out so often, and so long may their answer take. */
#define PEER_LINK_PING_MS 1000
#define PEER_LINK_PONG_MS 2000

/* Where the peer may be, and who we are to it. Its texts are borrowed for the link's life. */
struct peer_address {
    struct net_address of[PEER_LINK_ADDRESSES_MAX]; /* of admin listeners; tried in turn */
    uint32_t count;
    struct tls_client_files tls; /* ca NULL: it is plain */
    const char *token;           /* < PEER_LINK_TOKEN_BYTES_MAX */
};

/* What is spoken, and who speaks here. Copied; the texts are for ever. */
struct peer_link_end {
    struct slice target;
    struct slice subprotocol;
    size_t message_bytes_max;
    void *owner;
    /* There is a link; `carrier` is copied. */
    void (*attached)(void *owner, const struct carrier *carrier);
    /* A message, or an empty one for what can be none. True: the peer has welcomed us, so the next
     * link is tried for as soon as the first. */
    bool (*message)(void *owner, struct slice bytes);
    /* The link has ended; another one is tried for. */
    void (*detached)(void *owner, uint16_t code);
    /* None was opened, for another reason than the last time (status 0: no answer). */
    void (*refused)(void *owner, int status);
};

/* All zero at first. */
struct peer_link {
    struct loop *loop; /* borrowed */
    struct peer_address address;
    struct peer_link_end end;
    struct http_client *client; /* owned, as the next */
    struct tls_client *tls;     /* NULL: plain */
    struct ws_handle ws;
    struct timer connect_timer;
    struct backoff backoff;
    uint32_t at;     /* of the addresses */
    int status_told; /* of the last refusal; -1: none */
    bool ending;
    char authorization[PEER_LINK_TOKEN_BYTES_MAX + 64];
};

/* Begins to connect; what the end is told comes behind the call. 0, or an error with a sentence in
 * `why`, or none; peer_link_stop() is due all the same. */
int peer_link_open(struct peer_link *link, struct loop *loop, const struct peer_address *address,
                   const struct peer_link_end *end, struct buf *why);
/* Ends the link, detached() within; nothing is connected any more. Before or without
 * peer_link_open(), or again: nothing. While the loop is there. */
void peer_link_stop(struct peer_link *link);
