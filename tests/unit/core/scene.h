/* scene.h - a bet that is accepted, for tests to change one thing of. */
#pragma once

#include "core/bet_decide.h"

#define GBP ((struct currency){826})
#define EUR ((struct currency){978})

struct scene {
    struct slip slip;
    struct market_view market;
    struct bet_limits limits;
    struct money available;
};

/* 50.00 at 2.10, seen at the current version 17; 80.00 in the account. */
static inline struct scene scene_accepted(void)
{
    return (struct scene){
        .slip = {money_of(5000, GBP), {21, 10}, 17, PRICE_BETTER},
        .market = {MARKET_ACTIVE, true, true, SELECTION_ACTIVE, {21, 10}, 17, 0},
        .limits = {10, 1000000, 5000000, 500, ROUND_DOWN},
        .available = money_of(8000, GBP),
    };
}

static inline struct bet_verdict scene_decide(const struct scene *scene)
{
    struct bet_verdict verdict;
    memset(&verdict, 0xA5, sizeof verdict); /* every path writes all of it */
    bet_decide(&scene->slip, &scene->market, &scene->limits, scene->available, &verdict);
    return verdict;
}
