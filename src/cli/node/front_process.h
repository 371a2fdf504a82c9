/* front_process.h - a process that is only a front: the public listeners, tokens, limits, gateway
 * and streams, before the books of other processes (`serve --roles gateway`, `odds-service`, or
 * both; docs/OPERATIONS.md, "Fronts in processes of their own"). It keeps no ledger: what it knows
 * of bets and money it asks over a link to the book of each shard (book_link.h), and prices it
 * follows in the odds store that the processes share (front_prices.h). Several may stand before one
 * book; one that ends takes nothing with it. Thread: the main one. */
#pragma once

#include "cli/node/book_link.h"
#include "cli/node/node.h"
#include "net/stream/tls_client.h"
#include "roles/bet/bet_shards_port.h"

#define FRONT_TOKEN_BYTES_MAX 2048

/* Where the book of a shard may be: admin listeners, tried in turn. */
struct front_book {
    struct net_address addresses[PEER_LINK_ADDRESSES_MAX];
    uint32_t count;
};

struct front_options {
    struct node_options node; /* of the public side; of what concerns a book, shard.shards alone */
    struct front_book books[BET_SHARDS_PORTS_MAX]; /* of each shard */
    struct tls_client_files book_tls;              /* ca NULL: they are plain */
    const char *token; /* of role gateway; NULL: it has no book, and shows prices */
};

/* Ready (GET /readyz) while the odds store is followed, where there is one, and the book of at
 * least one shard takes bets: customers of the others are told so one by one (503 BOOK_AWAY), and
 * no balancer takes all fronts away for the sake of one shard.
 *
 * Runs until SIGTERM or SIGINT; `ready` is called once, when it listens: whether bets are taken
 * then is for GET /readyz to say. On another end than NODE_ENDED `why` holds a sentence. */
enum node_end front_process_run(const struct front_options *options, node_ready_fn ready,
                                struct buf *why);
