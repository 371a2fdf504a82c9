/* http_parse.h - strict HTTP/1.1 heads: requests and responses (RFC 9112, RFC 9110).
 *
 * Pure: bytes in, slices of them out; no I/O, no allocation. A head is scanned line by line as
 * it arrives (each byte is looked at once) and parsed when its empty line is there, so any split
 * of the input gives the same result. Strict where leniency lets two programs disagree about
 * where a request ends (RFC 9112 section 11.2): bare LF, obs-fold, space before the colon, two
 * lengths, length together with chunked, any transfer coding but exactly "chunked".
 * Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define HTTP_HEAD_BYTES_MAX   (16 * 1024)
#define HTTP_HEADERS_MAX      64
#define HTTP_TARGET_BYTES_MAX 2048
#define HTTP_LENGTH_UNKNOWN   UINT64_MAX

enum http_method {
    HTTP_METHOD_OTHER = 0, /* a valid token we do not know: 501 */
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
};

enum http_outcome {
    HTTP_OK = 0,
    HTTP_MORE,             /* the input is a good beginning */
    HTTP_BAD,              /* 400 */
    HTTP_TARGET_TOO_LONG,  /* 414 */
    HTTP_HEAD_TOO_LARGE,   /* 431: bytes */
    HTTP_TOO_MANY_HEADERS, /* 431: lines */
    HTTP_CODING_UNKNOWN,   /* 501: a transfer coding that is not exactly chunked */
    HTTP_VERSION_UNKNOWN,  /* 505 */
    HTTP_BODY_TOO_LARGE,   /* 413: the length does not fit 63 bits */
};

struct http_header {
    struct slice name;  /* as sent */
    struct slice value; /* without the white space around it */
};

struct http_head {
    enum http_method method;
    struct slice method_text;
    struct slice target; /* origin-form, absolute-form or "*", as sent */
    struct slice path;   /* of the target, still percent-encoded; "/" when absolute-form has none */
    struct slice query;  /* after '?', without it; may be empty */
    int status;          /* responses only: 100 .. 999 */
    struct slice reason; /* responses only */
    int minor;           /* HTTP/1.minor */
    bool keep_alive;     /* what version and Connection ask for */
    bool chunked;
    bool upgrade; /* Connection names upgrade */
    bool expect_continue;
    bool expect_unknown;     /* an expectation that is not 100-continue: 417 */
    uint64_t content_length; /* HTTP_LENGTH_UNKNOWN when there is none */
    size_t hosts_count;      /* of the headers */
    size_t headers_count;
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* How much of a head was seen; zero it for each head. */
struct http_scan {
    uint32_t bytes;      /* looked at */
    uint32_t line_begin; /* of the line in progress */
};

/* Looks for the end of the head in at[0..bytes), which begins with the head and may be given
 * again with more bytes behind. HTTP_OK: *ret_head_bytes is its size with the empty line.
 * HTTP_MORE, HTTP_BAD (bare LF), HTTP_TARGET_TOO_LONG, HTTP_HEAD_TOO_LARGE. Empty
 * lines before a request line (RFC 9112 section 2.2) are refused. */
enum http_outcome http_parse_scan(struct http_scan *scan, const char *at, size_t bytes,
                                  size_t *ret_head_bytes);

/* Parses a head that http_parse_scan() found. Slices of ret_head point into `head`. */
enum http_outcome http_parse_request(struct slice head, struct http_head *ret_head);
enum http_outcome http_parse_response(struct slice head, struct http_head *ret_head);

/* The first header of that name (any case), or SLICE_NONE with at == NULL. `name` must be lower
 * case. */
struct slice http_head_find(const struct http_head *head, struct slice lower_name);
/* How often the name occurs. */
size_t http_head_count(const struct http_head *head, struct slice lower_name);
/* Whether a comma-separated list header (all its lines) has the token, in any case. */
bool http_head_has_token(const struct http_head *head, struct slice lower_name,
                         struct slice lower_token);
/* ASCII case-insensitive. */
bool http_text_equal(struct slice text, struct slice lower);
