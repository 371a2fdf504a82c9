/* test_bet_return.c - every worked number of BETTING-RULES 4 - 4.5 and 4.9 as a whole bet
 * (core/bet_return.h), and its limits. */
#include "test.h"

#include <string.h>

#include "core/bet_return.h"
#include "core/lines_sum.h"
#include "core/rule4.h"

#define GBP                          ((struct currency){826})
#define HEAT(numerator, denominator) ((struct leg_result){true, 0, (numerator), (denominator)})
#define FROM_PRICE(...)                                                                            \
    {                                                                                              \
        DEDUCTED_FROM_PRICE, 1,                                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define FROM_WINNINGS(permyriad)                                                                   \
    {                                                                                              \
        DEDUCTED_FROM_WINNINGS, 1,                                                                 \
        {                                                                                          \
            (permyriad)                                                                            \
        }                                                                                          \
    }
#define LEGS_MAX 5

/* A leg of a table below: the place part has the same deductions. */
struct line_leg {
    struct odds odds;
    struct leg_result result;
    struct deductions deductions;
    struct leg_result place;
};

static int64_t paid(const struct bet *bet, enum rounding rounding)
{
    struct money money = {0};
    assert_true(bet_valid(bet));
    if (!bet_return(bet, rounding, &money))
        return -1;
    assert_true(currency_equal(money.currency, bet->stake.currency));
    return money.minor;
}

static void fill(struct bet_leg legs[LEGS_MAX], const struct line_leg from[LEGS_MAX],
                 struct bet *bet, struct place_terms terms)
{
    memset(legs, 0, LEGS_MAX * sizeof *legs);
    bet->legs = legs;
    for (bet->legs_count = 0; bet->legs_count < LEGS_MAX; bet->legs_count++) {
        const struct line_leg *leg = &from[bet->legs_count];
        if (!odds_present(leg->odds))
            break;
        legs[bet->legs_count] = (struct bet_leg){
            .odds = leg->odds,
            .terms = terms,
            .banker = bet->sizes.mask == 0,
            .win = {leg->result, leg->deductions, NULL},
            .place = {leg->place, leg->deductions, NULL},
        };
    }
}

/* Minor units: down, half up, half even. */
static void check(const char *name, const struct bet *bet, const int64_t expected[3])
{
    int64_t found[] = {paid(bet, ROUND_DOWN), paid(bet, ROUND_HALF_UP), paid(bet, ROUND_HALF_EVEN)};
    if (memcmp(found, expected, sizeof found) != 0)
        fail_msg("%s: %jd %jd %jd", name, (intmax_t)found[0], (intmax_t)found[1],
                 (intmax_t)found[2]);
}

TEST(bet_return, pays_the_worked_singles)
{
    static const struct {
        const char *name;
        int64_t stake;
        struct line_leg leg;
        int64_t pays[3];
    } rows[] = {
        {"4.1: lose", 1000, {{41, 20}, LEG_LOST, {0}, {0}}, {0, 0, 0}},
        {"4.1: win", 1000, {{41, 20}, LEG_WON, {0}, {0}}, {2050, 2050, 2050}},
        {"4.1: refund, push", 1000, {{41, 20}, LEG_VOID, {0}, {0}}, {1000, 1000, 1000}},
        {"4.1: 10.00 @ 2.05, AH +0.25, draw",
         1000,
         {{41, 20}, LEG_HALF_WON, {0}, {0}},
         {1525, 1525, 1525}},
        {"4.1: 10.00 @ 2.05, AH -0.25, draw",
         1000,
         {{41, 20}, LEG_HALF_LOST, {0}, {0}},
         {500, 500, 500}},
        {"4.1: 1.01 on a quarter line", 101, {{2, 1}, LEG_HALF_LOST, {0}, {0}}, {50, 51, 50}},
        {"4.2: Smarkets 20 @ 4.0, 3 tie", 2000, {{4, 1}, HEAT(1, 3), {0}, {0}}, {2666, 2667, 2667}},
        {"4.2: DraftKings 50 @ 2.5, 2 tie",
         5000,
         {{5, 2}, HEAT(1, 2), {0}, {0}},
         {6250, 6250, 6250}},
        {"4.2: 50 @ 3.0, 6 tie for 3 places",
         5000,
         {{3, 1}, HEAT(3, 6), {0}, {0}},
         {7500, 7500, 7500}},
        {"4.2: 10 @ 4/1 two-way is 25", 1000, {{5, 1}, HEAT(1, 2), {0}, {0}}, {2500, 2500, 2500}},
        {"4.3: 10 @ 8/1, r = .25",
         1000,
         {{9, 1}, LEG_WON, FROM_WINNINGS(2500), {0}},
         {7000, 7000, 7000}},
        {"4.3: 10 @ 2.25, 80p",
         1000,
         {{9, 4}, LEG_WON, FROM_WINNINGS(8000), {0}},
         {1250, 1250, 1250}},
        {"4.3: Betfair 8.0 with 25 %",
         100,
         {{8, 1}, LEG_WON, FROM_PRICE(2500), {0}},
         {600, 600, 600}},
        {"4.3: Betfair 8.6 with 16.2 %",
         1000000,
         {{43, 5}, LEG_WON, FROM_PRICE(1620), {0}},
         {7206800, 7206800, 7206800}},
        {"4.3: shown 7.21", 100, {{43, 5}, LEG_WON, FROM_PRICE(1620), {0}}, {720, 721, 721}},
        {"4.3: several multiply: 8.0 with 25 % and 50 %",
         100,
         {{8, 1}, LEG_WON, {DEDUCTED_FROM_PRICE, 2, {2500, 5000}}, {0}},
         {300, 300, 300}},
        {"4.3: a place market takes 25 % of 8.0 from winnings",
         100,
         {{8, 1}, LEG_WON, FROM_WINNINGS(2500), {0}},
         {625, 625, 625}},
        {"4.3: a reduced price ends at 1.01",
         10000,
         {{11, 10}, LEG_WON, FROM_PRICE(5000), {0}},
         {10100, 10100, 10100}},
        {"4.3: or at the price itself",
         10000,
         {{201, 200}, LEG_WON, FROM_PRICE(5000), {0}},
         {10050, 10050, 10050}},
        {"4: Betfair 3.50 x 65 % is shown as 2.28",
         100,
         {{7, 2}, LEG_WON, FROM_PRICE(3500), {0}},
         {227, 228, 228}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bet_leg legs[LEGS_MAX];
        struct line_leg from[LEGS_MAX] = {rows[i].leg};
        struct bet bet = {.stake = {rows[i].stake, GBP}};
        fill(legs, from, &bet, (struct place_terms){0});
        check(rows[i].name, &bet, rows[i].pays);
    }
}

/* 4.3: the price withdrawn, the table, the bet. */
TEST(bet_return, takes_rule_4_by_the_table)
{
    const struct rule4_policy policy = {RULE4_DECIMAL, RULE4_CAP_PENCE, 5};
    const struct odds withdrawn = {5, 4}; /* 1.25: 80p */
    struct bet_leg leg = {.odds = {9, 4}, .banker = true, .win = {.result = LEG_WON}};
    struct bet bet = {.legs = &leg, .legs_count = 1, .stake = {1000, GBP}};
    leg.win.deductions = rule4_deductions(rule4_total_pence(policy, &withdrawn, 1));
    assert_int_equal(paid(&bet, ROUND_DOWN), 1250);
}

TEST(bet_return, pays_the_worked_each_way_bets)
{
    static const struct {
        const char *name;
        int64_t stake; /* both ways */
        struct place_terms terms;
        struct line_leg leg;
        int64_t pays[3];
    } rows[] = {
        {"4.4: 100 e/w @ 11/4, 1/5: 375 + 155",
         20000,
         {3, 1, 5},
         {{15, 4}, LEG_WON, {0}, LEG_WON},
         {53000, 53000, 53000}},
        {"4.4: placed only: 155",
         20000,
         {3, 1, 5},
         {{15, 4}, LEG_LOST, {0}, LEG_WON},
         {15500, 15500, 15500}},
        {"4.4: 10 e/w @ 7/4, 1/5",
         2000,
         {3, 1, 5},
         {{11, 4}, LEG_WON, {0}, LEG_WON},
         {4100, 4100, 4100}},
        {"4.4: with Rule 4 35p",
         2000,
         {3, 1, 5},
         {{11, 4}, LEG_WON, FROM_WINNINGS(3500), LEG_WON},
         {3365, 3365, 3365}},
        {"4.4: placed only",
         2000,
         {3, 1, 5},
         {{11, 4}, LEG_LOST, {0}, LEG_WON},
         {1350, 1350, 1350}},
        {"4.4: placed only, Rule 4 35p: 12.275",
         2000,
         {3, 1, 5},
         {{11, 4}, LEG_LOST, FROM_WINNINGS(3500), LEG_WON},
         {1227, 1228, 1228}},
        {"4.4: 10 e/w @ 7/4, 1/4: 41.875",
         2000,
         {2, 1, 4},
         {{11, 4}, LEG_WON, {0}, LEG_WON},
         {4187, 4188, 4188}},
        {"4.2: 20 e/w @ 16/1, 1/4, two tie for 3rd",
         4000,
         {3, 1, 4},
         {{17, 1}, LEG_LOST, {0}, HEAT(1, 2)},
         {5000, 5000, 5000}},
        {"two tie for 1st: half the win stake, placed whole",
         2000,
         {2, 1, 4},
         {{5, 1}, HEAT(1, 2), {0}, LEG_WON},
         {4500, 4500, 4500}},
        {"13.7: 11.0 reduced by 50 %, 1/5: 5.5 and 1.9",
         2000,
         {3, 1, 5},
         {{11, 1}, LEG_WON, FROM_PRICE(5000), LEG_WON},
         {7400, 7400, 7400}},
        {"non-runner: both halves come back",
         2000,
         {3, 1, 5},
         {{11, 1}, LEG_VOID, {0}, LEG_VOID},
         {2000, 2000, 2000}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bet_leg legs[LEGS_MAX];
        struct line_leg from[LEGS_MAX] = {rows[i].leg};
        struct bet bet = {.stake = {rows[i].stake, GBP}, .each_way = true};
        fill(legs, from, &bet, rows[i].terms);
        assert_int_equal(bet_lines(&bet), 2);
        check(rows[i].name, &bet, rows[i].pays);
    }
}

#define AAAKK(third, first)                                                                        \
    {                                                                                              \
        {{403, 200}, first, {0}, {0}}, {{351, 200}, LEG_WON, {0}, {0}},                            \
            {{409, 200}, third, {0}, {0}}, {{379, 200}, LEG_WON, {0}, {0}},                        \
        {                                                                                          \
            {393, 200}, LEG_WON, {0},                                                              \
            {                                                                                      \
                0                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

TEST(bet_return, pays_the_worked_multiples)
{
    static const struct {
        const char *name;
        uint32_t sizes; /* mask; 0: an accumulator */
        int64_t stake;
        struct line_leg legs[LEGS_MAX];
        int64_t pays[3];
    } rows[] = {
        {"4.5: all win: 26.93", 0, 100, AAAKK(LEG_WON, LEG_WON), {2692, 2693, 2693}},
        {"4.5: third half wins: 20.05", 0, 100, AAAKK(LEG_HALF_WON, LEG_WON), {2004, 2005, 2005}},
        {"4.5: first half loses: 6.68", 0, 100, AAAKK(LEG_WON, LEG_HALF_LOST), {668, 668, 668}},
        {"4.5: one lost", 0, 100, AAAKK(LEG_LOST, LEG_WON), {0, 0, 0}},
        {"4.5: Yankee 2, 3, lost, 4: 50 for 11",
         0xE,
         1100,
         {{{2, 1}, LEG_WON, {0}, {0}},
          {{3, 1}, LEG_WON, {0}, {0}},
          {{9, 1}, LEG_LOST, {0}, {0}},
          {{4, 1}, LEG_WON, {0}, {0}}},
         {5000, 5000, 5000}},
        {"4.5: Lucky 15 2, 3, lost, void: 23 for 15",
         0xF,
         1500,
         {{{2, 1}, LEG_WON, {0}, {0}},
          {{3, 1}, LEG_WON, {0}, {0}},
          {{9, 1}, LEG_LOST, {0}, {0}},
          {{4, 1}, LEG_VOID, {0}, {0}}},
         {2300, 2300, 2300}},
        {"a Trixie that is void is refunded",
         0x6,
         400,
         {{{2, 1}, LEG_VOID, {0}, {0}}, {{3, 1}, LEG_VOID, {0}, {0}}, {{4, 1}, LEG_VOID, {0}, {0}}},
         {400, 400, 400}},
        {"ten on the six doubles of four: the unit is a sixth",
         0x2,
         1000,
         {{{2, 1}, LEG_WON, {0}, {0}},
          {{3, 1}, LEG_WON, {0}, {0}},
          {{9, 1}, LEG_LOST, {0}, {0}},
          {{9, 1}, LEG_LOST, {0}, {0}}},
         {1000, 1000, 1000}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bet_leg legs[LEGS_MAX];
        struct bet bet = {.stake = {rows[i].stake, GBP}, .sizes = {rows[i].sizes}};
        fill(legs, rows[i].legs, &bet, (struct place_terms){0});
        check(rows[i].name, &bet, rows[i].pays);
    }
}

/* 4.5: bankers multiply into every line. 2 of 3 with a banker at 3.0. */
TEST(bet_return, puts_bankers_into_every_line)
{
    struct bet_leg legs[4] = {
        {.odds = {2, 1}, .win = {.result = LEG_WON}},
        {.odds = {3, 1}, .win = {.result = LEG_WON}, .banker = true},
        {.odds = {4, 1}, .win = {.result = LEG_WON}},
        {.odds = {5, 1}, .win = {.result = LEG_LOST}},
    };
    struct bet bet = {
        .legs = legs, .legs_count = 4, .sizes = system_of_size(2), .stake = {300, GBP}};
    assert_int_equal(bet_lines(&bet), 3);
    assert_int_equal(paid(&bet, ROUND_DOWN), 2400); /* 3 * 2 * 4 on one of three lines */
    legs[1].win.result = LEG_LOST;
    assert_int_equal(paid(&bet, ROUND_DOWN), 0);
}

TEST(bet_return, keeps_the_stake_of_a_free_bet)
{
    static const struct {
        const char *name;
        struct leg_result result;
        struct deductions deductions;
        int64_t pays;
    } rows[] = {
        {"4.9: stake * (o - 1)", LEG_WON, {0}, 2000},
        {"lost", LEG_LOST, {0}, 0},
        {"void: the token is not money", LEG_VOID, {0}, 0},
        {"half won: winnings on one half", LEG_HALF_WON, {0}, 1000},
        {"half lost", LEG_HALF_LOST, {0}, 0},
        {"a dead heat: winnings on the half that won", HEAT(1, 2), {0}, 1000},
        {"Rule 4 25p", LEG_WON, FROM_WINNINGS(2500), 1500},
        {"reduced by 25 %", LEG_WON, FROM_PRICE(2500), 1250},
    };
    struct bet_leg leg = {.odds = {3, 1}, .banker = true};
    struct bet bet = {.legs = &leg, .legs_count = 1, .free = true, .stake = {1000, GBP}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        leg.win = (struct leg_part){rows[i].result, rows[i].deductions, NULL};
        if (paid(&bet, ROUND_DOWN) != rows[i].pays)
            fail_msg("%s", rows[i].name);
    }
    /* A free Patent of one winner at 3.0, one void, one lost: the single and the double. */
    struct bet_leg legs[3] = {{.odds = {3, 1}, .win = {.result = LEG_WON}},
                              {.odds = {5, 1}, .win = {.result = LEG_VOID}},
                              {.odds = {5, 1}, .win = {.result = LEG_LOST}}};
    bet = (struct bet){
        .legs = legs, .legs_count = 3, .sizes = {7}, .free = true, .stake = {700, GBP}};
    assert_int_equal(paid(&bet, ROUND_DOWN), 400);
}

TEST(bet_return, of_a_hundred_legs_is_exact)
{
    static struct bet_leg legs[BET_LEGS_MAX];
    struct bet bet = {.legs = legs, .legs_count = BET_LEGS_MAX, .stake = {MONEY_MINOR_MAX, GBP}};
    for (uint32_t i = 0; i < BET_LEGS_MAX; i++) /* 2/1 half lost, then won: 1/2 * 2, fifty times */
        legs[i] = (struct bet_leg){
            .odds = {2, 1}, .banker = true, .win = {.result = i % 2 ? LEG_WON : LEG_HALF_LOST}};
    assert_int_equal(paid(&bet, ROUND_DOWN), MONEY_MINOR_MAX);
    legs[0].win.result = LEG_WON;
    bet.stake.minor = MONEY_MINOR_MAX / 8 + 1;
    assert_int_equal(paid(&bet, ROUND_DOWN), MONEY_MINOR_MAX / 2 + 4); /* four times */
    legs[2].win.result = legs[4].win.result = LEG_WON;
    assert_int_equal(paid(&bet, ROUND_DOWN), -1); /* above the most */
}

/* The longest terms that there are, each-way and free: the arrays hold them, or it would stop. */
static void longest_legs(struct bet_leg legs[BET_LEGS_MAX], const struct leg_chances *chances)
{
    struct deductions many = {.from = DEDUCTED_FROM_PRICE, .count = DEDUCTIONS_MAX};
    for (uint32_t i = 0; i < DEDUCTIONS_MAX; i++)
        many.permyriad[i] = 1;
    struct deductions winnings = many;
    winnings.from = DEDUCTED_FROM_WINNINGS;
    for (uint32_t i = 0; i < BET_LEGS_MAX; i++)
        legs[i] = (struct bet_leg){.odds = {1000000000, 999999937 - i},
                                   .terms = {1, 254, 255},
                                   .banker = true,
                                   .win = {.deductions = many, .open = chances},
                                   .place = {.deductions = winnings, .open = chances}};
}

TEST(bet_return, has_room_for_the_longest_bets)
{
    static struct bet_leg legs[BET_LEGS_MAX];
    static const struct leg_chances chances = {999999937, 17, 1, 7};
    longest_legs(legs, &chances);
    struct bet bet = {.legs = legs,
                      .legs_count = BET_LEGS_MAX,
                      .stake = {MONEY_MINOR_MAX, GBP},
                      .each_way = true};
    for (int i = 0; i < 4; i++) {
        bet.free = i % 2;
        if (i == 2) { /* as many chosen as there may be */
            for (uint32_t leg = 0; leg < SYSTEM_LEGS_MAX; leg++)
                legs[3 * leg].banker = false;
            bet.sizes.mask = UINT32_MAX;
        }
        struct money money;
        assert_true(bet_valid(&bet));
        if (lines_sum(&bet, 9999, ROUND_HALF_EVEN, &money))
            assert_in_range(money.minor, 0, MONEY_MINOR_MAX);
    }
}

TEST(bet, that_cannot_be_is_not_valid)
{
    struct bet_leg legs[33] = {0};
    for (int i = 0; i < 33; i++)
        legs[i] = (struct bet_leg){.odds = {2, 1},
                                   .terms = {1, 1, 4},
                                   .win = {.result = LEG_WON},
                                   .place = {.result = LEG_WON}};
    struct bet good = {
        .legs = legs, .legs_count = 3, .sizes = {6}, .stake = {100, GBP}, .each_way = true};
    assert_true(bet_valid(&good));
    assert_false(bet_open(&good));
    struct bet bad = good;
    bad.legs_count = 0;
    assert_false(bet_valid(&bad));
    bad.legs_count = BET_LEGS_MAX + 1;
    assert_false(bet_valid(&bad));
    bad = good;
    bad.legs_count = SYSTEM_LEGS_MAX + 1;
    assert_false(bet_valid(&bad));
    bad = good;
    bad.sizes.mask = 0;
    assert_false(bet_valid(&bad));
    bad.sizes.mask = 8;
    assert_false(bet_valid(&bad));
    bad = good;
    bad.stake.minor = -1;
    assert_false(bet_valid(&bad));
    bad.stake.minor = MONEY_MINOR_MAX + 1;
    assert_false(bet_valid(&bad));
    legs[1].odds = ODDS_NONE;
    assert_false(bet_valid(&good));
    legs[1].odds = (struct odds){2, 1};
    legs[1].place.result.void_halves = 3;
    assert_false(bet_valid(&good));
    good.each_way = false; /* then nobody asks */
    assert_true(bet_valid(&good));
    legs[1].win.deductions.count = 1;
    assert_false(bet_valid(&good));
    struct leg_chances chances = {CHANCE_WHOLE, 1, 0, 0};
    legs[1].win = (struct leg_part){.open = &chances};
    assert_false(bet_valid(&good));
    chances.half_win = 0;
    assert_true(bet_valid(&good));
    assert_true(bet_open(&good));
    struct money money;
    expect_assert_failure(bet_return(&good, ROUND_DOWN, &money)); /* it runs still */
}
