/* http_body.h - where a body ends: by Content-Length or chunked (RFC 9112 sections 6 and 7).
 *
 * Pure and incremental; a piece is a slice of the input. Chunk extensions are read over up to
 * HTTP_CHUNK_LINE_BYTES_MAX, trailers up to HTTP_TRAILER_BYTES_MAX, and neither is used.
 * Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/http/http_parse.h"

#define HTTP_CHUNK_LINE_BYTES_MAX 256
#define HTTP_TRAILER_BYTES_MAX    4096

enum http_body_event {
    HTTP_BODY_MORE = 0, /* all input is used up, the body goes on */
    HTTP_BODY_PIECE,    /* *ret_piece is content */
    HTTP_BODY_END,      /* the body is complete; what is left of the input is not of it */
    HTTP_BODY_BAD,      /* 400 */
};

struct http_body {
    uint64_t left;       /* bytes of the chunk or of the body */
    uint32_t line_bytes; /* of the chunk line or trailers so far */
    uint8_t state;
};

/* The body that a parsed request head announces; none is a body of 0 bytes. */
void http_body_begin(struct http_body *body, const struct http_head *head);
/* Consumes from *input. After END or BAD: the same again. */
enum http_body_event http_body_next(struct http_body *body, struct slice *input,
                                    struct slice *ret_piece);
/* Whether the next call would answer END without any input. */
bool http_body_is_complete(const struct http_body *body);

/* A whole body gathered where it was received: chunks are moved together in place. Zero it to
 * begin. */
struct http_whole {
    size_t used;  /* of the input: content and chunk framing */
    size_t bytes; /* of content, at the beginning of the input */
};

/* `at` is the input from the end of the head on, as it was left by the call before, with more
 * behind it. HTTP_BODY_END: content is at[0 .. whole->bytes), the request took whole->used.
 * HTTP_BODY_MORE; HTTP_BODY_BAD; HTTP_BODY_PIECE: the content is longer than bytes_max. */
enum http_body_event http_whole_take(struct http_whole *whole, struct http_body *body, char *at,
                                     size_t bytes, uint64_t bytes_max);
