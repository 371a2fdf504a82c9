/* synthetic_settle.h - from a final score and a line to the factors that a leg pays by.
 *
 * The settlement rules of goal lines in one place: whole, half and quarter lines, totals and
 * Asian handicaps (BETTING-RULES 4.1: a quarter line is the stake split equally over the two
 * neighbouring lines). Lines are counted in quarters of a goal, so that they are exact: 2.75
 * is 11. Pure. Thread: any. */
#pragma once

#include "core/settle.h"

/* Total goals against a line: over 2.75 (11) with 3 goals is half won. */
struct leg_result synthetic_settle_over(int goals, int line_quarters);
struct leg_result synthetic_settle_under(int goals, int line_quarters);

/* The handicap is added to the goals of the side that is bet on: -1 (-0.25) in a draw is half
 * lost, +1 half won, 0 is void. */
struct leg_result synthetic_settle_handicap(int goals_for, int goals_against,
                                            int handicap_quarters);

/* A plain yes or no: 1X2, next goal, correct score. */
struct leg_result synthetic_settle_exact(bool happened);
