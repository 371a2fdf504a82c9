/* settle_queue.h - the markets whose bets are being brought to a result, and how far each has come.
 *
 * They take turns: a market whose slice is used up stands behind the others, so that one with a
 * million bets holds up none of the small ones by more than a slice (P3). Nothing here is kept over
 * a restart: what is still to do follows from the bets themselves (settle_market.c). Pure; it knows
 * of a leg only which the market's next one is. Owned by the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ledger/shard_state.h"

/* What a leg of the market costs, in looks: it is looked at, and that may lead to records of its
 * bet. A walk over bets that are settled already is cheap, not free. */
#define SETTLE_LOOKS_PER_RECORD 16
/* What a market may cost before it is the next one's turn: 32 bets that are settled. */
#define SETTLE_SLICE_LOOKS (32 * SETTLE_LOOKS_PER_RECORD)

/* How far one market has come. */
struct settle_job {
    uint32_t next; /* the leg to look at next */
    uint32_t bets; /* to be brought to the result, when it was queued */
    uint32_t left; /* of these */
    bool queued;
};

struct settle_queue {
    uint32_t *markets; /* owns; a ring of refs in the order of their turns */
    uint32_t capacity, first, count;
    struct settle_job *jobs;  /* owns; [market ref] */
    uint32_t slice_left;      /* looks of the first market's turn */
    uint64_t bets, bets_left; /* of all that were queued since it was empty */
};

/* markets_max: the highest market ref. -ERR_MEMORY. */
int settle_queue_new(uint32_t markets_max, struct settle_queue **ret_queue);
void settle_queue_free(struct settle_queue *queue); /* accepts NULL */

/* Queues the market: `next` is the first of its legs to look at, `bets` how many bets are to be
 * brought to the result. One that is queued begins again where it stands, because its result may be
 * a newer one. Without a leg (LEG_NONE) there is nothing to do. */
void settle_queue_put(struct settle_queue *queue, struct market_ref market, uint32_t next,
                      uint32_t bets);

/* Is it queued? */
bool settle_queue_holds(const struct settle_queue *queue, struct market_ref market);
/* Whose turn it is; n = 0 when nothing is to do. */
struct market_ref settle_queue_market(const struct settle_queue *queue);
/* The one whose turn comes after `place` others; there are so many (ASSERT). */
struct market_ref settle_queue_market_at(const struct settle_queue *queue, uint32_t place);
/* The leg to look at. The queue is not empty (ASSERT). */
uint32_t settle_queue_leg(const struct settle_queue *queue);
/* It was looked at; `next` is the market's next bet (LEG_NONE: it was the last), `looks` what it
 * has cost, `counted` whether it was one of those to be brought to the result. */
void settle_queue_looked(struct settle_queue *queue, uint32_t next, uint32_t looks, bool counted);
