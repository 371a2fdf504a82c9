/* settle.h - what a settled leg pays: L = v + (1 - v) * w * d * o' (BETTING-RULES 4.1), exact,
 * with one rounding per bet. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/money.h"
#include "core/odds.h"

#define DEAD_HEAT_TERM_MAX 10000u

/* One selection's result. void_halves: v in halves, 0, 1 or 2. dead heat d = numerator /
 * denominator, 1/1 without one. */
struct leg_result {
    bool won;
    uint8_t void_halves;
    uint16_t dead_heat_numerator;
    uint16_t dead_heat_denominator;
};

#define LEG_WON       ((struct leg_result){true, 0, 1, 1})
#define LEG_LOST      ((struct leg_result){false, 0, 1, 1})
#define LEG_VOID      ((struct leg_result){false, 2, 1, 1})
#define LEG_HALF_WON  ((struct leg_result){true, 1, 1, 1})
#define LEG_HALF_LOST ((struct leg_result){false, 1, 1, 1})

enum leg_outcome {
    LEG_OUTCOME_OPEN = 0,
    LEG_OUTCOME_WON,
    LEG_OUTCOME_LOST,
    LEG_OUTCOME_VOID,
    LEG_OUTCOME_HALF_WON,
    LEG_OUTCOME_HALF_LOST,
    LEG_OUTCOME_DEAD_HEAT
};

/* What a word on results does to its market. Each of its axes, results and every window of time,
 * keeps what the highest version said, so that the order of arrival does not count (L7). */
enum result_kind {
    RESULT_SET = 1,         /* the selections' results; version: of the results */
    RESULT_ROLLBACK = 2,    /* these results are what is left; bets open again. The same version */
    RESULT_CANCEL = 3,      /* void for bets that were placed within the window; its own version */
    RESULT_UNDO_CANCEL = 4, /* that did not happen. The same version */
};

/* False for void_halves > 2, a zero or too large dead heat term, or d > 1. */
bool leg_result_valid(struct leg_result result);
/* Equal when they pay the same at every price: d counts as a fraction (1/2 is 2/4), d of a lost
 * leg and everything of a void one do not count. Both are valid. */
bool leg_result_equal(struct leg_result a, struct leg_result b);
/* Never LEG_OUTCOME_OPEN. What is won with d < 1 is a dead heat, half void or not. */
enum leg_outcome leg_result_outcome(struct leg_result result);
/* "WON", "LOST", "VOID", "HALF_WON", "HALF_LOST", "DEAD_HEAT", "OPEN"; NULL for another number. */
const char *leg_outcome_text(enum leg_outcome outcome);
/* The contract's result word ("WON" .. "HALF_LOST") to factors; false for another word. */
bool leg_result_parse(struct slice word, struct leg_result *ret);

/* The return of a single: stake * L, rounded once. The result is valid, the stake is not
 * negative and at most MONEY_MINOR_MAX; the answer is too, or the function answers
 * MONEY_MINOR_MAX (bet_decide limits potential returns far below). */
struct money settle_single(struct money stake, struct odds odds, struct leg_result result,
                           enum rounding rounding);

/* BETTING-RULES 4.13 / CONTRACT: the bet's status word for a single with this result:
 * "WON", "LOST", "VOID", or "SETTLED" for what is paid but none of these. */
const char *settled_status_text(struct leg_result result);
/* The same for a bet of several legs or ways, from the results of those that are known: VOID when
 * all are void, LOST when it pays nothing, WON when all that are not void won whole, else SETTLED.
 * Begins as zeros. */
struct settled_results {
    uint32_t count, voids, wins;
    struct leg_result first;
};
void settled_results_add(struct settled_results *results, struct leg_result result);
const char *settled_results_text(const struct settled_results *results, int64_t payout);
