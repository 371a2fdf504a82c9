/* test_asian.c - Asian handicaps and totals from score and line (core/asian.h; BETTING-RULES 4.1),
 * and shared places (core/dead_heat.h; 4.2). */
#include "test.h"

#include "core/asian.h"
#include "core/dead_heat.h"

/* The rule in words: a whole or half line by comparing, a quarter line as its two neighbours. */
static int half_stakes(int32_t ahead_halves)
{
    return ahead_halves > 0 ? 2 : ahead_halves == 0 ? 1 : 0; /* paid, refunded, lost */
}

static struct leg_result in_words(int32_t margin, int32_t line_quarters)
{
    int32_t low = line_quarters - (line_quarters % 2 != 0); /* quarters, now even */
    int32_t high = line_quarters + (line_quarters % 2 != 0);
    int first = half_stakes(2 * margin + low / 2);
    int second = half_stakes(2 * margin + high / 2);
    if (first == 1 && second == 1)
        return LEG_VOID;
    if (first == 1 || second == 1)
        return first + second == 3 ? LEG_HALF_WON : LEG_HALF_LOST;
    assert_int_equal(first, second); /* no line is won by one half and lost by the other */
    return first == 2 ? LEG_WON : LEG_LOST;
}

static void check(struct leg_result found, struct leg_result expected)
{
    assert_int_equal(leg_result_outcome(found), leg_result_outcome(expected));
    assert_true(leg_result_equal(found, expected));
}

TEST(asian, settles_the_worked_examples)
{
    check(asian_handicap(1, 1, 1), LEG_HALF_WON);         /* 4.1: +0.25, draw */
    check(asian_handicap(1, 1, -1), LEG_HALF_LOST);       /* 4.1: -0.25, draw */
    check(asian_total(TOTAL_OVER, 3, 11), LEG_HALF_WON);  /* 4.1: over 2.75 with 3 */
    check(asian_total(TOTAL_UNDER, 5, 21), LEG_HALF_WON); /* 4.1: under 5.25 with 5 */
    check(asian_handicap(2, 2, 0), LEG_VOID);             /* draw no bet */
    check(asian_handicap(2, 1, -4), LEG_VOID);            /* -1, won by one: push */
    check(asian_handicap(2, 1, -3), LEG_HALF_WON);        /* -0.75 */
    check(asian_handicap(2, 1, -5), LEG_HALF_LOST);       /* -1.25 */
    check(asian_handicap(2, 1, -2), LEG_WON);
    check(asian_handicap(0, 1, 2), LEG_LOST);
    check(asian_total(TOTAL_UNDER, 3, 12), LEG_VOID);
    check(asian_total(TOTAL_OVER, 2, 9), LEG_HALF_LOST);
    check(asian_total(TOTAL_OVER, 0, 0), LEG_VOID);
}

TEST(asian, a_quarter_line_is_half_the_stake_on_each_neighbour)
{
    for (int32_t scored = 0; scored < 12; scored++)
        for (int32_t conceded = 0; conceded < 12; conceded++)
            for (int32_t line = -40; line <= 40; line++)
                check(asian_handicap(scored, conceded, line), in_words(scored - conceded, line));
    for (int32_t scored = 0; scored < 20; scored++)
        for (int32_t line = 0; line <= 80; line++) {
            check(asian_total(TOTAL_OVER, scored, line), in_words(scored, -line));
            check(asian_total(TOTAL_UNDER, scored, line), in_words(-scored, line));
        }
}

/* What one side wins the other loses. */
TEST(asian, the_two_sides_mirror_each_other)
{
    for (int32_t margin = -5; margin <= 5; margin++)
        for (int32_t line = -20; line <= 20; line++) {
            struct leg_result home = asian_handicap(5 + margin, 5, line);
            struct leg_result away = asian_handicap(5, 5 + margin, -line);
            assert_int_equal(home.void_halves, away.void_halves);
            assert_true(home.void_halves == 2 || home.won != away.won);
        }
}

TEST(dead_heat, pays_the_places_that_are_left)
{
    static const struct {
        const char *name;
        uint32_t position, tied, places;
        bool won;
        uint16_t numerator, denominator;
    } rows[] = {
        {"4.2: Smarkets, 3 tie for 1st", 1, 3, 1, true, 1, 3},
        {"4.2: DraftKings, 2 tie", 1, 2, 1, true, 1, 2},
        {"4.2: top 10, 6 tie for 8th", 8, 6, 10, true, 3, 6},
        {"4.2: e/w, 2 tie for 3rd of three places", 3, 2, 3, true, 1, 2},
        {"two who tie for 1st are both in the first two", 1, 2, 2, true, 1, 1},
        {"alone", 4, 1, 4, true, 1, 1},
        {"behind the places", 5, 2, 4, false, 1, 1},
        {"a large tie", 1, DEAD_HEAT_TERM_MAX, 1, true, 1, DEAD_HEAT_TERM_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct leg_result result;
        if (!dead_heat_result(rows[i].position, rows[i].tied, rows[i].places, &result) ||
            !leg_result_valid(result) || result.won != rows[i].won ||
            result.dead_heat_numerator != rows[i].numerator ||
            result.dead_heat_denominator != rows[i].denominator || result.void_halves != 0)
            fail_msg("%s", rows[i].name);
    }
    struct leg_result result;
    assert_false(dead_heat_result(0, 1, 1, &result));
    assert_false(dead_heat_result(1, 0, 1, &result));
    assert_false(dead_heat_result(1, 1, 0, &result));
    assert_false(dead_heat_result(1, DEAD_HEAT_TERM_MAX + 1, 1, &result));
}

/* Several ties in one race: whoever ties where, exactly as many whole stakes are paid at full odds
 * as there are places. */
TEST(dead_heat, ties_share_the_places_and_no_more)
{
    for (uint32_t places = 1; places <= 6; places++)
        for (uint32_t ties = 0; ties < 1u << 7; ties++) { /* bit i: i+1 and i+2 finish level */
            uint32_t paid = 0; /* in 840ths, which all ties up to 8 divide */
            for (uint32_t first = 0; first < 8;) {
                uint32_t tied = 1;
                while (first + tied < 8 && (ties >> (first + tied - 1) & 1) > 0)
                    tied++;
                struct leg_result result;
                assert_true(dead_heat_result(first + 1, tied, places, &result));
                if (result.won)
                    paid += tied * 840 * result.dead_heat_numerator / result.dead_heat_denominator;
                first += tied;
            }
            assert_int_equal(paid, places * 840);
        }
}
