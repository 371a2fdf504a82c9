/* synthetic_match.h - the course of one simulated match: what happens on the pitch, and when.
 *
 * Knows nothing of markets. Time comes in, happenings come out one at a time in their order,
 * each with its moment. The course depends on the seed and the pace only, never on how often
 * it is asked. Owner: synthetic_feed; no function here allocates. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/prng.h"
#include "feeds/synthetic/synthetic_model.h"

#define SYNTHETIC_REDS_MAX 2 /* of one team */

enum synthetic_phase {
    SYNTHETIC_BEFORE = 1,
    SYNTHETIC_FIRST_HALF,
    SYNTHETIC_HALF_TIME,
    SYNTHETIC_SECOND_HALF,
    SYNTHETIC_ENDED,
};

enum synthetic_happening {
    SYNTHETIC_NOTHING = 0, /* until the time that was asked about */
    SYNTHETIC_KICK_OFF,
    SYNTHETIC_GOAL,            /* score and scorers hold it already */
    SYNTHETIC_GOAL_DISALLOWED, /* looked like a goal to everyone; the score stays */
    SYNTHETIC_RED_CARD,
    SYNTHETIC_HALF_TIME_BEGINS,
    SYNTHETIC_SECOND_HALF_BEGINS,
    SYNTHETIC_FULL_TIME,
};

/* Real durations after the speed was applied. */
struct synthetic_pace {
    int64_t tick_us;              /* > 0 */
    int64_t half_time_us;         /* >= 0 */
    uint32_t disallowed_permille; /* of all that look like goals; < 1000 */
    uint32_t red_permille;        /* of a red card per team and match; <= 1000 */
};

struct synthetic_match {
    struct synthetic_model model;
    struct synthetic_position position; /* tick_played is set by synthetic_match_position */
    enum synthetic_phase phase;
    struct instant kick_off;
    uint8_t scorers[2 * SYNTHETIC_GOALS_MAX]; /* enum synthetic_side, in order */
    /* below: private to synthetic_match.c */
    struct synthetic_pace pace;
    struct prng prng;
    uint32_t first_half_ticks;
    int64_t due_us; /* begin of the next tick, or the end of a phase without play */
    bool tick_running;
    enum synthetic_happening play; /* what the running tick still holds */
    enum synthetic_side play_side;
    int64_t play_us;
};

/* Draws the teams' strength and the stoppage times; the pace is copied. */
void synthetic_match_init(struct synthetic_match *match, uint64_t seed, struct instant kick_off,
                          const struct synthetic_pace *pace);

/* The next happening not after `now`, with its moment; NOTHING leaves *ret_at alone. */
enum synthetic_happening synthetic_match_advance(struct synthetic_match *match, struct instant now,
                                                 struct instant *ret_at);

/* Where the match stands at `now`, after advance answered NOTHING for it. */
struct synthetic_position synthetic_match_position(const struct synthetic_match *match,
                                                   struct instant now);

/* The minute as a scoreboard shows it: 1..45 (also in stoppage time), 46..90; 0 before. */
uint32_t synthetic_match_minute(const struct synthetic_match *match);

/* Uniform in [0, 1). */
double synthetic_uniform(struct prng *prng);
