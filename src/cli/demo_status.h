/* demo_status.h - the one line a second of `overround demo`: what the book does just now.
 * Pure. Thread: the owner of the state. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/instant.h"
#include "ledger/shard_state.h"

#define DEMO_STATUS_OUTCOMES 64 /* as book_stats counts them */

struct demo_status_sample {
    struct monotonic at;
    /* Counted since the start: the line shows the difference of two samples as a rate. */
    uint64_t prices;
    uint64_t bets_by_outcome[DEMO_STATUS_OUTCOMES]; /* index: enum bet_outcome */
    /* As they are. */
    uint64_t settled;
    uint64_t settle_markets, settle_bets, settle_bets_left; /* under way; 0 markets: none is */
    uint64_t p50_us, p99_us; /* acceptance, as the simulated bettors see it; 0: none yet */
    int64_t liability_minor;
    bool liability_is_part; /* more open bets than are looked at: it is at least this */
    uint64_t subscribers;
    struct slice scoreboard; /* While bets are being settled, what it ends with is how far that has
                              * come: "settled 96 | settling
                              * [######....] 60 % of 500000 bets, 12 markets left". Else:
                              * "Rovers 1-0 United 63'", or empty; borrowed */
};

/* "Rovers 1-0 United 63' | 312 prices/s | 41 bets/s p50 0.30 p99 2.10 ms | refused 12:
 * ODDS_CHANGED 9, STAKE_LIMIT 3 | liability 1234.00 | settled 96 | 4 subscribers". No line feed.
 * `before` is the sample of a moment earlier. At most `columns` characters: cut. */
void demo_status_write(struct buf *out, const struct demo_status_sample *before,
                       const struct demo_status_sample *now, size_t columns);

/* What the house would lose at worst on the open bets: the sum of what the dearest outcome of each
 * market costs, or nothing where that is negative. Looks at the markets_max newest that have open
 * bets; *ret_is_part then says that some were left out. */
int64_t demo_status_liability(const struct shard_state *state, uint32_t markets_max,
                              bool *ret_is_part);
