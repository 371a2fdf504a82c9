/* conn.h - non-blocking TCP connections with bounded buffers, in a pool.
 *
 * Receiving: bytes are read into one buffer of the pool and given to on_bytes; only what it does
 * not use is kept by the connection, in a buffer that grows by doubling up to receive_bytes_max
 * and is freed when empty. So an idle connection costs its struct and its state, below 2 KiB.
 * Sending: everything queued in a turn goes out with one sendmsg at the turn's end; where all of it
 * was pushed, in one of the next turns when pushes have had their slice of this one (push_slice.h).
 * Ending: conn_close() is at once and drops what is queued; conn_finish() sends it first, then
 * ends our direction and reads on for a moment (linger_*), because closing with unread input
 * would make the kernel destroy what the peer has not read yet (RFC 9112 section 9.6).
 * A closed connection stays valid memory until the end of the turn; conn_pool_find() no longer
 * finds it. Callbacks never run inside a call of this header, except inside conn_pool_free().
 * Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/loop/loop.h"
#include "net/stream/conn_handle.h"
#include "net/stream/net_address.h"
#include "net/stream/net_limits.h"
#include "net/stream/send_outcome.h"
#include "net/stream/shared_bytes.h"

#define CONN_READ_BYTES  (64 * 1024) /* of one read */
#define CONN_STATE_BYTES 1024        /* for the layer above, per connection */
#define CONN_PIECES_MAX  64          /* of one write */

struct conn;
struct conn_pool;
struct tls_client;
struct tls_server;

struct conn_callbacks {
    /* Bytes from the peer, beginning with what was not used before. Answers how many are used; the
     * rest is given again together with more. May write into them. Not called while paused. */
    size_t (*on_bytes)(struct conn *conn, char *at, size_t bytes);
    /* The peer will send nothing more (it may still read). Everything before was given. */
    void (*on_end)(struct conn *conn);
    /* While paused: the peer has ended its direction or is gone; there may be unread bytes. Once.
     * May be NULL. */
    void (*on_hangup)(struct conn *conn);
    /* See conn_notify_drained(). */
    void (*on_drained)(struct conn *conn);
    /* See conn_set_deadline(). */
    void (*on_deadline)(struct conn *conn);
    /* Client side: the connection stands (TLS: its handshake is done). NULL on the server side. */
    void (*on_connected)(struct conn *conn);
    /* Once, last. The memory is reused after it. */
    void (*on_closed)(struct conn *conn, enum conn_close reason);
};

/* `limits` is copied. -ERR_MEMORY, -ERR_LIMIT. */
int conn_pool_new(struct loop *loop, const struct net_limits *limits, struct conn_pool **ret_pool);
/* Closes all connections (on_closed runs, with CONN_CLOSE_DRAIN). Accepts NULL. */
void conn_pool_free(struct conn_pool *pool);
/* fn(owner) is told after each read that has brought something, before it is given on; it may
 * answer, and end, any connection. One only; NULL takes it out. */
void conn_pool_at_receive(struct conn_pool *pool, void (*fn)(void *owner), void *owner);
struct net_stats *conn_pool_stats(struct conn_pool *pool);
const struct net_limits *conn_pool_limits(const struct conn_pool *pool);
struct loop *conn_pool_loop(const struct conn_pool *pool);
/* The open connection of this handle, or NULL when it is closed or finishing. */
struct conn *conn_pool_find(struct conn_pool *pool, struct conn_handle handle);
/* Asks the processor for what a send on it will touch: for whoever walks over thousands. */
void conn_pool_prefetch(const struct conn_pool *pool, struct conn_handle handle);
/* Calls fn for every open connection; fn may close it. */
void conn_pool_each(struct conn_pool *pool, void (*fn)(struct conn *conn, void *owner),
                    void *owner);
/* Closes all connections, also those that are finishing, with CONN_CLOSE_DRAIN. */
void conn_pool_close_all(struct conn_pool *pool);
/* Memory that a layer above holds for a connection (answers that wait for their turn) is counted
 * into outbox_total_bytes_max. False: no room, nothing was counted. */
bool conn_pool_hold(struct conn_pool *pool, size_t bytes);
void conn_pool_release(struct conn_pool *pool, size_t bytes);

/* Takes a connected non-blocking socket. -ERR_LIMIT (connections_max), -ERR_MEMORY, -ERR_IO; the
 * caller then still owns fd. The state is zeroed. */
int conn_adopt(struct conn_pool *pool, int fd, const struct net_address *peer,
               const struct conn_callbacks *callbacks, struct conn **ret_conn);
/* Begins to connect; sends may be queued at once. The same errors and -ERR_NETWORK. A host name is
 * looked up first, for itself and each time (conn_lookup.h): lookups_max of them at once, else
 * -ERR_LIMIT; one without an address ends the connection with CONN_CLOSE_NO_ADDRESS. */
int conn_connect(struct conn_pool *pool, const struct net_address *address,
                 const struct conn_callbacks *callbacks, struct conn **ret_conn);

/* Right after conn_adopt(): speaks TLS from the first byte on; the layer above sees plain bytes and
 * notices nothing. `not_tls` (borrowed while the pool stands) goes to a peer that begins with HTTP
 * instead; empty: it is just closed. At tls_handshakes_max the oldest handshake is closed.
 * -ERR_MEMORY. The server outlives the pool. */
int conn_accept_tls(struct conn *conn, struct tls_server *server, struct slice not_tls);
/* Right after conn_connect(): the same; on_connected comes after the handshake. -ERR_MEMORY. */
int conn_connect_tls(struct conn *conn, struct tls_client *client);
bool conn_is_tls(const struct conn *conn);

struct conn_handle conn_handle_of(const struct conn *conn);
struct conn_pool *conn_pool_of(const struct conn *conn);
/* Who has connected, or whom it was told to connect to, maybe by a name. */
const struct net_address *conn_peer(const struct conn *conn);
/* CONN_STATE_BYTES for the layer above, aligned for anything. */
void *conn_state(struct conn *conn);
const struct conn_callbacks *conn_callbacks(const struct conn *conn);
/* Another layer takes over; it is given the bytes that on_bytes, in progress, leaves unused. */
void conn_set_callbacks(struct conn *conn, const struct conn_callbacks *callbacks);
/* Neither closed nor finishing. */
bool conn_is_open(const struct conn *conn);

/* Queue; false when the connection is not open, or had to be closed because of
 * outbox_total_bytes_max. */
bool conn_send(struct conn *conn, struct slice bytes);
bool conn_send_shared(struct conn *conn, struct shared_bytes *shared);
/* The same for what goes to many, or is long: it goes out behind what is asked and answered, in the
 * order in which connections were pushed to. Bytes of one connection never overtake each other, so
 * a send takes along what was pushed before it. */
bool conn_push(struct conn *conn, struct slice bytes);
bool conn_push_shared(struct conn *conn, struct shared_bytes *shared);
/* Queued and not yet taken by the kernel. */
size_t conn_queued_bytes(const struct conn *conn);
/* Whether the peer keeps up, right after something was queued: SEND_OK, SEND_LAGGING (more than
 * outbox_high_bytes wait) or SEND_LATE (what waits has waited for outbox_ms_max). `lagging` is a
 * note of the layer above, false until it is set here: then on_drained comes, at half of the bytes
 * or, of who is late, when nothing waits any more. `late`: the layer above knows that it is. */
enum send_outcome conn_lag(struct conn *conn, bool late, bool *lagging);
/* The kernel shall hold no more than unsent_bytes_max unsent: later prices wait where they can
 * still be replaced. */
void conn_keep_short(struct conn *conn);
/* on_drained once, as soon as at most `bytes` are queued; from the loop, also when it is so now. */
void conn_notify_drained(struct conn *conn, size_t bytes);

/* Stops reading; what is kept waits too. */
void conn_pause(struct conn *conn);
/* Reads on; what is kept is given to on_bytes from the loop, in this turn's end or the next. */
void conn_resume(struct conn *conn);
bool conn_is_paused(const struct conn *conn);

/* on_deadline once after `ms`; replaces the one before. Cheap: the timer is moved lazily. */
void conn_set_deadline(struct conn *conn, int64_t ms);
void conn_clear_deadline(struct conn *conn);

/* Ends it, at once or after its output: see the top of this file. Nothing happens when it is
 * closed (conn_finish: or finishing) already. */
void conn_close(struct conn *conn, enum conn_close reason);
void conn_finish(struct conn *conn, enum conn_close reason);
