/* test_ws_deflate.c - net/ws/ws_deflate.h: offers, shared frames and messages of hostile peers. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/ws/ws_deflate.h"
#include "net/ws/ws_frame.h"

#define MESSAGE_BYTES_MAX 5000

static struct ws_deflate *begin(void)
{
    struct ws_deflate *codec = NULL;
    assert_int_equal(ws_deflate_new(MESSAGE_BYTES_MAX, &codec), 0);
    return codec;
}

TEST(ws_deflate, offers_are_accepted_as_rfc_7692_says)
{
    static const struct {
        const char *value;
        enum ws_deflate_offer offer;
    } rows[] = {
        {"permessage-deflate", WS_DEFLATE_PLAIN},
        {"permessage-deflate; client_max_window_bits", WS_DEFLATE_PLAIN},
        {"permessage-deflate;client_max_window_bits=10;server_no_context_takeover",
         WS_DEFLATE_PLAIN},
        {"permessage-deflate; server_max_window_bits=\"15\"", WS_DEFLATE_WINDOW},
        {"permessage-deflate; server_max_window_bits=15, permessage-deflate", WS_DEFLATE_WINDOW},
        {"permessage-deflate; server_max_window_bits=10",
         WS_DEFLATE_NONE}, /* ours has 15 for all */
        {"permessage-deflate; server_max_window_bits=10, permessage-deflate", WS_DEFLATE_PLAIN},
        {"permessage-deflate; server_max_window_bits", WS_DEFLATE_NONE},
        {"permessage-deflate; client_max_window_bits=7", WS_DEFLATE_NONE},
        {"permessage-deflate; client_max_window_bits=16", WS_DEFLATE_NONE},
        {"permessage-deflate; client_max_window_bits=08", WS_DEFLATE_NONE},
        {"permessage-deflate; client_no_context_takeover=1", WS_DEFLATE_NONE},
        {"permessage-deflate; client_no_context_takeover; client_no_context_takeover",
         WS_DEFLATE_NONE},
        {"permessage-deflate; mode=turbo", WS_DEFLATE_NONE},
        {"x-webkit-deflate-frame", WS_DEFLATE_NONE},
        {"x-webkit-deflate-frame, permessage-deflate", WS_DEFLATE_PLAIN},
        {"permessage-deflated", WS_DEFLATE_NONE},
        {"", WS_DEFLATE_NONE},
        {";,;,==", WS_DEFLATE_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_head head = {.headers_count = 1};
        head.headers[0].name = SLICE("Sec-WebSocket-Extensions");
        head.headers[0].value = slice_text(rows[i].value);
        if (ws_deflate_offered(&head) != rows[i].offer)
            fail_msg("%s", rows[i].value);
    }
}

static struct shared_bytes *frame_of(struct slice text)
{
    struct shared_bytes *frame = NULL;
    assert_int_equal(ws_frame_shared_text(text, &frame), 0);
    return frame;
}

/* Reads the frames as a client does and joins the texts; answers how many messages were packed. */
static int read_frames(struct ws_deflate *codec, struct slice frames, struct buf *texts)
{
    struct ws_reader reader;
    int packed = 0;
    char *copy = malloc(frames.bytes);
    size_t at = 0;
    memcpy(copy, frames.at, frames.bytes);
    ws_reader_init(&reader, false, 100000);
    reader.may_pack = true;
    while (at < frames.bytes) {
        struct ws_message message;
        size_t used = 0;
        assert_int_equal(ws_reader_next(&reader, copy + at, frames.bytes - at, &used, &message),
                         WS_EVENT_TEXT);
        if (message.packed) {
            assert_int_equal(ws_deflate_unpack(codec, message.payload, &message.payload), 0);
            packed++;
        }
        buf_put_slice(texts, message.payload);
        at += used;
    }
    ws_reader_done(&reader);
    free(copy);
    return packed;
}

static void put_market(struct buf *text, unsigned number)
{
    buf_printf(text, "{\"op\":\"delta\",\"market_id\":\"1.%u\",\"selections\":[", number);
    for (unsigned i = 0; i < 12; i++)
        buf_printf(text, "{\"id\":\"%u\",\"odds\":%u.5,\"status\":\"active\"},", i, number % 7 + i);
    buf_put_text(text, "]}");
}

TEST(ws_deflate, frames_are_packed_once_and_read_back_as_they_were)
{
    struct ws_deflate *codec = begin();
    char memory[2000], back[2000];
    struct buf text = buf_over(memory, sizeof memory), texts = buf_over(back, sizeof back);
    put_market(&text, 17);
    struct shared_bytes *frame = frame_of(buf_slice(&text));
    struct shared_bytes *packed = ws_deflate_frames(codec, frame);
    assert_true(packed->bytes < frame->bytes / 2);
    assert_ptr_equal(ws_deflate_frames(codec, frame), packed);
    assert_int_equal(ws_deflate_stats(codec)->packed, 1);
    assert_int_equal(read_frames(codec, shared_bytes_slice(packed), &texts), 1);
    assert_true(slice_equal(buf_slice(&texts), buf_slice(&text)));
    shared_bytes_give(frame); /* the packed with it: the sanitizer looks */
    ws_deflate_free(codec);
}

TEST(ws_deflate, of_several_frames_only_those_are_packed_that_pay)
{
    struct ws_deflate *codec = begin();
    char memory[4000], back[4000], noise[WS_DEFLATE_BYTES_MIN];
    struct buf text = buf_over(memory, sizeof memory), texts = buf_over(back, sizeof back);
    struct shared_bytes *joined = NULL;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(33 + (i * 7919 * (i + 3) >> 3) % 90);
    put_market(&text, 3);
    struct shared_bytes *frames[] = {frame_of(SLICE("short")), frame_of(buf_slice(&text)),
                                     frame_of(slice_of(noise, WS_DEFLATE_BYTES_MIN - 1))};
    size_t bytes = frames[0]->bytes + frames[1]->bytes + frames[2]->bytes, at = 0;
    assert_int_equal(shared_bytes_new(bytes, &joined), 0);
    for (size_t i = 0; i < 3; at += frames[i]->bytes, i++)
        memcpy(joined->at + at, frames[i]->at, frames[i]->bytes);
    assert_int_equal(
        read_frames(codec, shared_bytes_slice(ws_deflate_frames(codec, joined)), &texts), 1);
    assert_true(slice_begins(buf_slice(&texts), SLICE("short{\"op\"")));
    assert_int_equal(texts.bytes, 5 + text.bytes + WS_DEFLATE_BYTES_MIN - 1);
    assert_ptr_equal(ws_deflate_frames(codec, frames[0]), frames[0]); /* itself: nothing pays */
    for (size_t i = 0; i < 3; i++)
        shared_bytes_give(frames[i]);
    shared_bytes_give(joined);
    ws_deflate_free(codec);
}

TEST(ws_deflate, what_does_not_become_shorter_stays_as_it_is)
{
    struct ws_deflate *codec = begin();
    char noise[1000];
    uint64_t random = 88172645463325252;
    for (size_t i = 0; i < sizeof noise; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        noise[i] = (char)(random & 0x7f);
    }
    for (size_t bytes = WS_DEFLATE_BYTES_MIN; bytes < sizeof noise; bytes += 7) {
        char back[2000];
        struct buf texts = buf_over(back, sizeof back);
        struct shared_bytes *frame = frame_of(slice_of(noise, bytes));
        struct shared_bytes *packed = ws_deflate_frames(codec, frame);
        assert_true(packed == frame || packed->bytes < frame->bytes);
        (void)read_frames(codec, shared_bytes_slice(packed), &texts);
        assert_true(slice_equal(buf_slice(&texts), slice_of(noise, bytes)));
        shared_bytes_give(frame);
    }
    ws_deflate_free(codec);
}

/* ---- messages of a peer ---- */

/* Packs as a client may: with any level, and with its last block final or not. */
static size_t pack(struct slice text, int flush, char *to, size_t capacity)
{
    z_stream out = {0};
    assert_int_equal(deflateInit2(&out, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    out.next_in = (z_const Bytef *)text.at;
    out.avail_in = (uInt)text.bytes;
    out.next_out = (Bytef *)to;
    out.avail_out = (uInt)capacity;
    (void)deflate(&out, flush);
    size_t bytes = capacity - out.avail_out;
    (void)deflateEnd(&out);
    return bytes;
}

TEST(ws_deflate, the_examples_of_rfc_7692_are_read)
{
    const struct {
        struct slice packed;
    } rows[] = {
        {SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00")},                         /* 7.2.3.1 */
        {SLICE("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")},         /* 7.2.3.3 */
        {SLICE("\xf3\x48\xcd\xc9\xc9\x07\x00\x00")},                     /* 7.2.3.4 */
        {SLICE("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")}, /* 7.2.3.5 */
    };
    struct ws_deflate *codec = begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice message;
        assert_int_equal(ws_deflate_unpack(codec, rows[i].packed, &message), 0);
        assert_true(slice_is(message, "Hello"));
    }
    struct slice empty;
    assert_int_equal(ws_deflate_unpack(codec, slice_of("\0", 1), &empty), 0); /* 7.2.3.6 */
    assert_int_equal(empty.bytes, 0);
    ws_deflate_free(codec);
}

TEST(ws_deflate, a_message_may_not_refer_to_the_one_before)
{
    struct ws_deflate *codec = begin();
    struct slice message;
    assert_int_equal(ws_deflate_unpack(codec, SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00"), &message), 0);
    /* 7.2.3.2: the second Hello, made with the window of the first. */
    assert_int_equal(ws_deflate_unpack(codec, slice_of("\xf2\x00\x11\x00\x00", 5), &message),
                     -ERR_FORMAT);
    assert_int_equal(ws_deflate_unpack(codec, SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00"), &message), 0);
    assert_int_equal(ws_deflate_stats(codec)->refused, 1);
    ws_deflate_free(codec);
}

TEST(ws_deflate, a_bomb_is_refused_at_the_limit_and_the_limit_itself_is_not)
{
    struct ws_deflate *codec = begin();
    static char zeros[1 << 20], packed[8192];
    struct slice message;
    size_t bytes = pack(slice_of(zeros, MESSAGE_BYTES_MAX), Z_FINISH, packed, sizeof packed);
    assert_int_equal(ws_deflate_unpack(codec, slice_of(packed, bytes), &message), 0);
    assert_int_equal(message.bytes, MESSAGE_BYTES_MAX);
    bytes = pack(slice_of(zeros, MESSAGE_BYTES_MAX + 1), Z_FINISH, packed, sizeof packed);
    assert_int_equal(ws_deflate_unpack(codec, slice_of(packed, bytes), &message), -ERR_LIMIT);
    bytes = pack(slice_of(zeros, sizeof zeros), Z_FINISH, packed, sizeof packed);
    assert_int_equal(ws_deflate_unpack(codec, slice_of(packed, bytes), &message), -ERR_LIMIT);
    ws_deflate_free(codec);
}

TEST(ws_deflate, every_message_cut_short_or_flipped_is_refused_or_read_within_bounds)
{
    struct ws_deflate *codec = begin();
    char memory[2000], packed[2000];
    struct buf text = buf_over(memory, sizeof memory);
    struct slice message;
    put_market(&text, 5);
    size_t bytes = pack(buf_slice(&text), Z_SYNC_FLUSH, packed, sizeof packed) - 4;
    assert_int_equal(ws_deflate_unpack(codec, slice_of(packed, bytes), &message), 0);
    assert_true(slice_equal(message, buf_slice(&text)));
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        packed[bit / 8] = (char)(packed[bit / 8] ^ 1 << bit % 8);
        int result = ws_deflate_unpack(codec, slice_of(packed, bytes), &message);
        assert_true(result == 0 ? message.bytes <= MESSAGE_BYTES_MAX
                                : result == -ERR_FORMAT || result == -ERR_LIMIT);
        packed[bit / 8] = (char)(packed[bit / 8] ^ 1 << bit % 8);
    }
    ws_deflate_free(codec);
}
