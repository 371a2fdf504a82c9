/* test_referral.c - bets that wait for the trading desk (BETTING-RULES 4.12): which do, the words
 * on them, what may happen meanwhile, and a restart in between. What a word may claim is the
 * ledger's (test_shard_referral.c). */
#include "test.h"

#include "book_fixture.h"

#define TIMEOUT (60 * US_PER_SECOND)
#define OFFER   (30 * US_PER_SECOND)

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

static struct word_refusal refusal;

static void refers(struct book_options *options)
{
    options->referral.on = true;
    options->ticket_limits.bet.stake_minor_max = 1000;
    options->liability_minor_max = 20000;
    options->limits.referrals_max = 2;
}

static void by_scope(struct book_options *options)
{
    refers(options);
    options->referral.on = false;
}

static const struct fixture_offer fair = {.a = 200, .b = 300};

static void begin_tuned(struct fixture *f, void (*tune)(struct book_options *options))
{
    fixture_begin_tuned(f, tune);
    fixture_offer(f, &fair);
    assert_int_equal(fixture_deposit(f, "ann", "d1", 100000), REQUEST_TAKEN);
    assert_int_equal(fixture_deposit(f, "bob", "d1", 100000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
}

static enum bet_outcome bet(struct fixture *f, const char *key, int64_t stake)
{
    assert_int_equal(fixture_bet(f, key, "a", 200, stake), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    return f->outcome;
}

/* 50.00 of ann's wait, where 10.00 may be staked. */
static void begin(struct fixture *f)
{
    begin_tuned(f, refers);
    assert_int_equal(bet(f, "k1", 5000), BET_PENDING);
    assert_int_equal(f->stake_max, 1000);
    assert_int_equal(f->limit_scope, LIMIT_OF_PLATFORM);
    assert_int_equal(fixture_held(f, "ann"), 5000);
}

static enum request_outcome say(struct fixture *f, const struct referral_request *request)
{
    const struct desk_word word = {.actor = SLICE("tess"), .reason = SLICE("known well")};
    return book_say_referral(f->book, request, &word,
                             (struct book_reply){fixture_answer, fixture_cookie(f)}, &refusal);
}

static enum request_outcome say_word(struct fixture *f, enum referral_word word)
{
    return say(f, &(struct referral_request){.bet = {f->bet_id}, .word = word});
}

/* The answer's record is the offer. */
static uint64_t offer(struct fixture *f, int64_t stake, struct odds odds)
{
    const struct referral_request request = {.bet = {f->bet_id},
                                             .word = REFERRAL_OFFERED,
                                             .stake = stake,
                                             .prices_count = 1,
                                             .prices = &odds};
    assert_int_equal(say(f, &request), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->type, RECORD_REFERRAL);
    return f->seq;
}

static enum request_outcome answer(struct fixture *f, const char *user, uint64_t offer_seq,
                                   bool takes)
{
    const struct offer_answer answer = {.user_id = slice_text(user),
                                        .bet = {f->bet_id},
                                        .offer_seq = offer_seq,
                                        .takes = takes,
                                        .transport = TRANSPORT_HTTP};
    return book_answer_offer(f->book, &answer,
                             (struct book_reply){fixture_answer, fixture_cookie(f)}, &refusal);
}

/* Time goes by in which no provider is silent. */
static void wait_for(struct fixture *f, const struct fixture_offer *shown, int64_t us)
{
    for (int64_t step = 2 * US_PER_SECOND; us > 0; us -= step) {
        fixture_offer(f, shown);
        fixture_turn(f, us < step ? us : step);
    }
    fixture_offer(f, shown);
    fixture_turn(f, 1000);
}

static enum bet_state state_of(struct fixture *f)
{
    return (enum bet_state)fixture_state_of(f, f->bet_id)->state;
}

/* How the bet ended: that of its newest RELEASE. */
static enum bet_outcome end_of(struct fixture *f)
{
    bool placed = state_of(f) == BET_STATE_OPEN;
    assert_int_equal(fixture_held(f, "ann"), 0);
    assert_int_equal(fixture_available(f, "ann"),
                     100000 - (placed ? fixture_state_of(f, f->bet_id)->stake : 0));
    assert_int_equal(fixture_history(f, f->bet_id), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->history_types[f->history_count - 1], RECORD_RELEASE);
    assert_int_equal(book_stats(f->book)->referrals, 0);
    return f->history_outcome;
}

/* ---- which bets are referred ---- */

TEST(referral_app, only_a_limit_that_is_in_the_way_is_asked_about)
{
    struct fixture f;
    begin_tuned(&f, refers);
    assert_int_equal(bet(&f, "k1", 1000), BET_PLACED);
    assert_int_equal(bet(&f, "k2", 5000), BET_PENDING);
    assert_int_equal(bet(&f, "k3", 200000), BET_STAKE_LIMIT); /* he has not so much */
    assert_int_equal(fixture_bet(&f, "k4", "a", 220, 5000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_ODDS_CHANGED);
    assert_int_equal(book_stats(f.book)->referrals, 1);
    TEARDOWN();
}

TEST(referral_app, nothing_is_referred_unless_it_is_said)
{
    struct fixture f;
    begin_tuned(&f, by_scope);
    assert_int_equal(bet(&f, "k1", 5000), BET_STAKE_LIMIT);
    assert_int_equal(book_stats(f.book)->referrals, 0);
    TEARDOWN();
}

static void set_limits(struct fixture *f, const struct stake_limits *limits)
{
    const struct limits_request request = {
        .scope = LIMIT_OF_PLAYER, .id = SLICE("ann"), .limits = *limits};
    const struct desk_word word = {.actor = SLICE("tess"), .reason = SLICE("new")};
    assert_int_equal(book_set_limits(f->book, &request, &word,
                                     (struct book_reply){fixture_answer, fixture_cookie(f)}),
                     REQUEST_TAKEN);
    fixture_turn(f, 1000);
}

TEST(referral_app, a_customer_may_be_referred_above_a_stake_of_his_own)
{
    struct fixture f;
    struct stake_limits limits = STAKE_LIMITS_NONE;
    begin_tuned(&f, by_scope);
    limits.refer_minor_above = 300;
    set_limits(&f, &limits);
    assert_int_equal(bet(&f, "k1", 300), BET_PLACED);
    assert_int_equal(bet(&f, "k2", 301), BET_PENDING);
    assert_int_equal(f.limit_scope, LIMIT_OF_PLAYER);
    assert_int_equal(f.stake_max, 300);
    assert_int_equal(bet(&f, "k3", 5000), BET_STAKE_LIMIT); /* the platform's is not asked about */
    limits.refers = 1;
    set_limits(&f, &limits);
    assert_int_equal(bet(&f, "k4", 5000), BET_PENDING);
    TEARDOWN();
}

TEST(referral_app, as_many_wait_as_may_and_then_the_limit_stands)
{
    struct fixture f;
    struct stake_limits limits = STAKE_LIMITS_NONE;
    limits.refer_minor_above = 300;
    begin_tuned(&f, refers);
    set_limits(&f, &limits);
    assert_int_equal(bet(&f, "k1", 5000), BET_PENDING);
    assert_int_equal(bet(&f, "k2", 400), BET_PENDING);
    assert_int_equal(bet(&f, "k3", 5000), BET_STAKE_LIMIT);
    assert_int_equal(fixture_bet(&f, "k4", "b", 300, 400), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_STAKE_LIMIT);
    assert_int_equal(f.stake_max, 300);
    assert_int_equal(f.limit_scope, LIMIT_OF_PLAYER);
    assert_int_equal(book_stats(f.book)->referrals_reached, 2);
    assert_int_equal(fixture_held(&f, "ann"), 5400);
    TEARDOWN();
}

/* ---- the trader's word ---- */

TEST(referral_app, what_is_accepted_is_placed_at_the_price_that_still_holds)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(say_word(&f, REFERRAL_ACCEPTED), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f), BET_STATE_OPEN);
    assert_int_equal(end_of(&f), BET_PLACED);
    assert_int_equal(say_word(&f, REFERRAL_ACCEPTED), REQUEST_UNKNOWN);
    TEARDOWN();
}

TEST(referral_app, what_is_rejected_is_given_back)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(say_word(&f, REFERRAL_REJECTED), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_NOT_ACCEPTED_BY_TRADER);
    TEARDOWN();
}

TEST(referral_app, silence_of_the_desk_gives_it_back_in_its_time)
{
    struct fixture f;
    begin(&f);
    wait_for(&f, &fair, TIMEOUT - 2 * US_PER_SECOND);
    assert_int_equal(state_of(&f), BET_STATE_REFERRED);
    wait_for(&f, &fair, 2 * US_PER_SECOND);
    assert_int_equal(end_of(&f), BET_REFERRAL_TIMEOUT);
    assert_int_equal(say_word(&f, REFERRAL_REJECTED), REQUEST_UNKNOWN);
    TEARDOWN();
}

TEST(referral_app, a_trader_lifts_what_referred_it_and_nothing_else_unless_he_says_so)
{
    struct fixture f;
    begin_tuned(&f, refers);
    assert_int_equal(bet(&f, "k1", 30000), BET_PENDING); /* may cost 300.00, where 200.00 may */
    struct referral_request request = {.bet = {f.bet_id}, .word = REFERRAL_ACCEPTED};
    assert_int_equal(say(&f, &request), REQUEST_INVALID);
    assert_int_equal(refusal.outcome, BET_LIABILITY_LIMIT);
    assert_int_equal(refusal.stake_minor_max, 20000);
    request.lifts = true;
    request.lifted = LIFT_LIABILITY;
    assert_int_equal(say(&f, &request), REQUEST_INVALID);
    assert_int_equal(refusal.outcome, BET_STAKE_LIMIT);
    request.lifted = LIFT_LIABILITY | LIFT_STAKE;
    assert_int_equal(say(&f, &request), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_PLACED);
    TEARDOWN();
}

TEST(referral_app, a_bet_that_waits_keeps_nobody_from_betting)
{
    struct fixture f;
    begin_tuned(&f, refers);
    assert_int_equal(bet(&f, "k1", 20000), BET_PENDING);
    const struct fixture_ticket ticket = {.user = "bob",
                                          .key = "k2",
                                          .stake = 1000,
                                          .markets = {"m1"},
                                          .selections = {"a"},
                                          .odds = {200}};
    assert_int_equal(fixture_ticket(&f, &ticket), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PLACED);
    TEARDOWN();
}

/* ---- what happens meanwhile ---- */

TEST(referral_app, a_price_that_holds_no_longer_is_not_taken)
{
    struct fixture f;
    begin(&f);
    fixture_offer(&f, &(struct fixture_offer){.a = 190, .b = 300});
    assert_int_equal(say_word(&f, REFERRAL_ACCEPTED), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_ODDS_CHANGED);
    TEARDOWN();
}

TEST(referral_app, a_suspension_meanwhile_refuses_though_it_was_accepted_behind_it)
{
    struct fixture f;
    begin(&f);
    fixture_offer(&f,
                  &(struct fixture_offer){.status = MARKET_SUSPENDED_STATUS, .a = 200, .b = 300});
    fixture_turn(&f, 1000);
    assert_int_equal(say_word(&f, REFERRAL_ACCEPTED), REQUEST_INVALID);
    assert_int_equal(refusal.outcome, BET_MARKET_SUSPENDED);
    fixture_offer(&f, &fair);
    assert_int_equal(say_word(&f, REFERRAL_ACCEPTED), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_MARKET_SUSPENDED);
    TEARDOWN();
}

TEST(referral_app, a_goal_meanwhile_refuses)
{
    struct fixture f;
    begin(&f);
    fixture_offer(&f, &(struct fixture_offer){.a = 200, .b = 300, .score = {1, 0}});
    assert_int_equal(say_word(&f, REFERRAL_ACCEPTED), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_SCORE_CHANGED);
    TEARDOWN();
}

TEST(referral_app, the_delay_of_a_match_in_play_runs_behind_the_word)
{
    struct fixture f;
    const struct fixture_offer live = {.a = 200, .b = 300, .delay_us = 6 * US_PER_SECOND};
    begin_tuned(&f, refers);
    fixture_offer(&f, &live);
    assert_int_equal(bet(&f, "k1", 5000), BET_PENDING);
    assert_int_equal(say_word(&f, REFERRAL_ACCEPTED), REQUEST_TAKEN);
    wait_for(&f, &live, 4 * US_PER_SECOND);
    assert_int_equal(state_of(&f), BET_STATE_PENDING);
    assert_int_equal(say_word(&f, REFERRAL_REJECTED), REQUEST_CONFLICT);
    wait_for(&f, &live, 2 * US_PER_SECOND);
    assert_int_equal(end_of(&f), BET_PLACED);
    TEARDOWN();
}

/* ---- offers ---- */

TEST(referral_app, an_offer_that_is_taken_is_placed_at_what_it_names)
{
    struct fixture f;
    begin(&f);
    uint64_t seq = offer(&f, 2000, (struct odds){9, 5});
    assert_int_equal(fixture_held(&f, "ann"), 5000);
    fixture_offer(&f, &(struct fixture_offer){.a = 150, .b = 300}); /* he named 1.80 */
    assert_int_equal(answer(&f, "bob", seq, true), REQUEST_UNKNOWN);
    assert_int_equal(answer(&f, "ann", seq - 1, true), REQUEST_CONFLICT);
    assert_int_equal(answer(&f, "ann", seq, true), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_PLACED);
    assert_int_equal(fixture_available(&f, "ann"), 98000);
    const struct shard_leg *leg =
        shard_state_leg(book_state(f.book), fixture_state_of(&f, f.bet_id)->legs_first);
    assert_int_equal(leg->odds.numerator, 9);
    assert_int_equal(answer(&f, "ann", seq, true), REQUEST_CONFLICT);
    TEARDOWN();
}

TEST(referral_app, an_offer_of_another_stake_alone_keeps_the_price_bound)
{
    struct fixture f;
    begin(&f);
    uint64_t seq = offer(&f, 2000, ODDS_NONE);
    fixture_offer(&f, &(struct fixture_offer){.a = 150, .b = 300});
    assert_int_equal(answer(&f, "ann", seq, true), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_ODDS_CHANGED);
    TEARDOWN();
}

TEST(referral_app, an_offer_that_is_declined_or_not_answered_gives_the_stake_back)
{
    for (int silent = 0; silent < 2; silent++) {
        struct fixture f;
        begin(&f);
        uint64_t seq = offer(&f, 2000, (struct odds){9, 5});
        if (silent == 0)
            assert_int_equal(answer(&f, "ann", seq, false), REQUEST_TAKEN);
        wait_for(&f, &fair, silent == 0 ? 1000 : OFFER);
        assert_int_equal(end_of(&f), silent == 0 ? BET_RE_OFFERED : BET_OFFER_EXPIRED);
        assert_int_equal(answer(&f, "ann", seq, true), REQUEST_CONFLICT);
        TEARDOWN();
    }
}

TEST(referral_app, a_newer_offer_takes_the_place_of_an_older_one_and_there_are_four)
{
    struct fixture f;
    begin(&f);
    uint64_t first = offer(&f, 2000, (struct odds){9, 5});
    uint64_t second = offer(&f, 1500, (struct odds){19, 10});
    assert_int_equal(answer(&f, "ann", first, true), REQUEST_CONFLICT);
    (void)second;
    (void)offer(&f, 0, ODDS_NONE);
    uint64_t last = offer(&f, 1200, ODDS_NONE);
    assert_int_equal(say_word(&f, REFERRAL_OFFERED), REQUEST_CONFLICT);
    assert_int_equal(answer(&f, "ann", last, true), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_PLACED);
    assert_int_equal(fixture_available(&f, "ann"), 98800);
    TEARDOWN();
}

TEST(referral_app, an_offer_is_no_more_than_was_asked_for)
{
    struct fixture f;
    const struct odds prices[2] = {{9, 5}, {9, 5}};
    begin(&f);
    struct referral_request request = {.bet = {f.bet_id}, .word = REFERRAL_OFFERED, .stake = 5001};
    assert_int_equal(say(&f, &request), REQUEST_INVALID);
    assert_int_equal(refusal.stake_minor_max, 5000);
    request.stake = 0;
    request.prices = prices;
    request.prices_count = 2;
    assert_int_equal(say(&f, &request), REQUEST_INVALID);
    assert_int_equal(refusal.outcome, BET_UNKNOWN_SELECTION);
    assert_int_equal(state_of(&f), BET_STATE_REFERRED);
    TEARDOWN();
}

/* It needs no key, and waits for no delay of a cash-out: tables that others filled are not asked.
 */
static const struct fixture_offer in_play = {.a = 200, .b = 300, .delay_us = 2 * US_PER_SECOND};

static void few_keys(struct book_options *options)
{
    refers(options);
    options->limits.verdicts_max = 3;
}

static void one_cash_out(struct book_options *options)
{
    refers(options);
    options->limits.cash_outs_max = 1;
}

/* Ann's newest bet waits; an offer for it is taken. */
static void take_an_offer(struct fixture *f, int64_t left)
{
    uint64_t seq = offer(f, 2000, ODDS_NONE);
    assert_int_equal(answer(f, "ann", seq, true), REQUEST_TAKEN);
    wait_for(f, &in_play, 4 * US_PER_SECOND);
    assert_int_equal(state_of(f), BET_STATE_OPEN);
    assert_int_equal(fixture_held(f, "ann"), 0);
    assert_int_equal(fixture_available(f, "ann"), left);
}

TEST(referral_app, an_offer_is_taken_when_no_key_has_room)
{
    struct fixture f;
    begin_tuned(&f, few_keys);
    assert_int_equal(bet(&f, "k1", 5000), BET_PENDING);
    assert_int_equal(fixture_bet(&f, "k2", "a", 200, 100), REQUEST_BUSY);
    assert_string_equal(book_busy_limit(f.book), "verdicts_max");
    take_an_offer(&f, 98000);
    TEARDOWN();
}

TEST(referral_app, an_offer_is_taken_when_no_cash_out_has_room)
{
    struct fixture f;
    struct cash_out_offer sells;
    begin_tuned(&f, one_cash_out);
    assert_int_equal(bet(&f, "k1", 1000), BET_PLACED);
    uint64_t sold = f.bet_id;
    fixture_offer(&f, &in_play);
    assert_int_equal(fixture_cash_out_offer(&f, sold, &sells), BET_PLACED);
    assert_int_equal(
        fixture_cash_out(&f, "s1", &sells, (struct sale){sold, 500, sells.amount.minor / 2}),
        REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING);
    wait_for(&f, &in_play, 4 * US_PER_SECOND);
    int64_t left = fixture_available(&f, "ann");
    assert_int_equal(bet(&f, "k2", 5000), BET_PENDING);
    assert_int_equal(fixture_cash_out_offer(&f, sold, &sells), BET_PLACED);
    assert_int_equal(fixture_cash_out(&f, "s2", &sells, (struct sale){sold, 100, 1}), REQUEST_BUSY);
    assert_string_equal(book_busy_limit(f.book), "cash_outs_max");
    take_an_offer(&f, left - 2000);
    TEARDOWN();
}

/* ---- a restart ---- */

TEST(referral_app, a_restart_leaves_what_waits_its_time)
{
    struct fixture f;
    begin(&f);
    wait_for(&f, &fair, 10 * US_PER_SECOND);
    fixture_restart(&f);
    wait_for(&f, &fair, 40 * US_PER_SECOND);
    assert_int_equal(state_of(&f), BET_STATE_REFERRED);
    wait_for(&f, &fair, 10 * US_PER_SECOND);
    assert_int_equal(end_of(&f), BET_REFERRAL_TIMEOUT);
    TEARDOWN();
}

TEST(referral_app, an_offer_outlives_a_restart)
{
    struct fixture f;
    begin(&f);
    uint64_t seq = offer(&f, 2000, (struct odds){9, 5});
    fixture_restart(&f);
    fixture_offer(&f, &fair);
    fixture_turn(&f, 1000);
    assert_int_equal(answer(&f, "ann", seq, true), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_PLACED);
    TEARDOWN();
}

TEST(referral_app, what_became_due_during_a_restart_is_decided_then)
{
    struct fixture f;
    begin(&f);
    f.wall.us += 2 * TIMEOUT;
    fixture_restart(&f);
    fixture_turn(&f, 1000);
    assert_int_equal(end_of(&f), BET_REFERRAL_TIMEOUT);
    TEARDOWN();
}
