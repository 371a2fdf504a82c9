/* uof_number.h - numbers as they stand in XML attributes of the feed, read exactly: never through
 * binary floating point. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/odds.h"
#include "core/settle.h"

/* "-12"; false for anything else and for what is not in min .. max. */
bool uof_whole(struct slice text, int64_t min, int64_t max, int64_t *ret);

/* The others read "1.85", "12", ".5", "3.58E-4" (xsd:double but for its NaN and INF). False: it is
 * no number at all. */

/* ODDS_NONE when the number is no price that can be kept exactly (core/odds.h). */
bool uof_odds(struct slice text, struct odds *ret);
/* In billionths, cut off: what is lost is never in the customer's favour. UINT32_MAX: it is no
 * probability, being below 0 or above 1. */
bool uof_chance(struct slice text, uint32_t *ret_billionths);
/* A score, which the feed writes with decimals: cut to a whole number, at most 50000. */
bool uof_score(struct slice text, uint16_t *ret);

/* void_factor and dead_heat_factor, where the leg is won or lost. A factor with at most 4 places is
 * what it says; one with more is the simplest fraction within a billionth of it, because 1/3 has no
 * other way to be written. False: no number, or no factor that a leg can have. */
bool uof_void_factor(struct slice text, struct leg_result *result);
bool uof_dead_heat_factor(struct slice text, struct leg_result *result);
