/* http_reply.h - answering a request.
 *
 * Each request is answered exactly once; a second answer is a programmer error. Answering a
 * connection that is gone does nothing. Content-Length, Date, Connection and the security headers
 * are written here; HEAD answers lose their body. Thread: the loop's. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "net/http/http_request.h"
#include "net/stream/shared_bytes.h"

/* A header line for 429 and 503: what stands in the way may be gone in a second. */
#define HTTP_RETRY_SOON SLICE("Retry-After: 1\r\n")

/* `content_type` may be empty when the body is; `headers` are complete lines, each ended by CRLF
 * ("ETag: \"7\"\r\n"), at most 1 KiB
 * together, and must not come from outside unchecked. All copied. 204 and 304 have no body. */
void http_reply(struct http_reply_to to, int status, struct slice content_type,
                struct slice headers, struct slice body);

/* An answer of status 200 that is encoded once for many requests is a page: its header lines as
 * http_reply_put_page() writes them, and behind them the body. What depends on the moment and the
 * connection (status line, Date, Connection) goes before it. `headers` as in http_reply(). */
void http_reply_put_page(struct buf *buf, struct slice content_type, struct slice headers,
                         size_t body_bytes);
/* Sends the page, which is shared, to a request of a connection; its first `head_bytes` are the
 * header lines. */
void http_reply_page(struct http_reply_to to, struct shared_bytes *page, size_t head_bytes);

/* RFC 9457: {"type":"about:blank","title":..,"status":..,"code":..,"detail":..}. `code` is the
 * stable name; `detail` may be empty and is escaped. */
void http_reply_problem(struct http_reply_to to, int status, const char *code, struct slice detail);
/* The same with header lines, for Retry-After, WWW-Authenticate .. */
void http_reply_problem_with(struct http_reply_to to, int status, const char *code,
                             struct slice detail, struct slice headers);
/* 405 METHOD_NOT_ALLOWED; `allow` is the Allow header's value ("GET, HEAD"). */
void http_reply_not_allowed(struct http_reply_to to, const char *allow);

/* "Not Found" .. ; "Status" for one that we do not know. */
const char *http_reply_reason(int status);
