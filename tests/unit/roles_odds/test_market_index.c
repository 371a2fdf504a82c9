/* test_market_index.c - markets by id, event and sport. */
#include <stdio.h>

#include "market_fixture.h"
#include "roles/odds/market_index.h"
#include "test.h"

static void begin(struct market_index *index, uint32_t markets, uint32_t groups)
{
    struct market_index_sizes sizes = {{1, 2}, markets, {markets, groups, groups}};
    assert_int_equal(market_index_new(index, &sizes), 0);
}

static uint32_t add(struct market_index *index, const char *id, const char *event)
{
    uint32_t full;
    return market_index_add(index, market_image(id, event, "football"), &full);
}

TEST(market_index, lists_markets_of_an_event_and_a_sport_in_the_order_of_joining)
{
    struct market_index index;
    begin(&index, 8, 8);
    uint32_t a = add(&index, "a", "e1"), b = add(&index, "b", "e2"), c = add(&index, "c", "e1");
    uint32_t e1 = market_index_find_group(&index, GROUP_EVENT, SLICE("e1"));
    uint32_t sport = market_index_find_group(&index, GROUP_SPORT, SLICE("football"));
    assert_int_equal(market_index_find(&index, SLICE("b")), b);
    assert_int_equal(market_index_after(&index, GROUP_EVENT, e1, 0), a);
    assert_int_equal(market_index_after(&index, GROUP_EVENT, e1, index.markets[a].joined), c);
    assert_int_equal(market_index_after(&index, GROUP_SPORT, sport, index.markets[a].joined), b);
    assert_int_equal(market_index_after(&index, GROUP_SPORT, sport, index.markets[c].joined),
                     SLOT_NONE);
    market_index_done(&index);
}

TEST(market_index, goes_on_after_a_market_that_is_gone)
{
    struct market_index index;
    begin(&index, 8, 8);
    uint32_t a = add(&index, "a", "e1"), b = add(&index, "b", "e1"), c = add(&index, "c", "e1");
    uint64_t joined = index.markets[b].joined;
    market_index_remove(&index, b);
    uint32_t e1 = market_index_find_group(&index, GROUP_EVENT, SLICE("e1"));
    assert_int_equal(market_index_after(&index, GROUP_EVENT, e1, joined), c);
    assert_int_equal(market_index_find(&index, SLICE("b")), SLOT_NONE);
    market_index_remove(&index, a);
    market_index_remove(&index, c);
    assert_int_equal(market_index_find_group(&index, GROUP_EVENT, SLICE("e1")), SLOT_NONE);
    market_index_done(&index);
}

TEST(market_index, refuses_a_market_too_many_and_leaves_one_out_of_an_event_too_many)
{
    struct market_index index;
    uint32_t full;
    begin(&index, 2, 1);
    assert_int_not_equal(add(&index, "a", "e1"), SLOT_NONE);
    uint32_t b = market_index_add(&index, market_image("b", "e2", "football"), &full);
    assert_int_equal(full, 1u << GROUP_EVENT);
    assert_int_equal(index.markets[b].group[GROUP_EVENT], SLOT_NONE);
    assert_true(market_index_agrees(&index, b, market_image("b", "e2", "football")));
    assert_int_equal(add(&index, "c", "e1"), SLOT_NONE);
    market_index_done(&index);
}

TEST(market_index, sees_that_a_market_moved_or_got_its_sport_later)
{
    struct market_index index;
    uint32_t full;
    begin(&index, 4, 4);
    uint32_t a = market_index_add(&index, market_image("a", "e1", ""), &full);
    assert_int_equal(full, 0);
    assert_true(market_index_agrees(&index, a, market_image("a", "e1", "")));
    assert_false(market_index_agrees(&index, a, market_image("a", "e1", "tennis")));
    assert_false(market_index_agrees(&index, a, market_image("a", "e2", "")));
    market_index_done(&index);
}

TEST(market_index, keeps_a_group_without_markets_as_long_as_a_channel_holds_it)
{
    struct market_index index;
    begin(&index, 4, 4);
    uint32_t group = market_index_hold_group(&index, GROUP_SPORT, SLICE("football"));
    index.groups[GROUP_SPORT][group].channel = 3;
    uint32_t a = add(&index, "a", "e1");
    assert_int_equal(index.markets[a].group[GROUP_SPORT], group);
    market_index_remove(&index, a);
    assert_int_equal(market_index_find_group(&index, GROUP_SPORT, SLICE("football")), group);
    index.groups[GROUP_SPORT][group].channel = SLOT_NONE;
    market_index_drop_group(&index, GROUP_SPORT, group);
    assert_int_equal(market_index_find_group(&index, GROUP_SPORT, SLICE("football")), SLOT_NONE);
    market_index_done(&index);
}
