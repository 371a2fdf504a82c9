/* batch_attempt.h - what to do next until it is known whether a batch stands in a store.
 *
 * Pure: answers in, steps out. A batch is inserted by its key, and the first insert wins; an insert
 * whose answer was lost is looked for by that key before anything is said to anybody (DESIGN part
 * 3, `unknown`; L2). It cannot come twice: a late copy of the lost insert meets the key that the
 * second one took, or the second one meets the first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/shared/batch_store.h"
#include "ports/ledger_log.h"

#define BATCH_PAUSE_US_MIN INT64_C(20000)
#define BATCH_PAUSE_US_MAX INT64_C(1000000)
/* A store that says "not now" for longer is in trouble; before, it is only slow. */
#define BATCH_AGAIN_US_MAX INT64_C(250000)

enum batch_step {
    BATCH_STEP_INSERT = 1,
    BATCH_STEP_LOOK, /* for the batch under the key */
    BATCH_STEP_END,  /* `outcome` is what it came to */
};

struct batch_attempt {
    enum batch_step step;
    bool unsure;       /* an insert was sent and its answer is not known */
    bool late;         /* its time has passed: it is inserted no more */
    bool trouble;      /* whoever waits should be told that this may take long */
    int64_t pause_us;  /* before the step, at most; 0: at once */
    int64_t paused_us; /* of all pauses */
    enum append_outcome outcome;
    uint64_t lost, again; /* how often, for the counters */
};

struct batch_attempt batch_attempt_begin(void);
/* Of a BATCH_STEP_INSERT; `won` counts after STORE_TAKEN only. */
void batch_attempt_inserted(struct batch_attempt *attempt, enum store_answer answer, bool won);
/* Of a BATCH_STEP_LOOK; `found` counts after STORE_TAKEN only. */
void batch_attempt_looked(struct batch_attempt *attempt, enum store_answer answer,
                          enum batch_found found);
