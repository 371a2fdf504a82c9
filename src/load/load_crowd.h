/* load_crowd.h - what a crowd of bettors does and when, whatever the server does: an open-loop plan
 * that depends on its options and on the goals that it is told alone.
 *
 * Each user watches one market: half of them the first one, the match of the day. Who polls does so
 * at even intervals, from a moment of its own; all else comes at random times (Poisson). A goal
 * makes those who watch bet `burst` times as often for a second. Times are microseconds from the
 * begin. Thread: the owner's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum load_act_kind {
    LOAD_ACT_POLL = 0,
    LOAD_ACT_BET,
    LOAD_ACT_BALANCE,
    LOAD_ACT_LEAVE, /* the connection is closed, and opened again */
    LOAD_ACTS_COUNT,
    LOAD_ACT_HURRY = LOAD_ACTS_COUNT, /* internal: a bet after a goal */
};

struct load_crowd_options {
    uint64_t seed;
    uint32_t users, markets;
    /* Mean time between two acts of a kind of one user; 0: none does it. */
    int64_t each_us[LOAD_ACTS_COUNT];
    uint32_t burst;
};

struct load_act {
    int64_t at_us;
    uint32_t user;
    enum load_act_kind kind;
};

struct load_crowd;

/* 0, -ERR_LIMIT (no users or markets), -ERR_MEMORY. */
int load_crowd_new(const struct load_crowd_options *options, struct load_crowd **ret_crowd);
void load_crowd_free(struct load_crowd *crowd); /* accepts NULL */

/* What this user watches. */
uint32_t load_crowd_market(const struct load_crowd *crowd, uint32_t user);

/* When the next act is; INT64_MAX: there is none. */
int64_t load_crowd_next_us(const struct load_crowd *crowd);
/* Takes it, and plans that user's next one of its kind. There is one. */
void load_crowd_take(struct load_crowd *crowd, struct load_act *ret);
/* A market is open again after a goal, at `at_us`, which is not in the past. */
void load_crowd_goal(struct load_crowd *crowd, uint32_t market, int64_t at_us);
/* 1 .. 100 for this user's next stake, in tenths. */
uint32_t load_crowd_stake(struct load_crowd *crowd, uint32_t user);
/* Which selection, below `count`. */
uint32_t load_crowd_choice(struct load_crowd *crowd, uint32_t user, uint32_t count);
