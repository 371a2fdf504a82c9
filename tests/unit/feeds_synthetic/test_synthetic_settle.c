/* test_synthetic_settle.c - feeds/synthetic/synthetic_settle.h, as tables. */
#include "test.h"

#include "feeds/synthetic/synthetic_settle.h"

struct total_row {
    const char *name;
    int goals, line_quarters;
    struct leg_result over, under;
};

TEST(synthetic_settle, totals_on_half_whole_and_quarter_lines)
{
    static const struct total_row rows[] = {
        {"over 2.75 with 3 goals is half won (4.1)", 3, 11, LEG_HALF_WON, LEG_HALF_LOST},
        {"under 5.25 with 5 goals is half won (4.1)", 5, 21, LEG_HALF_LOST, LEG_HALF_WON},
        {"2.75 with 4 goals", 4, 11, LEG_WON, LEG_LOST},
        {"2.75 with 2 goals", 2, 11, LEG_LOST, LEG_WON},
        {"2.25 with 2 goals", 2, 9, LEG_HALF_LOST, LEG_HALF_WON},
        {"2.25 with 3 goals", 3, 9, LEG_WON, LEG_LOST},
        {"3.0 with 3 goals is a push", 3, 12, LEG_VOID, LEG_VOID},
        {"3.0 with 4 goals", 4, 12, LEG_WON, LEG_LOST},
        {"3.0 with 2 goals", 2, 12, LEG_LOST, LEG_WON},
        {"2.5 with 3 goals", 3, 10, LEG_WON, LEG_LOST},
        {"2.5 with 2 goals", 2, 10, LEG_LOST, LEG_WON},
        {"0.5 with none", 0, 2, LEG_LOST, LEG_WON},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct total_row *row = &rows[i];
        print_message("%s\n", row->name);
        assert_true(
            leg_result_equal(synthetic_settle_over(row->goals, row->line_quarters), row->over));
        assert_true(
            leg_result_equal(synthetic_settle_under(row->goals, row->line_quarters), row->under));
    }
}

struct handicap_row {
    const char *name;
    int own, other, handicap_quarters;
    struct leg_result result;
};

TEST(synthetic_settle, asian_handicaps_on_half_whole_and_quarter_lines)
{
    static const struct handicap_row rows[] = {
        {"+0.25 in a draw is half won (4.1)", 1, 1, 1, LEG_HALF_WON},
        {"-0.25 in a draw is half lost (4.1)", 0, 0, -1, LEG_HALF_LOST},
        {"0 in a draw is a push", 2, 2, 0, LEG_VOID},
        {"-1 by one goal is a push", 2, 1, -4, LEG_VOID},
        {"-1 by two goals", 3, 1, -4, LEG_WON},
        {"-0.75 by one goal is half won", 1, 0, -3, LEG_HALF_WON},
        {"+0.75 lost by one goal is half lost", 0, 1, 3, LEG_HALF_LOST},
        {"-1.25 by one goal is half lost", 1, 0, -5, LEG_HALF_LOST},
        {"+0.5 in a draw", 0, 0, 2, LEG_WON},
        {"-0.5 in a draw", 0, 0, -2, LEG_LOST},
        {"+1.5 lost by two", 0, 2, 6, LEG_LOST},
        {"-1.5 by two", 2, 0, -6, LEG_WON},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct handicap_row *row = &rows[i];
        print_message("%s\n", row->name);
        assert_true(leg_result_equal(
            synthetic_settle_handicap(row->own, row->other, row->handicap_quarters), row->result));
    }
}

/* BETTING-RULES 4.1: 10.00 at 2.05 in a draw returns 15.25 on +0.25 and 5.00 on -0.25. */
TEST(synthetic_settle, the_rule_books_example_pays_to_the_penny)
{
    struct currency gbp;
    struct odds odds;
    assert_true(currency_parse(SLICE("GBP"), &gbp));
    assert_true(odds_make(205, 100, &odds));
    struct money stake = money_of(1000, gbp);
    assert_int_equal(
        settle_single(stake, odds, synthetic_settle_handicap(1, 1, 1), ROUND_DOWN).minor, 1525);
    assert_int_equal(
        settle_single(stake, odds, synthetic_settle_handicap(1, 1, -1), ROUND_DOWN).minor, 500);
    assert_int_equal(settle_single(stake, odds, synthetic_settle_over(3, 12), ROUND_DOWN).minor,
                     1000);
}

/* A quarter line is the stake split over its neighbours: for every score near every line the
 * factors of the quarter are the mean of those of its halves. */
TEST(synthetic_settle, a_quarter_line_is_the_mean_of_its_neighbours)
{
    for (int line = 1; line < 24; line += 2)
        for (int goals = 0; goals < 8; goals++) {
            struct leg_result whole = synthetic_settle_over(goals, line);
            int won = 0, back = 0;
            for (int side = -1; side <= 1; side += 2) {
                struct leg_result half = synthetic_settle_over(goals, line + side);
                won += half.won && half.void_halves == 0;
                back += half.void_halves == 2;
            }
            assert_int_equal(whole.void_halves, back);
            assert_int_equal(whole.won, won > 0);
            assert_true(won != 1 || back == 1); /* never a win beside a loss */
        }
}

TEST(synthetic_settle, backing_both_sides_of_a_line_never_wins_or_loses_twice)
{
    for (int line = -12; line <= 12; line++)
        for (int home = 0; home < 6; home++)
            for (int away = 0; away < 6; away++) {
                struct leg_result a = synthetic_settle_handicap(home, away, line);
                struct leg_result b = synthetic_settle_handicap(away, home, -line);
                assert_int_equal(a.void_halves, b.void_halves);
                assert_int_equal(a.won + b.won, a.void_halves == 2 ? 0 : 1);
            }
}
