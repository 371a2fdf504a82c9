/* book_link.h - the way from a front's process to the book of one shard: a WebSocket to GET
 * /v1/link of its admin listener, opened again whenever it ends, and the asker over it
 * (roles/bet/bet_link_asker.h). Where the book may be at several addresses they are tried in turn:
 * at one where there is nobody, or the book of another shard, the link ends at once. Thread: the
 * front's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http/http_client.h"
#include "net/loop/loop.h"
#include "net/stream/tls_client.h"
#include "roles/bet/bet_link_asker.h"

#define BOOK_LINK_TOKEN_BYTES_MAX 2048
#define BOOK_LINK_PLACES          16384 /* questions under way, as the bet service has at most */
#define BOOK_LINK_ANSWER_US_MAX   INT64_C(10000000)
#define BOOK_LINK_ADDRESSES_MAX   8
#define BOOK_LINK_BACKOFF_US_MIN  INT64_C(50000)
#define BOOK_LINK_BACKOFF_US_MAX  INT64_C(1000000)
/* So long may opening a link take: a process that stands still takes connections, too. */
#define BOOK_LINK_HANDSHAKE_MS 2000
/* The book's silence: pings go out so often, and so long may their answer take. */
#define BOOK_LINK_PING_MS 1000
#define BOOK_LINK_PONG_MS 2000

/* Borrowed until book_link_close(), but for the numbers. */
struct book_link_options {
    struct shard_place place;
    struct net_address addresses[BOOK_LINK_ADDRESSES_MAX]; /* of its admin listener, or maybe so */
    uint32_t addresses_count;
    struct tls_client_files tls; /* ca NULL: it is plain */
    const char *token;           /* of role gateway; NULL: there is no book, and every question is
                                    answered 503 */
    uint64_t hash_key[2];        /* of own_presence */
    struct bet_link_asker_events events;
};

/* All zero at first. */
struct book_link {
    struct loop *loop; /* borrowed */
    struct shard_place place;
    struct net_address addresses[BOOK_LINK_ADDRESSES_MAX];
    uint32_t addresses_count, at;
    struct bet_link_asker *asker; /* owned, as the two below */
    struct http_client *client;
    struct tls_client *tls; /* NULL: plain */
    struct ws_handle ws;
    struct timer connect_timer, late_timer;
    int64_t backoff_us;
    uint64_t jitter; /* state of the generator that spreads the tries of many fronts */
    struct metrics_gauge takes_bets;
    char label[16];
    int status_told; /* of the last refusal that was logged; -1: none */
    bool ending;
    char authorization[BOOK_LINK_TOKEN_BYTES_MAX + 64];
};

/* Begins to connect. 0, or an error with a sentence in `why`, or none; book_link_close() is due all
 * the same. */
int book_link_open(struct book_link *link, struct loop *loop,
                   const struct book_link_options *options, struct buf *why);
struct bet_port *book_link_port(struct book_link *link);
bool book_link_takes_bets(const struct book_link *link);
/* For own_presence_watch(); owner is the link. */
void book_link_users(void *owner, uint32_t cell, bool there);
/* At the begin and the end of each turn of the loop. */
void book_link_turn_begin(struct book_link *link);
void book_link_turn_end(struct book_link *link);
/* What is under way is answered; no link is opened any more. */
void book_link_end(struct book_link *link);
void book_link_close(struct book_link *link);
/* Once for each link of a front: what they count is added up, and a gauge of each shard's says
 * whether its book takes bets. -ERR_LIMIT. */
int book_link_register_metrics(struct book_link *link, struct metrics *metrics);
