/* load_match.h - the script of a match day: when which market moves, to what, and when a goal stops
 * it. A pure function of its options, so that several servers can be shown the same day.
 *
 * Each market is a match's "to win" with three selections, whose prices have two places. Time goes
 * in blocks that are calm or volatile; after a goal the market is suspended for a while, comes back
 * with other prices, and is volatile. Times are microseconds from the begin. Thread: the owner's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOAD_MATCH_MARKETS_MAX 256
#define LOAD_MATCH_SELECTIONS  3

struct load_match_options {
    uint64_t seed;
    uint32_t markets;     /* 1 .. LOAD_MATCH_MARKETS_MAX */
    int64_t calm_us;      /* mean time between two moves of a market, > 0 */
    int64_t volatile_us;  /* the same in a volatile block, and after a goal */
    int64_t goal_us;      /* mean time between two goals of one match */
    int64_t suspended_us; /* after a goal */
};

struct load_match_move {
    int64_t at_us;
    uint32_t market;
    uint32_t cents[LOAD_MATCH_SELECTIONS]; /* prices in hundredths: 210 is 2.10 */
    uint32_t goals[2];
    bool suspended;
    bool reopened; /* after a goal */
};

struct load_match;

/* 0, -ERR_LIMIT, -ERR_MEMORY. The first moves are the images of all markets, at 0. */
int load_match_new(const struct load_match_options *options, struct load_match **ret_match);
void load_match_free(struct load_match *match); /* accepts NULL */

/* When the next move is; it never falls. */
int64_t load_match_next_us(const struct load_match *match);
/* Makes that move. */
void load_match_take(struct load_match *match, struct load_match_move *ret);
