/* test_odds_json.c - markets as the JSON of CONTRACT, byte by byte. */
#include <string.h>

#include "base/json_read.h"
#include "market_fixture.h"
#include "roles/odds/odds_json.h"
#include "test.h"

static char memory[ODDS_JSON_MARKET_BYTES_MAX];

static void assert_text(const struct buf *out, const char *text)
{
    assert_false(out->overflow);
    assert_int_equal(out->bytes, strlen(text));
    assert_memory_equal(out->at, text, out->bytes);
}

TEST(odds_json, writes_a_whole_market)
{
    struct buf out = buf_over(memory, sizeof memory);
    struct odds_image *image = market_image("1.2", "9", "football");
    image->selections[1].odds = ODDS_NONE;
    image->selections[1].status = SELECTION_SUSPENDED;
    odds_json_market(&out, image);
    assert_text(&out,
                "{\"market_id\":\"1.2\",\"event_id\":\"9\",\"event_name\":\"Home \\\"v\\\" Away\","
                "\"sport\":\"football\",\"name\":\"Match odds\",\"kind\":\"1x2\","
                "\"status\":\"active\",\"odds_version\":4294967297,\"in_play\":false,"
                "\"bet_delay_ms\":0,\"selections\":["
                "{\"id\":\"a\",\"name\":\"A\",\"odds\":2.10,\"status\":\"active\"},"
                "{\"id\":\"b\",\"name\":\"B\",\"odds\":null,\"status\":\"suspended\"},"
                "{\"id\":\"c\",\"name\":\"C\",\"odds\":1.6154,\"odds_exact\":\"21/13\","
                "\"status\":\"active\"}],"
                "\"feed_ts\":\"2023-11-14T22:13:20.000000Z\","
                "\"updated_at\":\"2023-11-14T22:13:20.123456Z\"}");
}

TEST(odds_json, writes_only_what_changed_into_a_delta)
{
    struct buf out = buf_over(memory, sizeof memory);
    const uint16_t changed[] = {1};
    struct odds_json_change change = {
        market_image("1.2", "9", "football"), changed, 1, true, false, false};
    odds_json_delta(&out, &change);
    assert_text(&out, "\"market_id\":\"1.2\",\"odds_version\":4294967297,\"status\":\"active\","
                      "\"in_play\":false,\"selections\":[{\"id\":\"b\",\"odds\":3.40,"
                      "\"status\":\"active\"}],\"feed_ts\":\"2023-11-14T22:13:20.000000Z\","
                      "\"updated_at\":\"2023-11-14T22:13:20.123456Z\"");
}

TEST(odds_json, tells_each_way_terms_where_there_are_some_and_when_they_go)
{
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct odds_image *image = market_image("1.2", "9", "horse_racing");
    const struct odds_json_change change = {image, NULL, 0, false, false, true};
    image->place_terms = (struct place_terms){3, 1, 4};
    image->flags = ODDS_EACH_WAY_ONLY;
    odds_json_market(&out, image);
    memory[out.bytes] = '\0';
    assert_non_null(strstr(memory, "\"bet_delay_ms\":0,\"places\":3,\"place_terms\":\"1/4\","
                                   "\"each_way_only\":true,"));
    image->place_terms = (struct place_terms){0};
    image->flags = 0;
    out.bytes = 0;
    odds_json_delta(&out, &change);
    memory[out.bytes] = '\0';
    assert_non_null(strstr(memory, "\"places\":0,\"place_terms\":null,\"each_way_only\":false,"));
}

TEST(odds_json, has_room_for_the_largest_market_whose_every_byte_is_escaped)
{
    struct buf out = buf_over(memory, sizeof memory);
    struct odds_image *image = market_image("1.2", "9", "football");
    memset(image->market_id, 1, sizeof image->market_id);
    image->market_id_bytes = sizeof image->market_id;
    memset(image->name, 1, sizeof image->name);
    image->name_bytes = sizeof image->name;
    image->selections_count = SELECTIONS_MAX;
    for (int i = 0; i < SELECTIONS_MAX; i++) {
        struct odds_selection *s = &image->selections[i];
        s->odds = (struct odds){999999999, 999999998};
        s->status = SELECTION_SUSPENDED;
        memset(s->id, '<', sizeof s->id);
        memset(s->name, 1, sizeof s->name);
        s->id_bytes = sizeof s->id;
        s->name_bytes = sizeof s->name;
    }
    odds_json_market(&out, image);
    assert_false(out.overflow);
    struct json_reader reader;
    json_begin(&reader, buf_slice(&out), NULL, 0);
    json_skip(&reader);
    assert_int_equal(json_end(&reader), 0);
}

TEST(odds_json, finds_the_text_inside_frames_of_every_length)
{
    static char text[70000];
    const size_t sizes[] = {0, 1, 125, 126, 65535, 65536};
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct shared_bytes *frame;
        struct slice a = slice_of(text, sizes[i] / 2);
        struct slice b = slice_of(text, sizes[i] - sizes[i] / 2);
        assert_int_equal(odds_json_frame(a, b, &frame), 0);
        assert_int_equal(odds_json_frame_text(frame).bytes, sizes[i]);
        shared_bytes_give(frame);
    }
}
