/* market_line.h - which side of which line a selection is, read from how providers name markets:
 *
 *   sim      kind "total", market ".../total:2.75", selections "over", "under"
 *            kind "asian_handicap", market ".../ah:-0.25" (the home side's), "home", "away"
 *   UOF      kind "uof:18", market ".../total=2.5", selections "12" over, "13" under
 *            kind "uof:16", market ".../hcp=-0.25" (the home side's), "1714" home, "1715" away
 *   Betfair  kind "OVER_UNDER_25": 2.5; the selection's name begins with Over or Under
 *            kind "TOTAL_GOALS", "ALT_TOTAL_GOALS": selection "ID@HC", the line is HC without sign
 *            kind "ASIAN_HANDICAP": "ID@HC" (without @: level), the side by its name, of "Home v
 * Away"
 *
 * A selection of any other market has none, and one whose side its names do not say has none
 * either: a line is never guessed. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/settle.h"

#define LINE_SCORE_MAX 50000u /* of each side: both together are a score of core/asian.h */

enum line_side { LINE_HOME = 1, LINE_AWAY, LINE_OVER, LINE_UNDER };

struct market_line {
    enum line_side side;
    int32_t quarters; /* of a handicap: added to the side's own score */
};

/* What its names say of a market, and of one of its selections. */
struct line_names {
    struct slice market_id, kind, event_name;
    struct slice selection_id, selection_name;
};

/* False when the selection has no line. */
bool market_line_of(const struct line_names *names, struct market_line *ret);
/* What it comes to at this score, home and away, of what the market counts (core/asian.h); each
 * at most LINE_SCORE_MAX. */
struct leg_result market_line_result(struct market_line line, const uint16_t score[2]);
