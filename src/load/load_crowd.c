/* load_crowd.c - contract in load_crowd.h. A heap of the next act of each kind of each user; those
 * that a goal brings are beside them. Chance is drawn per user and kind of use, so that an act of
 * one changes nothing for another. */
#include "load/load_crowd.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/prng.h"
#include "load/load_schedule.h"

#define HURRY_US 1000000

struct user {
    struct prng when[LOAD_ACTS_COUNT];
    struct prng what;
    uint32_t market;
};

struct load_crowd {
    struct load_crowd_options options;
    struct prng goals;
    struct user *users;    /* owned */
    struct load_act *heap; /* owned; the earliest first */
    size_t count, capacity;
};

/* ---- the heap ---- */

/* A total order, so that the plan is one. */
static bool is_before(const struct load_act *a, const struct load_act *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    return a->user != b->user ? a->user < b->user : a->kind < b->kind;
}

static void put(struct load_crowd *crowd, struct load_act act)
{
    if (crowd->count == crowd->capacity)
        return; /* a user who has a hurried bet before him already */
    size_t at = crowd->count++;
    for (; at > 0 && is_before(&act, &crowd->heap[(at - 1) / 2]); at = (at - 1) / 2)
        crowd->heap[at] = crowd->heap[(at - 1) / 2];
    crowd->heap[at] = act;
}

static void drop_first(struct load_crowd *crowd)
{
    struct load_act last = crowd->heap[--crowd->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= crowd->count)
            break;
        if (child + 1 < crowd->count && is_before(&crowd->heap[child + 1], &crowd->heap[child]))
            child++;
        if (!is_before(&crowd->heap[child], &last))
            break;
        crowd->heap[at] = crowd->heap[child];
        at = child;
    }
    crowd->heap[at] = last;
}

/* ---- the plan ---- */

/* A poll comes at even intervals, from a moment within the first. */
static void plan(struct load_crowd *crowd, uint32_t user, enum load_act_kind kind, int64_t from_us,
                 bool first)
{
    int64_t each_us = crowd->options.each_us[kind];
    struct prng *prng = &crowd->users[user].when[kind];
    int64_t gap_us = each_us;
    if (each_us == 0)
        return;
    if (kind == LOAD_ACT_POLL && first)
        gap_us = (int64_t)prng_below(prng, (uint64_t)each_us);
    else if (kind != LOAD_ACT_POLL)
        gap_us = load_schedule_poisson_us(prng, each_us);
    put(crowd, (struct load_act){from_us + gap_us, user, kind});
}

static void begin_user(struct load_crowd *crowd, uint32_t index)
{
    struct user *user = &crowd->users[index];
    uint64_t seed = crowd->options.seed * 1000003 + index;
    for (int kind = 0; kind < LOAD_ACTS_COUNT; kind++)
        prng_seed(&user->when[kind], seed * LOAD_ACTS_COUNT + (uint64_t)kind);
    prng_seed(&user->what, ~seed);
    user->market = 0;
    if (crowd->options.markets > 1 && prng_below(&user->what, 2) == 0)
        user->market = 1 + (uint32_t)prng_below(&user->what, crowd->options.markets - 1);
    for (int kind = 0; kind < LOAD_ACTS_COUNT; kind++)
        plan(crowd, index, (enum load_act_kind)kind, 0, true);
}

int load_crowd_new(const struct load_crowd_options *options, struct load_crowd **ret_crowd)
{
    if (options->users == 0 || options->markets == 0)
        return -ERR_LIMIT;
    struct load_crowd *crowd = calloc(1, sizeof *crowd);
    if (crowd == NULL)
        return -ERR_MEMORY;
    crowd->options = *options;
    crowd->capacity = (size_t)options->users * (LOAD_ACTS_COUNT + 1);
    crowd->users = calloc(options->users, sizeof *crowd->users);
    crowd->heap = calloc(crowd->capacity, sizeof *crowd->heap);
    if (crowd->users == NULL || crowd->heap == NULL) {
        load_crowd_free(crowd);
        return -ERR_MEMORY;
    }
    prng_seed(&crowd->goals, options->seed ^ 0x60a1);
    for (uint32_t i = 0; i < options->users; i++)
        begin_user(crowd, i);
    *ret_crowd = crowd;
    return 0;
}

void load_crowd_free(struct load_crowd *crowd)
{
    if (crowd == NULL)
        return;
    free(crowd->users);
    free(crowd->heap);
    free(crowd);
}

uint32_t load_crowd_market(const struct load_crowd *crowd, uint32_t user)
{
    return crowd->users[user].market;
}

int64_t load_crowd_next_us(const struct load_crowd *crowd)
{
    return crowd->count == 0 ? INT64_MAX : crowd->heap[0].at_us;
}

void load_crowd_take(struct load_crowd *crowd, struct load_act *ret)
{
    ASSERT(crowd->count > 0);
    *ret = crowd->heap[0];
    drop_first(crowd);
    if (ret->kind == LOAD_ACT_HURRY)
        ret->kind = LOAD_ACT_BET;
    else
        plan(crowd, ret->user, ret->kind, ret->at_us, false);
}

/* `burst` times the usual bets of one second, less those that come anyway. */
void load_crowd_goal(struct load_crowd *crowd, uint32_t market, int64_t at_us)
{
    int64_t each_us = crowd->options.each_us[LOAD_ACT_BET];
    if (each_us == 0 || crowd->options.burst < 2)
        return;
    uint64_t share = (uint64_t)(crowd->options.burst - 1) * HURRY_US;
    for (uint32_t i = 0; i < crowd->options.users; i++) {
        bool watches = crowd->users[i].market == market;
        if (!watches || prng_below(&crowd->goals, (uint64_t)each_us) >= share)
            continue;
        int64_t after_us = (int64_t)prng_below(&crowd->goals, HURRY_US);
        put(crowd, (struct load_act){at_us + after_us, i, LOAD_ACT_HURRY});
    }
}

uint32_t load_crowd_stake(struct load_crowd *crowd, uint32_t user)
{
    return 1 + (uint32_t)prng_below(&crowd->users[user].what, 100);
}

uint32_t load_crowd_choice(struct load_crowd *crowd, uint32_t user, uint32_t count)
{
    return (uint32_t)prng_below(&crowd->users[user].what, count);
}
