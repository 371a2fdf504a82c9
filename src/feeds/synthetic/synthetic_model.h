/* synthetic_model.h - how goals fall in a simulated football match, and the exact chances of
 * every final score and of the next goal from any position of it.
 *
 * A chain in ticks of SYNTHETIC_TICK_SECONDS of play: in each tick at most one goal falls, with
 * a probability per team that rises towards the end, and is a little higher for a side that is
 * behind and lower for one with a man sent off. The match draws its goals from the same chain
 * (synthetic_match), so its prices are fair but for margin and noise; only future red cards,
 * which are rare, are not in the price. Floating point is at home here: this is a feed, and
 * prices leave it as exact decimals (synthetic_market). Pure. Thread: any. */
#pragma once

#include <stdint.h>

#define SYNTHETIC_TICK_SECONDS 15
#define SYNTHETIC_GOALS_MAX    8 /* of one team; then it scores no more, in match and model */

enum synthetic_side { SYNTHETIC_HOME = 0, SYNTHETIC_NOBODY = 1, SYNTHETIC_AWAY = 2 };

struct synthetic_model {
    double goals_home; /* expected in the whole match at level score, eleven against eleven */
    double goals_away;
    uint32_t ticks_count; /* both halves with stoppage time; >= 100 */
};

struct synthetic_score {
    uint8_t home, away;
};

struct synthetic_position {
    uint32_t tick;      /* ticks that are over; <= ticks_count */
    double tick_played; /* 0 <= x < 1 of the running tick, in which no goal has fallen */
    struct synthetic_score score;
    uint8_t reds_home, reds_away;
};

/* chance[h][a] of the final score h:a; the sum is 1. */
struct synthetic_grid {
    double chance[SYNTHETIC_GOALS_MAX + 1][SYNTHETIC_GOALS_MAX + 1];
};

/* The chances of a home and of an away goal in the whole of this tick. */
void synthetic_model_rates(const struct synthetic_model *model,
                           const struct synthetic_position *position, double *ret_home,
                           double *ret_away);

/* Chances of the final scores; costs about ticks left x 81 steps. */
void synthetic_model_final(const struct synthetic_model *model,
                           const struct synthetic_position *position, struct synthetic_grid *ret);

/* ret[enum synthetic_side]: who scores the next goal; NOBODY when none falls any more. */
void synthetic_model_next_goal(const struct synthetic_model *model,
                               const struct synthetic_position *position, double ret[3]);
