/* odds_ears.h - where a follower hears the channel odds-changes: at two masters, where there are as
 * many, so that the loss of one node of a cluster, which passes each message to all its nodes, is
 * none of what is heard. What both bring comes twice: numbers tell (odds_gaps.h). Thread: the
 * loop's. */
#pragma once

#include <stdbool.h>

#include "adapters/redis/redis_fleet.h"

#define ODDS_EARS 2

struct odds_ears_listener {
    void *owner;
    void (*on_push)(void *owner, struct slice payload);
    /* It is heard from now on, and was not at the moment before. */
    void (*on_begin)(void *owner);
};

struct odds_ears {
    struct redis_fleet *fleet; /* borrowed */
    struct odds_ears_listener listener;
    uint64_t deaf; /* how often nothing was heard any more */
    struct odds_ear {
        struct odds_ears *ears;
        struct redis_link *link; /* owned; NULL: none */
        bool hears;
    } rows[ODDS_EARS];
};

/* Not to be moved in memory afterwards. */
void odds_ears_init(struct odds_ears *ears, struct redis_fleet *fleet,
                    const struct odds_ears_listener *listener);
/* At masters that are up, from time to time: others, where they are not any more. */
void odds_ears_tend(struct odds_ears *ears);
bool odds_ears_hear(const struct odds_ears *ears);
/* Before the fleet is freed. */
void odds_ears_close(struct odds_ears *ears);
