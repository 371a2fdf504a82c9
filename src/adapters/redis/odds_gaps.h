/* odds_gaps.h - whether a message of the channel odds-changes is missing. Each connection of a
 * writer numbers what it sends, from 1, and says each second that it is alive (odds_script.h).
 * Pure: time comes as an argument. Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ODDS_SESSIONS_MAX                                                                          \
    128 /* writers times masters; beyond it whoever was silent longest goes                        \
         */

struct odds_gaps {
    struct {
        uint64_t session, number; /* number 0: a free row */
        int64_t heard_us;
    } rows[ODDS_SESSIONS_MAX];
    bool complete; /* everything is heard from now on: a session that is new begins at 1 */
};

/* A new subscription: what was sent before is not known. */
static inline void odds_gaps_begin(struct odds_gaps *gaps)
{
    *gaps = (struct odds_gaps){.complete = false};
}

/* It may come twice, by two ways (odds_ears.h): whichever came later is BEFORE. BEHIND_A_HOLE:
 * something is missing before this one; should it come yet, it counts as BEFORE. */
enum odds_heard { ODDS_HEARD_NEXT = 1, ODDS_HEARD_BEFORE, ODDS_HEARD_BEHIND_A_HOLE };
enum odds_heard odds_gaps_hear(struct odds_gaps *gaps, uint64_t session, uint64_t number,
                               int64_t now_us);

/* Forgets who was silent for so long; how many. Its last words may be missing, too. */
unsigned odds_gaps_forget(struct odds_gaps *gaps, int64_t silence_us, int64_t now_us);
