/* ticket_scene.h - tickets that are accepted, for tests to change one thing of. */
#pragma once

#include <string.h>

#include "core/ticket.h"

#define GBP ((struct currency){826})
#define EUR ((struct currency){978})

/* Borrows its own legs: not to be copied. */
struct ticket_scene {
    struct ticket ticket;
    struct ticket_leg legs[BET_LEGS_MAX + 1];
    struct ticket_leg_view views[BET_LEGS_MAX + 1];
    struct ticket_limits limits;
    struct money available;
    struct ticket_verdict verdict;
};

/* A leg of an event and a market of its own, asked for at the current price. */
static inline void scene_set_leg(struct ticket_scene *scene, uint32_t i, struct odds odds)
{
    scene->legs[i] = (struct ticket_leg){odds, 17, true};
    scene->views[i] = (struct ticket_leg_view){
        .market = {MARKET_ACTIVE, true, true, SELECTION_ACTIVE, odds, 17, 0},
        .event = 100 + i,
        .market_number = 500 + i,
        .terms = {3, 1, 5},
        .liability_room = LIABILITY_UNLIMITED,
    };
}

/* An accumulator of so many legs (at most BET_LEGS_MAX) at 2.00 each; limits that are far away. */
static inline void scene_make(struct ticket_scene *scene, uint32_t legs, int64_t stake)
{
    memset(scene, 0, sizeof *scene);
    for (uint32_t i = 0; i < legs; i++)
        scene_set_leg(scene, i, (struct odds){2, 1});
    scene_set_leg(scene, legs, (struct odds){100000, 1}); /* one that is not of the ticket */
    scene->views[legs].event = scene->views[legs].market_number = 100;
    scene->views[legs].market.bet_delay_us = 1000000000;
    scene->views[legs].liability_room = -1;
    scene->ticket = (struct ticket){.stake = money_of(stake, GBP),
                                    .policy = PRICE_BETTER,
                                    .legs = scene->legs,
                                    .legs_count = legs};
    scene->limits = (struct ticket_limits){
        .bet = {1, MONEY_MINOR_MAX, MONEY_MINOR_MAX, 500, ROUND_DOWN},
        .legs_max = BET_LEGS_MAX,
        .lines_max = UINT64_MAX,
        .total_odds_max = TOTAL_ODDS_UNLIMITED,
    };
    scene->available = money_of(MONEY_MINOR_MAX, GBP);
}

/* All legs are chosen from. */
static inline void scene_make_system(struct ticket_scene *scene, uint32_t legs, uint32_t sizes,
                                     int64_t stake)
{
    scene_make(scene, legs, stake);
    scene->ticket.sizes.mask = sizes;
    for (uint32_t i = 0; i < legs; i++)
        scene->legs[i].banker = false;
}

static inline enum bet_outcome scene_decide_ticket(struct ticket_scene *scene)
{
    memset(&scene->verdict, 0xA5, sizeof scene->verdict); /* every path writes all of it */
    ticket_decide(&scene->ticket, scene->views, &scene->limits, scene->available, &scene->verdict);
    return scene->verdict.outcome;
}
