/* fuzz_ws_deflate.c - permessage-deflate: any bytes as a packed message, as the text of a frame
 * that is packed and read back, and as an offer of the extension. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/ws/ws_deflate.h"
#include "net/ws/ws_frame.h"

#define MESSAGE_BYTES_MAX 4096
#define INPUT_BYTES_MAX   16384

/* What is packed of a frame is shorter, and reads back as it was. */
static void check_round_trip(struct ws_deflate *codec, struct slice text)
{
    static char copy[INPUT_BYTES_MAX + WS_HEADER_BYTES_MAX];
    struct shared_bytes *frame = NULL;
    struct ws_reader reader;
    struct ws_message message;
    size_t used;
    ASSERT(ws_frame_shared_text(text, &frame) == 0);
    struct shared_bytes *packed = ws_deflate_frames(codec, frame);
    ASSERT(packed == frame || packed->bytes < frame->bytes);
    memcpy(copy, packed->at, packed->bytes);
    ws_reader_init(&reader, false, INPUT_BYTES_MAX);
    reader.may_pack = true;
    enum ws_event event = ws_reader_next(&reader, copy, packed->bytes, &used, &message);
    if (packed != frame) {
        ASSERT(event == WS_EVENT_TEXT && message.packed);
        int result = ws_deflate_unpack(codec, message.payload, &message.payload);
        ASSERT(result == (text.bytes > MESSAGE_BYTES_MAX ? -ERR_LIMIT : 0));
        ASSERT(result != 0 || slice_equal(message.payload, text));
    }
    ws_reader_done(&reader);
    shared_bytes_give(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    static struct ws_deflate *codec;
    if (bytes > INPUT_BYTES_MAX)
        return 0;
    if (codec == NULL)
        ASSERT(ws_deflate_new(MESSAGE_BYTES_MAX, &codec) == 0);
    struct slice text = slice_of((const char *)input, bytes), message;
    struct http_head head = {.headers_count = 1};
    int result = ws_deflate_unpack(codec, text, &message);
    ASSERT(result == 0 || result == -ERR_FORMAT || result == -ERR_LIMIT);
    ASSERT(result != 0 || message.bytes <= MESSAGE_BYTES_MAX);
    head.headers[0].name = SLICE("sec-websocket-extensions");
    head.headers[0].value = text;
    (void)ws_deflate_offered(&head);
    check_round_trip(codec, text);
    return 0;
}
