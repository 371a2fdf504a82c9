/* random_bets.h - bets of every shape with every kind of result, from a seed: for the tests that
 * count their lines one by one, here and in tests/foreign. */
#pragma once

#include "base/prng.h"
#include "core/bet.h"

/* Small enough that every line, and every way in which its legs can be split, can be visited. */
#define RANDOM_CHOSEN_MAX  8u
#define RANDOM_BANKERS_MAX 4u
#define RANDOM_LEGS_MAX    (RANDOM_CHOSEN_MAX + RANDOM_BANKERS_MAX)

struct random_bet {
    struct bet bet; /* of these legs: not to be copied */
    struct bet_leg legs[RANDOM_LEGS_MAX];
    struct leg_chances chances[2 * RANDOM_LEGS_MAX];
};

/* `open`: some legs have chances in place of a result. */
void random_bet_make(struct random_bet *random, struct prng *prng, bool open);
/* Any price, often a round one. */
struct odds random_odds(struct prng *prng);
struct leg_result random_result(struct prng *prng);
