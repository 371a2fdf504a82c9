/* margin_rule.h - from the exchange's best price to the house's: a cut of the profit part.
 *
 * house = 1 + (best - 1) * (10000 - margin) / 10000, rounded down to cents and never below
 * price_cents_min, in integers only. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MARGIN_PERMYRIAD_MAX   9999u
#define MARGIN_PRICE_CENTS_MAX 10000000u /* 100,000.00, as ODDS_DECIMAL_MAX */

struct margin_rule {
    uint32_t margin_permyriad; /* 500 = 5 % of the profit part; at most MARGIN_PERMYRIAD_MAX */
    /* 101 (1.01) or more: an exchange price below it is no price, and the cut stops at it, so
     * that the house never offers more than the exchange has. */
    uint32_t price_cents_min;
    /* An offer behind which there is less money (GBP cents) does not count: otherwise anybody
     * could set the house's price with a bet of pennies. 0 = every offer counts. */
    uint32_t offer_cents_min;
};

/* Whether every field is within what its comment says. */
bool margin_rule_valid(const struct margin_rule *rule);

/* The house price in cents for an exchange price in thousandths; 0 = no price: below the
 * minimum, or above what a price can be. The rule is valid. */
uint32_t margin_rule_cents(const struct margin_rule *rule, int32_t best_milli);
