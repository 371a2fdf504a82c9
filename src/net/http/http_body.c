/* http_body.c - contract in http_body.h. */
#include "net/http/http_body.h"

#include <string.h>

#include "base/assert.h"

#define CHUNK_DIGITS_MAX 15 /* below 2^60 */

enum state {
    STATE_LENGTH = 0, /* `left` bytes, then the end */
    STATE_SIZE,       /* hex digits of a chunk size */
    STATE_EXTENSION,  /* after ';', up to CR */
    STATE_SIZE_LF,
    STATE_CHUNK, /* `left` bytes of a chunk */
    STATE_CHUNK_CR,
    STATE_CHUNK_LF,
    STATE_TRAILER_BEGIN, /* at the beginning of a trailer line */
    STATE_TRAILER,
    STATE_TRAILER_LF,
    STATE_END_LF,
    STATE_END,
    STATE_BAD,
};

void http_body_begin(struct http_body *body, const struct http_head *head)
{
    *body = (struct http_body){.state = STATE_LENGTH};
    if (head->chunked)
        body->state = STATE_SIZE;
    else if (head->content_length != HTTP_LENGTH_UNKNOWN)
        body->left = head->content_length;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static enum state next_of_size(struct http_body *body, char c)
{
    int digit = hex_of(c);
    if (digit >= 0) {
        if (body->line_bytes > CHUNK_DIGITS_MAX)
            return STATE_BAD;
        body->left = body->left << 4 | (uint64_t)digit;
        return STATE_SIZE;
    }
    if (body->line_bytes == 1) /* no digit at all */
        return STATE_BAD;
    if (c == ';')
        return STATE_EXTENSION;
    return c == '\r' ? STATE_SIZE_LF : STATE_BAD;
}

/* Inside extensions and trailers: text up to CR, no other control characters. */
static enum state next_of_text(char c, enum state here, enum state after_cr)
{
    if (c == '\r')
        return after_cr;
    return (unsigned char)c >= ' ' || c == '\t' ? here : STATE_BAD;
}

static enum state next_state(struct http_body *body, char c)
{
    switch ((enum state)body->state) {
    case STATE_SIZE:
        return ++body->line_bytes > HTTP_CHUNK_LINE_BYTES_MAX ? STATE_BAD : next_of_size(body, c);
    case STATE_EXTENSION:
        if (++body->line_bytes > HTTP_CHUNK_LINE_BYTES_MAX)
            return STATE_BAD;
        return next_of_text(c, STATE_EXTENSION, STATE_SIZE_LF);
    case STATE_SIZE_LF:
        body->line_bytes = 0;
        if (c != '\n')
            return STATE_BAD;
        return body->left > 0 ? STATE_CHUNK : STATE_TRAILER_BEGIN;
    case STATE_CHUNK_CR:
        return c == '\r' ? STATE_CHUNK_LF : STATE_BAD;
    case STATE_CHUNK_LF:
        return c == '\n' ? STATE_SIZE : STATE_BAD;
    case STATE_TRAILER_BEGIN:
        if (c == '\r')
            return STATE_END_LF;
        if (c == ' ' || c == '\t') /* a folded line */
            return STATE_BAD;
        __attribute__((fallthrough));
    case STATE_TRAILER:
        if (++body->line_bytes > HTTP_TRAILER_BYTES_MAX)
            return STATE_BAD;
        return next_of_text(c, STATE_TRAILER, STATE_TRAILER_LF);
    case STATE_TRAILER_LF:
        return c == '\n' ? STATE_TRAILER_BEGIN : STATE_BAD;
    case STATE_END_LF:
        return c == '\n' ? STATE_END : STATE_BAD;
    case STATE_LENGTH:
    case STATE_CHUNK:
    case STATE_END:
    case STATE_BAD:
        break;
    }
    ASSERT(false); /* states without a byte of their own */
    return STATE_BAD;
}

static enum http_body_event take_piece(struct http_body *body, struct slice *input,
                                       struct slice *ret_piece)
{
    size_t bytes = input->bytes < body->left ? input->bytes : (size_t)body->left;
    if (bytes == 0)
        return HTTP_BODY_MORE;
    *ret_piece = slice_of(input->at, bytes);
    *input = slice_skip(*input, bytes);
    body->left -= bytes;
    if (body->state == STATE_CHUNK && body->left == 0)
        body->state = STATE_CHUNK_CR;
    return HTTP_BODY_PIECE;
}

enum http_body_event http_body_next(struct http_body *body, struct slice *input,
                                    struct slice *ret_piece)
{
    for (;;) {
        if (body->state == STATE_LENGTH && body->left == 0)
            body->state = STATE_END;
        if (body->state == STATE_END)
            return HTTP_BODY_END;
        if (body->state == STATE_BAD)
            return HTTP_BODY_BAD;
        if (body->state == STATE_LENGTH || body->state == STATE_CHUNK)
            return take_piece(body, input, ret_piece);
        if (input->bytes == 0)
            return HTTP_BODY_MORE;
        body->state = (uint8_t)next_state(body, *input->at);
        *input = slice_skip(*input, 1);
    }
}

bool http_body_is_complete(const struct http_body *body)
{
    return body->state == STATE_END || (body->state == STATE_LENGTH && body->left == 0);
}

enum http_body_event http_whole_take(struct http_whole *whole, struct http_body *body, char *at,
                                     size_t bytes, uint64_t bytes_max)
{
    ASSERT(whole->used <= bytes);
    struct slice input = slice_of(at + whole->used, bytes - whole->used);
    struct slice piece;
    enum http_body_event event;
    while ((event = http_body_next(body, &input, &piece)) == HTTP_BODY_PIECE) {
        if (piece.bytes > bytes_max - whole->bytes)
            return HTTP_BODY_PIECE;
        if (piece.at != at + whole->bytes)
            memmove(at + whole->bytes, piece.at, piece.bytes);
        whole->bytes += piece.bytes;
    }
    whole->used = bytes - input.bytes;
    return event;
}
