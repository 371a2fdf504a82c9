/* odds_gaps.c - contract in odds_gaps.h. */
#include "adapters/redis/odds_gaps.h"

#include <stddef.h>

static size_t find(const struct odds_gaps *gaps, uint64_t session)
{
    for (size_t i = 0; i < ODDS_SESSIONS_MAX; i++)
        if (gaps->rows[i].number != 0 && gaps->rows[i].session == session)
            return i;
    return ODDS_SESSIONS_MAX;
}

/* A free row, or the one that was silent longest. */
static size_t take_row(const struct odds_gaps *gaps)
{
    size_t oldest = 0;
    for (size_t i = 0; i < ODDS_SESSIONS_MAX; i++) {
        if (gaps->rows[i].number == 0)
            return i;
        if (gaps->rows[i].heard_us < gaps->rows[oldest].heard_us)
            oldest = i;
    }
    return oldest;
}

enum odds_heard odds_gaps_hear(struct odds_gaps *gaps, uint64_t session, uint64_t number,
                               int64_t now_us)
{
    size_t at = find(gaps, session);
    bool known = at < ODDS_SESSIONS_MAX;
    if (!known) {
        at = take_row(gaps);
        gaps->rows[at].session = session;
    }
    if (known && number <= gaps->rows[at].number) {
        gaps->rows[at].heard_us = now_us;
        return ODDS_HEARD_BEFORE;
    }
    bool next = known ? number == gaps->rows[at].number + 1 : number == 1 || !gaps->complete;
    gaps->rows[at].number = number;
    gaps->rows[at].heard_us = now_us;
    return next ? ODDS_HEARD_NEXT : ODDS_HEARD_BEHIND_A_HOLE;
}

unsigned odds_gaps_forget(struct odds_gaps *gaps, int64_t silence_us, int64_t now_us)
{
    unsigned forgotten = 0;
    for (size_t i = 0; i < ODDS_SESSIONS_MAX; i++) {
        if (gaps->rows[i].number == 0 || now_us - gaps->rows[i].heard_us < silence_us)
            continue;
        gaps->rows[i].number = 0;
        forgotten++;
    }
    return forgotten;
}
