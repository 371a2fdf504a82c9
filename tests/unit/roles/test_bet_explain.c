/* test_bet_explain.c - a settlement in sentences: every kind of result, and what rounding cut. */
#include "roles/bet/bet_explain.h"

#include "core/bet_return.h"
#include "ledger/settle_record.h"

#include <string.h>

#include "test.h"

#include "core/bet_outcome.h"

static void add(void *out, struct slice sentence)
{
    buf_put_slice(out, sentence);
    buf_put_char(out, '\n');
}

static const char *explain(int64_t stake, struct odds odds, struct leg_result result,
                           enum rounding rounding)
{
    static char memory[16 * 1024];
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct currency gbp = {826};
    struct record_settle settle = {
        .stake = stake,
        .payout = settle_single(money_of(stake, gbp), odds, result, rounding).minor,
        .balance_after = 12345,
        .settlement = 1,
        .currency = gbp.iso,
        .rounding = (uint8_t)rounding,
        .result_seq = 7,
    };
    const struct record_settled_leg leg = {
        .market = 1,
        .flags = SETTLED_BANKER,
        .odds_numerator = odds.numerator,
        .odds_denominator = odds.denominator,
        .win = record_factors_of(result),
    };
    const struct record_head head = {.type = RECORD_SETTLE, .seq = 8, .items_count = 1};
    const struct record_view view = {.head = &head, .body = &settle, .items = &leg};
    bet_explain_settlement(&view, 0, &(struct bet_explain_to){add, &out});
    assert_false(out.overflow);
    memory[out.bytes] = '\0';
    return memory;
}

/* A settlement of several legs, of what follows from them, in sentences. */
struct scene {
    uint8_t flags;
    uint32_t sizes;
    int64_t stake;
    uint32_t legs_count;
    struct record_settled_leg legs[9];
    uint16_t deductions[4];
};

static const char *explain_scene(const struct scene *scene)
{
    static char memory[64 * 1024];
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct record_settle settle = {.stake = scene->stake,
                                   .settlement = 1,
                                   .currency = 826,
                                   .sizes = scene->sizes,
                                   .rounding = ROUND_DOWN,
                                   .flags = scene->flags};
    const struct record_head head = {
        .type = RECORD_SETTLE, .seq = 8, .items_count = (uint16_t)scene->legs_count};
    const struct record_view view = {
        .head = &head,
        .body = &settle,
        .items = scene->legs,
        .texts = slice_of((const char *)scene->deductions, sizeof scene->deductions)};
    struct bet_leg legs[BET_LEGS_MAX];
    struct bet bet;
    struct money payout;
    assert_true(settle_record_bet(&view, legs, &bet));
    assert_true(bet_return(&bet, ROUND_DOWN, &payout));
    settle.payout = payout.minor;
    bet_explain_settlement(&view, 0, &(struct bet_explain_to){add, &out});
    assert_false(out.overflow);
    memory[out.bytes] = '\0';
    return memory;
}

#define KNOWN_WON                                                                                  \
    {                                                                                              \
        .known = 1, .won = 1, .dead_heat_numerator = 1, .dead_heat_denominator = 1                 \
    }
#define KNOWN_LOST                                                                                 \
    {                                                                                              \
        .known = 1, .dead_heat_numerator = 1, .dead_heat_denominator = 1                           \
    }
#define KNOWN_VOID                                                                                 \
    {                                                                                              \
        .known = 1, .void_halves = 2, .dead_heat_numerator = 1, .dead_heat_denominator = 1         \
    }
#define LEG(n, d, factors, ...)                                                                    \
    {                                                                                              \
        .odds_numerator = (n), .odds_denominator = (d), .win = factors, __VA_ARGS__                \
    }

static void tells(const char *text, const char *const *sentences)
{
    for (; *sentences != NULL; sentences++)
        if (strstr(text, *sentences) == NULL)
            fail_msg("not told: %s\n%s", *sentences, text);
}

TEST(bet_explain, tells_a_multiple_leg_by_leg_and_its_product)
{
    static const struct scene scene = {
        .stake = 1000,
        .legs_count = 3,
        .legs = {LEG(2, 1, KNOWN_WON, .flags = SETTLED_BANKER),
                 LEG(3, 1, KNOWN_VOID, .flags = SETTLED_BANKER | SETTLED_CANCELLED),
                 LEG(7, 4, KNOWN_WON, .flags = SETTLED_BANKER,
                     .deducted_from = DEDUCTED_FROM_WINNINGS, .deductions_count = 1)},
        .deductions = {2500}};
    static const char *const sentences[] = {
        "You staked 10.00 GBP on a multiple of 3 selections, 1 line.\n",
        "Leg 1 at odds of 2.00: The selection won.\n",
        "Leg 2 at odds of 3.00: Bets placed at this time are void. The selection is void: it "
        "counts "
        "with odds of 1.\n",
        "Leg 3 at odds of 1.75: The selection won. Taken off the winnings for runners withdrawn "
        "after the bet: 25.00 %.\n",
        "10.00 GBP x 2.00 x 1 x (1 + (1.75 - 1) x 0.7500) = 31.25 GBP.\n",
        NULL};
    tells(explain_scene(&scene), sentences);
}

TEST(bet_explain, tells_that_a_multiple_was_lost_without_its_open_legs)
{
    static const struct scene scene = {.stake = 1000,
                                       .legs_count = 2,
                                       .legs = {LEG(2, 1, KNOWN_LOST, .flags = SETTLED_BANKER),
                                                LEG(3, 1, {0}, .flags = SETTLED_BANKER)}};
    static const char *const sentences[] = {
        "Leg 2 at odds of 3.00: The bet was lost without its result.\n",
        "10.00 GBP x 0 = 0.00 GBP.\n", NULL};
    tells(explain_scene(&scene), sentences);
}

TEST(bet_explain, tells_the_lines_of_a_small_system)
{
    static const struct scene scene = {
        .stake = 400,
        .sizes = 6,
        .legs_count = 3,
        .legs = {LEG(2, 1, KNOWN_WON), LEG(3, 1, KNOWN_LOST), LEG(21, 13, KNOWN_WON)}};
    static const char *const sentences[] = {
        "You staked 4.00 GBP on a system of 3 selections, 4 lines (TRIXIE).\n",
        "Legs 1 and 2: 1.00 GBP x 2.00 x 0 = 0.00 GBP.\n",
        "Legs 1 and 3: 1.00 GBP x 2.00 x 21/13 = 3.230769.. GBP.\n",
        "Legs 1, 2 and 3: 1.00 GBP x 2.00 x 0 x 21/13 = 0.00 GBP.\n",
        "Together = 3.230769.., rounded down to 3.23 GBP.\n",
        NULL};
    tells(explain_scene(&scene), sentences);
}

TEST(bet_explain, tells_a_banker_in_every_line)
{
    static const struct scene scene = {.stake = 200,
                                       .sizes = 1,
                                       .legs_count = 3,
                                       .legs = {LEG(2, 1, KNOWN_WON, .flags = SETTLED_BANKER),
                                                LEG(3, 1, KNOWN_WON), LEG(4, 1, KNOWN_LOST)}};
    static const char *const sentences[] = {"Leg 1 (banker) at odds of 2.00: The selection won.\n",
                                            "Legs 1 and 2: 1.00 GBP x 2.00 x 3.00 = 6.00 GBP.\n",
                                            "Legs 1 and 3: 1.00 GBP x 2.00 x 0 = 0.00 GBP.\n",
                                            "Together = 6.00 GBP.\n", NULL};
    tells(explain_scene(&scene), sentences);
}

TEST(bet_explain, tells_both_ways_of_an_each_way_bet)
{
    static const struct scene scene = {
        .flags = BET_EACH_WAY,
        .stake = 2001,
        .legs_count = 1,
        .legs = {LEG(11, 4, KNOWN_LOST, .flags = SETTLED_BANKER, .place = KNOWN_WON, .places = 3,
                     .place_numerator = 1, .place_denominator = 5, .position = 2,
                     .deducted_from = DEDUCTED_FROM_WINNINGS, .deductions_count = 1)},
        .deductions = {3500}};
    static const char *const sentences[] = {
        "You staked 20.01 GBP each-way at odds of 2.75: half of it to win, half to be placed.\n",
        "To be placed (3 places at 1/5 of the odds): WON, position 2.",
        "to win: 10.005 GBP x 0.\n",
        "to be placed: 10.005 GBP x (1 + (2.75 - 1) x 1/5 x 0.6500).\n",
        "Together = 12.281137.., rounded down to 12.28 GBP.\n",
        NULL};
    tells(explain_scene(&scene), sentences);
}

TEST(bet_explain, tells_reductions_of_the_price_and_dead_heats_among_legs)
{
    static const struct scene scene = {
        .stake = 1000,
        .legs_count = 2,
        .legs = {LEG(8, 1, KNOWN_WON, .flags = SETTLED_BANKER, .deducted_from = DEDUCTED_FROM_PRICE,
                     .deductions_count = 2),
                 LEG(3, 1,
                     {.known = 1, .won = 1, .dead_heat_numerator = 1, .dead_heat_denominator = 2},
                     .flags = SETTLED_BANKER)},
        .deductions = {2500, 1000}};
    static const char *const sentences[] = {
        "Taken off the odds for runners withdrawn after the bet: 25.00 %, then 10.00 %, to no less "
        "than 1.01.\n",
        "The selection won in a dead heat: a part of it counts. The dead heat factor is 1/2.\n",
        "10.00 GBP x (8.00 x 0.7500 x 0.9000) x 1/2 x 3.00 = 81.00 GBP.\n", NULL};
    tells(explain_scene(&scene), sentences);
}

TEST(bet_explain, tells_winnings_alone_of_a_free_bet_and_its_return_when_void)
{
    static const struct scene won = {.flags = BET_FREE,
                                     .stake = 1000,
                                     .legs_count = 1,
                                     .legs = {LEG(5, 2, KNOWN_WON, .flags = SETTLED_BANKER)}};
    static const char *const sentences[] = {"You staked 10.00 GBP of a free bet at odds of 2.50.\n",
                                            "10.00 GBP x 2.50, without the stake = 15.00 GBP.\n",
                                            NULL};
    tells(explain_scene(&won), sentences);
}

TEST(bet_explain, many_lines_are_told_by_their_sum)
{
    struct scene scene = {.stake = 24700, .sizes = 0xFE, .legs_count = 8};
    for (int i = 0; i < 8; i++)
        scene.legs[i] = (struct record_settled_leg)LEG(2, 1, KNOWN_WON);
    static const char *const sentences[] = {
        "8 selections, 247 lines (GOLIATH).\n",
        "The sum over all lines of the stake of one line times what is counted of each of its legs "
        "= 6544.00 GBP.\n",
        NULL};
    const char *text = explain_scene(&scene);
    tells(text, sentences);
    assert_null(strstr(text, "Legs 1"));
}

TEST(bet_explain, tells_each_kind_of_result)
{
    static const struct {
        struct leg_result result;
        const char *says, *sum;
    } rows[] = {
        {LEG_WON, "won: the stake is multiplied", "10.00 GBP x 2.10 = 21.00 GBP."},
        {LEG_LOST, "lost: nothing is returned", "10.00 GBP x 0 = 0.00 GBP."},
        {LEG_VOID, "void: the stake is returned", "10.00 GBP x 1 = 10.00 GBP."},
        {LEG_HALF_WON, "half won", "10.00 GBP x (1/2 + 1/2 x 2.10) = 15.50 GBP."},
        {LEG_HALF_LOST, "half lost", "10.00 GBP x 1/2 = 5.00 GBP."},
        {{true, 0, 1, 2}, "dead heat factor is 1/2", "10.00 GBP x 1/2 x 2.10 = 10.50 GBP."},
        {{true, 1, 1, 2},
         "Half of the stake is void",
         "10.00 GBP x (1/2 + 1/2 x 1/2 x 2.10) = 10.25 GBP."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = explain(1000, (struct odds){21, 10}, rows[i].result, ROUND_DOWN);
        if (strstr(text, rows[i].says) == NULL || strstr(text, rows[i].sum) == NULL)
            fail_msg("%s", text);
    }
}

TEST(bet_explain, shows_what_was_rounded_and_how)
{
    struct odds odds = {21, 13};
    assert_non_null(strstr(explain(1000, odds, LEG_WON, ROUND_DOWN),
                           "10.00 GBP x 21/13 = 16.153846.., rounded down to 16.15 GBP."));
    assert_non_null(strstr(explain(1000, odds, LEG_WON, ROUND_DOWN), "1.6154 (exactly 21/13)"));
    assert_non_null(strstr(explain(1333, odds, LEG_WON, ROUND_HALF_UP), "rounded half up to"));
    assert_null(strstr(explain(1300, odds, LEG_WON, ROUND_DOWN), "rounded"));
}

TEST(bet_explain, names_the_records_that_it_follows_from)
{
    const char *text = explain(1000, (struct odds){2, 1}, LEG_WON, ROUND_DOWN);
    assert_non_null(strstr(text, "Settlement 1, ledger record 0-8, follows from the result in "
                                 "record 0-7; the balance was then 123.45 GBP."));
}

TEST(bet_explain, the_largest_stake_fits)
{
    const char *text = explain(MONEY_MINOR_MAX - 1, (struct odds){1000000000, 999999999},
                               (struct leg_result){true, 1, 9999, 10000}, ROUND_DOWN);
    assert_non_null(strstr(text, "9999999999999.99 GBP x (1/2 + 1/2 x 9999/10000"));
}

static const char *explain_sold(struct leg_chances chances, uint64_t book, int64_t stake_left)
{
    static char memory[8 * 1024];
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct record_cash_out sale = {.stake = 4000,
                                   .fair = 5714,
                                   .value = 5428,
                                   .paid = 5428,
                                   .stake_left = stake_left,
                                   .outcome = BET_PLACED,
                                   .currency = 826,
                                   .margin = 500};
    const struct record_cash_out_leg leg = {
        .settled = {.odds_numerator = 3, .odds_denominator = 1},
        .now_numerator = 2,
        .now_denominator = 1,
        .book = book,
        .chances = chances,
    };
    const struct record_head head = {.type = RECORD_CASH_OUT, .seq = 8, .items_count = 1};
    const struct record_view view = {.head = &head, .body = &sale, .items = &leg};
    bet_explain_cash_out(&view, 0, &(struct bet_explain_to){add, &out});
    assert_false(out.overflow);
    memory[out.bytes] = 0;
    return memory;
}

static const char *explain_sale(uint32_t chance, int64_t stake_left)
{
    return explain_sold((struct leg_chances){.win = chance}, UINT64_C(1050000000000000),
                        stake_left);
}

TEST(bet_explain, tells_chances_that_the_provider_gave)
{
    const struct leg_chances all = {400000000, 100000000, 50000000, 100000001};
    assert_non_null(
        strstr(explain_sold(all, 0, 0),
               "is at 2.00 now: by the provider's chances 40.0000000 % to win, 10.0000000 % to win "
               "half, 5.0000000 % to get the stake back, 10.0000001 % to lose half."));
    assert_non_null(strstr(explain_sold((struct leg_chances){.refund = 1}, 0, 0),
                           "chances 0.0000001 % to get the stake back."));
}

TEST(bet_explain, tells_what_a_cash_out_was_made_of)
{
    const char *text = explain_sale(476190476, 6000);
    static const char *const says[] = {
        "You sold 40.00 GBP of your stake back for 54.28 GBP; 60.00 GBP went on.",
        "taken at 3.00, is at 2.00 now: in a book of 105.00 % a chance of 47.6190476 %.",
        "it was worth 57.14 GBP; less a margin of 5.00 %, rounded down, 54.28 GBP",
        "(ledger record 0-8)",
    };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (strstr(text, says[i]) == NULL)
            fail_msg("%s", text);
    assert_non_null(strstr(explain_sale(476190476, 0), "the bet is over."));
    assert_non_null(strstr(explain_sale(476190477, 0), "47.6190477 %")); /* the record's number */
}
