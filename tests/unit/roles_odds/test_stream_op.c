/* test_stream_op.c - what clients ask for, decoded strictly. */
#include <stdio.h>
#include <string.h>

#include "base/json_read.h"
#include "roles/odds/stream_op.h"
#include "test.h"

static char scratch[65536];

static enum stream_op_outcome decode(const char *text, struct stream_op *op)
{
    return stream_op_decode(slice_text(text), scratch, sizeof scratch, op);
}

TEST(stream_op, reads_a_subscription)
{
    struct stream_op op;
    assert_int_equal(decode("{\"op\":\"subscribe\",\"channels\":[\"market:1.23\",\"event:9\"],"
                            "\"conflate_ms\":250}",
                            &op),
                     STREAM_OP_OK);
    assert_int_equal(op.kind, STREAM_SUBSCRIBE);
    assert_int_equal(op.channels_count, 2);
    assert_true(slice_is(op.channels[1], "event:9"));
    assert_int_equal(op.conflate_ms, 250);
}

TEST(stream_op, takes_members_in_any_order_and_escaped_texts)
{
    struct stream_op op;
    assert_int_equal(decode("{\"bet\":{\"a\":[1]},\"id\":\"r\\u0031\",\"op\":\"place_bet\"}", &op),
                     STREAM_OP_OK);
    assert_int_equal(op.kind, STREAM_PLACE_BET);
    assert_true(slice_is(op.id, "r1"));
    assert_true(slice_is(op.bet, "{\"a\":[1]}"));
}

TEST(stream_op, tells_an_unknown_op_from_malformed_text)
{
    static const struct {
        const char *text;
        enum stream_op_outcome outcome;
    } rows[] = {
        {"{\"op\":\"fly\"}", STREAM_OP_UNKNOWN},
        {"{\"op\":\"fly\",\"wings\":2}", STREAM_OP_UNKNOWN},
        {"{\"op\":\"ping\"}", STREAM_OP_OK},
        {"{\"op\":\"ping\",\"wings\":2}", STREAM_OP_MALFORMED},
        {"{\"op\":\"ping\",\"channels\":[]}", STREAM_OP_MALFORMED},
        {"{\"op\":\"ping\",\"op\":\"ping\"}", STREAM_OP_MALFORMED},
        {"{\"op\":\"subscribe\"}", STREAM_OP_MALFORMED},
        {"{\"op\":\"subscribe\",\"channels\":\"market:1\"}", STREAM_OP_MALFORMED},
        {"{\"op\":\"subscribe\",\"channels\":[1]}", STREAM_OP_MALFORMED},
        {"{\"op\":\"subscribe\",\"channels\":[],\"conflate_ms\":-1}", STREAM_OP_MALFORMED},
        {"{\"op\":\"subscribe\",\"channels\":[],\"conflate_ms\":1.5}", STREAM_OP_MALFORMED},
        {"{\"op\":\"resume\",\"channels\":[],\"have\":[]}", STREAM_OP_MALFORMED},
        {"{\"op\":\"place_bet\",\"bet\":7}", STREAM_OP_MALFORMED},
        {"{\"op\":7}", STREAM_OP_MALFORMED},
        {"{}", STREAM_OP_MALFORMED},
        {"[]", STREAM_OP_MALFORMED},
        {"{\"op\":\"ping\"} x", STREAM_OP_MALFORMED},
        {"{\"op\":\"ping\"", STREAM_OP_MALFORMED},
        {"", STREAM_OP_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stream_op op;
        assert_int_equal(decode(rows[i].text, &op), rows[i].outcome);
    }
}

TEST(stream_op, refuses_more_channels_than_one_request_may_name)
{
    for (int count = STREAM_OP_CHANNELS_MAX; count <= STREAM_OP_CHANNELS_MAX + 1; count++) {
        char text[4096];
        struct stream_op op;
        struct buf out = buf_over(text, sizeof text - 1);
        buf_put_text(&out, "{\"op\":\"subscribe\",\"channels\":[");
        for (int i = 0; i < count; i++)
            buf_put_text(&out, i == 0 ? "\"event:1\"" : ",\"event:1\"");
        buf_put_text(&out, "]}");
        assert_int_equal(stream_op_decode(buf_slice(&out), scratch, sizeof scratch, &op),
                         count == STREAM_OP_CHANNELS_MAX ? STREAM_OP_OK : STREAM_OP_CHANNELS);
    }
}

TEST(stream_op, refuses_an_id_that_is_too_long_to_be_given_back)
{
    char text[256];
    struct stream_op op;
    (void)snprintf(text, sizeof text, "{\"op\":\"place_bet\",\"bet\":{},\"id\":\"%064d\"}", 0);
    assert_int_equal(decode(text, &op), STREAM_OP_OK);
    (void)snprintf(text, sizeof text, "{\"op\":\"place_bet\",\"bet\":{},\"id\":\"%065d\"}", 0);
    assert_int_equal(decode(text, &op), STREAM_OP_MALFORMED);
}

static void add_up(void *owner, struct slice name, uint64_t number)
{
    uint64_t *sum = owner;
    *sum += number * (name.bytes > 0 ? 1 : 1000);
}

TEST(stream_op, walks_an_object_of_versions_strictly)
{
    struct buf memory = buf_over(scratch, sizeof scratch);
    uint64_t sum = 0;
    assert_true(stream_op_numbers(SLICE("{\"a\":1,\"b\":4294967297}"), &memory, add_up, &sum));
    assert_int_equal(sum, 4294967298);
    assert_true(stream_op_numbers(SLICE("{}"), &memory, add_up, &sum));
    assert_false(stream_op_numbers(SLICE("{\"a\":-1}"), &memory, add_up, &sum));
    assert_false(stream_op_numbers(SLICE("{\"a\":\"1\"}"), &memory, add_up, &sum));
    assert_false(stream_op_numbers(SLICE("{\"a\":9007199254740993}"), &memory, add_up, &sum));
}

TEST(stream_op, knows_three_kinds_of_channels_and_their_longest_names)
{
    enum group_kind kind;
    struct slice id;
    char name[200];
    assert_true(stream_op_channel(SLICE("market:1.23"), &kind, &id));
    assert_int_equal(kind, GROUP_MARKET);
    assert_true(slice_is(id, "1.23"));
    assert_true(stream_op_channel(SLICE("sport:football"), &kind, &id));
    assert_int_equal(kind, GROUP_SPORT);
    assert_false(stream_op_channel(SLICE("market:"), &kind, &id));
    assert_false(stream_op_channel(SLICE("markets:1"), &kind, &id));
    assert_false(stream_op_channel(SLICE(""), &kind, &id));
    (void)snprintf(name, sizeof name, "event:%0*d", EVENT_ID_BYTES_MAX, 0);
    assert_true(stream_op_channel(slice_text(name), &kind, &id));
    (void)snprintf(name, sizeof name, "event:%0*d", EVENT_ID_BYTES_MAX + 1, 0);
    assert_false(stream_op_channel(slice_text(name), &kind, &id));
}
