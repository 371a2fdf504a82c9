/* pg_attempt.c - contract in pg_attempt.h. */
#include "adapters/postgres/pg_attempt.h"

#include "base/assert.h"

struct pg_attempt pg_attempt_begin(void)
{
    return (struct pg_attempt){.step = PG_STEP_INSERT};
}

static void end(struct pg_attempt *attempt, enum append_outcome outcome)
{
    attempt->step = PG_STEP_END;
    attempt->outcome = outcome;
    attempt->pause_us = 0;
}

static void go(struct pg_attempt *attempt, enum pg_step step)
{
    attempt->step = step;
    attempt->pause_us = 0;
}

/* The same or another step, after a pause that grows from one to the next. */
static void go_later(struct pg_attempt *attempt, enum pg_step step)
{
    attempt->step = step;
    attempt->pause_us = attempt->pause_us == 0 ? PG_PAUSE_US_MIN : 2 * attempt->pause_us;
    if (attempt->pause_us > PG_PAUSE_US_MAX)
        attempt->pause_us = PG_PAUSE_US_MAX;
}

void pg_attempt_inserted(struct pg_attempt *attempt, enum pg_answer answer, int rows)
{
    ASSERT(attempt->step == PG_STEP_INSERT);
    switch (answer) {
    case PG_TAKEN:
        if (rows == 1)
            end(attempt, APPEND_OK);
        else if (attempt->unsure)
            go(attempt, PG_STEP_LOOK); /* the other may be our own lost one */
        else
            end(attempt, APPEND_MOVED);
        break;
    case PG_AWAY:
        go_later(attempt, PG_STEP_INSERT);
        break;
    case PG_LOST:
        attempt->unsure = true;
        attempt->lost++;
        go_later(attempt, PG_STEP_LOOK);
        break;
    case PG_AGAIN:
        attempt->again++;
        go_later(attempt, PG_STEP_INSERT);
        break;
    case PG_FULL: /* of this insert nothing stands, but of a lost one it may */
        if (attempt->unsure)
            go_later(attempt, PG_STEP_LOOK);
        else
            end(attempt, APPEND_REFUSED);
        break;
    case PG_REFUSED:
        end(attempt, APPEND_UNKNOWN);
        break;
    }
}

void pg_attempt_looked(struct pg_attempt *attempt, enum pg_answer answer, enum pg_found found)
{
    ASSERT(attempt->step == PG_STEP_LOOK);
    switch (answer) {
    case PG_TAKEN:
        if (found == PG_FOUND_NONE)
            go(attempt, PG_STEP_INSERT);
        else
            end(attempt, found == PG_FOUND_OURS ? APPEND_OK : APPEND_MOVED);
        break;
    case PG_AWAY:
    case PG_LOST:
    case PG_AGAIN:
    case PG_FULL:
        go_later(attempt, PG_STEP_LOOK);
        break;
    case PG_REFUSED:
        end(attempt, APPEND_UNKNOWN);
        break;
    }
}
