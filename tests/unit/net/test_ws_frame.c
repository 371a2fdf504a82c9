/* test_ws_frame.c - net/ws/ws_frame.h, ws_handshake.h: the examples of RFC 6455 and each rule. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/ws/ws_frame.h"
#include "net/ws/ws_handshake.h"

/* Feeds `input` in steps and writes what came as text: "T(Hello) P() C(1000:bye) B(1002)". */
static void story(struct slice input, size_t step, bool from_client, struct buf *ret_story)
{
    char *copy = malloc(input.bytes + 1);
    struct ws_reader reader;
    size_t begin = 0, end = 0;
    assert_non_null(copy);
    memcpy(copy, input.at, input.bytes);
    ws_reader_init(&reader, from_client, 1000);
    for (;;) {
        struct ws_message message = {0};
        size_t used;
        enum ws_event event = ws_reader_next(&reader, copy + begin, end - begin, &used, &message);
        begin += used;
        if (event == WS_EVENT_MORE) {
            if (end == input.bytes)
                break;
            end = end + step < input.bytes ? end + step : input.bytes;
            continue;
        }
        buf_put_char(ret_story, " TYPOCB"[event]);
        buf_put_char(ret_story, '(');
        if (event >= WS_EVENT_CLOSE)
            buf_put_u64(ret_story, message.code);
        buf_put_slice(ret_story, message.payload);
        buf_put_char(ret_story, ')');
        if (event >= WS_EVENT_CLOSE)
            break;
    }
    ws_reader_done(&reader);
    free(copy);
}

#define M "\x00\x00\x00\x00" /* a mask that changes nothing */

static const struct {
    const char *name;
    bool from_client;
    struct slice input;
    const char *story;
} frames[] = {
    {"RFC 5.7 unmasked text", false, {"\x81\x05\x48\x65\x6c\x6c\x6f", 7}, "T(Hello)"},
    {"RFC 5.7 masked text", true, {"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}, "T(Hello)"},
    {"RFC 5.7 fragmented text", false, {"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", 9}, "T(Hello)"},
    {"RFC 5.7 unmasked ping", false, {"\x89\x05\x48\x65\x6c\x6c\x6f", 7}, "P(Hello)"},
    {"RFC 5.7 masked pong", true, {"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}, "O(Hello)"},
    {"two messages", true, {"\x81\x81" M "a\x81\x81" M "b", 14}, "T(a)T(b)"},
    {"an empty message", true, {"\x81\x80" M, 6}, "T()"},
    {"a binary message", true, {"\x82\x81" M "\xff", 7}, "Y(\xff)"},
    {"ping between fragments",
     true,
     {"\x01\x81" M "a\x89\x81" M "p\x80\x81" M "b", 21},
     "P(p)T(ab)"},
    {"empty fragments", true, {"\x01\x80" M "\x00\x80" M "\x80\x80" M, 18}, "T()"},
    {"UTF-8 across fragments", true, {"\x01\x81" M "\xc3\x80\x81" M "\xa4", 14}, "T(\xc3\xa4)"},
    {"client frame without mask",
     true,
     {"\x81\x01"
      "a",
      3},
     "B(1002)"},
    {"server frame with mask", false, {"\x81\x81" M "a", 7}, "B(1002)"},
    {"RSV1", true, {"\xc1\x81" M "a", 7}, "B(1002)"},
    {"RSV3", true, {"\x91\x81" M "a", 7}, "B(1002)"},
    {"opcode 3", true, {"\x83\x81" M "a", 7}, "B(1002)"},
    {"opcode 11", true, {"\x8b\x81" M "a", 7}, "B(1002)"},
    {"continuation of nothing", true, {"\x80\x81" M "a", 7}, "B(1002)"},
    {"text inside a message", true, {"\x01\x81" M "a\x81\x81" M "b", 14}, "B(1002)"},
    {"fragmented ping", true, {"\x09\x81" M "a", 7}, "B(1002)"},
    {"ping of 126 bytes", true, {"\x89\xfe\x00\x7e", 4}, "B(1002)"},
    {"length not minimal, 16 bits", true, {"\x81\xfe\x00\x7d", 4}, "B(1002)"},
    {"length not minimal, 64 bits", true, {"\x81\xff\0\0\0\0\0\0\xff\xff", 10}, "B(1002)"},
    {"length with the top bit", true, {"\x81\xff\x80\0\0\0\0\1\0\0", 10}, "B(1002)"},
    {"longer than a message may be", true, {"\x81\xfe\x03\xe9", 4}, "B(1009)"},
    {"bad UTF-8", true, {"\x81\x81" M "\xff", 7}, "B(1007)"},
    {"UTF-8 cut at the end", true, {"\x81\x81" M "\xc3", 7}, "B(1007)"},
    {"UTF-8 cut at the last fragment", true, {"\x01\x81" M "\xc3\x80\x80" M, 13}, "B(1007)"},
    {"surrogate", true, {"\x81\x83" M "\xed\xa0\x80", 9}, "B(1007)"},
    {"overlong", true, {"\x81\x82" M "\xc0\xaf", 8}, "B(1007)"},
    {"above U+10FFFF", true, {"\x81\x84" M "\xf4\x90\x80\x80", 10}, "B(1007)"},
    {"close",
     true,
     {"\x88\x85" M "\x03\xe8"
      "bye"
      "junk",
      15},
     "C(1000bye)"},
    {"close without code", true, {"\x88\x80" M, 6}, "C(1005)"},
    {"close with half a code", true, {"\x88\x81" M "\x03", 7}, "B(1002)"},
    {"close with 1005", true, {"\x88\x82" M "\x03\xed", 8}, "B(1002)"},
    {"close with 999", true, {"\x88\x82" M "\x03\xe7", 8}, "B(1002)"},
    {"close with 3000", true, {"\x88\x82" M "\x0b\xb8", 8}, "C(3000)"},
    {"close with bad reason", true, {"\x88\x83" M "\x03\xe8\xff", 9}, "B(1007)"},
    {"fragments above the limit are counted together",
     true,
     {"\x01\x81" M "a\x00\xfe\x03\xe8", 11},
     "B(1009)"},
};

TEST(ws_frame, every_rule_holds_in_any_split)
{
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        for (size_t step = 1; step <= frames[i].input.bytes; step++) {
            char memory[256];
            struct buf got = buf_over(memory, sizeof memory);
            story(frames[i].input, step, frames[i].from_client, &got);
            if (!slice_is(buf_slice(&got), frames[i].story))
                fail_msg("%s in steps of %zu: %.*s", frames[i].name, step,
                         SLICE_ARG(buf_slice(&got)));
        }
}

TEST(ws_frame, headers_use_the_shortest_length_and_read_back)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};
    static char frame[WS_HEADER_BYTES_MAX + 70000];
    static const uint8_t mask[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int masked = 0; masked < 2; masked++) {
            size_t header = ws_frame_header(frame, WS_OPCODE_TEXT, sizes[i], masked ? mask : NULL);
            assert_int_equal(header, (sizes[i] < 126     ? 2U
                                      : sizes[i] < 65536 ? 4U
                                                         : 10U) +
                                         (masked ? 4U : 0U));
            memset(frame + header, 'x', sizes[i]);
            if (masked)
                ws_frame_mask(frame + header, sizes[i], mask, 0);
            struct ws_reader reader;
            struct ws_message message;
            size_t used;
            ws_reader_init(&reader, masked, 70000);
            assert_int_equal(ws_reader_next(&reader, frame, header + sizes[i], &used, &message),
                             WS_EVENT_TEXT);
            assert_int_equal(used, header + sizes[i]);
            assert_int_equal(message.payload.bytes, sizes[i]);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(message.payload.at[k], 'x');
            ws_reader_done(&reader);
        }
}

TEST(ws_frame, masking_in_pieces_is_masking_at_once)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    char whole[100], pieces[100];
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = pieces[i] = (char)(i * 7);
    ws_frame_mask(whole, sizeof whole, mask, 0);
    for (size_t at = 0, step = 1; at < sizeof pieces; at += step, step = step % 13 + 1) {
        size_t left = sizeof pieces - at;
        ws_frame_mask(pieces + at, step < left ? step : left, mask, at);
    }
    for (size_t i = 0; i < sizeof whole; i++)
        assert_int_equal(whole[i], (char)((char)(i * 7) ^ (char)mask[i % 4]));
    assert_memory_equal(whole, pieces, sizeof whole);
}

TEST(ws_frame, a_shared_frame_is_a_text_frame)
{
    struct shared_bytes *frame;
    assert_int_equal(ws_frame_shared_text(SLICE("Hello"), &frame), 0);
    assert_int_equal(frame->bytes, 7);
    assert_memory_equal(frame->at, "\x81\x05Hello", 7);
    shared_bytes_give(frame);
}

TEST(ws_handshake, accept_is_that_of_the_rfc)
{
    char accept[WS_ACCEPT_BYTES];
    ws_handshake_accept(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept); /* section 1.3 */
    assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_BYTES);
}

#define HEAD    "GET /ws HTTP/1.1\r\nHost: a\r\n"
#define UPGRADE "Upgrade: h2c, WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static const struct {
    const char *text;
    enum ws_handshake_outcome outcome;
} handshakes[] = {
    {HEAD UPGRADE KEY VERSION "\r\n", WS_HANDSHAKE_OK},
    {HEAD UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", WS_HANDSHAKE_BAD_VERSION},
    {HEAD UPGRADE KEY "\r\n", WS_HANDSHAKE_BAD},
    {HEAD UPGRADE VERSION "\r\n", WS_HANDSHAKE_BAD},
    {HEAD KEY VERSION "Upgrade: websocket\r\n\r\n", WS_HANDSHAKE_BAD},
    {HEAD KEY VERSION "Connection: upgrade\r\n\r\n", WS_HANDSHAKE_BAD},
    {HEAD UPGRADE KEY KEY VERSION "\r\n", WS_HANDSHAKE_BAD},
    {HEAD UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" VERSION "\r\n",
     WS_HANDSHAKE_BAD},
    {HEAD UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n" VERSION "\r\n",
     WS_HANDSHAKE_BAD},
    {HEAD UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n" VERSION "\r\n",
     WS_HANDSHAKE_BAD},
    {"POST /ws HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n", WS_HANDSHAKE_BAD},
    {"GET /ws HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n", WS_HANDSHAKE_BAD},
};

TEST(ws_handshake, checks_what_section_4_2_1_asks)
{
    for (size_t i = 0; i < sizeof handshakes / sizeof handshakes[0]; i++) {
        struct http_head head;
        struct slice key;
        assert_int_equal(http_parse_request(slice_text(handshakes[i].text), &head), HTTP_OK);
        if (ws_handshake_check(&head, &key) != handshakes[i].outcome)
            fail_msg("%s", handshakes[i].text);
    }
}
