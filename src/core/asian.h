/* asian.h - Asian handicaps and totals, settled from score and line and not from a feed's flags.
 * Source: BETTING-RULES 4.1. A whole line can be met (void); a half line cannot; a quarter line is
 * half the stake on each of the two lines beside it, so it can be half won or half lost.
 *
 * Lines are in quarters: -0.25 is -1, 2.75 is 11. What is scored is goals, corners, points:
 * whatever the market counts, in the part of the match that it covers. In play the score at which
 * a handicap bet was struck is taken off by the caller, where the market's rules say that only what
 * comes after counts. Every line within ASIAN_LINE_MAX and every score within ASIAN_SCORE_MAX has
 * an answer; others are refused where they enter, and a programmer error here. Pure; thread: any.
 */
#pragma once

#include <stdint.h>

#include "core/settle.h"

#define ASIAN_LINE_MAX  4000 /* quarters, either way: 1000 points */
#define ASIAN_SCORE_MAX 100000

/* The side that was backed, its line added to its score: (scored + line) against conceded. */
struct leg_result asian_handicap(int32_t scored, int32_t conceded, int32_t line_quarters);

enum total_side { TOTAL_OVER = 1, TOTAL_UNDER };
/* What both sides scored together (or one, for a team's total) against the line (0 or more). */
struct leg_result asian_total(enum total_side side, int32_t scored, int32_t line_quarters);
