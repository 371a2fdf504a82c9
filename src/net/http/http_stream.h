/* http_stream.h - an answer of unknown length, written piece by piece: SSE and exports.
 *
 * Chunked for HTTP/1.1, ended by close for 1.0. Bounded like a WebSocket: see ws_conn.h for the
 * meaning of the outcomes. Thread: the loop's. */
#pragma once

#include <stddef.h>

#include "base/slice.h"
#include "net/http/http_request.h"
#include "net/stream/net_limits.h"
#include "net/stream/send_outcome.h"
#include "net/stream/shared_bytes.h"

struct http_stream_callbacks {
    /* After a SEND_LAGGING the queue has fallen below outbox_high_bytes / 2, or after a SEND_LATE
     * it is empty. May be NULL. */
    void (*on_drained)(void *owner, struct http_reply_to to);
    /* Once, unless http_stream_end() was called before. May be NULL. */
    void (*on_closed)(void *owner, struct http_reply_to to, enum conn_close reason);
};

/* Answers with status 200 and this content type ("text/event-stream"), `headers` as in
 * http_reply(). False, and answered with 400 STREAM_PIPELINED, when an earlier request of the
 * connection is not answered yet; false, and answered without a body, when it is a HEAD.
 * `callbacks` and `owner` are borrowed until on_closed or http_stream_end(). Write with
 * request->reply_to. */
bool http_stream_begin(struct http_request *request, struct slice content_type,
                       struct slice headers, const struct http_stream_callbacks *callbacks,
                       void *owner);
enum send_outcome http_stream_write(struct http_reply_to to, struct slice piece);
enum send_outcome http_stream_write_shared(struct http_reply_to to, struct shared_bytes *piece);
size_t http_stream_queued_bytes(struct http_reply_to to);
/* The end of the answer; the connection goes on with its next request. */
void http_stream_end(struct http_reply_to to);
