/* record_results.h - the bodies and items of the records about results: RESULT, PROPOSAL, DECISION.
 * Part of record.h, which says how records lie. Thread: any. */
#pragma once

#include <stdint.h>

#include "ledger/record_bets.h"

struct record_result {
    uint64_t result_version; /* rises per selection, model of deductions, window of time */
    uint64_t previous_seq;   /* the market's RESULT before this one; 0: the first */
    int64_t void_from_us;    /* CANCEL: the window in the provider's clock, from <= t < until */
    int64_t void_until_us;
    int64_t void_skew_us;  /* of the provider's clock against record time: added to record time */
    uint64_t proposal_seq; /* the PROPOSAL that takes force by it; 0: none */
    uint32_t market;
    uint16_t cause;          /* enum fence_cause: who said it */
    uint16_t actor_bytes;    /* texts: who, */
    uint16_t reason_bytes;   /* why, */
    uint16_t approver_bytes; /* and who approved it */
    uint8_t kind;            /* enum result_kind */
    uint8_t certainty;       /* of a feed's result: 1 live, 2 confirmed; 0 not said */
    uint8_t deduction_model; /* enum deduction_model; 0: no selection deducts */
    uint8_t cap_pence;       /* RULE4 */
    uint8_t waive_pence;
    uint8_t score_known; /* the score from which lines were settled */
    uint16_t score[2];   /* home, away */
    uint16_t reserved;
};

/* In known of an item's factors: the word says nothing of this selection, or an older thing than
 * what is in force, which stays as it is. All the rest is zero. */
#define RESULT_KEPT 2

/* Item of RESULT, one per selection of the market, in order. None with the kinds of windows, and in
 * a rollback of everything: of selections that come later, too. What is not known is all zero. */
struct record_selection_result {
    struct record_leg_result win;
    uint16_t position; /* where it finished, 1 is first; 0: not among those who are placed */
    uint16_t tied;     /* how many share that position, itself counted; 0 without one */
    uint16_t
        deduction; /* withdrawn: what it takes off the other bets, in hundredths of a percent */
    uint16_t reason_bytes;   /* texts, behind the body's: why, of this selection */
    int64_t withdrawn_at_us; /* in record time, as the book sees the provider's clock; 0: it ran */
};

/* The RESULT that it asks for, with actor and reason as its texts, then those of its items; what
 * only a result in force has (previous_seq, proposal_seq, approver_bytes) is 0. */
struct record_proposal {
    struct record_result result;
    int64_t due_us; /* record time from which it may take force; 0: at any */
    uint8_t needs_approval;
    uint8_t reserved[7];
};

/* Item of PROPOSAL: a selection that it names, in rising order. */
struct record_proposed {
    struct record_selection_result result; /* all zero when it is opened */
    uint16_t selection;
    uint8_t open; /* rollback */
    uint8_t reserved[5];
};

enum decision_kind {
    DECISION_APPROVED = 1,
    DECISION_REJECTED = 2,   /* by another actor than the one who proposed it, */
    DECISION_WITHDRAWN = 3,  /* by that one, */
    DECISION_IMPOSSIBLE = 4, /* by nobody: its time came, and what is in force does not let it */
};

struct record_decision {
    uint64_t proposal_seq;
    uint16_t decision;     /* enum decision_kind */
    uint16_t actor_bytes;  /* texts: who, or empty, */
    uint16_t reason_bytes; /* and why */
    uint16_t reserved;
};

_Static_assert(sizeof(struct record_result) == 72, "format");
_Static_assert(sizeof(struct record_proposal) == 88, "format");
_Static_assert(sizeof(struct record_proposed) == 32, "format");
_Static_assert(sizeof(struct record_decision) == 16, "format");
_Static_assert(sizeof(struct record_selection_result) == 24, "format");
