/* test_late_group.c - app/late_group.c: what could not be written while its prices held is decided
 * again, and told to nobody as it was (L6). */
#include <stdio.h>

#include "base/prng.h"
#include "follow_fixture.h"

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

static void follow(struct fixture *f, const union written *w)
{
    book_follow_price(f->book, &w->image);
    world.as_of_us = f->now.us;
}

static void ask(struct fixture *f, const char *key)
{
    assert_int_equal(fixture_bet(f, key, "a", A_PRICE, 1000), REQUEST_TAKEN);
}

static uint8_t state_of(struct fixture *f, uint32_t bet)
{
    return (uint8_t)shard_state_bet(book_state(f->book), bet)->state;
}

TEST(late_group, a_bet_is_to_be_written_while_its_price_holds)
{
    struct fixture f;
    begin(&f);
    world.as_of_us = f.now.us - 1000;
    int64_t until_us = world.as_of_us + LAG;
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    assert_int_equal(f.log.until_us, until_us);
    assert_int_equal(fixture_deposit(&f, "ann", "d2", 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.log.until_us, 0); /* of money there is no price */
    TEARDOWN();
}

TEST(late_group, a_bet_that_was_late_is_decided_again_and_placed_where_the_price_still_is)
{
    struct fixture f;
    begin(&f);
    f.log.late_next = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING); /* never told as placed */
    assert_int_equal(fixture_available(&f, "ann"), 99000);
    assert_int_equal(book_stats(f.book)->bets_late, 1);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    assert_int_equal(fixture_held(&f, "ann"), 0);
    TEARDOWN();
}

TEST(late_group, a_bet_that_was_late_is_refused_where_the_price_is_another)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000); /* it is under way */
    union written lower = written(VERSION + 1, 150);
    follow(&f, &lower);
    f.log.hold = false;
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PENDING);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED);
    assert_int_equal(fixture_available(&f, "ann"), 100000);
    assert_int_equal(fixture_history(&f, f.bet_id), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.history_outcome, BET_ODDS_CHANGED);
    TEARDOWN();
}

TEST(late_group, what_stands_behind_it_in_other_groups_is_chained_anew)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    ask(&f, "k2"); /* in the next group, as what follows */
    assert_int_equal(fixture_deposit(&f, "bob", "d1", 500), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_hold(&f, true), REQUEST_TAKEN);
    f.log.hold = false;
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED); /* stopped meanwhile */
    assert_int_equal(state_of(&f, 1), BET_STATE_OPEN);         /* in time, and before the fence */
    assert_int_equal(fixture_available(&f, "bob"), 500);
    assert_int_equal(fixture_available(&f, "ann"), 99000);
    TEARDOWN();
}

TEST(late_group, a_group_whose_time_has_passed_before_it_is_given_to_the_log_is_decided_again)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    ask(&f, "k2");
    fixture_turn(&f, LAG + 2000);
    union written lower = written(VERSION + 1, 150);
    follow(&f, &lower);
    f.log.hold = false;
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN); /* this log does not ask */
    assert_int_equal(state_of(&f, 1), BET_STATE_NOT_ACCEPTED);
    TEARDOWN();
}

TEST(late_group, a_release_that_was_late_stays_while_its_price_is_the_newest)
{
    struct fixture f;
    begin(&f);
    f.log.late_next = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000); /* pending, and released in this turn or the next */
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(f.stopped, 0);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    TEARDOWN();
}

TEST(late_group, a_bet_whose_market_has_a_result_meanwhile_is_refused)
{
    struct fixture f;
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    for (int i = 0; i < 5; i++)
        fixture_turn(&f, 1000);
    assert_int_equal(book_stats(f.book)->settled, 0); /* it may yet be another bet */
    f.log.hold = false;
    f.log.late_next = true;
    for (int i = 0; i < 5; i++)
        fixture_turn(&f, 1000);
    assert_int_equal(f.stopped, 0);
    assert_int_equal(f.outcome, BET_PENDING);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED);
    assert_int_equal(fixture_available(&f, "ann"), 100000);
    assert_int_equal(book_stats(f.book)->settled, 0);
    fixture_restart(&f);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED);
    TEARDOWN();
}

TEST(late_group, a_bet_that_was_in_time_is_settled_when_it_is_durable)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    f.log.hold = true;
    ask(&f, "k2");
    fixture_turn(&f, 1000);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    for (int i = 0; i < 5; i++)
        fixture_turn(&f, 1000);
    assert_int_equal(book_stats(f.book)->settled, 0); /* the newest bet is looked at first */
    assert_true(book_due_us(f.book) != 0);            /* and is not asked about all the time */
    f.log.hold = false;
    for (int i = 0; i < 5; i++)
        fixture_turn(&f, 1000);
    assert_int_equal(book_stats(f.book)->settled, 2);
    assert_int_equal(state_of(&f, 0), BET_STATE_SETTLED);
    assert_int_equal(state_of(&f, 1), BET_STATE_SETTLED);
    assert_int_equal(fixture_available(&f, "ann"), 100000 + 2 * (2100 - 1000));
    TEARDOWN();
}

/* An id can be guessed. */
TEST(late_group, a_bet_that_nobody_was_told_of_is_not_sold)
{
    struct fixture f;
    const struct cash_out_offer none = {.legs_count = 0};
    begin(&f);
    f.log.hold = true;
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    const struct sale sale = {shard_state_last_bet_id(book_state(f.book)).n, 0, 950};
    assert_int_equal(fixture_cash_out(&f, "c1", &none, sale), REQUEST_UNKNOWN);
    f.log.hold = false;
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(f.stopped, 0);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_cash_out(&f, "c1", &none, sale), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    TEARDOWN();
}

/* ---- whose wait was over ---- */

/* A bet that was late, and whose release is under way when its price falls to 1.50. */
static void begin_late_release(struct fixture *f, void (*tune)(struct book_options *options))
{
    begin_tuned(f, tune);
    f->log.late_next = true;
    ask(f, "k1");
    fixture_turn(f, 1000);
    f->log.hold = true;
    fixture_turn(f, 1000);
    assert_int_equal(state_of(f, 0), BET_STATE_OPEN); /* so it was decided, and nobody was told */
    union written lower = written(VERSION + 1, 150);
    follow(f, &lower);
}

static void let_go_late(struct fixture *f)
{
    f->log.hold = false;
    f->log.late_next = true;
    fixture_turn(f, 1000);
    assert_int_equal(f->stopped, 0);
    assert_int_equal(book_stats(f->book)->releases_late, 1);
    fixture_check(f); /* written as it is now, and nothing behind it yet */
}

TEST(late_group, a_release_that_was_late_at_a_price_that_is_another_waits_on_and_is_refused)
{
    struct fixture f;
    begin_late_release(&f, NULL);
    let_go_late(&f);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED);
    assert_int_equal(fixture_available(&f, "ann"), 100000);
    assert_int_equal(fixture_held(&f, "ann"), 0);
    assert_int_equal(fixture_history(&f, f.bet_id), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.history_count,
                     3); /* BET, the RELEASE that was late, and the one that was not */
    assert_int_equal(f.history_outcome, BET_ODDS_CHANGED);
    TEARDOWN();
}

TEST(late_group, a_bet_that_waits_on_is_placed_where_the_price_comes_back)
{
    struct fixture f;
    begin_late_release(&f, NULL);
    f.log.late_next = true; /* its second release, too */
    let_go_late(&f);
    assert_int_equal(state_of(&f, 0), BET_STATE_PENDING);
    union written again = written(VERSION + 2, A_PRICE);
    follow(&f, &again);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    assert_int_equal(shard_state_bet(book_state(f.book), 0)->returns, 2100);
    TEARDOWN();
}

TEST(late_group, a_bet_that_waits_on_has_the_price_that_it_had_before)
{
    struct fixture f;
    const struct fixture_ticket any = {.key = "k1",
                                       .stake = 1000,
                                       .markets = {"m1"},
                                       .selections = {"a"},
                                       .odds = {A_PRICE},
                                       .policy = PRICE_ANY};
    begin(&f);
    f.log.late_next = true;
    assert_int_equal(fixture_ticket(&f, &any), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_PENDING);
    union written lower = written(VERSION + 1, 200), lowest = written(VERSION + 2, 150);
    follow(&f, &lower);
    f.log.hold = true;
    fixture_turn(&f, 1000);
    assert_int_equal(shard_state_bet(book_state(f.book), 0)->returns, 2000);
    follow(&f, &lowest);
    let_go_late(&f);
    assert_int_equal(state_of(&f, 0), BET_STATE_PENDING);
    assert_int_equal(shard_state_bet(book_state(f.book), 0)->returns, 2100);
    union written again = written(VERSION + 3, A_PRICE);
    follow(&f, &again);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    assert_int_equal(shard_state_bet(book_state(f.book), 0)->returns, 2100);
    TEARDOWN();
}

TEST(late_group, who_asks_for_a_release_that_is_late_is_told_that_the_bet_waits)
{
    struct fixture f;
    begin_late_release(&f, NULL);
    ask(&f, "k1"); /* the same key: its verdict is under way */
    let_go_late(&f);
    assert_int_equal(f.type, RECORD_RELEASE);
    assert_int_equal(f.outcome, BET_PENDING);
    fixture_turn(&f, 1000);
    ask(&f, "k1");
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_ODDS_CHANGED);
    TEARDOWN();
}

TEST(late_group, a_bet_whose_release_is_not_written_is_not_sold)
{
    struct fixture f;
    const struct cash_out_offer none = {.legs_count = 0};
    begin_late_release(&f, NULL);
    const struct sale sale = {f.bet_id, 0, 950};
    assert_int_equal(fixture_cash_out(&f, "c1", &none, sale), REQUEST_TAKEN);
    let_go_late(&f);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED);
    TEARDOWN();
}

static void refers(struct book_options *options)
{
    options->referral.on = true;
    options->ticket_limits.bet.stake_minor_max = 500;
    options->limits.referrals_max = 2;
}

static enum request_outcome accept_referred(struct fixture *f, struct bet_id bet)
{
    static struct word_refusal refusal;
    const struct desk_word word = {.actor = SLICE("tess"), .reason = SLICE("known well")};
    const struct referral_request request = {.bet = bet, .word = REFERRAL_ACCEPTED};
    return book_say_referral(f->book, &request, &word,
                             (struct book_reply){fixture_answer, fixture_cookie(f)}, &refusal);
}

TEST(late_group, a_referred_bet_waits_on_with_the_word_of_the_trader)
{
    struct fixture f;
    begin_tuned(&f, refers);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PENDING);
    const struct bet_id first = {f.bet_id};
    assert_int_equal(bet(&f, "k2", A_PRICE), BET_PENDING); /* its row stands behind */
    assert_int_equal(accept_referred(&f, first), REQUEST_TAKEN);
    f.log.hold = true;
    fixture_turn(&f, 1000); /* the word, and behind it the release */
    assert_int_equal(state_of(&f, 0), BET_STATE_OPEN);
    union written lower = written(VERSION + 1, 150);
    follow(&f, &lower);
    let_go_late(&f);
    fixture_turn(&f, 1000);
    assert_int_equal(state_of(&f, 0), BET_STATE_NOT_ACCEPTED);
    assert_int_equal(state_of(&f, 1), BET_STATE_REFERRED);
    assert_int_equal(fixture_available(&f, "ann"), 99000);
    TEARDOWN();
}

TEST(late_group, a_referred_bet_whose_room_was_taken_stops_the_book)
{
    struct fixture f;
    begin_tuned(&f, refers);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PENDING);
    assert_int_equal(accept_referred(&f, (struct bet_id){f.bet_id}), REQUEST_TAKEN);
    f.log.hold = true;
    fixture_turn(&f, 1000);
    ask(&f, "k2");
    ask(&f, "k3"); /* both are referred, and as many may be */
    union written lower = written(VERSION + 1, 150);
    follow(&f, &lower);
    f.log.hold = false;
    f.log.late_next = true;
    fixture_turn(&f, 1000);
    assert_int_equal(f.stopped, 1);
    fixture_restart(&f);
    TEARDOWN();
}

/* ---- any order ---- */

static void roll_back(struct fixture *f, uint64_t version)
{
    struct feed_result result = {.provider = SLICE("p"),
                                 .market_id = SLICE("m1"),
                                 .kind = RESULT_ROLLBACK,
                                 .result_version = version,
                                 .feed_time = f->wall};
    struct feed_sink *sink = book_sink(f->book);
    sink->ops->result(sink, &result);
}

/* The prices are those of the begin, in newer versions, and lower ones now and then. */
static void one_turn(struct fixture *f, struct prng *prng, unsigned number)
{
    const struct shard_market *market =
        shard_state_market(book_state(f->book), (struct market_ref){1});
    uint64_t version = market == NULL ? 1 : market->newest_version + 1;
    bool ended = market != NULL && market->has_result == 1;
    char key[16];
    (void)snprintf(key, sizeof key, "k%u", number);
    f->log.hold = prng_below(prng, 3) == 0;
    f->log.late_next = prng_below(prng, 3) == 0;
    if (prng_below(prng, 2) == 0)
        (void)fixture_bet(f, key, "a", A_PRICE, 100);
    if (prng_below(prng, 2) == 0) {
        union written moved =
            written(VERSION + number + 1, prng_below(prng, 3) == 0 ? 150 : A_PRICE);
        follow(f, &moved);
    }
    if (ended && prng_below(prng, 4) == 0) {
        union written again = written(VERSION + number + 1, A_PRICE);
        roll_back(f, version);
        follow(f, &again);
    } else if (prng_below(prng, 16) == 0) {
        bool won = prng_below(prng, 2) == 0;
        fixture_result(f, version, won ? LEG_WON : LEG_LOST, won ? LEG_LOST : LEG_WON);
    }
    fixture_turn(f, 1000);
}

/* Bets in groups that come in time or late, prices that move, results and their rollback among
 * them: the log that comes of it folds to the same state, no money waits, and no book stops. */
TEST(late_group, any_order_of_bets_results_and_late_groups_is_a_log_that_folds)
{
    uint64_t bets = 0, releases = 0, settled = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct fixture f;
        struct prng prng;
        begin(&f);
        prng_seed(&prng, seed);
        for (unsigned i = 0; i < 100; i++)
            one_turn(&f, &prng, i);
        f.log.hold = f.log.late_next = false;
        for (int i = 0; i < 20; i++)
            fixture_turn(&f, 1000);
        bets += book_stats(f.book)->bets_late;
        releases += book_stats(f.book)->releases_late;
        settled += book_stats(f.book)->settled;
        assert_int_equal(f.stopped, 0);
        assert_int_equal(fixture_held(&f, "ann"), 0);
        fixture_restart(&f);
        TEARDOWN();
    }
    assert_true(bets > 1000);
    assert_true(releases > 50);
    assert_true(settled > 5000);
}
