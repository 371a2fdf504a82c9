/* test_follow_price.c - app/book_follow.h: a book at the prices of another process: their versions
 * (P1), how new they are (L6), their provider's lease (P2), and this ledger's word on them. */
#include "follow_fixture.h"

/* The newest record of a bet. */
static struct record_view last_bet(const struct fixture *f)
{
    struct record_view view, found = {.head = NULL};
    for (size_t at = 0; at < f->log.size; at += view.head->bytes) {
        const struct record_head *head = (const void *)(f->log.bytes + at);
        assert_int_equal(record_view_of(head, head->bytes, &view), 0);
        if (head->type == RECORD_BET)
            found = view;
    }
    assert_non_null(found.head);
    return found;
}

#define TEARDOWN()                                                                                 \
    fixture_check(&f);                                                                             \
    fixture_end(&f)

TEST(follow_price, a_bet_keeps_the_version_and_the_place_that_the_writer_gave)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    assert_true(shown(&f)->odds_version == VERSION);
    const struct record_leg *leg = last_bet(&f).items;
    assert_true(leg->odds_version == VERSION);
    assert_int_equal(leg->odds_position, POSITION);
    assert_int_equal(leg->market_status, MARKET_ACTIVE);
    TEARDOWN();
}

TEST(follow_price, an_older_version_changes_nothing)
{
    struct fixture f;
    begin(&f);
    union written newer = written(VERSION + 1, 190), older = written(VERSION, A_PRICE);
    book_follow_price(f.book, &newer.image);
    book_follow_price(f.book, &older.image);
    assert_true(shown(&f)->odds_version == VERSION + 1);
    assert_int_equal(f.market_changes, 2);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_ODDS_CHANGED);
    assert_int_equal(bet(&f, "k2", 190), BET_PLACED);
    TEARDOWN();
}

TEST(follow_price, a_price_that_is_too_old_takes_no_bet)
{
    struct fixture f;
    begin(&f);
    world.as_of_us = f.now.us - LAG + 1000; /* so long the turn takes until it is written */
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    world.as_of_us = f.now.us - LAG - 1;
    assert_int_equal(bet(&f, "k2", A_PRICE), BET_MARKET_SUSPENDED);
    assert_int_equal(book_stats(f.book)->prices_lagged, 1);
    world.as_of_us = PRICE_NEVER_US;
    assert_int_equal(bet(&f, "k3", A_PRICE), BET_MARKET_SUSPENDED);
    assert_int_equal(book_stats(f.book)->prices_lagged, 2);
    world.as_of_us = f.now.us;
    assert_int_equal(bet(&f, "k4", A_PRICE), BET_PLACED);
    assert_int_equal(bet(&f, "k2", A_PRICE), BET_MARKET_SUSPENDED); /* L3 */
    TEARDOWN();
}

TEST(follow_price, a_market_that_is_not_there_is_suspended)
{
    struct fixture f;
    begin(&f);
    book_follow_removed(f.book, SLICE("m1"));
    assert_int_equal(f.removed, 1);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_MARKET_SUSPENDED);
    TEARDOWN();
}

TEST(follow_price, a_lease_that_ends_shows_the_same_version_suspended)
{
    struct fixture f;
    begin(&f);
    world.as_of_us = INT64_MAX / 2; /* it is the newest price, for ever */
    fixture_turn(&f, ALIVE_US - 1000);
    fixture_turn(&f, 1000); /* and is shown so */
    assert_true(shown(&f)->odds_version == VERSION);
    assert_int_equal(shown(&f)->status, MARKET_SUSPENDED_STATUS);
    assert_int_equal(f.standing, 1);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_MARKET_SUSPENDED);
    assert_int_equal(book_stats(f.book)->prices_lagged, 0);
    book_follow_lease(f.book, SLICE("p"), ALIVE_US);
    fixture_turn(&f, 1000);
    assert_int_equal(shown(&f)->status, MARKET_ACTIVE);
    assert_int_equal(f.standing, 2);
    world.as_of_us = f.now.us;
    assert_int_equal(bet(&f, "k2", A_PRICE), BET_PLACED);
    TEARDOWN();
}

TEST(follow_price, a_suspension_by_the_writer_is_a_fence_here)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    union written held = written(VERSION + 1, A_PRICE);
    held.image.holds = HOLD_TRADER;
    held.image.status = MARKET_SUSPENDED_STATUS;
    book_follow_price(f.book, &held.image);
    assert_int_equal(bet(&f, "k2", A_PRICE), BET_MARKET_SUSPENDED);
    const struct shard_market *market = shard_state_market(
        book_state(f.book), shard_state_find_market(book_state(f.book), SLICE("m1")));
    assert_int_equal(market->status, MARKET_SUSPENDED_STATUS);
    assert_int_equal(market->holds, 0); /* it is no word of this desk */
    union written open = written(VERSION + 2, A_PRICE);
    book_follow_price(f.book, &open.image);
    world.as_of_us = f.now.us;
    assert_int_equal(bet(&f, "k3", A_PRICE), BET_PLACED);
    TEARDOWN();
}

TEST(follow_price, a_writer_that_has_lost_its_provider_says_nothing_of_the_market)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    uint64_t records = shard_state_seq(book_state(f.book));
    union written lost = written(VERSION + 1, A_PRICE);
    lost.image.flags = ODDS_PROVIDER_LOST;
    lost.image.status = MARKET_SUSPENDED_STATUS;
    book_follow_lease(f.book, SLICE("p"), 0);
    book_follow_price(f.book, &lost.image);
    fixture_turn(&f, 1000);
    assert_int_equal(shown(&f)->status, MARKET_SUSPENDED_STATUS);
    assert_int_equal(shard_state_seq(book_state(f.book)),
                     records); /* no fence: the lease says it */
    TEARDOWN();
}

TEST(follow_price, the_own_desk_holds_and_settles_what_another_prices)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(bet(&f, "k1", A_PRICE), BET_PLACED);
    assert_int_equal(fixture_hold(&f, true), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_true(shown(&f)->odds_version == VERSION);
    assert_int_equal(shown(&f)->status, MARKET_SUSPENDED_STATUS);
    union written moved = written(VERSION + 1, 220);
    book_follow_price(f.book, &moved.image); /* a version of the writer does not lift it */
    assert_int_equal(shown(&f)->status, MARKET_SUSPENDED_STATUS);
    assert_int_equal(fixture_hold(&f, false), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_true(shown(&f)->odds_version == VERSION + 1);
    assert_int_equal(shown(&f)->status, MARKET_ACTIVE);
    fixture_result(&f, 1, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(shown(&f)->status, MARKET_SETTLED);
    assert_true(shown(&f)->odds_version == VERSION + 1);
    assert_int_equal(fixture_available(&f, "ann"), 100000 - 1000 + 2100);
    moved = written(VERSION + 2, 230);
    book_follow_price(f.book, &moved.image);
    assert_int_equal(shown(&f)->status, MARKET_SETTLED);
    TEARDOWN();
}

TEST(follow_price, without_all_prices_bets_are_better_sent_elsewhere)
{
    struct fixture f;
    begin(&f);
    assert_true(book_takes_bets(f.book));
    world.level = false;
    assert_false(book_takes_bets(f.book));
    TEARDOWN();
}
