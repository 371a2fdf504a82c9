/* follow_fixture.h - a book of book_fixture.h that follows the prices of a writer. */
#pragma once

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

static inline int64_t as_of_us(void *owner, const struct odds_image *image, struct monotonic now)
{
    (void)owner, (void)image, (void)now;
    return world.as_of_us;
}

static inline bool is_level(void *owner)
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

static inline void put_selection(struct odds_selection *s, char id, unsigned hundredths)
{
    *s = (struct odds_selection){.status = SELECTION_ACTIVE, .id_bytes = 1, .id = {id}};
    assert_true(odds_make(hundredths, 100, &s->odds));
}

static inline union written written(uint64_t version, unsigned a)
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

static inline const struct odds_image *shown(struct fixture *f)
{
    return f->store->ops->get(f->store, SLICE("m1"));
}

static inline void begin_tuned(struct fixture *f, void (*tune)(struct book_options *options))
{
    world.level = true;
    fixture_begin_following(f, &source, tune);
    union written w = written(VERSION, A_PRICE);
    book_follow_lease(f->book, SLICE("p"), ALIVE_US);
    book_follow_price(f->book, &w.image);
    world.as_of_us = f->now.us;
    assert_int_equal(fixture_deposit(f, "ann", "d1", 100000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
}

static inline void begin(struct fixture *f)
{
    begin_tuned(f, NULL);
}

static inline enum bet_outcome bet(struct fixture *f, const char *key, unsigned odds)
{
    assert_int_equal(fixture_bet(f, key, "a", odds, 1000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    return f->outcome;
}
