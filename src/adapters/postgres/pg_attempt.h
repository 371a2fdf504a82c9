/* pg_attempt.h - what to do next until it is known whether a batch stands in the table.
 *
 * Pure: answers in, steps out. A batch is inserted by its key, and the first insert wins; an insert
 * whose answer was lost is looked for by that key before anything is said to anybody (DESIGN part
 * 3, `unknown`; L2). It cannot come twice: a late copy of the lost insert meets the key that the
 * second one took, or the second one meets the first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/postgres/pg_link.h"
#include "ports/ledger_log.h"

#define PG_PAUSE_US_MIN INT64_C(20000)
#define PG_PAUSE_US_MAX INT64_C(1000000)

enum pg_step {
    PG_STEP_INSERT = 1,
    PG_STEP_LOOK, /* for the row under the key */
    PG_STEP_END,  /* `outcome` is what it came to */
};

enum pg_found { PG_FOUND_NONE = 0, PG_FOUND_OURS, PG_FOUND_OTHER };

struct pg_attempt {
    enum pg_step step;
    bool unsure;      /* an insert was sent and its answer is not known */
    int64_t pause_us; /* before the step; 0: at once */
    enum append_outcome outcome;
    uint64_t lost, again; /* how often, for the counters */
};

struct pg_attempt pg_attempt_begin(void);
/* Of a PG_STEP_INSERT; rows: 1 when it stands, 0 when another has the key. */
void pg_attempt_inserted(struct pg_attempt *attempt, enum pg_answer answer, int rows);
/* Of a PG_STEP_LOOK; `found` counts after PG_TAKEN only. */
void pg_attempt_looked(struct pg_attempt *attempt, enum pg_answer answer, enum pg_found found);
