/* node_follow.h - the prices of a node without an odds-worker (`--roles bet-service`): those in the
 * odds store that the processes share are followed (adapters/redis/odds_follower.h), in a store of
 * their own as their writer gave them, and given to the book, which shows them in the light of its
 * ledger (app/book_follow.h). Thread: the book's loop. */
#pragma once

#include <stdbool.h>

#include "adapters/redis/odds_follower.h"
#include "app/book.h"
#include "cli/node/desk_link.h"
#include "cli/node/node_odds_store.h"

/* All zero at first. */
struct node_follow {
    struct book *book;              /* borrowed, as the next */
    const struct desk_link *desk;   /* whose prices are meant; NULL: those of any */
    struct tls_client *tls;         /* owned; NULL: plain */
    struct odds_store *written;     /* owned, as the next; NULL: the node makes its prices */
    struct odds_follower *follower; /* before it is open nothing is known of any price */
    struct price_source source;
    struct metrics_histogram lag;
};

/* What a book is made with that is to follow; node_follow_open() is due once it is there. */
struct price_source *node_follow_source(struct node_follow *follow);

struct node_follow_parts {
    struct loop *loop; /* borrowed, as the book */
    struct book *book;
    const struct desk_link *desk; /* NULL: there is none */
    int64_t markets_max;
};
/* 0, or an error with a sentence in `why` or none; node_follow_close() is due all the same. */
int node_follow_open(struct node_follow *follow, const struct node_odds_store_options *options,
                     const struct node_follow_parts *parts, struct buf *why);
/* Before the book is freed. */
void node_follow_close(struct node_follow *follow);

/* -ERR_LIMIT. */
int node_follow_register_metrics(struct node_follow *follow, struct metrics *metrics);
