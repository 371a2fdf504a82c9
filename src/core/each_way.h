/* each_way.h - the place half of an each-way bet: its terms, frozen in the bet when it is struck.
 * Source: BETTING-RULES 4.4: two equal bets, one to win at o, one to be placed at
 * 1 + (o - 1) * fraction. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/odds.h"
#include "core/settle.h"

#define PLACE_TERM_MAX 255u

/* The first `places` are paid, at numerator / denominator of the winnings: 1/4, 1/5. 1/1 says that
 * the leg has no place terms, and its place half goes on the same win price. */
struct place_terms {
    uint8_t places;
    uint8_t numerator;
    uint8_t denominator;
};

/* False without a place, with a fraction of 0, above 1 or with a 0 below. */
bool place_terms_valid(struct place_terms terms);
/* The terms that Betfair's each-way markets have for a race of so many runners. False when there
 * are none (fewer than five runners): such a race is to win only. */
bool place_terms_standard(bool handicap, uint32_t runners, struct place_terms *ret);
/* 1 + (o - 1) * fraction, to be shown. False when that is no price (odds_make): settlement needs
 * none, it uses the fractions. */
bool place_price(struct odds odds, struct place_terms terms, struct odds *ret);
/* What the place half of a leg came to: the win half's result when that is void, else by its
 * position (1 is first; 0: it is not among those placed, or the market does not say, and then a
 * winner is first) and by how many share it (0 and 1: nobody else). The win result and the terms
 * are valid. */
struct leg_result place_result(struct leg_result win, uint32_t position, uint32_t tied,
                               struct place_terms terms);
