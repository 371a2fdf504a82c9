/* desk_link.h - the way from another shard's process to the desk's: a link (peer_link.h) to GET
 * /v1/desk-link of its admin listener, and the follower over it (app/relay_follower.h). Thread: the
 * book's loop. */
#pragma once

#include "app/relay_follower.h"
#include "base/metrics.h"
#include "cli/node/peer_link.h"

/* All zero at first. */
struct desk_link {
    struct peer_link peer;
    struct loop *loop; /* borrowed, as the next */
    struct book *book;
    struct relay_follower *follower; /* owned */
    struct timer due_timer;
    bool foreign_told;
    struct metrics_gauge is_attached, is_granted;
    struct metrics_counter sessions, words, refused, asked, granted, later, bad, foreign, inbox;
};

/* With the book started: begins to connect, with a token of role shard. 0, or an error with a
 * sentence in `why`, or none; desk_link_close() is due all the same. */
int desk_link_open(struct desk_link *link, struct loop *loop, struct book *book,
                   const struct peer_address *desk, struct buf *why);
/* Behind book_begin_turn(), and behind book_end_turn(). Without a desk elsewhere: nothing. */
void desk_link_turn_begin(struct desk_link *link);
void desk_link_turn_end(struct desk_link *link);
/* Ends the link, while the loop and the book are there. */
void desk_link_end(struct desk_link *link);
/* Behind the book. */
void desk_link_close(struct desk_link *link);

/* Of the desk's log; NULL: it has never been heard of. */
const uint8_t *desk_link_book_id(const struct desk_link *link);

/* -ERR_LIMIT. */
int desk_link_register_metrics(struct desk_link *link, const struct book *book,
                               struct metrics *metrics);
