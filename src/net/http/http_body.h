/* http_body.h - where a body ends: by Content-Length or chunked (RFC 9112 sections 6 and 7).
 *
 * Pure and incremental; a piece is a slice of the input. Chunk extensions are read over up to
 * HTTP_CHUNK_LINE_BYTES_MAX, trailers up to HTTP_TRAILER_BYTES_MAX, and neither is used.
 * Thread: any. */
#pragma once

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
/* A body that ends when the peer closes (responses only). */
void http_body_begin_until_close(struct http_body *body);
/* Consumes from *input. After END or BAD: the same again. */
enum http_body_event http_body_next(struct http_body *body, struct slice *input,
                                    struct slice *ret_piece);
