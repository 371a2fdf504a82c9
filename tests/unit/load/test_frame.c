/* test_frame.c - the server's messages as the generator reads them. */
#include "load/load_frame.h"

#include "base/error.h"
#include "load/load_stream.h"
#include "test.h"

static struct load_frame read_ok(const char *text)
{
    struct load_frame frame;
    assert_int_equal(load_frame_read(slice_text(text), &frame), 0);
    return frame;
}

TEST(frame, reads_a_delta)
{
    struct load_frame frame =
        read_ok("{\"op\":\"delta\",\"channel\":\"market:1.5\",\"seq\":8,\"market_id\":\"1.5\","
                "\"odds_version\":4294967297,\"status\":\"active\",\"selections\":[{\"id\":\"1\"}],"
                "\"feed_ts\":\"2026-11-22T10:00:00.250Z\",\"more\":{\"op\":\"snapshot\"}}");
    assert_int_equal(frame.op, LOAD_OP_DELTA);
    assert_true(frame.has_seq);
    assert_int_equal(frame.seq, 8);
    assert_true(slice_is(frame.channel, "market:1.5"));
    assert_true(slice_is(frame.market_id, "1.5"));
    assert_int_equal(frame.odds_version, UINT64_C(4294967297));
    assert_true(slice_is(frame.status, "active"));
    assert_true(slice_is(frame.selections, "[{\"id\":\"1\"}]"));
    assert_int_equal(frame.stamp.us % US_PER_SECOND, 250000);
    assert_true(slice_is(frame.stamp_name, "feed_ts"));
}

TEST(frame, prefers_the_moment_of_receipt_wherever_it_stands)
{
    static const char *const texts[] = {
        "{\"feed_ts\":\"2026-11-22T10:00:00Z\",\"received_at\":\"2026-11-22T10:00:01Z\","
        "\"updated_at\":\"2026-11-22T10:00:02Z\"}",
        "{\"received_at\":\"2026-11-22T10:00:01Z\",\"updated_at\":\"2026-11-22T10:00:02Z\","
        "\"feed_ts\":\"2026-11-22T10:00:00Z\"}",
        "{\"updated_at\":\"2026-11-22T10:00:02Z\",\"feed_ts\":\"2026-11-22T10:00:00Z\","
        "\"received_at\":\"2026-11-22T10:00:01Z\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(read_ok(texts[i]).stamp.us / US_PER_SECOND % 60, 1);
}

TEST(frame, reads_the_answer_to_a_bet)
{
    struct load_frame frame = read_ok("{\"op\":\"bet\",\"id\":\"12\",\"code\":409,"
                                      "\"bet\":{\"code\":\"ODDS_CHANGED\",\"status\":409}}");
    assert_int_equal(frame.op, LOAD_OP_BET);
    assert_true(slice_is(frame.id, "12"));
    assert_true(slice_is(frame.code, "409"));
    assert_true(slice_is(load_frame_find_text(frame.bet, SLICE("\"code\"")), "ODDS_CHANGED"));
}

TEST(frame, refuses_what_is_no_json_object)
{
    static const char *const texts[] = {
        "", "[]", "{\"op\":\"delta\"", "{\"op\":\"delta\"}x", "{\"seq\":1e400}", "null"};
    struct load_frame frame;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(load_frame_read(slice_text(texts[i]), &frame), -ERR_FORMAT);
}

TEST(frame, finds_no_text_where_there_is_none)
{
    static const char *const texts[] = {"",          "{}",         "{\"code\":7}",
                                        "{\"code\"", "{\"code\":", "{\"code\":\"A"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(load_frame_find_text(slice_text(texts[i]), SLICE("\"code\"")).bytes, 0);
}

TEST(sequence, a_missing_number_is_a_gap_and_an_old_one_a_repeat)
{
    static const struct {
        enum load_op op;
        uint64_t seq;
        enum load_sequence_outcome outcome;
    } steps[] = {
        {LOAD_OP_DELTA, 4, LOAD_SEQUENCE_UNKNOWN}, {LOAD_OP_SNAPSHOT, 4, LOAD_SEQUENCE_OK},
        {LOAD_OP_DELTA, 5, LOAD_SEQUENCE_OK},      {LOAD_OP_REMOVED, 6, LOAD_SEQUENCE_OK},
        {LOAD_OP_DELTA, 8, LOAD_SEQUENCE_GAP},     {LOAD_OP_DELTA, 9, LOAD_SEQUENCE_OK},
        {LOAD_OP_DELTA, 9, LOAD_SEQUENCE_REPEAT},  {LOAD_OP_SKIPPED, 15, LOAD_SEQUENCE_OK},
        {LOAD_OP_IMAGE, 15, LOAD_SEQUENCE_OK},     {LOAD_OP_DELTA, 16, LOAD_SEQUENCE_OK},
        {LOAD_OP_SNAPSHOT, 3, LOAD_SEQUENCE_OK},   {LOAD_OP_DELTA, 4, LOAD_SEQUENCE_OK},
    };
    struct load_sequence sequence = {0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct load_frame frame = {.op = steps[i].op, .seq = steps[i].seq, .has_seq = true};
        assert_int_equal(load_sequence_take(&sequence, &frame), steps[i].outcome);
    }
}
