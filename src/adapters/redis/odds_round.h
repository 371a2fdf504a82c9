/* odds_round.h - reads every key odds:* of every master, once: what a follower begins with, and how
 * it mends a gap. Keys are walked with SCAN, a few hundred at a time, and their values fetched
 * behind one another in one write; the next keys are asked for when those values are there, so
 * neither side has more under way (S2).
 *
 * Callbacks come from the loop. One round at a time. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/redis/redis_fleet.h"

#define ODDS_ROUND_KEYS 256 /* asked for at once; a server may give some more */

struct odds_round_listener {
    void *owner;
    void (*on_value)(void *owner, struct slice value); /* borrowed for the call */
    /* All masters were walked to the end; or not, and what came is what came. */
    void (*on_end)(void *owner, bool whole);
};

struct odds_round {
    struct redis_fleet *fleet; /* borrowed */
    struct odds_round_listener listener;
    uint32_t number; /* of the round: answers of an earlier one are passed over */
    bool running, failed;
    unsigned walking; /* masters that are not done */
    struct {
        bool walking, read; /* read: all of its keys, in this round */
        uint32_t values_due;
        uint64_t cursor;
    } masters[REDIS_NODES_MAX];
};

void odds_round_init(struct odds_round *round, struct redis_fleet *fleet,
                     const struct odds_round_listener *listener);
/* Of those that are up; without all of them it ends as one that is not whole. False: none is. */
bool odds_round_begin(struct odds_round *round);
/* All keys of that master were read, in the newest round. Also in on_end. */
static inline bool odds_round_has_read(const struct odds_round *round, size_t master)
{
    return master < REDIS_NODES_MAX && round->masters[master].read;
}
/* Nobody is told of its end any more. */
void odds_round_cancel(struct odds_round *round);
