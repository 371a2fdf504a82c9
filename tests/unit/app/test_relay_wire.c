/* test_relay_wire.c - app/relay_wire.h. */
#include "test.h"

#include "app/relay_wire.h"
#include "base/error.h"

static const struct relay_message messages[] = {
    {.type = RELAY_HELLO,
     .number = 1,
     .hello = {.format = 1, .shard = 2, .shards = 3, .book_id = {1}}},
    {.type = RELAY_HELLO,
     .number = 1,
     .hello = {.format = 1,
               .shard = 2,
               .shards = 3,
               .have_seq = 7,
               .book_id = {1},
               .desk_book_id = {2}}},
    {.type = RELAY_WELCOME,
     .number = 1,
     .welcome = {.format = 1, .shards = 3, .durable_seq = 12, .book_id = {9}}},
    {.type = RELAY_SAID, .number = 2, .said = {4, 9}, .tail = {"12345678", 8}},
    {.type = RELAY_PASSED, .number = 3, .passed = {9, 70000}},
    {.type = RELAY_HAVE, .number = 2, .have = {9, 1, 0}},
    {.type = RELAY_ASK, .number = 3, .ask = {5, 6}},
    {.type = RELAY_GRANT, .number = 4, .grant = {5}},
};

#define COUNT (sizeof messages / sizeof *messages)

TEST(relay_wire, every_message_is_read_as_it_was_written)
{
    for (size_t i = 0; i < COUNT; i++) {
        _Alignas(8) char first[256], again[256];
        struct buf out = buf_over(first, sizeof first), once_more = buf_over(again, sizeof again);
        struct relay_message read;
        assert_true(relay_wire_put(&out, &messages[i]));
        assert_int_equal(relay_wire_read(buf_slice(&out), &read), 0);
        assert_int_equal(read.type, messages[i].type);
        assert_int_equal(read.number, messages[i].number);
        assert_true(relay_wire_put(&once_more, &read));
        assert_int_equal(out.bytes, once_more.bytes);
        assert_memory_equal(first, again, out.bytes);
    }
}

TEST(relay_wire, what_does_not_fit_is_not_begun)
{
    for (size_t i = 0; i < COUNT; i++) {
        char memory[256];
        struct buf whole = buf_over(memory, sizeof memory);
        assert_true(relay_wire_put(&whole, &messages[i]));
        struct buf small = buf_over(memory, whole.bytes - 1);
        assert_false(relay_wire_put(&small, &messages[i]));
        assert_int_equal(small.bytes, 0);
    }
}

TEST(relay_wire, one_byte_less_or_more_is_no_message)
{
    for (size_t i = 0; i < COUNT; i++) {
        char memory[256] = {0};
        struct buf out = buf_over(memory, sizeof memory);
        struct relay_message read;
        assert_true(relay_wire_put(&out, &messages[i]));
        assert_int_equal(relay_wire_read(slice_of(memory, out.bytes - 1), &read), -ERR_FORMAT);
        assert_int_equal(relay_wire_read(slice_of(memory, out.bytes + 1), &read), -ERR_FORMAT);
        assert_int_equal(relay_wire_read(slice_of(memory, 0), &read), -ERR_FORMAT);
    }
}

/* A byte of a message that may not be so. */
static const struct {
    const char *name;
    size_t message, at;
    char value;
} spoilt[] = {
    {"an unknown type", 4, 4, 99},
    {"type 0", 4, 4, 0},
    {"what is reserved", 4, 6, 1},
    {"number 0", 4, 8, 0},
    {"a shard without a book", 0, 32, 0},
    {"a desk of no word", 0, 48, 1},
    {"a word of no desk", 1, 24, 0},
    {"a desk's shard of no word", 0, 22, 1},
    {"a desk without a book", 2, 32, 0},
    {"a word before the one before", 3, 24, 4},
    {"a place before the one before", 4, 26, 0}, /* 70000 becomes 4464, */
    {"nothing had", 5, 16, 0},
    {"refused twice", 5, 24, 2},
    {"asked at no time", 6, 16, 0},
    {"granted for no asking", 7, 16, 0},
};

TEST(relay_wire, what_is_not_as_written_is_no_message)
{
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        char memory[256];
        struct buf out = buf_over(memory, sizeof memory);
        struct relay_message read, message = messages[spoilt[i].message];
        if (message.type == RELAY_PASSED && spoilt[i].at == 26)
            message.passed.before_seq = 5000; /* and is below this */
        assert_true(relay_wire_put(&out, &message));
        assert_int_equal(relay_wire_read(buf_slice(&out), &read), 0);
        assert_int_not_equal(memory[spoilt[i].at], spoilt[i].value);
        memory[spoilt[i].at] = spoilt[i].value;
        if (relay_wire_read(buf_slice(&out), &read) != -ERR_FORMAT)
            fail_msg("%s was taken", spoilt[i].name);
    }
}
