/* batch_attempt.c - contract in batch_attempt.h. */
#include "adapters/shared/batch_attempt.h"

#include "base/assert.h"

struct batch_attempt batch_attempt_begin(void)
{
    return (struct batch_attempt){.step = BATCH_STEP_INSERT};
}

static void end(struct batch_attempt *attempt, enum append_outcome outcome)
{
    attempt->step = BATCH_STEP_END;
    attempt->outcome = outcome;
    attempt->pause_us = 0;
}

static void go(struct batch_attempt *attempt, enum batch_step step)
{
    attempt->step = step;
    attempt->pause_us = 0;
}

/* The same or another step, after a pause that grows from one to the next. */
static void go_later(struct batch_attempt *attempt, enum batch_step step, bool trouble)
{
    attempt->step = step;
    attempt->pause_us = attempt->pause_us == 0 ? BATCH_PAUSE_US_MIN : 2 * attempt->pause_us;
    if (attempt->pause_us > BATCH_PAUSE_US_MAX)
        attempt->pause_us = BATCH_PAUSE_US_MAX;
    attempt->paused_us += attempt->pause_us;
    if (trouble || attempt->paused_us > BATCH_AGAIN_US_MAX)
        attempt->trouble = true;
}

void batch_attempt_inserted(struct batch_attempt *attempt, enum store_answer answer, bool won)
{
    ASSERT(attempt->step == BATCH_STEP_INSERT);
    switch (answer) {
    case STORE_TAKEN:
        if (won)
            end(attempt, APPEND_OK);
        else if (attempt->unsure)
            go(attempt, BATCH_STEP_LOOK); /* the other may be our own lost one */
        else
            end(attempt, APPEND_MOVED);
        break;
    case STORE_AWAY:
        go_later(attempt, BATCH_STEP_INSERT, true);
        break;
    case STORE_LOST:
        attempt->unsure = true;
        attempt->lost++;
        go_later(attempt, BATCH_STEP_LOOK, true);
        break;
    case STORE_AGAIN:
        attempt->again++;
        go_later(attempt, BATCH_STEP_INSERT, false);
        break;
    case STORE_LATE:
        attempt->late = true;
        if (attempt->unsure)
            go(attempt, BATCH_STEP_LOOK);
        else
            end(attempt, APPEND_LATE);
        break;
    case STORE_FULL: /* of this insert nothing stands, but of a lost one it may */
        if (attempt->unsure)
            go_later(attempt, BATCH_STEP_LOOK, true);
        else
            end(attempt, APPEND_REFUSED);
        break;
    case STORE_REFUSED:
        end(attempt, APPEND_UNKNOWN);
        break;
    }
}

void batch_attempt_looked(struct batch_attempt *attempt, enum store_answer answer,
                          enum batch_found found)
{
    ASSERT(attempt->step == BATCH_STEP_LOOK);
    switch (answer) {
    case STORE_TAKEN:
        if (found == BATCH_NONE && attempt->late)
            end(attempt, APPEND_LATE); /* a copy that comes yet meets the key, or takes it */
        else if (found == BATCH_NONE)
            go(attempt, BATCH_STEP_INSERT);
        else
            end(attempt, found == BATCH_OURS ? APPEND_OK : APPEND_MOVED);
        break;
    case STORE_AGAIN:
        attempt->again++;
        go_later(attempt, BATCH_STEP_LOOK, false);
        break;
    case STORE_AWAY:
    case STORE_LOST:
    case STORE_LATE:
    case STORE_FULL:
        go_later(attempt, BATCH_STEP_LOOK, true);
        break;
    case STORE_REFUSED:
        end(attempt, APPEND_UNKNOWN);
        break;
    }
}
