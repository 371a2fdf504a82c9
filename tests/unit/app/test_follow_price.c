/* test_follow_price.c - app/book_follow.h: a book at the prices of another process: their versions
 * (P1), how new they are (L6), their provider's lease (P2), and this ledger's word on them. */
#include "test.h"

#include "app/book_follow.h"
#include "book_fixture.h"

#define LAG      INT64_C(250000)
#define VERSION  ((UINT64_C(7) << 32) + 5)
#define ALIVE_US (60 * US_PER_SECOND)
#define A_PRICE  210
#define POSITION 4711

/* What the world says of every price. */
static struct {
    int64_t as_of_us;
    bool level;
} world;

static int64_t as_of_us(void *owner, const struct odds_image *image, struct monotonic now)
{
    (void)owner, (void)image, (void)now;
    return world.as_of_us;
}

static bool is_level(void *owner)
{
    (void)owner;
    return world.level;
}

static struct price_source source = {NULL, as_of_us, is_level};

/* The market "m1" of "e1" by "p", as its writer shows it. */
union written {
    struct odds_image image;
    char memory[sizeof(struct odds_image) + 2 * sizeof(struct odds_selection)];
};

static void put_selection(struct odds_selection *s, char id, unsigned hundredths)
{
    *s = (struct odds_selection){.status = SELECTION_ACTIVE, .id_bytes = 1, .id = {id}};
    assert_true(odds_make(hundredths, 100, &s->odds));
}

static union written written(uint64_t version, unsigned a)
{
    union written w;
    memset(&w, 0, sizeof w);
    w.image = (struct odds_image){.odds_version = version,
                                  .odds_position = POSITION,
                                  .status = MARKET_ACTIVE,
                                  .feed_status = MARKET_ACTIVE,
                                  .winners = 1,
                                  .market_id_bytes = 2,
                                  .event_id_bytes = 2,
                                  .provider_bytes = 1,
                                  .selections_count = 2,
                                  .market_id = "m1",
                                  .event_id = "e1",
                                  .provider = "p"};
    put_selection(&w.image.selections[0], 'a', a);
    put_selection(&w.image.selections[1], 'b', 300);
    return w;
}

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

static const struct odds_image *shown(struct fixture *f)
{
    return f->store->ops->get(f->store, SLICE("m1"));
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    world.level = true;
    fixture_begin_following(f, &source);
    union written w = written(VERSION, A_PRICE);
    book_follow_lease(f->book, SLICE("p"), ALIVE_US);
    book_follow_price(f->book, &w.image);
    world.as_of_us = f->now.us;
    assert_int_equal(fixture_deposit(f, "ann", "d1", 100000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
}

static enum bet_outcome bet(struct fixture *f, const char *key, unsigned odds)
{
    assert_int_equal(fixture_bet(f, key, "a", odds, 1000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    return f->outcome;
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
    world.as_of_us = f.now.us - LAG;
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
