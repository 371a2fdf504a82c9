/* bet_link_asker.h - the book from a process of its own: a bet_port on a front's loop that carries
 * questions over a link to the book's process, and answers back.
 *
 * Each question takes a place until its answer comes; its tag is the place and how often that was
 * used, so a late answer to a question that was given up is dropped. What a turn asks is one batch.
 *
 * Nothing waits for ever (S2), and nothing is said that is not known (L3):
 *   no link, or not welcome yet   503 BOOK_AWAY at once: the book has not heard of it
 *   no place, no room             503 OVERLOADED: the same
 *   the link ends, or the answer is later than answer_us_max
 *                                 503 ANSWER_DELAYED: the same key tells the verdict
 * all with Retry-After. The end of a link is a gap in users' own messages: `on_gap` ends the
 * authority of all sockets here, who read their account when they are back.
 * Thread: the front's loop. No clock, no socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/metrics.h"
#include "roles/bet/bet_port.h"
#include "roles/shared/link_out.h"

struct bet_link_asker;

/* Whom the front tells. `op` is ended by NUL. Either may be NULL. */
struct bet_link_asker_events {
    void *owner;
    void (*on_own)(void *owner, struct slice user_id, const char *op, struct slice object);
    void (*on_gap)(void *owner);
};

struct bet_link_asker_options {
    uint32_t places;          /* questions under way */
    int64_t answer_us_max;    /* so long may an answer take */
    uint64_t hash_key[2];     /* of own_presence: whose cells users() names */
    struct shard_place place; /* that the book must be; another one's link is ended */
};

/* Counted since start. */
struct bet_link_asker_stats {
    struct metrics_counter asked, answered;
    struct metrics_counter away;           /* refused: no book */
    struct metrics_counter places_reached; /* refused: so many are under way */
    struct metrics_counter given_up;       /* the link ended */
    struct metrics_counter late;           /* answer_us_max */
    struct metrics_counter bad_batches;    /* the link was closed for them */
    struct metrics_counter other_shards;   /* the link was closed: the book is another shard's */
    struct metrics_counter sessions;       /* links that were welcome */
};

/* 0 or -ERR_MEMORY. */
int bet_link_asker_new(const struct bet_link_asker_options *options,
                       const struct bet_link_asker_events *events,
                       struct bet_link_asker **ret_asker);
/* What is under way is not answered any more. Accepts NULL. */
void bet_link_asker_free(struct bet_link_asker *asker);
struct bet_port *bet_link_asker_port(struct bet_link_asker *asker);

void bet_link_asker_attach(struct bet_link_asker *asker, const struct carrier *link);
/* What came over the link; answers are given inside the call. */
void bet_link_asker_batch(struct bet_link_asker *asker, struct slice batch);
/* The link has ended: all that is under way is answered. Without one: nothing. */
void bet_link_asker_detached(struct bet_link_asker *asker);

/* A cell of users has its first socket here, or its last one has gone. */
void bet_link_asker_users(struct bet_link_asker *asker, uint32_t cell, bool there);
/* The time of this turn; before the first question of each turn. What is late is answered. */
void bet_link_asker_turn_begin(struct bet_link_asker *asker, struct monotonic now);
/* At the end of each turn: what was asked goes out. */
void bet_link_asker_turn_end(struct bet_link_asker *asker);
/* When the oldest question becomes late, or -1: then a turn is wanted. */
int64_t bet_link_asker_due_us(const struct bet_link_asker *asker);

/* A book of this shard is there. */
bool bet_link_asker_is_welcome(const struct bet_link_asker *asker);
/* It is, and takes bets. */
bool bet_link_asker_takes_bets(const struct bet_link_asker *asker);
uint32_t bet_link_asker_under_way(const struct bet_link_asker *asker);
const struct bet_link_asker_stats *bet_link_asker_stats(const struct bet_link_asker *asker);
/* -ERR_LIMIT. */
int bet_link_asker_register_metrics(const struct bet_link_asker *asker, struct metrics *metrics);
