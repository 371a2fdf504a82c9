/* test_odds_handover.c - what one process's streams tell the next: written, read, and refused. */
#include <string.h>

#include "base/error.h"
#include "roles/odds/odds_handover.h"
#include "test.h"

#define SID "0123456789abcdef"

static struct buf example(char *memory, size_t capacity)
{
    struct buf out = buf_over(memory, capacity);
    const struct odds_handover_head head = {SLICE(SID), 900, 2, 1};
    const struct odds_handover_channel first = {7, SLICE("market:m1")};
    const struct odds_handover_channel second = {900, SLICE("sport:football")};
    const struct odds_handover_market market = {UINT64_C(3) << 32, SLICE("m1"), SLICE("e1"),
                                                SLICE_NONE};
    odds_handover_put_head(&out, &head);
    odds_handover_put_channel(&out, &first);
    odds_handover_put_channel(&out, &second);
    odds_handover_put_market(&out, &market);
    assert_false(out.overflow);
    return out;
}

TEST(odds_handover, what_is_written_is_read_back)
{
    char memory[256];
    struct buf out = example(memory, sizeof memory);
    struct slice rest = buf_slice(&out);
    struct odds_handover_head head;
    struct odds_handover_channel channel;
    struct odds_handover_market market;
    assert_int_equal(odds_handover_check(rest), 0);
    assert_int_equal(odds_handover_take_head(&rest, &head), 0);
    assert_true(slice_is(head.sid, SID));
    assert_int_equal(head.seq_floor, 900);
    assert_int_equal(head.channels, 2);
    assert_int_equal(head.markets, 1);
    assert_int_equal(odds_handover_take_channel(&rest, &channel), 0);
    assert_int_equal(channel.seq, 7);
    assert_true(slice_is(channel.name, "market:m1"));
    assert_int_equal(odds_handover_take_channel(&rest, &channel), 0);
    assert_int_equal(channel.seq, 900);
    assert_int_equal(odds_handover_take_market(&rest, &market), 0);
    assert_int_equal(market.version, UINT64_C(3) << 32);
    assert_true(slice_is(market.id, "m1"));
    assert_true(slice_is(market.event_id, "e1"));
    assert_int_equal(market.sport.bytes, 0);
    assert_int_equal(rest.bytes, 0);
}

TEST(odds_handover, the_bytes_are_as_the_header_says)
{
    static const unsigned char beginning[] = "\x01" SID "\x84\x03\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0"
                                             "\x07\0\0\0\0\0\0\0\x09market:m1";
    char memory[256];
    struct buf out = example(memory, sizeof memory);
    assert_true(out.bytes > sizeof beginning - 1);
    assert_memory_equal(out.at, beginning, sizeof beginning - 1);
}

TEST(odds_handover, any_shorter_or_longer_text_is_refused)
{
    char memory[257];
    struct buf out = example(memory, sizeof memory - 1);
    for (size_t bytes = 0; bytes < out.bytes; bytes++)
        assert_int_equal(odds_handover_check(slice_of(memory, bytes)), -ERR_FORMAT);
    memory[out.bytes] = 0;
    assert_int_equal(odds_handover_check(slice_of(memory, out.bytes + 1)), -ERR_FORMAT);
}

TEST(odds_handover, values_that_cannot_be_are_refused)
{
    static const struct {
        size_t at;
        unsigned char byte;
        int result;
    } cases[] = {
        {0, 2, -ERR_UNSUPPORTED},                         /* of a later version */
        {1, 'A', -ERR_FORMAT},                            /* no sid of ours */
        {17 + 6, 0x40, -ERR_FORMAT},                      /* seq_floor above 2^53 */
        {25, 3, -ERR_FORMAT},                             /* a channel more than there is */
        {29, 2, -ERR_FORMAT},                             /* a market more */
        {ODDS_HANDOVER_HEAD_BYTES, 0, -ERR_FORMAT},       /* seq 0 */
        {ODDS_HANDOVER_HEAD_BYTES + 9, 'M', -ERR_FORMAT}, /* no channel's name */
    };
    char memory[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = example(memory, sizeof memory);
        memory[cases[i].at] = (char)cases[i].byte;
        assert_int_equal(odds_handover_check(buf_slice(&out)), cases[i].result);
    }
}
