/* test_tickets.c - bets of many legs through the whole book: what one of them may add to the
 * ledger, and that it is refused by name where there is no room for it. */
#include "book_fixture.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

#define LEGS 30

struct scene {
    struct fixture f;
    char ids[LEGS][16];
    char names[SELECTIONS_MAX][NAME_BYTES_MAX + 1];
    struct feed_selection selections[SELECTIONS_MAX];
    struct ticket_leg legs[LEGS];
    struct leg_names on[LEGS];
};

/* Markets of so many selections, each of an event of its own. */
static void offer(struct scene *s, size_t selections)
{
    book_begin_turn(s->f.book, s->f.wall, s->f.now);
    struct feed_sink *sink = book_sink(s->f.book);
    sink->ops->alive(sink, SLICE("p"));
    for (size_t i = 0; i < selections; i++) {
        (void)snprintf(s->names[i], sizeof s->names[i], "%.*s%04zu", NAME_BYTES_MAX - 4,
                       "a very long name, as long as it may be, and somewhat longer than it may be",
                       i);
        s->selections[i] = (struct feed_selection){slice_text(s->names[i] + NAME_BYTES_MAX - 24),
                                                   slice_text(s->names[i]),
                                                   SELECTION_ACTIVE,
                                                   {3, 2},
                                                   {.win = 0}};
    }
    for (int i = 0; i < LEGS; i++) {
        (void)snprintf(s->ids[i], sizeof s->ids[i], "m%d", i);
        const struct feed_market market = {.provider = SLICE("p"),
                                           .id = slice_text(s->ids[i]),
                                           .event_id = slice_text(s->ids[i]),
                                           .status = MARKET_ACTIVE,
                                           .selections = s->selections,
                                           .selections_count = selections};
        sink->ops->market(sink, &market);
        s->legs[i] = (struct ticket_leg){.odds = {3, 2}, .banker = true};
        s->on[i] = (struct leg_names){slice_text(s->ids[i]), s->selections[0].id};
    }
}

static struct scene *begin(size_t selections)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    fixture_begin(&scene.f);
    assert_int_equal(fixture_deposit(&scene.f, "ann", "d", 100000), REQUEST_TAKEN);
    fixture_turn(&scene.f, 1000);
    offer(&scene, selections);
    return &scene;
}

static enum request_outcome place(struct scene *s, uint32_t legs)
{
    const struct bet_request request = {
        .user_id = SLICE("ann"),
        .key = SLICE("k"),
        .ticket = {.stake = {100, {826}},
                   .policy = PRICE_BETTER,
                   .legs = s->legs,
                   .legs_count = legs},
        .names = s->on,
        .transport = TRANSPORT_HTTP,
    };
    return book_place_bet(s->f.book, &request, fixture_answer, fixture_cookie(&s->f));
}

TEST(ticket, registers_the_markets_of_all_its_legs)
{
    struct scene *s = begin(100);
    assert_int_equal(place(s, LEGS), REQUEST_TAKEN);
    fixture_turn(&s->f, 1000);
    const struct shard_state *folded = book_state(s->f.book);
    assert_int_equal(shard_state_bets_count(folded), 1);
    assert_int_equal(shard_state_markets_count(folded), LEGS);
    const struct shard_bet *bet = shard_state_bet(folded, 0);
    assert_int_equal(bet->legs_count, LEGS);
    assert_int_equal(bet->returns, 19175105); /* 1.00 * 1.5^30, rounded down */
    fixture_end(&s->f);
}

TEST(ticket, is_shed_by_name_when_its_markets_find_no_room)
{
    struct scene *s = begin(FAKE_ODDS_SELECTIONS_MAX);
    assert_int_equal(place(s, LEGS), REQUEST_BUSY); /* 4,800 of 4,000 selections */
    assert_string_equal(book_busy_limit(s->f.book), "selections_max");
    assert_int_equal(shard_state_markets_count(book_state(s->f.book)), 0);
    assert_int_equal(place(s, 2), REQUEST_TAKEN); /* the key is not used up */
    fixture_turn(&s->f, 1000);
    assert_int_equal(shard_state_bets_count(book_state(s->f.book)), 1);
    fixture_end(&s->f);
}

TEST(ticket, legs_of_one_event_are_refused)
{
    struct scene *s = begin(2);
    s->on[1] = s->on[0];
    assert_int_equal(place(s, 2), REQUEST_TAKEN);
    fixture_turn(&s->f, 1000);
    assert_int_equal(shard_state_bets_count(book_state(s->f.book)), 0);
    assert_int_equal(shard_state_counts(book_state(s->f.book))->bets_refused, 1);
    fixture_end(&s->f);
}
