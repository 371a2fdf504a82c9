/* test_limits.c - what the ledger's state leaves to be staked: liability of outcomes, repeated
 * identical bets. What each limit says is core's (test_ticket.c, test_stake_limits.c). */
#include <stdio.h>

#include "test.h"

#include "book_fixture.h"

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

static void small_liability(struct book_options *options)
{
    options->liability_minor_max = 1000;
}

static void small_stakes(struct book_options *options)
{
    options->ticket_limits.bet.stake_minor_max = 1000;
}

static void offer_two(struct fixture *f)
{
    fixture_offer(f, &(struct fixture_offer){.a = 200, .b = 300});
    fixture_offer(f, &(struct fixture_offer){.market = "m2", .event = "e2", .a = 200, .b = 300});
}

static void begin(struct fixture *f, void (*tune)(struct book_options *options))
{
    fixture_begin_tuned(f, tune);
    offer_two(f);
    assert_int_equal(fixture_deposit(f, "ann", "d1", 100000), REQUEST_TAKEN);
    assert_int_equal(fixture_deposit(f, "bob", "d1", 100000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
}

static enum bet_outcome single(struct fixture *f, const char *user, const char *key,
                               const char *selection, int64_t stake)
{
    const struct fixture_ticket ticket = {
        .user = user,
        .key = key,
        .stake = stake,
        .markets = {"m1"},
        .selections = {selection},
        .odds = {selection[0] == 'a' ? 200 : 300},
    };
    assert_int_equal(fixture_ticket(f, &ticket), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    return f->outcome;
}

static enum bet_outcome twofold(struct fixture *f, const char *key, bool turned, int64_t stake)
{
    const struct fixture_ticket ticket = {
        .key = key,
        .stake = stake,
        .markets = {turned ? "m2" : "m1", turned ? "m1" : "m2"},
        .selections = {"a", "a"},
        .odds = {200, 200},
    };
    assert_int_equal(fixture_ticket(f, &ticket), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    return f->outcome;
}

TEST(limits, an_outcome_costs_no_more_than_it_may_and_the_answer_says_what_would_pass)
{
    struct fixture f;
    begin(&f, small_liability);
    assert_int_equal(single(&f, "ann", "k1", "a", 1001), BET_LIABILITY_LIMIT); /* wins 1001 */
    assert_int_equal(f.stake_max, 1000);
    assert_int_equal(single(&f, "ann", "k2", "a", 600), BET_PLACED);
    assert_int_equal(single(&f, "bob", "k1", "a", 401), BET_LIABILITY_LIMIT); /* whoever it is */
    assert_int_equal(f.stake_max, 400);
    /* 600 on a are there when b wins: b may cost 1600, at 3.00 two for each staked. */
    assert_int_equal(single(&f, "bob", "k2", "b", 801), BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_max, 800);
    assert_int_equal(single(&f, "bob", "k3", "b", 800), BET_PLACED);
    assert_int_equal(single(&f, "ann", "k3", "b", 1), BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_max, 0);
    /* And what b brought in covers a. */
    assert_int_equal(single(&f, "ann", "k4", "a", 1201), BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_max, 1200);
    TEARDOWN();
}

/* 600 on a at 2.00: if a and b win together, 1200 go out and b's return beside them. */
TEST(limits, where_two_can_win_the_dearest_other_counts_as_well)
{
    struct fixture f;
    begin(&f, small_liability);
    fixture_offer(&f, &(struct fixture_offer){.a = 200, .b = 300, .c = 300, .winners = 2});
    assert_int_equal(single(&f, "ann", "k1", "a", 600), BET_PLACED);
    assert_int_equal(single(&f, "bob", "k1", "b", 201), BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_max, 200);
    assert_int_equal(single(&f, "bob", "k2", "b", 150), BET_PLACED);
    /* c with a: 3c + 1200 - 750 - c; what b costs cannot come on top. */
    assert_int_equal(single(&f, "bob", "k3", "c", 276), BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_max, 275);
    fixture_offer(&f, &(struct fixture_offer){.a = 200, .b = 300, .c = 300, .any_win = true});
    assert_int_equal(single(&f, "bob", "k4", "c", 51), BET_LIABILITY_LIMIT); /* all three */
    assert_int_equal(f.stake_max, 50);
    TEARDOWN();
}

/* It has no number in the ledger before it is bet on. */
TEST(limits, what_others_stake_covers_a_selection_that_came_later)
{
    struct fixture f;
    begin(&f, small_liability);
    assert_int_equal(single(&f, "ann", "k1", "a", 600), BET_PLACED);
    fixture_offer(&f, &(struct fixture_offer){.a = 200, .b = 300, .c = 300});
    assert_int_equal(single(&f, "bob", "k1", "c", 801), BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_max, 800);
    assert_int_equal(single(&f, "bob", "k2", "c", 800), BET_PLACED);
    TEARDOWN();
}

TEST(limits, the_leg_with_the_least_room_is_named)
{
    struct fixture f;
    begin(&f, small_liability);
    assert_int_equal(single(&f, "ann", "k1", "a", 700), BET_PLACED); /* m1 a: 300 are left */
    assert_int_equal(twofold(&f, "k2", true, 101), BET_LIABILITY_LIMIT);
    assert_int_equal(f.refused_leg, 2);
    assert_int_equal(f.stake_max, 100); /* wins 300 */
    assert_int_equal(twofold(&f, "k3", true, 100), BET_PLACED);
    assert_int_equal(single(&f, "bob", "k1", "a", 1), BET_LIABILITY_LIMIT);
    TEARDOWN();
}

TEST(limits, room_comes_back_when_bets_are_settled_and_is_the_same_after_a_restart)
{
    struct fixture f;
    begin(&f, small_liability);
    assert_int_equal(single(&f, "ann", "k1", "a", 1000), BET_PLACED);
    fixture_restart(&f);
    offer_two(&f);
    assert_int_equal(single(&f, "ann", "k2", "a", 1), BET_LIABILITY_LIMIT);
    assert_int_equal(twofold(&f, "k3", false, 1), BET_LIABILITY_LIMIT);
    fixture_result(&f, 1, LEG_LOST, LEG_WON);
    fixture_turn(&f, 1000);
    const struct shard_market *market =
        shard_state_market(book_state(f.book), (struct market_ref){1});
    assert_int_equal(market->stakes_single, 0);
    const struct shard_selection *a =
        shard_state_selection(book_state(f.book), (struct market_ref){1}, 0);
    assert_int_equal(a->costs_open, 0);
    TEARDOWN();
}

TEST(limits, repeated_identical_bets_are_summed_against_the_highest_stake)
{
    struct fixture f;
    begin(&f, small_stakes);
    assert_int_equal(single(&f, "ann", "k1", "a", 600), BET_PLACED);
    assert_int_equal(single(&f, "ann", "k2", "a", 401), BET_STAKE_LIMIT);
    assert_int_equal(f.stake_max, 400);
    assert_int_equal(single(&f, "ann", "k3", "b", 1000), BET_PLACED); /* another selection */
    assert_int_equal(single(&f, "bob", "k1", "a", 1000), BET_PLACED); /* another customer */
    assert_int_equal(twofold(&f, "k4", false, 1000), BET_PLACED);     /* another bet */
    assert_int_equal(twofold(&f, "k5", true, 1), BET_STAKE_LIMIT);    /* the same, turned round */
    assert_int_equal(f.stake_max, 0);
    fixture_restart(&f);
    offer_two(&f);
    assert_int_equal(single(&f, "ann", "k6", "a", 401), BET_STAKE_LIMIT);
    assert_int_equal(f.stake_max, 400);
    assert_int_equal(single(&f, "ann", "k7", "a", 400), BET_PLACED);
    TEARDOWN();
}

TEST(limits, what_is_settled_or_was_not_accepted_does_not_count_any_more)
{
    struct fixture f;
    begin(&f, small_stakes);
    fixture_offer(
        &f, &(struct fixture_offer){
                .market = "m2", .event = "e2", .a = 200, .b = 300, .delay_us = 5 * US_PER_SECOND});
    const struct fixture_ticket pending = {
        .key = "k1", .stake = 1000, .markets = {"m2"}, .selections = {"a"}, .odds = {200}};
    fixture_ticket(&f, &pending);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING);
    struct fixture_ticket again = pending;
    again.key = "k2";
    again.stake = 1;
    fixture_ticket(&f, &again);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_STAKE_LIMIT); /* what is held counts */
    fixture_offer(
        &f,
        &(struct fixture_offer){
            .market = "m2", .event = "e2", .status = MARKET_SUSPENDED_STATUS, .a = 200, .b = 300});
    fixture_turn(&f, 5 * US_PER_SECOND);
    fixture_offer(&f, &(struct fixture_offer){.market = "m2", .event = "e2", .a = 200, .b = 300});
    again.key = "k3";
    again.stake = 1000;
    fixture_ticket(&f, &again);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PLACED);
    TEARDOWN();
}

static void stakes_of_20(struct book_options *options)
{
    options->ticket_limits.bet.stake_minor_max = 20;
}

static void bet_elsewhere(struct fixture *f, int number)
{
    char market[16], key[16];
    (void)snprintf(market, sizeof market, "x%d", number % 80);
    (void)snprintf(key, sizeof key, "x%d", number);
    fixture_offer(f, &(struct fixture_offer){.market = market, .event = market, .a = 200});
    const struct fixture_ticket one = {
        .key = key, .stake = 1, .markets = {market}, .selections = {"a"}, .odds = {200}};
    fixture_ticket(f, &one);
    fixture_turn(f, 10);
    assert_int_equal(f->outcome, BET_PLACED);
}

/* 80 markets take 20 each: 1600 bets. */
TEST(limits, repeated_bets_are_looked_for_among_a_bounded_number_of_newer_ones)
{
    struct fixture f;
    begin(&f, stakes_of_20);
    assert_int_equal(single(&f, "ann", "k1", "a", 20), BET_PLACED);
    int number = 0;
    while (number < 1022)
        bet_elsewhere(&f, number++);
    assert_int_equal(single(&f, "ann", "k2", "a", 1), BET_STAKE_LIMIT);
    assert_int_equal(book_stats(f.book)->repeats_walk_reached, 0);
    while (number < 1024)
        bet_elsewhere(&f, number++);
    uint64_t reached = book_stats(f.book)->repeats_walk_reached;
    assert_int_equal(single(&f, "ann", "k3", "a", 1), BET_PLACED); /* too long ago, and counted */
    assert_int_equal(book_stats(f.book)->repeats_walk_reached, reached + 1);
    TEARDOWN();
}

/* ---- limits that the desk sets ---- */

static enum request_outcome set(struct fixture *f, enum limit_scope scope, const char *id,
                                const struct stake_limits *limits)
{
    const struct limits_request request = {.scope = scope,
                                           .id = slice_text(id),
                                           .remove = limits == NULL,
                                           .limits = limits != NULL ? *limits : STAKE_LIMITS_NONE};
    const struct desk_word word = {.actor = SLICE("tom"), .reason = SLICE("sharp")};
    const struct book_reply reply = {fixture_answer, fixture_cookie(f)};
    enum request_outcome outcome = book_set_limits(f->book, &request, &word, reply);
    fixture_turn(f, 1000);
    return outcome;
}

static enum request_outcome set_stake(struct fixture *f, enum limit_scope scope, const char *id,
                                      int64_t stake_max)
{
    struct stake_limits limits = STAKE_LIMITS_NONE;
    limits.stake_minor_max = stake_max;
    return set(f, scope, id, &limits);
}

TEST(limits, the_most_restrictive_of_all_scopes_counts_and_is_named)
{
    static const struct {
        enum limit_scope scope;
        const char *id;
    } rows[] = {
        {LIMIT_OF_SPORT, "football"},
        {LIMIT_OF_EVENT, "e1"},
        {LIMIT_OF_MARKET, "m1"},
        {LIMIT_OF_PLAYER, "ann"},
    };
    struct fixture f;
    begin(&f, NULL);
    assert_int_equal(single(&f, "ann", "k0", "a", 100001), BET_INSUFFICIENT_BALANCE);
    assert_int_equal(single(&f, "ann", "k", "a", 1000001), BET_STAKE_LIMIT);
    assert_int_equal(f.limit_scope, LIMIT_OF_PLATFORM);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t most = 1000 - (int64_t)i;
        char key[8];
        (void)snprintf(key, sizeof key, "k%zu", i + 1);
        assert_int_equal(set_stake(&f, rows[i].scope, rows[i].id, most), REQUEST_TAKEN);
        fixture_restart(&f); /* they are of the ledger */
        offer_two(&f);
        assert_int_equal(single(&f, "ann", key, "a", most + 1), BET_STAKE_LIMIT);
        assert_int_equal(f.limit_scope, rows[i].scope);
        assert_int_equal(f.stake_max, most);
    }
    assert_int_equal(single(&f, "bob", "k1", "a", 998), BET_PLACED); /* the market's: not ann's */
    assert_int_equal(set(&f, LIMIT_OF_PLAYER, "ann", NULL), REQUEST_TAKEN);
    assert_int_equal(single(&f, "ann", "k9", "a", 998), BET_PLACED);
    TEARDOWN();
}

TEST(limits, a_customers_factor_scales_what_the_others_allow)
{
    struct fixture f;
    begin(&f, small_liability);
    struct stake_limits quarter = STAKE_LIMITS_NONE;
    quarter.factor_permyriad = 2500;
    assert_int_equal(set(&f, LIMIT_OF_PLAYER, "ann", &quarter), REQUEST_TAKEN);
    assert_int_equal(single(&f, "ann", "k1", "a", 251), BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_max, 250);
    assert_int_equal(f.limit_scope, LIMIT_OF_PLATFORM);
    assert_int_equal(single(&f, "bob", "k1", "a", 251), BET_PLACED);
    TEARDOWN();
}

TEST(limits, of_several_legs_each_counts_and_the_longest_delay_wins)
{
    struct fixture f;
    begin(&f, NULL);
    struct stake_limits slow = STAKE_LIMITS_NONE;
    slow.delay_us = 7 * US_PER_SECOND;
    assert_int_equal(set(&f, LIMIT_OF_PLAYER, "ann", &slow), REQUEST_TAKEN);
    slow.delay_us = 3 * US_PER_SECOND;
    slow.stake_minor_max = 50;
    assert_int_equal(set(&f, LIMIT_OF_EVENT, "e2", &slow), REQUEST_TAKEN);
    assert_int_equal(twofold(&f, "k1", false, 51), BET_STAKE_LIMIT);
    assert_int_equal(f.limit_scope, LIMIT_OF_EVENT);
    assert_int_equal(twofold(&f, "k2", false, 50), BET_PENDING);
    fixture_market(&f, MARKET_ACTIVE, 200, 300);
    fixture_turn(&f, 4 * US_PER_SECOND);
    assert_int_equal(fixture_held(&f, "ann"), 50);
    fixture_market(&f, MARKET_ACTIVE, 200, 300);
    fixture_turn(&f, 3 * US_PER_SECOND);
    assert_int_equal(fixture_held(&f, "ann"), 0);
    assert_int_equal(shard_state_bet(book_state(f.book), 0)->state, BET_STATE_OPEN);
    TEARDOWN();
}

TEST(limits, the_desk_is_told_what_it_cannot_set)
{
    struct fixture f;
    begin(&f, NULL);
    assert_int_equal(set_stake(&f, LIMIT_OF_PLAYER, "nobody", 1), REQUEST_UNKNOWN);
    assert_int_equal(set_stake(&f, LIMIT_OF_MARKET, "m9", 1), REQUEST_UNKNOWN);
    assert_int_equal(set(&f, LIMIT_OF_MARKET, "m1", NULL), REQUEST_UNKNOWN);
    assert_int_equal(set_stake(&f, LIMIT_OF_MARKET, "m1", -1), REQUEST_INVALID);
    assert_int_equal(set_stake(&f, LIMIT_OF_MARKET, "m1", 5), REQUEST_TAKEN); /* nobody bet on it */
    assert_int_equal(set_stake(&f, LIMIT_OF_MARKET, "m1", 5), REQUEST_NO_CHANGE);
    assert_int_equal(set_stake(&f, LIMIT_OF_EVENT, "e7", 5), REQUEST_TAKEN); /* not offered yet */
    fixture_offer(&f, &(struct fixture_offer){.market = "m7", .event = "e7", .a = 200});
    const struct fixture_ticket first = {
        .key = "k1", .stake = 6, .markets = {"m7"}, .selections = {"a"}, .odds = {200}};
    fixture_ticket(&f, &first);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_STAKE_LIMIT); /* the first bet on the market meets it */
    assert_int_equal(f.limit_scope, LIMIT_OF_EVENT);
    TEARDOWN();
}

TEST(limits, who_accepts_an_alternative_gets_the_stake_that_passes)
{
    struct fixture f;
    begin(&f, small_liability);
    struct fixture_ticket ticket = {.key = "k1",
                                    .stake = 1500,
                                    .markets = {"m1"},
                                    .selections = {"a"},
                                    .odds = {200},
                                    .accept_alternative = true};
    assert_int_equal(fixture_ticket(&f, &ticket), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PLACED);
    assert_int_equal(f.stake_asked, 1500);
    assert_int_equal(f.stake_max, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 99000);
    assert_int_equal(shard_state_bet(book_state(f.book), 0)->stake, 1000);
    fixture_ticket(&f, &ticket); /* the same key tells it again */
    fixture_turn(&f, 1000);
    assert_true(f.replayed && f.outcome == BET_PLACED && f.stake_asked == 1500);
    ticket.key = "k2"; /* nothing is left */
    fixture_ticket(&f, &ticket);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_LIABILITY_LIMIT);
    assert_int_equal(f.stake_asked, 0);
    ticket.key = "k3"; /* what passes is taken as asked */
    ticket.selections[0] = "b";
    ticket.odds[0] = 300;
    ticket.stake = 1;
    fixture_ticket(&f, &ticket);
    fixture_turn(&f, 1000);
    assert_true(f.outcome == BET_PLACED && f.stake_asked == 0);
    TEARDOWN();
}

static void least_stake_of_100(struct book_options *options)
{
    options->ticket_limits.bet.stake_minor_min = 100;
}

TEST(limits, an_alternative_is_never_a_higher_stake_nor_more_than_there_is)
{
    struct fixture f;
    begin(&f, least_stake_of_100);
    struct fixture_ticket ticket = {.key = "k1",
                                    .stake = 99,
                                    .markets = {"m1"},
                                    .selections = {"a"},
                                    .odds = {200},
                                    .accept_alternative = true};
    fixture_ticket(&f, &ticket);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_STAKE_LIMIT);
    ticket.key = "k2";
    ticket.stake = 1000001; /* one more than a bet may have, and ten times what she has */
    fixture_ticket(&f, &ticket);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_INSUFFICIENT_BALANCE);
    assert_int_equal(f.stake_asked, 0);
    assert_int_equal(fixture_available(&f, "ann"), 100000);
    TEARDOWN();
}

/* ---- what a customer's bets of one day pay ---- */

static void fifty_a_day(struct book_options *options)
{
    options->payout_day_minor_max = 5000;
}

TEST(limits, what_a_customers_bets_of_a_day_pay_has_an_end)
{
    struct fixture f;
    begin(&f, fifty_a_day);
    assert_int_equal(single(&f, "ann", "k1", "a", 1000), BET_PLACED); /* 20 pounds */
    assert_int_equal(single(&f, "ann", "k2", "b", 1001), BET_STAKE_LIMIT);
    assert_int_equal(f.stake_max, 1000);
    assert_int_equal(f.limit_scope, LIMIT_OF_PLATFORM);
    assert_int_equal(single(&f, "ann", "k3", "b", 1000), BET_PLACED); /* 30 pounds */
    assert_int_equal(single(&f, "ann", "k4", "a", 1), BET_STAKE_LIMIT);
    assert_int_equal(f.stake_max, 0);
    assert_int_equal(single(&f, "bob", "k1", "a", 2500), BET_PLACED);
    fixture_restart(&f);
    offer_two(&f);
    assert_int_equal(single(&f, "ann", "k5", "a", 1), BET_STAKE_LIMIT);
    fixture_result(&f, 1, LEG_WON, LEG_LOST); /* of 50 pounds 20 were paid */
    for (int i = 0; i < 3; i++)
        fixture_turn(&f, 1000);
    const struct fixture_ticket other = {
        .key = "k6", .stake = 1500, .markets = {"m2"}, .selections = {"a"}, .odds = {200}};
    assert_int_equal(fixture_ticket(&f, &other), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PLACED);
    TEARDOWN();
}

TEST(limits, the_next_day_begins_from_nothing)
{
    struct fixture f;
    begin(&f, fifty_a_day);
    assert_int_equal(single(&f, "ann", "k1", "a", 2500), BET_PLACED);
    assert_int_equal(single(&f, "ann", "k2", "a", 1), BET_STAKE_LIMIT);
    fixture_turn(&f, 24 * 3600 * US_PER_SECOND);
    offer_two(&f);
    assert_int_equal(single(&f, "ann", "k3", "a", 2500), BET_PLACED);
    assert_int_equal(single(&f, "ann", "k4", "a", 1), BET_STAKE_LIMIT);
    TEARDOWN();
}

/* Their own limit; and what there are too many of to look at counts as too much. */
TEST(limits, a_customer_of_too_many_bets_a_day_has_reached_it_too)
{
    struct fixture f;
    begin(&f, NULL);
    char key[16];
    for (int i = 0; i <= 1024; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(single(&f, "ann", key, "a", 1), BET_PLACED);
    }
    struct limits_request request = {
        .scope = LIMIT_OF_PLAYER, .id = SLICE("ann"), .limits = STAKE_LIMITS_NONE};
    request.limits.payout_day_minor_max = 100000;
    const struct desk_word word = {.actor = SLICE("tom"), .reason = SLICE("sharp")};
    assert_int_equal(book_set_limits(f.book, &request, &word,
                                     (struct book_reply){fixture_answer, fixture_cookie(&f)}),
                     REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(single(&f, "ann", "last", "a", 1), BET_STAKE_LIMIT);
    assert_int_equal(f.limit_scope, LIMIT_OF_PLAYER);
    assert_int_equal(book_stats(f.book)->repeats_walk_reached, 1);
    request.scope = LIMIT_OF_MARKET;
    request.id = SLICE("m1");
    assert_int_equal(book_set_limits(f.book, &request, &word,
                                     (struct book_reply){fixture_answer, fixture_cookie(&f)}),
                     REQUEST_INVALID); /* a day is a customer's */
    TEARDOWN();
}
