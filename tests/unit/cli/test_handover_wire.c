/* test_handover_wire.c - the messages between two processes, and what the old one does of them. */
#include <string.h>

#include "base/error.h"
#include "cli/node/handover_wire.h"
#include "test.h"

static struct buf message(char *memory, size_t capacity, enum handover_type type, struct slice body)
{
    struct buf out = buf_over(memory, capacity);
    handover_put_head(&out, type, body);
    buf_put_slice(&out, body);
    assert_false(out.overflow);
    return out;
}

TEST(handover_wire, a_message_is_read_as_it_was_written)
{
    char memory[64];
    struct handover_head head;
    struct buf out = message(memory, sizeof memory, HANDOVER_HELLO, SLICE("1.0"));
    assert_int_equal(out.bytes, HANDOVER_HEAD_BYTES + 3);
    assert_memory_equal(memory, "OVRH\x01\x01\0\0\x03\0\0\0", 12);
    assert_int_equal(handover_read_head(memory, &head), 0);
    assert_int_equal(head.type, HANDOVER_HELLO);
    assert_int_equal(head.bytes, 3);
    assert_int_equal(handover_check_body(memory, slice_of(memory + HANDOVER_HEAD_BYTES, 3)), 0);
}

TEST(handover_wire, no_bit_of_a_message_can_be_another)
{
    char memory[64];
    struct handover_head head;
    for (size_t bit = 0; bit < 8 * (HANDOVER_HEAD_BYTES + 3); bit++) {
        (void)message(memory, sizeof memory, HANDOVER_HELLO, SLICE("1.0"));
        memory[bit / 8] = (char)(memory[bit / 8] ^ 1 << bit % 8);
        bool good = handover_read_head(memory, &head) == 0 && head.bytes == 3 &&
                    handover_check_body(memory, slice_of(memory + HANDOVER_HEAD_BYTES, 3)) == 0;
        assert_false(good);
    }
}

TEST(handover_wire, a_length_that_its_type_does_not_allow_is_refused_before_it_is_waited_for)
{
    char memory[HANDOVER_HEAD_BYTES];
    char body[HANDOVER_SMALL_BYTES_MAX + 1] = {0};
    struct handover_head head;
    struct buf out = buf_over(memory, sizeof memory);
    handover_put_head(&out, HANDOVER_HELLO, slice_of(body, sizeof body));
    assert_int_equal(handover_read_head(memory, &head), -ERR_FORMAT);
    out = buf_over(memory, sizeof memory);
    handover_put_head(&out, HANDOVER_STATE, slice_of(body, sizeof body));
    assert_int_equal(handover_read_head(memory, &head), 0);
    memory[11] = 0x7f; /* 2 GB */
    assert_int_equal(handover_read_head(memory, &head), -ERR_FORMAT);
    memory[4] = 2;
    assert_int_equal(handover_read_head(memory, &head), -ERR_UNSUPPORTED);
}

TEST(handover_wire, a_takeover_goes_through_all_its_stages)
{
    enum handover_stage stage = HANDOVER_ALONE;
    assert_int_equal(handover_step(&stage, HANDOVER_CONNECTED), HANDOVER_NOTHING);
    assert_int_equal(handover_step(&stage, HANDOVER_SAID_HELLO), HANDOVER_OFFER);
    assert_int_equal(handover_step(&stage, HANDOVER_SAID_GO), HANDOVER_END);
    assert_int_equal(handover_step(&stage, HANDOVER_SETTLED), HANDOVER_SEND_AWAY);
    assert_int_equal(handover_step(&stage, HANDOVER_DRAINED), HANDOVER_STOP);
    assert_int_equal(stage, HANDOVER_DONE);
}

/* Before GO everything can be taken back; after it nothing is. */
TEST(handover_wire, whoever_breaks_is_hung_up_on_and_before_go_nothing_has_happened)
{
    static const struct {
        enum handover_stage before;
        enum handover_event event;
        enum handover_action action;
        enum handover_stage after;
    } cases[] = {
        {HANDOVER_GREETING, HANDOVER_BROKEN, HANDOVER_HANG_UP, HANDOVER_ALONE},
        {HANDOVER_OFFERED, HANDOVER_BROKEN, HANDOVER_HANG_UP, HANDOVER_ALONE},
        {HANDOVER_ENDING, HANDOVER_BROKEN, HANDOVER_GO_ALONE, HANDOVER_ENDING},
        {HANDOVER_DRAINING, HANDOVER_BROKEN, HANDOVER_GO_ALONE, HANDOVER_DRAINING},
        {HANDOVER_DONE, HANDOVER_BROKEN, HANDOVER_NOTHING, HANDOVER_DONE},
        /* out of turn */
        {HANDOVER_GREETING, HANDOVER_SAID_GO, HANDOVER_HANG_UP, HANDOVER_ALONE},
        {HANDOVER_OFFERED, HANDOVER_SAID_HELLO, HANDOVER_HANG_UP, HANDOVER_ALONE},
        {HANDOVER_ENDING, HANDOVER_SAID_GO, HANDOVER_GO_ALONE, HANDOVER_ENDING},
        {HANDOVER_ALONE, HANDOVER_SETTLED, HANDOVER_NOTHING, HANDOVER_ALONE},
        {HANDOVER_ENDING, HANDOVER_DRAINED, HANDOVER_NOTHING, HANDOVER_ENDING},
        /* a second one, while the first goes on */
        {HANDOVER_GREETING, HANDOVER_CONNECTED, HANDOVER_HANG_UP, HANDOVER_GREETING},
        {HANDOVER_OFFERED, HANDOVER_CONNECTED, HANDOVER_HANG_UP, HANDOVER_OFFERED},
        {HANDOVER_DRAINING, HANDOVER_CONNECTED, HANDOVER_HANG_UP, HANDOVER_DRAINING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum handover_stage stage = cases[i].before;
        assert_int_equal(handover_step(&stage, cases[i].event), cases[i].action);
        assert_int_equal(stage, cases[i].after);
    }
}
