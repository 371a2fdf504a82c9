/* ws_frame.c - contract in ws_frame.h. Numbers in comments are sections of RFC 6455. */
#include "net/ws/ws_frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

#define FIN_BIT            0x80
#define RSV_BITS           0x70
#define PACKED_BIT         0x40 /* RSV1, RFC 7692 section 6 */
#define OPCODE_BITS        0x0f
#define MASK_BIT           0x80
#define LENGTH_BITS        0x7f
#define LENGTH_16          126
#define LENGTH_64          127
#define FRAGMENT_BYTES_MIN 4096

struct frame {
    bool fin, packed;
    uint8_t opcode;
    uint8_t mask[4];
    size_t header_bytes;
    uint64_t payload_bytes;
};

void ws_reader_init(struct ws_reader *reader, bool from_client, size_t message_bytes_max)
{
    *reader = (struct ws_reader){.from_client = from_client, .bytes_max = message_bytes_max};
}

void ws_reader_done(struct ws_reader *reader)
{
    free(reader->message);
    reader->message = NULL;
    reader->bytes = reader->capacity = 0;
}

static bool is_control(uint8_t opcode)
{
    return opcode >= WS_OPCODE_CLOSE;
}

static uint64_t big_endian(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* The rules that the first two bytes can break (5.1, 5.2, 5.4, 5.5). 0 or a close code. */
static uint16_t check_begin(const struct ws_reader *reader, const unsigned char *at)
{
    uint8_t opcode = at[0] & OPCODE_BITS;
    bool fin = (at[0] & FIN_BIT) != 0;
    bool masked = (at[1] & MASK_BIT) != 0;
    /* Packed is a message as a whole: its first frame says so. */
    bool begins = opcode == WS_OPCODE_TEXT || opcode == WS_OPCODE_BINARY;
    unsigned allowed = reader->may_pack && begins ? PACKED_BIT : 0;
    if ((at[0] & RSV_BITS & ~allowed) != 0 || masked != reader->from_client)
        return WS_CLOSE_PROTOCOL;
    if (opcode > WS_OPCODE_PONG || (opcode > WS_OPCODE_BINARY && opcode < WS_OPCODE_CLOSE))
        return WS_CLOSE_PROTOCOL;
    if (is_control(opcode))
        return fin && (at[1] & LENGTH_BITS) <= WS_CONTROL_BYTES_MAX ? 0 : WS_CLOSE_PROTOCOL;
    /* A continuation continues something, and nothing else may come between. */
    return (opcode == WS_OPCODE_CONTINUATION) == (reader->opcode != 0) ? 0 : WS_CLOSE_PROTOCOL;
}

/* Reads the header of a frame. 1: complete; 0: more is needed; else *ret_code is set and -1. */
static int read_header(const struct ws_reader *reader, const char *bytes_at, size_t bytes,
                       struct frame *ret_frame, uint16_t *ret_code)
{
    const unsigned char *at = (const unsigned char *)bytes_at;
    if (bytes < 2)
        return 0;
    *ret_code = check_begin(reader, at);
    if (*ret_code != 0)
        return -1;
    size_t length = at[1] & LENGTH_BITS;
    size_t extended = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
    if (bytes < 2 + extended)
        return 0;
    uint64_t payload = extended > 0 ? big_endian(at + 2, extended) : length;
    /* The shortest form only (5.2), which also refuses the top bit of 64. */
    if ((extended == 2 && payload < LENGTH_16) || (extended == 8 && payload <= UINT16_MAX) ||
        payload >> 63 != 0) {
        *ret_code = WS_CLOSE_PROTOCOL;
        return -1;
    }
    if (!is_control(at[0] & OPCODE_BITS) && payload > reader->bytes_max - reader->bytes) {
        *ret_code = WS_CLOSE_TOO_BIG;
        return -1;
    }
    size_t mask = reader->from_client ? 4 : 0;
    if (bytes < 2 + extended + mask)
        return 0;
    *ret_frame = (struct frame){
        .fin = (at[0] & FIN_BIT) != 0,
        .packed = (at[0] & PACKED_BIT) != 0,
        .opcode = at[0] & OPCODE_BITS,
        .header_bytes = 2 + extended + mask,
        .payload_bytes = payload,
    };
    memcpy(ret_frame->mask, at + 2 + extended, mask);
    return 1;
}

void ws_frame_mask(char *at, size_t bytes, const uint8_t mask[4], size_t position)
{
    uint8_t turned[8];
    for (size_t i = 0; i < 8; i++)
        turned[i] = mask[(position + i) & 3];
    uint64_t wide, word;
    memcpy(&wide, turned, sizeof wide);
    size_t i = 0;
    for (; i + 8 <= bytes; i += 8) {
        memcpy(&word, at + i, sizeof word);
        word ^= wide;
        memcpy(at + i, &word, sizeof word);
    }
    for (; i < bytes; i++)
        at[i] = (char)(at[i] ^ (char)turned[i & 7]);
}

static enum ws_event break_off(struct ws_reader *reader, uint16_t code,
                               struct ws_message *ret_message)
{
    reader->broken = true;
    reader->code = code;
    *ret_message = (struct ws_message){.code = code};
    return WS_EVENT_BAD;
}

bool ws_frame_code_is_valid(uint16_t code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != WS_CLOSE_NO_STATUS &&
           code != WS_CLOSE_ABNORMAL;
}

static enum ws_event take_close(struct ws_reader *reader, struct slice payload,
                                struct ws_message *ret_message)
{
    uint16_t code = WS_CLOSE_NO_STATUS;
    struct slice reason = SLICE_NONE;
    if (payload.bytes == 1)
        return break_off(reader, WS_CLOSE_PROTOCOL, ret_message);
    if (payload.bytes >= 2) {
        code = (uint16_t)big_endian((const unsigned char *)payload.at, 2);
        reason = slice_skip(payload, 2);
        if (!ws_frame_code_is_valid(code))
            return break_off(reader, WS_CLOSE_PROTOCOL, ret_message);
        if (!ws_utf8_is_text(reason))
            return break_off(reader, WS_CLOSE_BAD_TEXT, ret_message);
    }
    reader->broken = true;
    reader->code = code;
    *ret_message = (struct ws_message){.payload = reason, .code = code};
    return WS_EVENT_CLOSE;
}

static int fragments_new(struct ws_reader *reader, size_t capacity)
{
    char *grown = malloc(capacity);
    if (grown == NULL)
        return -ERR_MEMORY;
    if (reader->bytes > 0)
        memcpy(grown, reader->message, reader->bytes);
    free(reader->message);
    reader->message = grown;
    reader->capacity = capacity;
    return 0;
}

/* Room for one more fragment; doubling, and bounded because bytes_max was tested before. */
static bool grow(struct ws_reader *reader, size_t bytes)
{
    if (reader->capacity - reader->bytes >= bytes)
        return true;
    size_t capacity = reader->capacity > 0 ? reader->capacity : FRAGMENT_BYTES_MIN;
    while (capacity < reader->bytes + bytes)
        capacity *= 2;
    return fragments_new(reader, capacity) == 0;
}

/* A fragment of a message (5.4). MORE: the message goes on. */
static enum ws_event take_fragment(struct ws_reader *reader, const struct frame *frame,
                                   struct slice payload, struct ws_message *ret_message)
{
    if (reader->opcode == 0) {
        reader->opcode = frame->opcode;
        reader->packed = frame->packed;
        reader->utf8 = (struct ws_utf8){0};
    }
    bool text = reader->opcode == WS_OPCODE_TEXT;
    bool check = text && !reader->packed;
    if (check && !ws_utf8_feed(&reader->utf8, payload))
        return break_off(reader, WS_CLOSE_BAD_TEXT, ret_message);
    if (payload.bytes > 0) {
        if (!grow(reader, payload.bytes))
            return break_off(reader, WS_CLOSE_TRY_LATER, ret_message);
        memcpy(reader->message + reader->bytes, payload.at, payload.bytes);
        reader->bytes += payload.bytes;
    }
    if (!frame->fin)
        return WS_EVENT_MORE;
    if (check && !ws_utf8_is_complete(&reader->utf8))
        return break_off(reader, WS_CLOSE_BAD_TEXT, ret_message);
    *ret_message = (struct ws_message){.payload = slice_of(reader->message, reader->bytes),
                                       .packed = reader->packed};
    reader->opcode = 0;
    reader->bytes = 0; /* the memory stays for the message until the next call */
    return text ? WS_EVENT_TEXT : WS_EVENT_BINARY;
}

static enum ws_event take_frame(struct ws_reader *reader, const struct frame *frame,
                                struct slice payload, struct ws_message *ret_message)
{
    *ret_message = (struct ws_message){.payload = payload, .packed = frame->packed};
    switch ((enum ws_opcode)frame->opcode) {
    case WS_OPCODE_PING:
        return WS_EVENT_PING;
    case WS_OPCODE_PONG:
        return WS_EVENT_PONG;
    case WS_OPCODE_CLOSE:
        return take_close(reader, payload, ret_message);
    case WS_OPCODE_TEXT:
        if (!frame->fin)
            break;
        if (!frame->packed && !ws_utf8_is_text(payload))
            return break_off(reader, WS_CLOSE_BAD_TEXT, ret_message);
        return WS_EVENT_TEXT;
    case WS_OPCODE_BINARY:
        if (!frame->fin)
            break;
        return WS_EVENT_BINARY;
    case WS_OPCODE_CONTINUATION:
        break;
    }
    return take_fragment(reader, frame, payload, ret_message);
}

enum ws_event ws_reader_next(struct ws_reader *reader, char *at, size_t bytes, size_t *ret_used,
                             struct ws_message *ret_message)
{
    size_t used = 0;
    *ret_used = 0;
    if (reader->broken) {
        *ret_message = (struct ws_message){.code = reader->code};
        return WS_EVENT_BAD;
    }
    /* Memory of a long fragmented message is not kept by an idle connection. */
    if (reader->opcode == 0 && reader->message != NULL)
        ws_reader_done(reader);
    for (;;) {
        struct frame frame;
        uint16_t code;
        int header = read_header(reader, at + used, bytes - used, &frame, &code);
        if (header < 0)
            return break_off(reader, code, ret_message);
        if (header == 0 || frame.payload_bytes > bytes - used - frame.header_bytes)
            return WS_EVENT_MORE;
        char *payload = at + used + frame.header_bytes;
        size_t payload_bytes = (size_t)frame.payload_bytes;
        if (reader->from_client)
            ws_frame_mask(payload, payload_bytes, frame.mask, 0);
        used += frame.header_bytes + payload_bytes;
        *ret_used = used; /* unmasked now: never to be given again */
        enum ws_event event =
            take_frame(reader, &frame, slice_of(payload, payload_bytes), ret_message);
        if (event != WS_EVENT_MORE)
            return event;
    }
}

/* ---- encoding ---- */

size_t ws_frame_header(char *at, enum ws_opcode opcode, size_t payload_bytes, const uint8_t *mask)
{
    unsigned char *to = (unsigned char *)at;
    size_t extended = payload_bytes < LENGTH_16 ? 0 : payload_bytes <= UINT16_MAX ? 2 : 8;
    uint64_t length = extended == 0 ? payload_bytes : extended == 2 ? LENGTH_16 : LENGTH_64;
    to[0] = (unsigned char)(FIN_BIT | opcode);
    to[1] = (unsigned char)((mask != NULL ? MASK_BIT : 0) | length);
    for (size_t i = 0; i < extended; i++)
        to[2 + i] = (unsigned char)((uint64_t)payload_bytes >> (8 * (extended - 1 - i)));
    if (mask == NULL)
        return 2 + extended;
    memcpy(to + 2 + extended, mask, 4);
    return 2 + extended + 4;
}

int ws_frame_shared_text(struct slice text, struct shared_bytes **ret_frame)
{
    char header[WS_HEADER_BYTES_MAX];
    size_t header_bytes = ws_frame_header(header, WS_OPCODE_TEXT, text.bytes, NULL);
    TRY(shared_bytes_new(header_bytes + text.bytes, ret_frame));
    memcpy((*ret_frame)->at, header, header_bytes);
    if (text.bytes > 0)
        memcpy((*ret_frame)->at + header_bytes, text.at, text.bytes);
    return 0;
}

struct slice ws_frame_cut(struct slice *frames, struct slice *ret_payload)
{
    const unsigned char *at = (const unsigned char *)frames->at;
    ASSERT(frames->bytes >= 2 && (at[0] & FIN_BIT) != 0 && (at[1] & MASK_BIT) == 0);
    size_t extended = at[1] == LENGTH_16 ? 2 : at[1] == LENGTH_64 ? 8 : 0;
    ASSERT(frames->bytes >= 2 + extended);
    size_t payload = extended > 0 ? (size_t)big_endian(at + 2, extended) : at[1];
    ASSERT(payload <= frames->bytes - 2 - extended);
    struct slice frame = slice_of(frames->at, 2 + extended + payload);
    *ret_payload = slice_skip(frame, 2 + extended);
    *frames = slice_skip(*frames, frame.bytes);
    return frame;
}
