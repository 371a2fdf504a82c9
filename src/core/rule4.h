/* rule4.h - Tattersalls Rule 4(c): how many pence in the pound of the winnings a withdrawn runner
 * takes. Source: BETTING-RULES 4.3.
 *
 * The table is data with a version, because books use two that differ: the committee's, in
 * fractions, and the decimal one. Where they disagree (2/17 is 1.1176..: 85p as a fraction, 90p as
 * 1.12 in decimals; 1/3 is 70p, and 1.33 is 75p) the version decides, which the market stores.
 *
 * Every price has a band: a band begins at its shortest price and ends where the next begins. The
 * decimal table's bands meet so everywhere but at 5.41 .. 5.49, where its print has a hole; they
 * are 20p. Over 14/1 (15.00) nothing is deducted in both. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/deductions.h"
#include "core/odds.h"

enum rule4_table { RULE4_FRACTIONAL = 1, RULE4_DECIMAL };

#define RULE4_CAP_PENCE       90u
#define RULE4_CAP_PENCE_OLDER 75u

/* What a book decides. A total of at most waive_pence is not taken (5 at some books; 0 waives
 * nothing): the total, not each, so two of 5p are 10p. cap_pence: 1 .. 99. */
struct rule4_policy {
    enum rule4_table table;
    uint8_t cap_pence;
    uint8_t waive_pence;
};

bool rule4_policy_valid(struct rule4_policy policy);
/* Pence in the pound for one runner withdrawn at this price (present); 0 .. 90. */
uint32_t rule4_pence(enum rule4_table table, struct odds withdrawn);
/* All runners that left after the bet was struck: their sum, capped, or 0 when it is waived. Which
 * ones count is the caller's to say: only fixed-price bets struck before, none on ante-post. */
uint32_t rule4_total_pence(struct rule4_policy policy, const struct odds *withdrawn, size_t count);
/* The total as what a leg carries; none for 0. At most 99. */
struct deductions rule4_deductions(uint32_t total_pence);
