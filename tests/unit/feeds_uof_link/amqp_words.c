/* amqp_words.c - contract in amqp_words.h. */
#include "amqp_words.h"

#include <string.h>

#include "test.h"

#define CHANNEL 1

static void put_number(struct buf *to, uint64_t number, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--)
        buf_put_char(to, (char)(number >> (8 * (i - 1))));
}

static void put_short(struct buf *to, const char *text)
{
    put_number(to, strlen(text), 1);
    buf_put_text(to, text);
}

static void put_long(struct buf *to, const char *text)
{
    put_number(to, strlen(text), 4);
    buf_put_text(to, text);
}

void word_frame(struct buf *to, int kind, int channel, struct slice payload)
{
    put_number(to, (uint64_t)kind, 1);
    put_number(to, (uint64_t)channel, 2);
    put_number(to, payload.bytes, 4);
    buf_put_slice(to, payload);
    put_number(to, 0xCE, 1);
    assert_false(to->overflow);
}

void word_method(struct buf *to, int channel, int class_id, int method_id, struct slice arguments)
{
    char memory[32768];
    struct buf payload = buf_over(memory, sizeof memory);
    put_number(&payload, (uint64_t)class_id, 2);
    put_number(&payload, (uint64_t)method_id, 2);
    buf_put_slice(&payload, arguments);
    word_frame(to, WORD_METHOD, channel, buf_slice(&payload));
}

void word_start(struct buf *to, const char *mechanisms)
{
    char memory[512];
    struct buf arguments = buf_over(memory, sizeof memory);
    buf_put(&arguments, "\0\x09", 2);
    /* one property: product, a long string */
    put_number(&arguments, 8 + 1 + 4 + 4, 4);
    put_short(&arguments, "product");
    buf_put_char(&arguments, 'S');
    put_long(&arguments, "test");
    put_long(&arguments, mechanisms);
    put_long(&arguments, "en_US");
    word_method(to, 0, 10, 10, buf_slice(&arguments));
}

void word_tune(struct buf *to, unsigned frame_bytes_max)
{
    char memory[16];
    struct buf arguments = buf_over(memory, sizeof memory);
    put_number(&arguments, 2047, 2);
    put_number(&arguments, frame_bytes_max, 4);
    put_number(&arguments, 60, 2);
    word_method(to, 0, 10, 30, buf_slice(&arguments));
}

void word_open_ok(struct buf *to)
{
    word_method(to, 0, 10, 41, slice_of("", 1));
}

void word_channel_open_ok(struct buf *to)
{
    word_method(to, CHANNEL, 20, 11, slice_of("\0\0\0\0", 4));
}

void word_declare_ok(struct buf *to, const char *queue)
{
    char memory[512];
    struct buf arguments = buf_over(memory, sizeof memory);
    put_short(&arguments, queue);
    put_number(&arguments, 0, 8);
    word_method(to, CHANNEL, 50, 11, buf_slice(&arguments));
}

void word_bind_ok(struct buf *to)
{
    word_method(to, CHANNEL, 50, 21, SLICE_NONE);
}

void word_consume_ok(struct buf *to)
{
    word_method(to, CHANNEL, 60, 21, SLICE("\x03tag"));
}

static struct slice reason(char *memory, size_t capacity, unsigned code, const char *text)
{
    struct buf arguments = buf_over(memory, capacity);
    put_number(&arguments, code, 2);
    put_short(&arguments, text);
    put_number(&arguments, 0, 4);
    return buf_slice(&arguments);
}

void word_close(struct buf *to, unsigned code, const char *text)
{
    char memory[512];
    word_method(to, 0, 10, 50, reason(memory, sizeof memory, code, text));
}

void word_channel_close(struct buf *to, unsigned code, const char *text)
{
    char memory[512];
    word_method(to, CHANNEL, 20, 40, reason(memory, sizeof memory, code, text));
}

void word_cancel(struct buf *to)
{
    word_method(to, CHANNEL, 60, 30, slice_of("\x03tag\x01", 5));
}

void word_heartbeat(struct buf *to)
{
    word_frame(to, WORD_HEARTBEAT, 0, SLICE_NONE);
}

void word_deliver(struct buf *to)
{
    char memory[64];
    struct buf arguments = buf_over(memory, sizeof memory);
    put_short(&arguments, "tag");
    put_number(&arguments, 1, 8);
    put_number(&arguments, 0, 1);
    put_short(&arguments, "unifiedfeed");
    put_short(&arguments, "-.-.-.alive.-.-.-.-");
    word_method(to, CHANNEL, 60, 60, buf_slice(&arguments));
}

void word_header(struct buf *to, uint64_t body_bytes)
{
    char memory[32];
    struct buf payload = buf_over(memory, sizeof memory);
    put_number(&payload, 60, 2);
    put_number(&payload, 0, 2);
    put_number(&payload, body_bytes, 8);
    put_number(&payload, 0, 2);
    word_frame(to, WORD_HEADER, CHANNEL, buf_slice(&payload));
}

void word_message(struct buf *to, const char *body, size_t piece)
{
    struct slice left = slice_text(body);
    word_deliver(to);
    word_header(to, left.bytes);
    while (left.bytes > 0) {
        size_t bytes = left.bytes < piece ? left.bytes : piece;
        word_frame(to, WORD_BODY, CHANNEL, slice_of(left.at, bytes));
        left = slice_skip(left, bytes);
    }
}

void word_way_up(struct buf *to, unsigned keys)
{
    word_start(to, "AMQPLAIN PLAIN");
    word_tune(to, 131072);
    word_open_ok(to);
    word_channel_open_ok(to);
    word_declare_ok(to, "amq.gen-1");
    for (unsigned i = 0; i < keys; i++)
        word_bind_ok(to);
    word_consume_ok(to);
}

static unsigned number_at(const char *at, unsigned bytes)
{
    unsigned number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

/* The bytes of the frame that `said` begins with. */
static size_t put_word(struct buf *words, struct slice said)
{
    assert_true(said.bytes >= 8);
    size_t payload = number_at(said.at + 3, 4);
    assert_true(said.bytes >= payload + 8);
    assert_int_equal((unsigned char)said.at[payload + 7], 0xCE);
    if (said.at[0] == WORD_HEARTBEAT)
        buf_put_text(words, "heartbeat");
    else
        buf_printf(words, "%u.%u", number_at(said.at + 7, 2), number_at(said.at + 9, 2));
    return payload + 8;
}

const char *words_of(struct slice said, char *memory, size_t capacity)
{
    struct buf words = buf_over(memory, capacity);
    while (said.bytes > 0) {
        if (words.bytes > 0)
            buf_put_char(&words, ' ');
        if (slice_begins(said, slice_of("AMQP\0\0\x09\x01", 8))) {
            buf_put_text(&words, "greeting");
            said = slice_skip(said, 8);
        } else {
            said = slice_skip(said, put_word(&words, said));
        }
    }
    buf_put_char(&words, '\0');
    assert_false(words.overflow);
    return memory;
}
