/* test_market_list.c - what the desk is told of its markets: as shown, as known, page by page. */
#include "roles/backoffice/market_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/odds_store_memory.h"
#include "book_fixture.h"
#include "test.h"

static char memory[MARKET_LIST_BYTES_MAX + 1];
static struct buf out;

static const char *text(void)
{
    assert_false(out.overflow);
    memory[out.bytes] = 0;
    return memory;
}

static const char *listed(struct fixture *f, uint64_t cursor)
{
    out = buf_over(memory, MARKET_LIST_BYTES_MAX);
    const struct market_list_sources sources = {f->store, book_state(f->book)};
    market_list_write(&out, &sources, cursor);
    return text();
}

static const char *one(struct fixture *f, const char *id)
{
    out = buf_over(memory, MARKET_LIST_BYTES_MAX);
    const struct market_list_sources sources = {f->store, book_state(f->book)};
    market_list_write_one(&out, &sources, slice_text(id));
    return text();
}

static void has(const char *json, const char *part)
{
    if (strstr(json, part) == NULL)
        fail_msg("no %s in %s", part, json);
}

TEST(market_list, a_market_is_told_with_its_prices_and_open_bets)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 250, 180);
    fixture_turn(&f, 1000);
    const char *before = listed(&f, 0);
    has(before, "\"market_id\":\"m1\",\"event_id\":\"e1\"");
    has(before, "\"status\":\"active\",\"shown\":true,\"held\":false");
    has(before, "\"id\":\"a\"");
    has(before, "\"odds\":2.50");
    has(before, "\"bets\":0,\"bets_unsettled\":0");
    has(before, "\"next_cursor\":null");
    assert_int_equal(fixture_deposit(&f, "ann", "k0", 10000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_bet(&f, "k1", "a", 250, 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    has(listed(&f, 0), "\"bets\":1,\"bets_unsettled\":1");
    fixture_end(&f);
}

TEST(market_list, a_hold_and_a_result_are_told)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 250, 180);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_hold(&f, true), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    has(listed(&f, 0), "\"status\":\"suspended\",\"shown\":true,\"held\":true");
    fixture_result(&f, 7, LEG_WON, LEG_LOST);
    fixture_turn(&f, 1000);
    const char *told = listed(&f, 0);
    has(told, "\"result_version\":7,\"has_result\":true");
    has(told, "\"result\":\"WON\"");
    has(told, "\"result\":\"LOST\"");
    fixture_end(&f);
}

TEST(market_list, what_no_feed_shows_any_more_is_found_by_its_id)
{
    struct fixture f;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 250, 180);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_deposit(&f, "ann", "k0", 10000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_bet(&f, "k1", "a", 250, 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    f.store->ops->remove(f.store, SLICE("m1"));
    assert_string_equal(listed(&f, 0), "{\"markets\":[],\"next_cursor\":null}");
    const char *told = one(&f, "m1");
    has(told, "\"shown\":false");
    has(told, "\"bets_unsettled\":1");
    has(told, "\"id\":\"a\"");
    has(told, "\"odds\":null");
    assert_string_equal(one(&f, "m2"), "{\"markets\":[],\"next_cursor\":null}");
    fixture_end(&f);
}

#define MANY 600

/* Market "m1" so many times, under ids of its own. */
static struct odds_store *store_of_many(struct fixture *f)
{
    static const uint64_t key[2] = {1, 2};
    static _Alignas(struct odds_image) char
        bytes[sizeof(struct odds_image) + 2 * sizeof(struct odds_selection)];
    struct odds_image *image = (struct odds_image *)bytes;
    const struct odds_image *first = f->store->ops->get(f->store, SLICE("m1"));
    struct odds_store *many;
    assert_int_equal(first->selections_count, 2);
    memcpy(bytes, first, sizeof bytes);
    assert_int_equal(odds_store_memory_new(MANY, key, &many), 0);
    for (int i = 0; i < MANY; i++) {
        image->market_id_bytes =
            (uint8_t)snprintf(image->market_id, sizeof image->market_id, "many-%d", i);
        assert_int_equal(many->ops->put(many, image), ODDS_PUT_OK);
    }
    return many;
}

TEST(market_list, a_page_ends_in_time_and_the_next_begins_there)
{
    struct fixture f;
    uint64_t cursor = 0;
    size_t found = 0, pages = 0;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 250, 180);
    fixture_turn(&f, 1000);
    struct odds_store *many = store_of_many(&f);
    const struct market_list_sources sources = {many, book_state(f.book)};
    do {
        out = buf_over(memory, MARKET_LIST_BYTES_MAX);
        market_list_write(&out, &sources, cursor);
        assert_true(out.bytes < MARKET_LIST_PAGE_BYTES + MARKET_LIST_ROW_BYTES);
        for (const char *at = text(); (at = strstr(at, "\"market_id\"")) != NULL; at++)
            found++;
        const char *next = strstr(memory, "\"next_cursor\":");
        assert_non_null(next);
        cursor = strtoull(next + strlen("\"next_cursor\":"), NULL, 10);
        pages++;
    } while (cursor != 0 && pages < MANY);
    assert_int_equal(found, MANY);
    assert_true(pages > 1);
    assert_string_equal(listed(&f, 1000000), "{\"markets\":[],\"next_cursor\":null}");
    many->ops->free(many);
    fixture_end(&f);
}
