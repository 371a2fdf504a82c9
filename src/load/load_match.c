/* load_match.c - contract in load_match.h. Every market has a chance of its own, so that more
 * markets leave the others as they are. */
#include "load/load_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/prng.h"
#include "load/load_schedule.h"

#define BLOCK_US          15000000
#define VOLATILE_ONE_IN   4
#define AFTER_GOAL_US     20000000 /* volatile so long */
#define CHANCE_WHOLE      10000
#define DRAW_CHANCE       2600
#define HOME_CHANCE_LEAST 800
#define HOME_CHANCE_MOST  6400
#define STEP_LEAST        50 /* some price of the three changes */
#define STEP_MORE         120
#define GOAL_STEP_LEAST   600
#define GOAL_STEP_MORE    900
#define MARGIN_PERCENT    5
#define PRICE_CENTS_LEAST 101

struct row {
    struct prng prng;
    int64_t move_us, goal_us;
    int64_t volatile_until_us;
    bool suspended;
    bool shown;    /* its first image was taken */
    uint32_t home; /* chance to win, of CHANCE_WHOLE */
    uint32_t cents[LOAD_MATCH_SELECTIONS];
    uint32_t goals[2];
};

struct load_match {
    struct load_match_options options;
    struct row rows[]; /* options.markets */
};

static uint32_t price_of(uint32_t chance)
{
    uint32_t cents = 100u * CHANCE_WHOLE * 100u / (chance * (100u + MARGIN_PERCENT));
    return cents < PRICE_CENTS_LEAST ? PRICE_CENTS_LEAST : cents;
}

static void price_row(struct row *row)
{
    row->cents[0] = price_of(row->home);
    row->cents[1] = price_of(DRAW_CHANCE);
    row->cents[2] = price_of(CHANCE_WHOLE - DRAW_CHANCE - row->home);
}

/* Up or down; at either end it turns back, so the prices always change. */
static void step(struct row *row, uint32_t by, bool up)
{
    if (up ? row->home + by > HOME_CHANCE_MOST : row->home < HOME_CHANCE_LEAST + by)
        up = !up;
    row->home = up ? row->home + by : row->home - by;
    price_row(row);
}

static bool is_volatile(const struct load_match *match, uint32_t market, int64_t at_us)
{
    struct prng block;
    const struct row *row = &match->rows[market];
    if (at_us < row->volatile_until_us)
        return true;
    prng_seed(&block,
              match->options.seed ^ ((uint64_t)market << 40) ^ (uint64_t)(at_us / BLOCK_US + 1));
    return prng_below(&block, VOLATILE_ONE_IN) == 0;
}

static void plan_move(struct load_match *match, uint32_t market, int64_t now_us)
{
    struct row *row = &match->rows[market];
    int64_t mean_us =
        is_volatile(match, market, now_us) ? match->options.volatile_us : match->options.calm_us;
    row->move_us = now_us + load_schedule_poisson_us(&row->prng, mean_us);
}

static void plan_goal(struct load_match *match, uint32_t market, int64_t now_us)
{
    struct row *row = &match->rows[market];
    row->goal_us = now_us + load_schedule_poisson_us(&row->prng, match->options.goal_us);
}

int load_match_new(const struct load_match_options *options, struct load_match **ret_match)
{
    if (options->markets == 0 || options->markets > LOAD_MATCH_MARKETS_MAX ||
        options->calm_us <= 0 || options->volatile_us <= 0 || options->goal_us <= 0 ||
        options->suspended_us <= 0)
        return -ERR_LIMIT;
    struct load_match *match = calloc(1, sizeof *match + options->markets * sizeof match->rows[0]);
    if (match == NULL)
        return -ERR_MEMORY;
    match->options = *options;
    for (uint32_t i = 0; i < options->markets; i++) {
        struct row *row = &match->rows[i];
        prng_seed(&row->prng, options->seed + i);
        row->home = HOME_CHANCE_LEAST +
                    (uint32_t)prng_below(&row->prng, HOME_CHANCE_MOST - HOME_CHANCE_LEAST);
        price_row(row);
        plan_goal(match, i, 0);
    }
    *ret_match = match;
    return 0;
}

void load_match_free(struct load_match *match)
{
    free(match);
}

static int64_t due_us(const struct row *row)
{
    if (!row->shown)
        return 0;
    return !row->suspended && row->goal_us < row->move_us ? row->goal_us : row->move_us;
}

static uint32_t next_row(const struct load_match *match)
{
    uint32_t next = 0;
    for (uint32_t i = 1; i < match->options.markets; i++)
        if (due_us(&match->rows[i]) < due_us(&match->rows[next]))
            next = i;
    return next;
}

int64_t load_match_next_us(const struct load_match *match)
{
    return due_us(&match->rows[next_row(match)]);
}

static void score_goal(struct load_match *match, struct row *row, int64_t now_us)
{
    bool home = prng_below(&row->prng, CHANCE_WHOLE) < row->home;
    uint32_t by = GOAL_STEP_LEAST + (uint32_t)prng_below(&row->prng, GOAL_STEP_MORE);
    row->goals[home ? 0 : 1]++;
    step(row, by, home);
    row->suspended = true;
    row->move_us = now_us + match->options.suspended_us; /* it comes back then */
}

void load_match_take(struct load_match *match, struct load_match_move *ret)
{
    uint32_t market = next_row(match);
    struct row *row = &match->rows[market];
    int64_t now_us = due_us(row);
    *ret = (struct load_match_move){.at_us = now_us, .market = market};
    if (!row->shown) {
        row->shown = true;
        plan_move(match, market, now_us);
    } else if (!row->suspended && row->goal_us < row->move_us) {
        score_goal(match, row, now_us);
    } else if (row->suspended) {
        row->suspended = false;
        ret->reopened = true;
        row->volatile_until_us = now_us + AFTER_GOAL_US;
        plan_goal(match, market, now_us);
        plan_move(match, market, now_us);
    } else {
        step(row, STEP_LEAST + (uint32_t)prng_below(&row->prng, STEP_MORE),
             prng_below(&row->prng, 2) == 0);
        plan_move(match, market, now_us);
    }
    memcpy(ret->cents, row->cents, sizeof ret->cents);
    memcpy(ret->goals, row->goals, sizeof ret->goals);
    ret->suspended = row->suspended;
}
