/* test_demo_status.c - the demo's status line, and the liability that it shows. */
#include "cli/demo_status.h"

#include "book_fixture.h"
#include "test.h"

static char text[512];

static const char *line(const struct demo_status_sample *before,
                        const struct demo_status_sample *now, size_t columns)
{
    struct buf out = buf_over(text, sizeof text - 1);
    demo_status_write(&out, before, now, columns);
    assert_false(out.overflow);
    text[out.bytes] = '\0';
    return text;
}

TEST(demo_status, shows_rates_of_the_time_between_two_samples)
{
    struct demo_status_sample before = {.at = {1000000}, .prices = 100},
                              now = {.at = {3000000}, .prices = 724};
    before.bets_by_outcome[BET_PLACED] = 10;
    now.bets_by_outcome[BET_PLACED] = 80;
    now.bets_by_outcome[BET_PENDING] = 12;
    assert_string_equal(line(&before, &now, 400),
                        "312 prices/s | 41 bets/s | refused 0 | liability 0.00 | settled 0 | "
                        "0 subscribers");
}

TEST(demo_status, shows_latency_reasons_and_the_score)
{
    struct demo_status_sample before = {.at = {0}},
                              now = {.at = {1000000},
                                     .p50_us = 304,
                                     .p99_us = 2095,
                                     .liability_minor = 123456,
                                     .liability_is_part = true,
                                     .settled = 96,
                                     .subscribers = 4,
                                     .scoreboard = SLICE("Rovers 1-0 United 63'")};
    now.bets_by_outcome[BET_STAKE_LIMIT] = 3;
    now.bets_by_outcome[BET_ODDS_CHANGED] = 9;
    now.bets_by_outcome[BET_INSUFFICIENT_BALANCE] = 1;
    now.bets_by_outcome[BET_MARKET_CLOSED] = 2;
    assert_string_equal(
        line(&before, &now, 400),
        "Rovers 1-0 United 63' | 0 prices/s | 0 bets/s p50 0.30 p99 2.10 ms | refused 15: "
        "ODDS_CHANGED 9, STAKE_LIMIT 3, MARKET_CLOSED 2 | liability >= 1234.56 | settled 96 | "
        "4 subscribers");
}

TEST(demo_status, shows_how_far_a_settlement_has_come)
{
    struct demo_status_sample now = {.at = {1000000},
                                     .settled = 300001,
                                     .settle_markets = 12,
                                     .settle_bets = 500000,
                                     .settle_bets_left = 199999};
    assert_string_equal(line(&now, &now, 400),
                        "0 prices/s | 0 bets/s | refused 0 | liability 0.00 | settled 300001 | "
                        "settling [######....] 60 % of 500000 bets, 12 markets left");
    now.settle_bets = now.settle_bets_left = 0;
    assert_non_null(strstr(line(&now, &now, 400), "settling [..........] 0 % of 0 bets"));
}

TEST(demo_status, is_cut_at_the_width_of_the_terminal)
{
    struct demo_status_sample same = {.at = {5}};
    assert_string_equal(line(&same, &same, 12), "0 prices/s |");
}

static int64_t liability(struct fixture *f, uint32_t markets_max, bool *ret_is_part)
{
    return demo_status_liability(book_state(f->book), markets_max, ret_is_part);
}

TEST(demo_status, liability_is_the_worst_end_of_each_market)
{
    struct fixture f;
    bool is_part;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 200, 400);
    assert_int_equal(fixture_deposit(&f, "ann", "d", 100000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(liability(&f, 1000, &is_part), 0);
    assert_int_equal(fixture_bet(&f, "k1", "a", 200, 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    /* 20.00 back for 10.00 if a wins. */
    assert_int_equal(liability(&f, 1000, &is_part), 1000);
    assert_int_equal(fixture_bet(&f, "k2", "b", 400, 500), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    /* 20.00 back either way, for 15.00 in all. */
    assert_int_equal(liability(&f, 1000, &is_part), 500);
    assert_false(is_part);
    assert_int_equal(liability(&f, 0, &is_part), 0); /* none is looked at */
    assert_true(is_part);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(liability(&f, 1000, &is_part), 0);
    fixture_end(&f);
}
