/* test_delay.c - in-play bets that wait (BETTING-RULES 4.7): what may happen meanwhile, and what it
 * does to them. */
#include "test.h"

#include "book_fixture.h"

#define DELAY (5 * US_PER_SECOND)

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

static const struct fixture_offer first = {.a = 210, .b = 300, .delay_us = DELAY};
static const struct fixture_offer second = {
    .market = "m2", .event = "e2", .a = 210, .b = 300, .delay_us = 2 * DELAY};

static void offer_both(struct fixture *f)
{
    fixture_offer(f, &first);
    fixture_offer(f, &second);
}

/* A pending single on m1, or double on both. */
static void begin_tuned(struct fixture *f, bool twofold, void (*tune)(struct book_options *options))
{
    fixture_begin_tuned(f, tune);
    offer_both(f);
    assert_int_equal(fixture_deposit(f, "ann", "d1", 10000), REQUEST_TAKEN);
    const struct fixture_ticket ticket = {
        .key = "k1",
        .stake = 1000,
        .markets = {"m1", twofold ? "m2" : NULL},
        .selections = {"a", "b"},
        .odds = {210, 300},
    };
    assert_int_equal(fixture_ticket(f, &ticket), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->outcome, BET_PENDING);
}

static void begin(struct fixture *f, bool twofold)
{
    begin_tuned(f, twofold, NULL);
}

/* The verdict that the key has now; what was shown last is sent again, so that no provider is
 * silent.
 */
static enum bet_outcome end_of(struct fixture *f, const struct fixture_offer *last, int64_t wait_us)
{
    fixture_offer(f, last);
    fixture_turn(f, wait_us / 2);
    fixture_offer(f, last);
    fixture_turn(f, wait_us - wait_us / 2);
    fixture_offer(f, last);
    fixture_turn(f, 1000);
    assert_int_equal(fixture_held(f, "ann"), 0);
    const struct shard_bet *bet = shard_state_bet(book_state(f->book), 0);
    bool placed = bet->state == BET_STATE_OPEN;
    assert_int_equal(fixture_available(f, "ann"), placed ? 9000 : 10000);
    assert_int_equal(fixture_history(f, bet->bet_id), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->history_count, 2);
    return f->history_outcome;
}

TEST(delay, a_market_that_was_suspended_meanwhile_refuses_though_it_is_open_again)
{
    struct fixture f;
    begin(&f, false);
    struct fixture_offer suspended = first;
    suspended.status = MARKET_SUSPENDED_STATUS;
    fixture_offer(&f, &suspended); /* and open again within the same turn */
    assert_int_equal(end_of(&f, &first, DELAY), BET_MARKET_SUSPENDED);
    TEARDOWN();
}

TEST(delay, a_hold_that_was_lifted_again_refuses_too)
{
    struct fixture f;
    begin(&f, false);
    assert_int_equal(fixture_hold(&f, true), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_hold(&f, false), REQUEST_TAKEN);
    assert_int_equal(end_of(&f, &first, DELAY), BET_MARKET_SUSPENDED);
    TEARDOWN();
}

TEST(delay, a_provider_that_was_silent_meanwhile_refuses_though_it_is_back)
{
    struct fixture f;
    begin(&f, true); /* waits for the longer of the two delays */
    fixture_turn(&f, 6 * US_PER_SECOND);
    fixture_offer(&f, &second);
    assert_int_equal(end_of(&f, &first, DELAY), BET_MARKET_SUSPENDED);
    TEARDOWN();
}

TEST(delay, a_provider_that_was_late_meanwhile_refuses_though_it_is_in_time_again)
{
    struct fixture f;
    begin(&f, false);
    struct feed_sink *sink = book_sink(f.book);
    sink->ops->late(sink, SLICE("p"), true);
    sink->ops->late(sink, SLICE("p"), false);
    assert_int_equal(end_of(&f, &first, DELAY), BET_MARKET_SUSPENDED);
    TEARDOWN();
}

TEST(delay, what_happened_before_the_bet_is_no_matter)
{
    struct fixture f;
    begin(&f, false);
    struct fixture_offer suspended = first;
    suspended.status = MARKET_SUSPENDED_STATUS;
    assert_int_equal(end_of(&f, &first, DELAY), BET_PLACED);
    fixture_offer(&f, &suspended);
    fixture_turn(&f, 10 * US_PER_SECOND);
    fixture_offer(&f, &first);
    assert_int_equal(fixture_bet(&f, "k2", "b", 300, 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING);
    fixture_turn(&f, DELAY / 2);
    fixture_offer(&f, &first);
    fixture_turn(&f, DELAY / 2);
    assert_int_equal(shard_state_bet(book_state(f.book), 1)->state, BET_STATE_OPEN);
    TEARDOWN();
}

TEST(delay, a_score_or_a_red_card_that_changed_refuses_before_the_price_does)
{
    static const struct {
        uint8_t score[2], red_cards[2];
        unsigned price;
        enum bet_outcome outcome;
    } rows[] = {
        {{1, 0}, {0, 0}, 210, BET_SCORE_CHANGED}, {{0, 1}, {0, 0}, 210, BET_SCORE_CHANGED},
        {{0, 0}, {1, 0}, 210, BET_SCORE_CHANGED}, {{0, 0}, {0, 1}, 210, BET_SCORE_CHANGED},
        {{1, 0}, {0, 0}, 150, BET_SCORE_CHANGED}, {{0, 0}, {0, 0}, 150, BET_ODDS_CHANGED},
        {{0, 0}, {0, 0}, 210, BET_PLACED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        begin(&f, false);
        struct fixture_offer now = first;
        memcpy(now.score, rows[i].score, sizeof now.score);
        memcpy(now.red_cards, rows[i].red_cards, sizeof now.red_cards);
        now.a = rows[i].price;
        assert_int_equal(end_of(&f, &now, DELAY), rows[i].outcome);
        TEARDOWN();
    }
}

static void score_is_no_matter(struct book_options *options)
{
    options->bind_score = false;
}

TEST(delay, a_score_does_not_bind_where_the_policy_says_so)
{
    struct fixture f;
    begin_tuned(&f, false, score_is_no_matter);
    struct fixture_offer now = first;
    now.score[0] = 1;
    assert_int_equal(end_of(&f, &now, DELAY), BET_PLACED);
    TEARDOWN();
}

TEST(delay, of_several_legs_each_is_asked_and_one_is_enough_to_refuse)
{
    struct fixture f;
    begin(&f, true);
    struct fixture_offer scored = second;
    scored.score[1] = 2;
    fixture_offer(&f, &scored);
    fixture_turn(&f, DELAY); /* not yet: the longer delay counts */
    assert_int_equal(fixture_held(&f, "ann"), 1000);
    fixture_offer(&f, &first);
    assert_int_equal(end_of(&f, &scored, DELAY), BET_SCORE_CHANGED);
    TEARDOWN();
}

TEST(delay, several_legs_are_decided_after_a_restart_against_the_state_then)
{
    static const struct {
        bool first, second, stopped;
        enum bet_outcome outcome;
    } rows[] = {
        {true, true, false, BET_PLACED},
        {true, false, false, BET_MARKET_SUSPENDED}, /* nobody says a price of it yet */
        {false, true, false, BET_MARKET_SUSPENDED},
        {true, true, true, BET_MARKET_SUSPENDED}, /* stopped before the end, which is remembered */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        begin(&f, true);
        if (rows[i].stopped)
            fixture_hold(&f, true), fixture_hold(&f, false);
        fixture_turn(&f, 1000);
        f.early[0] = rows[i].first ? &first : NULL;
        f.early[1] = rows[i].second ? &second : NULL;
        fixture_restart(&f);
        assert_int_equal(end_of(&f, &first, 1000), rows[i].outcome);
        TEARDOWN();
    }
}
