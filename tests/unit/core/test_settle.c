/* test_settle.c - what a settled single pays (core/settle.h; BETTING-RULES 4.1-4.5, 4.13). */
#include "test.h"

#include "core/settle.h"

#define GBP                          ((struct currency){826})
#define HEAT(numerator, denominator) ((struct leg_result){true, 0, (numerator), (denominator)})

static int64_t paid(int64_t stake, struct odds odds, struct leg_result result, enum rounding mode)
{
    struct money money = settle_single(money_of(stake, GBP), odds, result, mode);
    assert_true(currency_equal(money.currency, GBP));
    return money.minor;
}

/* Stakes and returns in pence; down, half up and half even. */
TEST(settle, pays_the_worked_examples)
{
    static const struct {
        const char *name;
        int64_t stake;
        struct odds odds;
        struct leg_result result;
        int64_t down, half_up, half_even;
    } rows[] = {
        {"4.1: UOF (0,-) lose", 1000, {41, 20}, {false, 0, 1, 1}, 0, 0, 0},
        {"4.1: UOF (1,-) win", 1000, {41, 20}, {true, 0, 1, 1}, 2050, 2050, 2050},
        {"4.1: UOF (0,1) refund", 1000, {41, 20}, {false, 2, 1, 1}, 1000, 1000, 1000},
        {"4.1: UOF (1,.5) half refund, half win",
         1000,
         {41, 20},
         {true, 1, 1, 1},
         1525,
         1525,
         1525},
        {"4.1: UOF (0,.5) half refund, half lose", 1000, {41, 20}, {false, 1, 1, 1}, 500, 500, 500},
        {"4.1: push pays the stake", 1000, {41, 20}, LEG_VOID, 1000, 1000, 1000},
        {"4.1: 10.00 @ 2.05, AH +0.25, draw", 1000, {41, 20}, LEG_HALF_WON, 1525, 1525, 1525},
        {"4.1: 10.00 @ 2.05, AH -0.25, draw", 1000, {41, 20}, LEG_HALF_LOST, 500, 500, 500},
        {"4.1: over 2.75, 3 goals: half win", 1000, {19, 10}, LEG_HALF_WON, 1450, 1450, 1450},
        {"4.1: under 5.25, 5 goals: half win", 1000, {9, 5}, LEG_HALF_WON, 1400, 1400, 1400},
        {"4.1: 1.01 split over two lines, lost", 101, {2, 1}, LEG_HALF_LOST, 50, 51, 50},
        {"4.1: 1.01 split over two lines, won", 101, {2, 1}, LEG_HALF_WON, 151, 152, 152},
        {"4.2: Smarkets 20 @ 4.0, 3 tie", 2000, {4, 1}, HEAT(1, 3), 2666, 2667, 2667},
        {"4.2: DraftKings 50 @ 2.5, 2 tie", 5000, {5, 2}, HEAT(1, 2), 6250, 6250, 6250},
        {"4.2: 50 @ 3.0, 6 tie for 3 places", 5000, {3, 1}, HEAT(3, 6), 7500, 7500, 7500},
        {"4.2: 10 @ 4/1 two-way is 25, not 30", 1000, {5, 1}, HEAT(1, 2), 2500, 2500, 2500},
        {"4.2: 20 e/w @ 16/1, 1/4, two tie: place", 2000, {5, 1}, HEAT(1, 2), 5000, 5000, 5000},
        {"4.3: 10 @ 8/1, 25p: 1 + 8 * 0.75", 1000, {7, 1}, LEG_WON, 7000, 7000, 7000},
        {"4.3: 10 @ 2.25, 80p: 1 + 1.25 * 0.2", 1000, {5, 4}, LEG_WON, 1250, 1250, 1250},
        {"4.3: Betfair 8.0 less 25 % is 6.0", 1000, {6, 1}, LEG_WON, 6000, 6000, 6000},
        {"4.3: 8.6 less 16.2 % is 7.2068", 1000, {18017, 2500}, LEG_WON, 7206, 7207, 7207},
        {"6.12: not 7.21 before the end", 100000, {18017, 2500}, LEG_WON, 720680, 720680, 720680},
        {"4.4: 100 e/w @ 11/4: win", 10000, {15, 4}, LEG_WON, 37500, 37500, 37500},
        {"4.4: 100 e/w @ 11/4, 1/5: place", 10000, {31, 20}, LEG_WON, 15500, 15500, 15500},
        {"4.4: 10 e/w @ 7/4: win", 1000, {11, 4}, LEG_WON, 2750, 2750, 2750},
        {"4.4: 10 e/w @ 7/4, 1/5: place", 1000, {27, 20}, LEG_WON, 1350, 1350, 1350},
        {"4.4: win, Rule 4 35p", 1000, {171, 80}, LEG_WON, 2137, 2138, 2138},
        {"4.4: place, Rule 4 35p: 12.275", 1000, {491, 400}, LEG_WON, 1227, 1228, 1228},
        {"4.4: 10 e/w @ 7/4, 1/4: place 14.375", 1000, {23, 16}, LEG_WON, 1437, 1438, 1438},
        {"4.5: factor of a half win @ 2.045", 10000, {409, 200}, LEG_HALF_WON, 15225, 15225, 15225},
        {"4.5: factor of a half loss @ 2.015", 10000, {403, 200}, LEG_HALF_LOST, 5000, 5000, 5000},
        {"4.5: factor of a void leg", 10000, {403, 200}, LEG_VOID, 10000, 10000, 10000},
        {"4.10: 8/13, exact", 1300, {21, 13}, LEG_WON, 2100, 2100, 2100},
        {"4.10: 8/13 is not 1.6154", 1000000, {21, 13}, LEG_WON, 1615384, 1615385, 1615385},
        {"4.10: 110 @ -110", 11000, {21, 11}, LEG_WON, 21000, 21000, 21000},
        {"half void and a dead heat", 1000, {4, 1}, {true, 1, 1, 3}, 1166, 1167, 1167},
        {"void wins over everything", 1000, {4, 1}, {true, 2, 1, 3}, 1000, 1000, 1000},
        {"a lost dead heat", 1000, {4, 1}, {false, 0, 1, 3}, 0, 0, 0},
        {"one penny at 1.01", 1, {101, 100}, LEG_WON, 1, 1, 1},
        {"one penny, half lost", 1, {101, 100}, LEG_HALF_LOST, 0, 1, 0},
        {"three pence, half lost", 3, {101, 100}, LEG_HALF_LOST, 1, 2, 2},
        {"no stake", 0, {2, 1}, LEG_WON, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t down = paid(rows[i].stake, rows[i].odds, rows[i].result, ROUND_DOWN);
        int64_t half_up = paid(rows[i].stake, rows[i].odds, rows[i].result, ROUND_HALF_UP);
        int64_t half_even = paid(rows[i].stake, rows[i].odds, rows[i].result, ROUND_HALF_EVEN);
        if (down != rows[i].down || half_up != rows[i].half_up || half_even != rows[i].half_even)
            fail_msg("%s: %jd %jd %jd", rows[i].name, (intmax_t)down, (intmax_t)half_up,
                     (intmax_t)half_even);
    }
}

TEST(settle, ends_at_the_highest_amount)
{
    int64_t most = MONEY_MINOR_MAX;
    assert_int_equal(paid(most / 2, (struct odds){2, 1}, LEG_WON, ROUND_DOWN), most);
    assert_int_equal(paid(most / 2 - 1, (struct odds){2, 1}, LEG_WON, ROUND_DOWN), most - 2);
    assert_int_equal(paid(most, (struct odds){100000, 1}, LEG_WON, ROUND_HALF_UP), most);
    /* 10^15 and a half */
    assert_int_equal(paid(666666666666667, (struct odds){3, 2}, LEG_WON, ROUND_HALF_UP), most);
    assert_int_equal(paid(most, (struct odds){1000000000, 999999999},
                          HEAT(DEAD_HEAT_TERM_MAX - 1, DEAD_HEAT_TERM_MAX), ROUND_DOWN),
                     999900000999900); /* 10^15 * 0.9999 * 1.000000001000000001 */
    assert_int_equal(paid(most, (struct odds){3, 2}, LEG_VOID, ROUND_HALF_EVEN), most);
}

TEST(settle, accepts_only_results_that_can_be)
{
    static const struct {
        const char *name;
        struct leg_result result;
        bool valid;
    } rows[] = {
        {"won", LEG_WON, true},
        {"void", LEG_VOID, true},
        {"the smallest part", HEAT(1, DEAD_HEAT_TERM_MAX), true},
        {"the whole in large terms", HEAT(DEAD_HEAT_TERM_MAX, DEAD_HEAT_TERM_MAX), true},
        {"three halves", {true, 3, 1, 1}, false},
        {"no places left", HEAT(0, 2), false},
        {"nobody tied", HEAT(0, 0), false},
        {"more than the whole", HEAT(3, 2), false},
        {"too large terms", HEAT(1, DEAD_HEAT_TERM_MAX + 1), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (leg_result_valid(rows[i].result) != rows[i].valid)
            fail_msg("%s", rows[i].name);
}

/* 4.13, and the bet's status word of CONTRACT. */
TEST(settle, names_every_result)
{
    static const struct {
        struct leg_result result;
        enum leg_outcome outcome;
        const char *text, *status;
    } rows[] = {
        {LEG_WON, LEG_OUTCOME_WON, "WON", "WON"},
        {LEG_LOST, LEG_OUTCOME_LOST, "LOST", "LOST"},
        {LEG_VOID, LEG_OUTCOME_VOID, "VOID", "VOID"},
        {LEG_HALF_WON, LEG_OUTCOME_HALF_WON, "HALF_WON", "SETTLED"},
        {LEG_HALF_LOST, LEG_OUTCOME_HALF_LOST, "HALF_LOST", "SETTLED"},
        {HEAT(1, 2), LEG_OUTCOME_DEAD_HEAT, "DEAD_HEAT", "SETTLED"},
        {{true, 1, 1, 2}, LEG_OUTCOME_DEAD_HEAT, "DEAD_HEAT", "SETTLED"},
        {{true, 2, 1, 2}, LEG_OUTCOME_VOID, "VOID", "VOID"},
        {{false, 0, 1, 2}, LEG_OUTCOME_LOST, "LOST", "LOST"},
        {{false, 1, 1, 2}, LEG_OUTCOME_HALF_LOST, "HALF_LOST", "SETTLED"},
        {HEAT(2, 2), LEG_OUTCOME_WON, "WON", "WON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum leg_outcome outcome = leg_result_outcome(rows[i].result);
        assert_int_equal(outcome, rows[i].outcome);
        assert_string_equal(leg_outcome_text(outcome), rows[i].text);
        assert_string_equal(settled_status_text(rows[i].result), rows[i].status);
    }
    assert_string_equal(leg_outcome_text(LEG_OUTCOME_OPEN), "OPEN");
    assert_null(leg_outcome_text(LEG_OUTCOME_DEAD_HEAT + 1));
}

TEST(settle, reads_the_result_words_of_the_contract)
{
    static const struct {
        const char *word;
        struct leg_result result;
    } rows[] = {
        {"WON", LEG_WON},           {"LOST", LEG_LOST},           {"VOID", LEG_VOID},
        {"HALF_WON", LEG_HALF_WON}, {"HALF_LOST", LEG_HALF_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct leg_result result;
        assert_true(leg_result_parse(slice_text(rows[i].word), &result));
        assert_memory_equal(&result, &rows[i].result, sizeof result);
    }
    static const char *const others[] = {"", "won", "OPEN", "DEAD_HEAT", "WO", "WON ", "PLACED"};
    struct leg_result kept = {true, 1, 3, 7};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(leg_result_parse(slice_text(others[i]), &kept));
    assert_int_equal(kept.dead_heat_denominator, 7); /* never written on refusal */
}

TEST(settle, results_are_equal_when_they_pay_the_same)
{
    static const struct {
        struct leg_result a, b;
        bool equal;
    } rows[] = {
        {LEG_WON, LEG_WON, true},
        {LEG_WON, LEG_LOST, false},
        {LEG_WON, LEG_HALF_WON, false},
        {LEG_WON, LEG_VOID, false},
        {LEG_LOST, LEG_VOID, false},
        {LEG_HALF_LOST, LEG_LOST, false},
        {HEAT(1, 2), HEAT(2, 4), true},
        {HEAT(1, 2), HEAT(1, 3), false},
        {HEAT(1, 2), LEG_HALF_WON, false},
        {HEAT(1, 2), LEG_WON, false},
        {HEAT(9999, 10000), HEAT(9998, 9999), false},
        {{false, 0, 1, 2}, LEG_LOST, true},
        {{true, 2, 1, 2}, LEG_VOID, true},
        {{true, 1, 1, 2}, {true, 1, 2, 4}, true},
        {{true, 1, 1, 2}, {false, 1, 1, 2}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(leg_result_equal(rows[i].a, rows[i].b), rows[i].equal);
        assert_int_equal(leg_result_equal(rows[i].b, rows[i].a), rows[i].equal);
    }
}

TEST(settle, stops_at_a_mistake)
{
    struct money stake = money_of(100, GBP);
    struct odds evens = {2, 1};
    struct leg_result wrong = HEAT(3, 2);
    expect_assert_failure(settle_single(money_of(-1, GBP), evens, LEG_WON, ROUND_DOWN));
    expect_assert_failure(
        settle_single(money_of(MONEY_MINOR_MAX + 1, GBP), evens, LEG_WON, ROUND_DOWN));
    expect_assert_failure(settle_single(stake, ODDS_NONE, LEG_WON, ROUND_DOWN));
    expect_assert_failure(settle_single(stake, evens, wrong, ROUND_DOWN));
    expect_assert_failure(leg_result_outcome(wrong));
    expect_assert_failure(leg_result_equal(wrong, LEG_WON));
    expect_assert_failure(leg_result_equal(LEG_WON, wrong));
}
