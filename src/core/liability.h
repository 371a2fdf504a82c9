/* liability.h - what an outcome may cost the book, kept bet by bet. Source: BETTING-RULES 4.12,
 * with the rule for several legs that it leaves open.
 *
 *   liability of an outcome = what open bets cost if it wins, and with it the dearest of the
 *                             others that can win beside it, less the stakes of single bets on
 *                             its market
 *
 * How many can win is the market's (ports/feed_sink.h): one of a match, three of a place market.
 * Where the feed does not say, all of them can. A multiple or a system counts on each of its legs
 * in full, its potential return less its stake, as if its other legs had won: on no outcome less
 * than it can cost there. So does an each-way bet, whose place half may win beside another outcome.
 * A token and bonus money were the book's before, so such a bet costs all that it returns, and its
 * stake covers nothing. What is refunded (a void selection) and what a dead heat saves are not
 * foreseen.
 *
 * Sums stop at the ends of int64_t instead of wrapping: an outcome that is full stays full. Pure;
 * thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/ticket.h"

/* What a bet adds to each outcome that it is on when it is accepted, and takes away again when it
 * is settled, void or cashed out. Minor units. */
struct liability_share {
    int64_t returns_minor; /* on each outcome that it is on */
    int64_t stake_minor;   /* on its outcome and its market; 0 but for a single to win, with cash */
};

/* Of an accepted ticket with this potential return (>= 0). */
struct liability_share liability_of_ticket(const struct ticket *ticket, int64_t return_minor);
/* What the ticket may cost on each of its legs: returns less stake of its share. */
int64_t liability_cost(const struct ticket *ticket, int64_t return_minor);

#define LIABILITY_BESIDE_MAX 15 /* of more that can win beside it, all are taken */

/* The dearest outcomes that can win beside one: begun, then told of each other outcome. */
struct liability_beside {
    uint32_t most; /* how many; above LIABILITY_BESIDE_MAX: all */
    uint32_t count;
    int64_t costs_minor[LIABILITY_BESIDE_MAX]; /* falling */
    int64_t sum_minor;
};
/* winners: of the market, this outcome among them; 0: any number. */
struct liability_beside liability_beside_begin(uint32_t winners);
void liability_beside_put(struct liability_beside *beside, int64_t costs_minor);

/* Of one outcome, the sum of its shares' returns; of those beside it; and of its market. */
struct outcome_exposure {
    int64_t returns_minor;
    int64_t beside_minor; /* liability_beside.sum_minor */
    int64_t market_stakes_minor;
};

/* Below 0 where the book wins whatever happens. */
int64_t liability_of_outcome(const struct outcome_exposure *exposure);
/* What the outcome may cost yet; below 0 where it is above its limit. INT64_MAX: unlimited, and so
 * is the room (LIABILITY_UNLIMITED). */
int64_t liability_room(int64_t liability_minor_max, const struct outcome_exposure *exposure);
