/* test_margin_rule.c - the house's cut, as a table. */
#include "feeds/betfair_stream/margin_rule.h"

#include <stddef.h>

#include "test.h"

TEST(margin_rule, cuts_the_profit_and_rounds_down)
{
    static const struct {
        const char *name;
        uint32_t margin, min;
        int32_t best_milli;
        uint32_t cents;
    } rows[] = {
        {"no margin is the exchange's price", 0, 101, 2000, 200},
        {"5 % of evens", 500, 101, 2000, 195},
        {"5 % of 3.00", 500, 101, 3000, 290},
        {"rounded down: 1 + 1.35 * 0.95 = 2.2825", 500, 101, 2350, 228},
        {"three places: 1 + 1.355 * 0.95 = 2.28725", 500, 101, 2355, 228},
        {"without margin a third place is cut", 0, 101, 2359, 235},
        {"long odds", 500, 101, 1000000, 95005},
        {"the cut stops at the minimum", 500, 101, 1010, 101},
        {"and never offers more than the exchange", 500, 150, 1500, 150},
        {"below the minimum there is no price", 500, 101, 1009, 0},
        {"below one's own minimum too", 500, 150, 1490, 0},
        {"1.00 is no price", 0, 101, 1000, 0},
        {"0 is no price", 0, 101, 0, 0},
        {"nor is a negative line", 0, 101, -3500, 0},
        {"the highest price", 0, 101, 100000000, 10000000},
        {"beyond it there is none", 0, 101, 100000010, 0},
        {"the greatest margin leaves the minimum", 9999, 101, 2000, 101},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct margin_rule rule = {rows[i].margin, rows[i].min, 0};
        uint32_t cents = margin_rule_cents(&rule, rows[i].best_milli);
        if (cents != rows[i].cents)
            fail_msg("%s: %u", rows[i].name, cents);
    }
}

TEST(margin_rule, never_offers_more_than_the_exchange_and_rises_with_it)
{
    struct margin_rule rule = {333, 101, 0};
    uint32_t last = 0;
    for (int32_t milli = 1010; milli < 200000; milli++) {
        uint32_t cents = margin_rule_cents(&rule, milli);
        assert_true(cents * 10 <= (uint32_t)milli);
        assert_true(cents >= last);
        last = cents;
    }
}
