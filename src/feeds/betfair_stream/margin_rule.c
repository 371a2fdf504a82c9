/* margin_rule.c - contract in margin_rule.h. */
#include "feeds/betfair_stream/margin_rule.h"

#include "base/assert.h"

#define PERMYRIAD       10000
#define MILLI           1000
#define MILLI_PER_CENT  10
#define PRICE_CENTS_MIN 101u

bool margin_rule_valid(const struct margin_rule *rule)
{
    return rule->margin_permyriad <= MARGIN_PERMYRIAD_MAX &&
           rule->price_cents_min >= PRICE_CENTS_MIN &&
           rule->price_cents_min <= MARGIN_PRICE_CENTS_MAX;
}

uint32_t margin_rule_cents(const struct margin_rule *rule, int32_t best_milli)
{
    ASSERT(rule->margin_permyriad <= MARGIN_PERMYRIAD_MAX);
    if (best_milli < (int64_t)rule->price_cents_min * MILLI_PER_CENT)
        return 0;
    int64_t profit = (best_milli - MILLI) * (int64_t)(PERMYRIAD - rule->margin_permyriad);
    int64_t cents = 100 + profit / (PERMYRIAD * MILLI_PER_CENT);
    if (cents < rule->price_cents_min)
        cents = rule->price_cents_min;
    return cents > MARGIN_PRICE_CENTS_MAX ? 0 : (uint32_t)cents;
}
