/* front_process.h - a process that is only a front: the public listeners, tokens, limits, gateway
 * and streams, before a book in another process (`serve --roles gateway`, `odds-service`, or both;
 * docs/OPERATIONS.md, "Fronts in processes of their own"). It keeps no ledger: what it knows of
 * bets and money it asks over a link (book_link.h), and prices it follows in the odds store that
 * the processes share (front_prices.h). Several may stand before one book; one that ends takes
 * nothing with it. Thread: the main one. */
#pragma once

#include "cli/node.h"
#include "net/stream/tls_client.h"

#define FRONT_TOKEN_BYTES_MAX 2048

struct front_options {
    struct node_options node;         /* of the public side; what concerns a book is not read */
    struct net_address book;          /* its admin listener */
    struct tls_client_files book_tls; /* ca NULL: it is plain */
    const char *token;                /* of role gateway; NULL: it has no book, and shows prices */
};

/* Runs until SIGTERM or SIGINT; `ready` is called once, when it listens: whether bets are taken
 * then is for GET /readyz to say. On another end than NODE_ENDED `why` holds a sentence. */
enum node_end front_process_run(const struct front_options *options, node_ready_fn ready,
                                struct buf *why);
