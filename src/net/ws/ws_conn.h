/* ws_conn.h - a WebSocket on a connection, server or client side.
 *
 * Sends are queued and go out with one write per turn, frames that many share behind all answers
 * (conn_push(), conn.h). The queue is bounded: from
 * outbox_high_bytes on, sends answer SEND_LAGGING and the layer above should stop sending deltas
 * and, at on_drained, send a `skipped` and the newest image; at outbox_bytes_max the connection is
 * closed with 1013. The kernel's own queue is kept short, so that what waits can still be replaced;
 * what the peer's holds is seen by pings behind what is pushed (ws_probe.h). A peer that is late,
 * with its pong or with its queue, is told by SEND_LATE.
 * Pings are answered and sent (ws_ping_ms); any byte from the peer proves that it lives.
 * Close codes that we send: 1000 our wish, 1001 drain, 1002/1003/1007/1009 the peer's mistake, 1013
 * too slow, or what ws_conn_close() is given. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/stream/conn_handle.h"
#include "net/stream/send_outcome.h"
#include "net/stream/shared_bytes.h"
#include "net/ws/ws_frame.h"

struct conn_pool;
struct conn;
struct ws_deflate;

/* A WebSocket by value; using one that is gone is safe. */
struct ws_handle {
    struct conn_pool *pool;
    struct conn_handle conn;
};

struct ws_callbacks {
    /* A text message, checked UTF-8, borrowed for the call. */
    void (*on_text)(void *owner, struct ws_handle ws, struct slice text);
    /* After a SEND_LAGGING the queue has fallen below outbox_high_bytes / 2, or after a SEND_LATE
     * it is empty. May be NULL. */
    void (*on_drained)(void *owner, struct ws_handle ws);
    /* Exactly once, last; the handle is already gone. `code` is the peer's close code, or what we
     * closed with, or 1006 when the connection broke. */
    void (*on_closed)(void *owner, struct ws_handle ws, uint16_t code);
    /* A binary message; NULL: answered with 1003. */
    void (*on_binary)(void *owner, struct ws_handle ws, struct slice bytes);
};

/* Queues a text message; copied. It must be UTF-8. */
enum send_outcome ws_conn_send_text(struct ws_handle ws, struct slice text);
/* The same as a binary message. */
enum send_outcome ws_conn_send_binary(struct ws_handle ws, struct slice bytes);
/* Queues frames made by ws_frame_shared_text(), one or several after one another; shared or copied,
 * whichever is cheaper; packed where permessage-deflate was agreed and pays. Server side only. */
enum send_outcome ws_conn_send_shared(struct ws_handle ws, struct shared_bytes *frame);
/* A send on it is near: see conn_pool_prefetch(). */
void ws_conn_prefetch(struct ws_handle ws);
/* Bytes queued and not yet with the kernel; 0 when gone. */
size_t ws_conn_queued_bytes(struct ws_handle ws);
/* Begins the closing handshake: a close frame with code and reason (at most 123 bytes, cut), then
 * ws_close_ms_max of patience. Messages that still arrive are dropped. */
void ws_conn_close(struct ws_handle ws, uint16_t code, struct slice reason);
bool ws_conn_is_open(struct ws_handle ws);
/* Stops / goes on reading from the peer. */
void ws_conn_pause(struct ws_handle ws);
void ws_conn_resume(struct ws_handle ws);

/* For http_upgrade.c and http_client.c: from now on the connection's bytes are frames. `deflate` is
 * borrowed until the connection closes; NULL: permessage-deflate was not agreed. */
struct ws_handle ws_conn_begin(struct conn *conn, bool is_client, struct ws_deflate *deflate,
                               const struct ws_callbacks *callbacks, void *owner);
