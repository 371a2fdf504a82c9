/* leg_chances.h - what may become of an open leg, as probabilities (BETTING-RULES 4.8). Pure.
 * Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/odds.h"

/* In billionths; what is missing to the whole is the chance to lose. */
#define CHANCE_WHOLE UINT32_C(1000000000)

struct leg_chances {
    uint32_t win;
    uint32_t half_win;
    uint32_t refund;
    uint32_t half_lose;
};

/* False when they are more than the whole. */
bool leg_chances_valid(struct leg_chances chances);

/* Says anything at all: not all are 0. */
bool leg_chances_known(struct leg_chances chances);

/* Each is the other's. */
bool leg_chances_equal(struct leg_chances a, struct leg_chances b);

/* Do they agree with a price that is offered? A unit staked at it must not be worth more than it
 * costs: win * o + half_win * (1 + o) / 2 + refund + half_lose / 2 <= 1. Chances that say otherwise
 * are mistaken, or the price is; no cash-out is paid by them. The price is present, the chances are
 * valid. */
bool leg_chances_agree(struct leg_chances chances, struct odds odds);
