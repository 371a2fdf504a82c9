/* test_odds_value.c - markets as the values of keys. */
#include <stdlib.h>

#include "adapters/redis/odds_value.h"
#include "base/error.h"
#include "test.h"

#define TEXT_BYTES ODDS_VALUE_BYTES_MAX

static struct odds_image *image_new(uint16_t selections)
{
    struct odds_image *image = calloc(1, ODDS_VALUE_IMAGE_BYTES);
    assert_non_null(image);
    image->selections_count = selections;
    return image;
}

static void put(char *to, uint8_t *to_bytes, const char *text)
{
    *to_bytes = (uint8_t)strlen(text);
    memcpy(to, text, *to_bytes);
}

static struct odds_image *example(void)
{
    struct odds_image *image = image_new(2);
    image->odds_version = (UINT64_C(7) << 32) + 3;
    image->provider_version = 99;
    image->odds_position = 4096;
    image->updated = (struct instant){INT64_C(1790000000123456)};
    image->feed_time = (struct instant){INT64_C(1790000000000000)};
    image->start_time = (struct instant){INT64_C(1790000100000000)};
    image->bet_delay_us = 5000000;
    image->status = MARKET_SUSPENDED_STATUS;
    image->feed_status = MARKET_ACTIVE;
    image->holds = 2;
    image->flags = ODDS_ANTE_POST;
    image->in_play = true;
    image->winners = 1;
    image->place_terms = (struct place_terms){3, 1, 4};
    image->score[0] = 2;
    image->red_cards[1] = 1;
    put(image->market_id, &image->market_id_bytes, "1.\"2\"/a=b");
    put(image->event_id, &image->event_id_bytes, "9000");
    put(image->provider, &image->provider_bytes, "betfair");
    put(image->sport, &image->sport_bytes, "football");
    put(image->event_name, &image->event_name_bytes, "Köln v \"odds_version\":9");
    put(image->name, &image->name_bytes, "Match <Odds>\n");
    put(image->kind, &image->kind_bytes, "MATCH_ODDS");
    struct odds_selection *s = image->selections;
    put(s[0].id, &s[0].id_bytes, "11");
    put(s[0].name, &s[0].name_bytes, "Home");
    s[0].status = SELECTION_ACTIVE;
    assert_true(odds_make(21, 13, &s[0].odds));
    s[0].chances = (struct leg_chances){500000000, 1, 2, 3};
    put(s[1].id, &s[1].id_bytes, "12@-1.5");
    s[1].status = SELECTION_REMOVED;
    return image;
}

static struct slice written(const struct odds_image *image, const struct odds_value_facts *facts,
                            char *memory)
{
    struct buf out = buf_over(memory, TEXT_BYTES);
    odds_value_write(&out, image, facts);
    assert_false(out.overflow);
    return buf_slice(&out);
}

static int read_back(struct slice text, struct odds_image *image, struct odds_value_facts *facts)
{
    char *scratch = malloc(text.bytes + 1);
    int error = odds_value_read(text, scratch, image, facts);
    free(scratch);
    return error;
}

TEST(odds_value, all_of_a_market_comes_back)
{
    char *memory = malloc(TEXT_BYTES);
    struct odds_image *image = example(), *back = image_new(0);
    struct odds_value_facts facts = {.received = {123}, .book = INT64_MAX}, facts_back;
    struct slice text = written(image, &facts, memory);
    assert_int_equal(read_back(text, back, &facts_back), 0);
    assert_memory_equal(back, image, odds_image_bytes(image->selections_count));
    assert_int_equal(facts_back.received.us, 123);
    assert_int_equal(facts_back.book, INT64_MAX);
    assert_false(facts_back.removed);
    free(image);
    free(back);
    free(memory);
}

TEST(odds_value, members_of_the_contract_are_spelled_so)
{
    char *memory = malloc(TEXT_BYTES);
    struct odds_image *image = example();
    struct odds_value_facts facts = {.removed = false};
    struct slice text = written(image, &facts, memory);
    static const char *const parts[] = {
        "{\"odds_version\":30064771075,\"market_id\":\"1.\\\"2\\\"/a=b\",\"event_id\":\"9000\","
        "\"status\":\"suspended\",\"updated_at\":\"2026-09-21T14:13:20.123456Z\"",
        "\"selections\":[{\"id\":\"11\",\"odds\":1.6154,\"odds_exact\":\"21/13\"",
        "{\"id\":\"12@-1.5\",\"odds\":null,",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(memmem(text.at, text.bytes, parts[i], strlen(parts[i])));
    free(image);
    free(memory);
}

TEST(odds_value, who_says_it_stands_behind_the_version_and_readers_pass_it_over)
{
    char *memory = malloc(TEXT_BYTES);
    struct odds_image *image = example(), *back = image_new(0);
    struct odds_value_facts facts = {.session = 0xaf, .number = UINT32_MAX}, facts_back;
    struct slice text = written(image, &facts, memory);
    assert_true(slice_begins(text, SLICE("{\"odds_version\":30064771075,\"said\":"
                                         "\"00000000000000af 4294967295\",\"market_id\":")));
    assert_int_equal(read_back(text, back, &facts_back), 0);
    assert_memory_equal(back, image, odds_image_bytes(image->selections_count));
    free(image);
    free(back);
    free(memory);
}

TEST(odds_value, the_largest_market_fits)
{
    char *memory = malloc(TEXT_BYTES);
    struct odds_image *image = image_new(SELECTIONS_MAX), *back = image_new(0);
    struct odds_value_facts facts = {.removed = false}, facts_back;
    image->odds_version = (UINT64_C(1) << 53) - 1;
    image->status = image->feed_status = MARKET_ACTIVE;
    image->provider_version = image->odds_position = INT64_MAX;
    memset(image->market_id, '<', sizeof image->market_id); /* escaped to six bytes */
    image->market_id_bytes = sizeof image->market_id;
    for (size_t i = 0; i < SELECTIONS_MAX; i++) {
        struct odds_selection *s = &image->selections[i];
        memset(s->id, '<', sizeof s->id);
        memset(s->name, '<', sizeof s->name);
        s->id_bytes = sizeof s->id;
        s->name_bytes = sizeof s->name;
        s->status = SELECTION_SUSPENDED;
        assert_true(odds_make(999999937, 10007, &s->odds));
        s->chances = (struct leg_chances){CHANCE_WHOLE - 3, 1, 1, 1};
    }
    struct slice text = written(image, &facts, memory);
    assert_int_equal(read_back(text, back, &facts_back), 0);
    assert_memory_equal(back, image, odds_image_bytes(SELECTIONS_MAX));
    free(image);
    free(back);
    free(memory);
}

TEST(odds_value, a_tombstone_has_ids_and_version)
{
    char *memory = malloc(TEXT_BYTES);
    struct odds_image *image = example(), *back = image_new(0);
    struct odds_value_facts facts = {.removed = true}, facts_back;
    assert_int_equal(read_back(written(image, &facts, memory), back, &facts_back), 0);
    assert_true(facts_back.removed);
    assert_int_equal(back->odds_version, image->odds_version);
    assert_int_equal(back->selections_count, 0);
    assert_true(slice_equal(ODDS_TEXT(back, market_id), ODDS_TEXT(image, market_id)));
    free(image);
    free(back);
    free(memory);
}

#define CONTRACT_MEMBERS(version, status, selections)                                              \
    "{\"market_id\":\"1.2\",\"event_id\":\"9\",\"selections\":" selections ",\"status\":\"" status \
    "\",\"odds_version\":" version ",\"updated_at\":\"2026-01-01T00:00:00Z\"}"

TEST(odds_value, what_another_program_wrote_by_the_contract_is_read)
{
    struct odds_image *image = image_new(0);
    struct odds_value_facts facts;
    assert_int_equal(
        read_back(slice_text("{\"more\":[{}],\"market_id\":\"1.2\",\"event_id\":\"9\",\"selections"
                             "\":[{\"id\":\"1\",\"odds\":2.5,\"status\":\"active\"}],\"status\":"
                             "\"active\",\"odds_version\":8,\"updated_at\":\"x\"}"),
                  image, &facts),
        0);
    assert_int_equal(image->odds_version, 8);
    assert_int_equal(image->selections[0].odds.numerator, 5);
    free(image);
}

TEST(odds_value, what_is_no_value_is_refused)
{
    static const char *const bad[] = {
        "",
        "nonsense",
        "[]",
        "{}",
        CONTRACT_MEMBERS("0", "active", "[]"),
        CONTRACT_MEMBERS("-1", "active", "[]"),
        CONTRACT_MEMBERS("9007199254740992", "active", "[]"),
        CONTRACT_MEMBERS("\"8\"", "active", "[]"),
        CONTRACT_MEMBERS("8", "open", "[]"),
        CONTRACT_MEMBERS("8", "active", "{}"),
        CONTRACT_MEMBERS("8", "active", "[{\"id\":\"1\",\"odds\":0.5,\"status\":\"active\"}]"),
        CONTRACT_MEMBERS("8", "active", "[{\"id\":\"\",\"odds\":2.5,\"status\":\"active\"}]"),
        CONTRACT_MEMBERS("8", "active", "[{\"id\":\"1\",\"odds\":2.5,\"status\":\"open\"}]"),
        CONTRACT_MEMBERS("8", "active", "[{\"id\":\"1\",\"odds\":2.5}]"),
        CONTRACT_MEMBERS("8", "active",
                         "[{\"id\":\"1\",\"odds\":2.5,\"status\":\"active\",\"chances\":[1,2]}]"),
        "{\"market_id\":\"\",\"event_id\":\"9\",\"selections\":[],\"status\":\"active\","
        "\"odds_version\":8,\"updated_at\":\"x\"}",
        "{\"market_id\":\"1\",\"event_id\":\"9\",\"selections\":[],\"status\":\"active\","
        "\"odds_version\":8,\"updated_at\":\"x\",\"places\":3}",
        "{\"market_id\":\"1\",\"event_id\":\"9\",\"selections\":[],\"status\":\"active\","
        "\"odds_version\":8,\"updated_at\":\"x\",\"score\":[1]}",
    };
    struct odds_image *image = image_new(0);
    struct odds_value_facts facts;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_back(slice_text(bad[i]), image, &facts) == 0)
            fail_msg("%s", bad[i]);
    free(image);
}

TEST(odds_value, more_than_an_image_holds_is_refused)
{
    char *memory = malloc(TEXT_BYTES);
    struct odds_image *image = image_new(0);
    struct odds_value_facts facts;
    struct buf out = buf_over(memory, TEXT_BYTES);
    buf_put_text(&out, "{\"selections\":[");
    for (int i = 0; i <= SELECTIONS_MAX; i++)
        buf_printf(&out, "%s{\"id\":\"%d\",\"status\":\"active\"}", i == 0 ? "" : ",", i);
    buf_put_text(&out, "]}");
    assert_int_equal(read_back(buf_slice(&out), image, &facts), -ERR_LIMIT);
    out.bytes = 0;
    buf_put_text(&out, "{\"market_id\":\"");
    for (int i = 0; i <= MARKET_ID_BYTES_MAX; i++)
        buf_put_char(&out, 'x');
    buf_put_text(&out, "\"}");
    assert_int_equal(read_back(buf_slice(&out), image, &facts), -ERR_LIMIT);
    free(image);
    free(memory);
}
