/* fuzz_ws_frame.c - WebSocket frames: however the input is cut, the same messages come.
 *
 * The first byte chooses the side, whether messages may be packed, and how the rest is cut. Also:
 * what comes as text and is not packed is UTF-8, no
 * message is longer than allowed, a close code may be on the wire, and every message, encoded
 * again, reads back as itself. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "net/ws/ws_frame.h"

#define INPUT_BYTES_MAX   65536
#define MESSAGE_BYTES_MAX 300
#define EVENTS_MAX        256

struct event {
    int event;
    uint32_t payload;
    size_t bytes;
    uint16_t code;
    bool packed, unused;
};

struct story {
    struct event events[EVENTS_MAX];
    size_t count;
};

static void check_message(enum ws_event event, const struct ws_message *message)
{
    if (event == WS_EVENT_TEXT && !message->packed)
        ASSERT(utf8_is_valid(message->payload));
    if (event == WS_EVENT_TEXT || event == WS_EVENT_BINARY)
        ASSERT(message->payload.bytes <= MESSAGE_BYTES_MAX);
    if (event == WS_EVENT_PING || event == WS_EVENT_PONG || event == WS_EVENT_CLOSE)
        ASSERT(message->payload.bytes <= WS_CONTROL_BYTES_MAX);
    if (event == WS_EVENT_CLOSE)
        ASSERT(message->code == WS_CLOSE_NO_STATUS || ws_frame_code_is_valid(message->code));
    if (event == WS_EVENT_BAD)
        ASSERT(ws_frame_code_is_valid(message->code));
}

/* Encodes the text as the other side would and reads it. */
static void check_round_trip(struct slice text)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    char frame[WS_HEADER_BYTES_MAX + MESSAGE_BYTES_MAX];
    struct ws_reader reader;
    struct ws_message message;
    size_t header = ws_frame_header(frame, WS_OPCODE_TEXT, text.bytes, mask), used;
    if (text.bytes > 0)
        memcpy(frame + header, text.at, text.bytes);
    ws_frame_mask(frame + header, text.bytes, mask, 0);
    ws_reader_init(&reader, true, MESSAGE_BYTES_MAX);
    ASSERT(ws_reader_next(&reader, frame, header + text.bytes, &used, &message) == WS_EVENT_TEXT);
    ASSERT(used == header + text.bytes);
    ASSERT(slice_equal(message.payload, text));
    ws_reader_done(&reader);
}

static void tell(const uint8_t *input, size_t bytes, uint8_t choice, size_t step,
                 struct story *ret_story)
{
    static char copy[INPUT_BYTES_MAX];
    struct ws_reader reader;
    size_t begin = 0, given = 0;
    memcpy(copy, input, bytes);
    memset(ret_story, 0, sizeof *ret_story);
    ws_reader_init(&reader, (choice & 1) != 0, MESSAGE_BYTES_MAX);
    reader.may_pack = (choice & 2) != 0;
    while (ret_story->count < EVENTS_MAX) {
        struct ws_message message = {0};
        size_t used;
        enum ws_event event = ws_reader_next(&reader, copy + begin, given - begin, &used, &message);
        ASSERT(used <= given - begin);
        begin += used;
        if (event == WS_EVENT_MORE && given == bytes)
            break;
        if (event == WS_EVENT_MORE) {
            given = given + step < bytes ? given + step : bytes;
            continue;
        }
        check_message(event, &message);
        if (event == WS_EVENT_TEXT && !message.packed)
            check_round_trip(message.payload);
        struct event *to = &ret_story->events[ret_story->count++];
        to->event = (int)event;
        to->payload = crc32c(0, message.payload.at, message.payload.bytes);
        to->bytes = message.payload.bytes;
        to->code = message.code;
        to->packed = message.packed;
        if (event == WS_EVENT_BAD || event == WS_EVENT_CLOSE)
            break;
    }
    ws_reader_done(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    static struct story whole, cut;
    if (bytes < 1 || bytes - 1 > INPUT_BYTES_MAX)
        return 0;
    tell(input + 1, bytes - 1, input[0], SIZE_MAX / 2, &whole);
    tell(input + 1, bytes - 1, input[0], 1 + (input[0] >> 2), &cut);
    ASSERT(memcmp(&whole, &cut, sizeof whole) == 0);
    return 0;
}
