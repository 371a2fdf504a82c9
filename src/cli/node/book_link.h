/* book_link.h - the way from a front's process to the book of one shard: a link (peer_link.h) to
 * GET /v1/link of its admin listener, and the asker over it (roles/bet/bet_link_asker.h). At an
 * address where there is nobody, or the book of another shard, the link ends at once. Thread: the
 * front's loop. */
#pragma once

#include "cli/node/peer_link.h"
#include "roles/bet/bet_link_asker.h"

#define BOOK_LINK_PLACES        16384 /* questions under way, as the bet service has at most */
#define BOOK_LINK_ANSWER_US_MAX INT64_C(10000000)

/* Borrowed until book_link_close(), but for the numbers. */
struct book_link_options {
    struct shard_place place;
    struct peer_address address; /* token NULL: there is no book, and every question is answered
                                    503; else of role gateway */
    uint64_t hash_key[2];        /* of own_presence */
    struct bet_link_asker_events events;
};

/* All zero at first. */
struct book_link {
    struct peer_link peer;
    struct loop *loop; /* borrowed */
    struct shard_place place;
    struct bet_link_asker *asker; /* owned */
    struct timer late_timer;
    struct metrics_gauge takes_bets;
    char label[16];
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
