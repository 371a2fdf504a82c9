/* ws_deflate.c - contract in ws_deflate.h. */
#include "net/ws/ws_deflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/stream/net_limits.h"
#include "net/ws/ws_frame.h"

#define WINDOW_BITS 15
#define LEVEL       6 /* as fast as 1 for short messages, and better for snapshots */
/* A hash table of 2^12 entries: it is cleared for each message, and messages are short. */
#define MEMORY_LEVEL 5
#define TAIL         "\x00\x00\xff\xff" /* what a sync flush ends with; not on the wire */
#define TAIL_BYTES   4
#define RSV1_BIT     0x40

struct ws_deflate {
    z_stream out, in;
    struct ws_deflate_stats stats;
    size_t message_bytes_max;
    char *message; /* owned; message_bytes_max, of the last unpacked one */
};

int ws_deflate_new(size_t message_bytes_max, struct ws_deflate **ret_codec)
{
    struct ws_deflate *codec = calloc(1, sizeof *codec);
    if (codec == NULL)
        return -ERR_MEMORY;
    codec->message_bytes_max = message_bytes_max;
    codec->message = malloc(message_bytes_max + 1);
    int out = deflateInit2(&codec->out, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
                           Z_DEFAULT_STRATEGY);
    int in = inflateInit2(&codec->in, -WINDOW_BITS);
    if (codec->message == NULL || out != Z_OK || in != Z_OK) {
        ws_deflate_free(codec);
        return -ERR_MEMORY;
    }
    *ret_codec = codec;
    return 0;
}

void ws_deflate_free(struct ws_deflate *codec)
{
    if (codec == NULL)
        return;
    (void)deflateEnd(&codec->out); /* a stream that was never begun is refused, harmlessly */
    (void)inflateEnd(&codec->in);
    free(codec->message);
    free(codec);
}

const struct ws_deflate_stats *ws_deflate_stats(const struct ws_deflate *codec)
{
    return &codec->stats;
}

/* ---- the offer ---- */

/* Cuts the next piece up to `stop` off *rest, without the blanks around it. A quoted value holds no
 * separator in any valid parameter of ours, so quotes need no care here. */
static struct slice next_piece(struct slice *rest, char stop)
{
    const char *at = memchr(rest->at, stop, rest->bytes);
    size_t bytes = at == NULL ? rest->bytes : (size_t)(at - rest->at);
    struct slice piece = slice_of(rest->at, bytes);
    *rest = slice_skip(*rest, at == NULL ? bytes : bytes + 1);
    while (piece.bytes > 0 && (piece.at[0] == ' ' || piece.at[0] == '\t'))
        piece = slice_skip(piece, 1);
    while (piece.bytes > 0 &&
           (piece.at[piece.bytes - 1] == ' ' || piece.at[piece.bytes - 1] == '\t'))
        piece.bytes--;
    return piece;
}

/* 8 to 15, quoted or not; 0: it is not. */
static int window_bits(struct slice value)
{
    if (value.bytes >= 2 && value.at[0] == '"' && value.at[value.bytes - 1] == '"')
        value = slice_of(value.at + 1, value.bytes - 2);
    if (value.bytes == 1 && (value.at[0] == '8' || value.at[0] == '9'))
        return value.at[0] - '0';
    if (value.bytes == 2 && value.at[0] == '1' && value.at[1] >= '0' && value.at[1] <= '5')
        return 10 + value.at[1] - '0';
    return 0;
}

enum parameter { SERVER_NO_CONTEXT = 1, CLIENT_NO_CONTEXT = 2, SERVER_BITS = 4, CLIENT_BITS = 8 };

/* The bit of a parameter that we can accept with this value, or 0. */
static unsigned parameter_of(struct slice text)
{
    bool has_value = memchr(text.at, '=', text.bytes) != NULL;
    struct slice name = next_piece(&text, '=');
    struct slice value = next_piece(&text, '\0');
    if (slice_is(name, "server_no_context_takeover"))
        return has_value ? 0 : SERVER_NO_CONTEXT;
    if (slice_is(name, "client_no_context_takeover"))
        return has_value ? 0 : CLIENT_NO_CONTEXT;
    if (slice_is(name, "server_max_window_bits"))
        return window_bits(value) == WINDOW_BITS ? SERVER_BITS : 0;
    if (slice_is(name, "client_max_window_bits"))
        return !has_value || window_bits(value) != 0 ? CLIENT_BITS : 0;
    return 0;
}

static enum ws_deflate_offer check_offer(struct slice offer)
{
    unsigned seen = 0;
    if (!slice_is(next_piece(&offer, ';'), "permessage-deflate"))
        return WS_DEFLATE_NONE;
    while (offer.bytes > 0) {
        unsigned parameter = parameter_of(next_piece(&offer, ';'));
        if (parameter == 0 || (seen & parameter) != 0)
            return WS_DEFLATE_NONE;
        seen |= parameter;
    }
    return (seen & SERVER_BITS) != 0 ? WS_DEFLATE_WINDOW : WS_DEFLATE_PLAIN;
}

enum ws_deflate_offer ws_deflate_offered(const struct http_head *head)
{
    for (size_t i = 0; i < head->headers_count; i++) {
        struct slice list = head->headers[i].value;
        if (!http_text_equal(head->headers[i].name, SLICE("sec-websocket-extensions")))
            continue;
        while (list.bytes > 0) {
            enum ws_deflate_offer offer = check_offer(next_piece(&list, ','));
            if (offer != WS_DEFLATE_NONE)
                return offer;
        }
    }
    return WS_DEFLATE_NONE;
}

/* ---- receiving ---- */

/* Feeds one stretch of input. A stream may end (BFINAL) and another begin inside of a message
 * (section 7.2.3.4). */
static int inflate_piece(struct ws_deflate *codec, struct slice piece)
{
    z_stream *in = &codec->in;
    in->next_in = (z_const Bytef *)piece.at;
    in->avail_in = (uInt)piece.bytes;
    while (in->avail_in > 0) {
        int result = inflate(in, Z_SYNC_FLUSH);
        if (in->avail_out == 0) /* one byte more than allowed was filled */
            return -ERR_LIMIT;
        if (result == Z_STREAM_END && inflateReset(in) == Z_OK)
            continue;
        if (result != Z_OK && result != Z_BUF_ERROR)
            return -ERR_FORMAT;
        if (result == Z_BUF_ERROR && in->avail_in > 0)
            return -ERR_FORMAT;
    }
    return 0;
}

int ws_deflate_unpack(struct ws_deflate *codec, struct slice packed, struct slice *ret_message)
{
    z_stream *in = &codec->in;
    if (inflateReset(in) != Z_OK)
        return -ERR_FORMAT;
    in->next_out = (Bytef *)codec->message;
    in->avail_out = (uInt)codec->message_bytes_max + 1;
    int result = inflate_piece(codec, packed);
    if (result == 0)
        result = inflate_piece(codec, slice_of(TAIL, TAIL_BYTES));
    if (result < 0) {
        net_count(&codec->stats.refused, 1);
        return result;
    }
    net_count(&codec->stats.unpacked, 1);
    *ret_message = slice_of(codec->message, codec->message_bytes_max + 1 - in->avail_out);
    return 0;
}

/* ---- sending ---- */

struct piece {
    struct slice frame, payload;
};

/* Writes the packed payload; 0 when it does not fit into `room`: then it does not pay. */
static size_t pack(struct ws_deflate *codec, struct slice payload, char *to, size_t room)
{
    z_stream *out = &codec->out;
    if (deflateReset(out) != Z_OK)
        return 0;
    out->next_in = (z_const Bytef *)payload.at;
    out->avail_in = (uInt)payload.bytes;
    out->next_out = (Bytef *)to;
    out->avail_out = (uInt)room;
    if (deflate(out, Z_SYNC_FLUSH) != Z_OK || out->avail_in > 0 || out->avail_out == 0)
        return 0; /* avail_out 0: perhaps not all of it was written */
    size_t bytes = room - out->avail_out;
    ASSERT(bytes >= TAIL_BYTES && memcmp(to + bytes - TAIL_BYTES, TAIL, TAIL_BYTES) == 0);
    return bytes - TAIL_BYTES;
}

/* Appends the frame, packed when that is shorter. `to` has room for the frame as it is. */
static size_t put_frame(struct ws_deflate *codec, const struct piece *piece, char *to)
{
    size_t header = piece->frame.bytes - piece->payload.bytes; /* not longer when packed */
    size_t packed = 0;
    if (piece->payload.bytes >= WS_DEFLATE_BYTES_MIN)
        packed = pack(codec, piece->payload, to + header, piece->payload.bytes);
    if (packed == 0) {
        memcpy(to, piece->frame.at, piece->frame.bytes);
        return piece->frame.bytes;
    }
    char head[WS_HEADER_BYTES_MAX];
    enum ws_opcode opcode = (enum ws_opcode)(piece->frame.at[0] & 0x0f);
    size_t head_bytes = ws_frame_header(head, opcode, packed, NULL);
    head[0] = (char)(head[0] | RSV1_BIT);
    ASSERT(head_bytes <= header);
    memmove(to + head_bytes, to + header, packed);
    memcpy(to, head, head_bytes);
    net_count(&codec->stats.packed, 1);
    net_count(&codec->stats.bytes_in, piece->payload.bytes);
    net_count(&codec->stats.bytes_out, packed);
    return head_bytes + packed;
}

static struct shared_bytes *pack_frames(struct ws_deflate *codec, struct shared_bytes *frames)
{
    struct slice rest = shared_bytes_slice(frames);
    struct shared_bytes *made;
    if (frames->bytes < WS_DEFLATE_BYTES_MIN || shared_bytes_new(frames->bytes, &made) < 0)
        return frames;
    size_t bytes = 0;
    while (rest.bytes > 0) {
        struct piece piece;
        piece.frame = ws_frame_cut(&rest, &piece.payload);
        bytes += put_frame(codec, &piece, made->at + bytes);
    }
    if (bytes == frames->bytes) {
        shared_bytes_give(made);
        return frames;
    }
    made->bytes = (uint32_t)bytes;
    return made;
}

struct shared_bytes *ws_deflate_frames(struct ws_deflate *codec, struct shared_bytes *frames)
{
    struct shared_bytes **place = &frames->forms[SHARED_PACKED];
    if (*place == NULL)
        *place = pack_frames(codec, frames);
    return *place;
}
