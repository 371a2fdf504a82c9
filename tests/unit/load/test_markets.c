/* test_markets.c - the prices as a simulated customer knows them. */
#include "load/load_markets.h"

#include <stdio.h>

#include "test.h"

static struct load_markets markets;

static void apply(const char *text)
{
    struct load_frame frame;
    assert_int_equal(load_frame_read(slice_text(text), &frame), 0);
    load_markets_apply(&markets, &frame);
}

static void begin(void)
{
    assert_int_equal(load_markets_new(&markets), 0);
    apply("{\"op\":\"snapshot\",\"channel\":\"c\",\"seq\":1,\"markets\":["
          "{\"market_id\":\"1.1\",\"status\":\"active\",\"odds_version\":5,\"selections\":["
          "{\"id\":\"11\",\"odds\":2.10,\"status\":\"active\"},"
          "{\"id\":\"12\",\"odds\":1.6154,\"odds_exact\":\"21/13\",\"status\":\"active\"},"
          "{\"id\":\"13\",\"odds\":null,\"status\":\"suspended\"}]},"
          "{\"market_id\":\"1.2\",\"status\":\"suspended\",\"odds_version\":5,\"selections\":["
          "{\"id\":\"21\",\"odds\":3.00,\"status\":\"active\"}]}]}");
}

static void end(void)
{
    load_markets_done(&markets);
}

static bool pick(uint64_t seed, const struct load_selection **ret)
{
    const struct load_market *market;
    struct prng prng;
    prng_seed(&prng, seed);
    return load_markets_pick(&markets, &prng, &market, ret);
}

TEST(markets, only_what_is_active_and_has_a_price_is_bet_on)
{
    begin();
    assert_int_equal(load_markets_active(&markets), 1);
    int seen[2] = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        const struct load_selection *selection;
        assert_true(pick(seed, &selection));
        assert_true(slice_is(SLICE("11"), selection->id) || slice_is(SLICE("12"), selection->id));
        seen[selection->id[1] - '1']++;
    }
    assert_true(seen[0] > 50 && seen[1] > 50);
    end();
}

TEST(markets, a_delta_changes_what_it_names_and_nothing_else)
{
    begin();
    apply("{\"op\":\"delta\",\"market_id\":\"1.1\",\"odds_version\":6,\"status\":\"active\","
          "\"selections\":[{\"id\":\"12\",\"odds\":1.70}]}");
    const struct load_market *market = &markets.rows[0];
    assert_int_equal(market->odds_version, 6);
    assert_int_equal(market->version_before, 5);
    assert_string_equal(market->selections[0].odds, "2.10");
    assert_string_equal(market->selections[1].odds, "1.70");
    assert_string_equal(market->selections[1].odds_exact, "");
    assert_string_equal(market->selections[1].odds_before, "1.6154");
    assert_int_equal(markets.moves, 1);
    apply("{\"op\":\"delta\",\"market_id\":\"1.1\",\"odds_version\":7,\"status\":\"suspended\","
          "\"selections\":[]}");
    assert_int_equal(load_markets_active(&markets), 0);
    const struct load_selection *none;
    assert_false(pick(1, &none));
    end();
}

TEST(markets, an_older_price_never_replaces_a_newer_one)
{
    begin();
    apply("{\"op\":\"delta\",\"market_id\":\"1.1\",\"odds_version\":4,\"status\":\"active\","
          "\"selections\":[{\"id\":\"11\",\"odds\":9.00}]}");
    assert_string_equal(markets.rows[0].selections[0].odds, "2.10");
    assert_int_equal(markets.older, 1);
    end();
}

TEST(markets, images_come_and_removed_markets_go)
{
    begin();
    apply("{\"op\":\"image\",\"market\":{\"market_id\":\"1.3\",\"status\":\"active\","
          "\"odds_version\":1,\"selections\":[{\"id\":\"31\",\"odds\":1.5}]}}");
    assert_int_equal(load_markets_active(&markets), 2);
    apply("{\"op\":\"removed\",\"market_id\":\"1.1\"}");
    apply("{\"op\":\"removed\",\"market_id\":\"unheard of\"}");
    assert_int_equal(load_markets_active(&markets), 1);
    const struct load_selection *selection;
    assert_true(pick(3, &selection));
    assert_string_equal(selection->id, "31");
    end();
}

TEST(markets, are_bounded)
{
    char text[256];
    assert_int_equal(load_markets_new(&markets), 0);
    for (int i = 0; i < LOAD_MARKETS_MAX + 3; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"market_id\":\"1.%d\",\"status\":\"active\",\"odds_version\":1,"
                       "\"selections\":[{\"id\":\"1\",\"odds\":2}]}",
                       i);
        load_markets_apply_image(&markets, slice_text(text));
    }
    assert_int_equal(load_markets_active(&markets), LOAD_MARKETS_MAX);
    assert_int_equal(markets.beyond, 3);
    for (int i = 0; i < LOAD_SELECTIONS_MAX + 3; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"market_id\":\"1.0\",\"odds_version\":2,"
                       "\"selections\":[{\"id\":\"x%d\",\"odds\":2}]}",
                       i);
        load_markets_apply_image(&markets, slice_text(text));
    }
    assert_int_equal(markets.rows[0].selections_count, LOAD_SELECTIONS_MAX);
    end();
}
