/* test_ship_wire.c - adapters/ship/ship_wire.h: what is written is read, and nothing else is. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/ship/ship_wire.h"
#include "base/error.h"
#include "base/hash.h"
#include "log_records.h"

#define MEMORY_BYTES 8192

/* One of each type, small. */
static struct ship_message example(enum ship_type type, char records[1024])
{
    struct ship_message m = {.type = type};
    switch (type) {
    case SHIP_HELLO:
        m.hello = (struct ship_hello){.creation = 1, .epoch = 2, .tail = 3, .leaf = {9}};
        break;
    case SHIP_WELCOME:
        m.welcome = (struct ship_welcome){1, 2, 3, 4, 0, 6};
        break;
    case SHIP_PROBE:
        m.probe.seq = 8;
        break;
    case SHIP_PROBED:
        m.probed = (struct ship_probed){8, {1, 2}};
        break;
    case SHIP_GROUP:
        m.group = (struct ship_group){.epoch = 4, .seq_first = 10, .count = 3};
        m.tail = slice_of(records, log_records_make(records, 64, 10, 3, 1));
        break;
    case SHIP_ACK:
        m.ack = (struct ship_ack){4, 12};
        break;
    case SHIP_BEAT:
        m.beat = (struct ship_beat){4, 12, 99, 3, 0};
        break;
    case SHIP_REFUSED:
        m.refused = (struct ship_refused){.epoch = 5, .seq = 1, .refusal = SHIP_DIVERGED};
        m.tail = slice_text(ship_refusal_text(SHIP_DIVERGED));
        break;
    case SHIP_KEYS:
        m.keys.offset = 640;
        m.tail = slice_of(records, 2 * SHIP_SLOT_BYTES);
        break;
    case SHIP_FENCE:
        m.fence = (struct ship_fence){1, 2, 3};
        break;
    }
    return m;
}

static struct buf encoded(enum ship_type type, char memory[MEMORY_BYTES])
{
    char records[1024] = {0};
    struct ship_message message = example(type, records);
    struct buf out = buf_over(memory, MEMORY_BYTES);
    assert_true(ship_encode(&out, &message));
    return out;
}

TEST(ship_wire, reads_what_it_writes)
{
    char memory[MEMORY_BYTES], again[MEMORY_BYTES];
    for (int type = SHIP_HELLO; type <= SHIP_FENCE; type++) {
        struct buf out = encoded((enum ship_type)type, memory);
        struct buf second = buf_over(again, sizeof again);
        struct ship_message message;
        assert_int_equal(ship_decode(buf_slice(&out), &message), 0);
        assert_int_equal(message.type, type);
        assert_true(ship_encode(&second, &message));
        assert_true(slice_equal(buf_slice(&out), buf_slice(&second)));
    }
}

TEST(ship_wire, refuses_every_length_but_the_right_one)
{
    char memory[MEMORY_BYTES];
    for (int type = SHIP_HELLO; type <= SHIP_FENCE; type++) {
        struct buf out = encoded((enum ship_type)type, memory);
        struct ship_message message;
        for (size_t bytes = 0; bytes < out.bytes; bytes++)
            assert_int_equal(ship_decode(slice_of(memory, bytes), &message), -ERR_FORMAT);
        memory[out.bytes] = 0;
        assert_int_equal(ship_decode(slice_of(memory, out.bytes + 1), &message), -ERR_FORMAT);
    }
}

TEST(ship_wire, refuses_every_flipped_bit)
{
    char memory[MEMORY_BYTES];
    for (int type = SHIP_HELLO; type <= SHIP_FENCE; type++) {
        struct buf out = encoded((enum ship_type)type, memory);
        struct ship_message message;
        for (size_t bit = 0; bit < 8 * out.bytes; bit++) {
            memory[bit / 8] ^= (char)(1 << bit % 8);
            assert_int_equal(ship_decode(buf_slice(&out), &message), -ERR_FORMAT);
            memory[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}

/* Changes four bytes and makes the checksum right. */
static int decode_with(struct buf *out, size_t offset, uint32_t value)
{
    struct ship_message message;
    struct ship_head head;
    memcpy(out->at + offset, &value, sizeof value);
    memcpy(&head, out->at, sizeof head);
    head.crc = crc32c(crc32c(0, &head, 12), out->at + 16, out->bytes - 16);
    memcpy(out->at, &head, sizeof head);
    return ship_decode(buf_slice(out), &message);
}

TEST(ship_wire, refuses_what_contradicts_itself_though_its_checksum_is_right)
{
    static const struct {
        enum ship_type type;
        size_t offset;
        uint32_t value;
    } rows[] = {
        {SHIP_HELLO, 0, 1},                 /* magic */
        {SHIP_HELLO, 4, 0x00010000},        /* type 0 */
        {SHIP_HELLO, 4, 0x0001000B},        /* one that is not known */
        {SHIP_HELLO, 4, 0x00020001},        /* format 2 */
        {SHIP_HELLO, 8, 1},                 /* length */
        {SHIP_HELLO, 16 + 28, 1},           /* reserved */
        {SHIP_BEAT, 16 + 28, 1},            /* reserved */
        {SHIP_PROBE, 16, 0},                /* record 0 */
        {SHIP_GROUP, 16 + 8, 0},            /* first record 0 */
        {SHIP_GROUP, 16 + 8, 11},           /* not the first record's */
        {SHIP_GROUP, 16 + 16, 0},           /* no records */
        {SHIP_GROUP, 16 + 16, 2},           /* too few */
        {SHIP_GROUP, 16 + 16, 4},           /* too many */
        {SHIP_GROUP, 16 + 16, UINT32_MAX},  /* far too many */
        {SHIP_GROUP, 16 + 20, 64},          /* bytes */
        {SHIP_GROUP, 16 + 24, 0},           /* the first record's length */
        {SHIP_GROUP, 16 + 24, 4},           /* ... */
        {SHIP_GROUP, 16 + 24, 60},          /* ... */
        {SHIP_GROUP, 16 + 24, 0xFFFFFFF8u}, /* ... */
        {SHIP_GROUP, 16 + 24 + 64 + 8, 99}, /* the second one's number */
        {SHIP_REFUSED, 16 + 16, 3},         /* text of 0 bytes */
        {SHIP_REFUSED, 16 + 20, 1},         /* reserved */
        {SHIP_KEYS, 16, 1},                 /* offset */
        {SHIP_KEYS, 16 + 4, 0x80000000u},   /* offset beyond every file */
        {SHIP_KEYS, 16 + 8, 64},            /* bytes */
        {SHIP_KEYS, 16 + 12, 1},            /* reserved */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char memory[MEMORY_BYTES];
        struct buf out = encoded(rows[i].type, memory);
        uint32_t was;
        memcpy(&was, memory + rows[i].offset, sizeof was);
        assert_int_equal(decode_with(&out, rows[i].offset, rows[i].value), -ERR_FORMAT);
        assert_int_equal(decode_with(&out, rows[i].offset, was), 0);
    }
}

TEST(ship_wire, takes_no_message_above_its_limit)
{
    struct ship_message message;
    char *memory = calloc(1, SHIP_MESSAGE_BYTES_MAX + 1);
    assert_int_equal(ship_decode(slice_of(memory, SHIP_MESSAGE_BYTES_MAX + 1), &message),
                     -ERR_FORMAT);
    free(memory);
}

TEST(ship_wire, names_each_refusal)
{
    for (uint16_t refusal = 1; refusal <= 12; refusal++)
        assert_null(strstr(ship_refusal_text(refusal), "does not know"));
    assert_non_null(strstr(ship_refusal_text(13), "does not know"));
}
