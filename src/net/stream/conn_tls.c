/* conn_tls.c - TLS under a connection: contract in conn.h.
 *
 * Ciphertext is received into one buffer of the pool and becomes plain in another, so an idle
 * connection holds neither. What is to be sent is gathered from the outbox into records as large as
 * they may be: a record costs more than its bytes.
 * A bet that waits must not wait for a crowd that signs on: handshakes go on only a few messages a
 * turn, the rest stays in the kernel, and everyone else's turn comes in between. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/cycles.h"
#include "base/error.h"
#include "net/stream/conn_inside.h"

#define RECORDS_PER_TURN 4 /* of one connection; the rest waits for EPOLLOUT */

_Static_assert(CONN_TLS_INPUT_BYTES + TLS_HELD_BYTES_MAX <= CONN_READ_BYTES,
               "plain bytes of one read fit the read buffer");

/* ---- beginning ---- */

static ssize_t send_raw(void *owner, struct slice bytes)
{
    struct conn *conn = owner;
    enum cycles_stage before = cycles_enter(CYCLES_WRITE);
    ssize_t taken = send(conn->source.fd, bytes.at, bytes.bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)cycles_enter(before);
    net_count(&conn->pool->stats.writes, 1);
    if (taken < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    net_count(&conn->pool->stats.bytes_out, (uint64_t)taken);
    conn->tls_moved = conn->tls_moved || taken > 0;
    return taken;
}

static int buffers_new(struct conn_pool *pool)
{
    if (pool->tls_input == NULL)
        pool->tls_input = malloc(CONN_TLS_INPUT_BYTES + TLS_RECORD_BYTES_MAX);
    return pool->tls_input != NULL ? 0 : -ERR_MEMORY;
}

static void join_handshakes(struct conn *conn)
{
    struct conn_pool *pool = conn->pool;
    conn->tls_handshaking = true;
    conn->handshake_next = NULL;
    conn->handshake_previous = pool->handshakes_last;
    if (pool->handshakes_last != NULL)
        pool->handshakes_last->handshake_next = conn;
    else
        pool->handshakes_first = conn;
    pool->handshakes_last = conn;
    net_count(&pool->stats.tls_handshaking, 1);
    conn_arm_stall_timer(conn, pool->limits.tls_handshake_ms_max);
}

static void leave_handshakes(struct conn *conn)
{
    struct conn_pool *pool = conn->pool;
    if (!conn->tls_handshaking)
        return;
    conn->tls_handshaking = false;
    if (conn->handshake_previous != NULL)
        conn->handshake_previous->handshake_next = conn->handshake_next;
    else
        pool->handshakes_first = conn->handshake_next;
    if (conn->handshake_next != NULL)
        conn->handshake_next->handshake_previous = conn->handshake_previous;
    else
        pool->handshakes_last = conn->handshake_previous;
    net_count_off(&pool->stats.tls_handshaking, 1);
    loop_timer_cancel(pool->loop, &conn->stall_timer);
}

/* Of many that have not signed on the oldest is the likeliest never to do so. */
static void make_room(struct conn_pool *pool)
{
    if (pool->stats.tls_handshaking < pool->limits.tls_handshakes_max)
        return;
    net_stats_hit(&pool->stats, NET_LIMIT_tls_handshakes_max);
    if (pool->handshakes_first != NULL)
        conn_close(pool->handshakes_first, CONN_CLOSE_TLS_HANDSHAKE);
}

static struct tls_transport transport_of(struct conn *conn)
{
    return (struct tls_transport){send_raw, conn, conn->source.fd};
}

int conn_accept_tls(struct conn *conn, struct tls_server *server, struct slice not_tls)
{
    ASSERT(conn->tls == NULL);
    TRY(buffers_new(conn->pool));
    struct tls_transport transport = transport_of(conn);
    TRY(tls_session_new_accept(server, &transport, &conn->tls));
    conn->not_tls = not_tls;
    make_room(conn->pool);
    join_handshakes(conn);
    return 0;
}

int conn_connect_tls(struct conn *conn, struct tls_client *client)
{
    ASSERT(conn->tls == NULL && conn->phase == PHASE_CONNECTING);
    TRY(buffers_new(conn->pool));
    struct tls_transport transport = transport_of(conn);
    TRY(tls_session_new_connect(client, &conn->peer, &transport, &conn->tls));
    conn->tls_begun = true;
    return 0;
}

bool conn_is_tls(const struct conn *conn)
{
    return conn->tls != NULL;
}

/* ---- moving on ---- */

static void handshake_done(struct conn *conn)
{
    struct net_stats *stats = &conn->pool->stats;
    if (tls_session_is_resumed(conn->tls))
        net_count(&stats->tls_resumed, 1);
    else
        net_count(&stats->tls_full, 1);
    leave_handshakes(conn);
    if (conn->outbox.bytes > 0 || conn->drained_wanted)
        conn_mark_dirty(conn);
    if (conn->callbacks->on_connected != NULL)
        conn->callbacks->on_connected(conn);
}

/* What the session has become by what was just done with it. */
static void follow(struct conn *conn)
{
    enum tls_state state = tls_session_state(conn->tls);
    if (state == TLS_FAILED) {
        conn_close(conn, conn->tls_handshaking ? CONN_CLOSE_TLS_HANDSHAKE : CONN_CLOSE_TLS_RECORD);
        return;
    }
    if (conn->tls_handshaking) {
        conn->blocked = tls_session_is_blocked(conn->tls);
        conn_ask_events(conn);
    }
    if (conn->tls_handshaking && state != TLS_HANDSHAKE && conn->phase == PHASE_OPEN)
        handshake_done(conn);
    if (state == TLS_ENDED)
        conn->read_ended = true;
}

void conn_tls_connected(struct conn *conn)
{
    join_handshakes(conn);
    conn_tls_go_on(conn);
}

void conn_tls_go_on(struct conn *conn)
{
    tls_session_go_on(conn->tls);
    follow(conn);
}

bool conn_tls_may_step(struct conn *conn)
{
    struct conn_pool *pool = conn->pool;
    if (pool->tls_turn != loop_turns(pool->loop)) {
        pool->tls_turn = loop_turns(pool->loop);
        pool->tls_turn_steps = 0;
    }
    if (pool->tls_turn_steps < pool->limits.tls_handshakes_per_turn_max) {
        pool->tls_turn_steps++;
        return true;
    }
    net_stats_hit(&pool->stats, NET_LIMIT_tls_handshakes_per_turn_max);
    return false;
}

void conn_tls_too_slow(struct conn *conn)
{
    net_stats_hit(&conn->pool->stats, NET_LIMIT_tls_handshake_ms_max);
    conn_close(conn, CONN_CLOSE_TLS_HANDSHAKE);
}

/* ---- receiving ---- */

/* Somebody who wrote http:// for https:// is told so, in the words of the layer above. */
static void refuse_plain(struct conn *conn)
{
    leave_handshakes(conn);
    conn_tls_free(conn);
    if (conn->not_tls.bytes == 0) {
        conn_close(conn, CONN_CLOSE_NOT_TLS);
        return;
    }
    (void)conn_send(conn, conn->not_tls); /* false: it is closed anyway */
    conn_finish(conn, CONN_CLOSE_NOT_TLS);
}

static void note_end(struct conn *conn)
{
    if (!conn->read_ended || conn->phase != PHASE_OPEN)
        return;
    if (conn->tls_handshaking) {
        conn_close(conn, CONN_CLOSE_TLS_HANDSHAKE);
        return;
    }
    /* What ends by the connection's end alone is refused above; all else says its length. */
    net_count(&conn->pool->stats.tls_truncated, 1);
}

ssize_t conn_tls_receive(struct conn *conn)
{
    struct conn_pool *pool = conn->pool;
    ssize_t got = conn_receive_raw(conn, pool->tls_input, CONN_TLS_INPUT_BYTES);
    if (got == 0) {
        note_end(conn);
        return 0;
    }
    char first = pool->tls_input[0];
    if (!conn->tls_begun && first >= 'A' &&
        first <= 'Z') { /* a method; a handshake begins with 22 */
        refuse_plain(conn);
        return 0;
    }
    conn->tls_begun = true;
    enum cycles_stage before = cycles_enter(CYCLES_READ);
    size_t plain = tls_session_take(conn->tls, slice_of(pool->tls_input, (size_t)got),
                                    pool->read_buffer, CONN_READ_BYTES);
    (void)cycles_enter(before);
    follow(conn);
    return conn->phase == PHASE_OPEN ? (ssize_t)plain : 0;
}

/* ---- sending ---- */

/* The outbox's front, up to one record: where it stands, or gathered. */
static struct slice next_record(struct conn *conn)
{
    struct iovec pieces[CONN_PIECES_MAX];
    size_t count = outbox_pieces(&conn->outbox, pieces, CONN_PIECES_MAX);
    if (count == 1 || pieces[0].iov_len >= TLS_RECORD_BYTES_MAX)
        return slice_of(pieces[0].iov_base, pieces[0].iov_len);
    char *record = conn->pool->tls_input + CONN_TLS_INPUT_BYTES;
    size_t bytes = 0;
    for (size_t i = 0; i < count && bytes < TLS_RECORD_BYTES_MAX; i++) {
        size_t room = TLS_RECORD_BYTES_MAX - bytes;
        size_t now = pieces[i].iov_len < room ? pieces[i].iov_len : room;
        memcpy(record + bytes, pieces[i].iov_base, now);
        bytes += now;
    }
    return slice_of(record, bytes);
}

bool conn_tls_write(struct conn *conn)
{
    conn->tls_moved = false;
    for (int i = 0; i < RECORDS_PER_TURN && conn->outbox.bytes > 0; i++) {
        size_t taken = tls_session_put(conn->tls, next_record(conn));
        if (taken == 0)
            break;
        outbox_sent(&conn->pool->outboxes, &conn->outbox, taken);
        conn->tls_moved = true; /* also when the library has a socket of its own */
    }
    bool waits = conn->outbox.bytes == 0 || conn->tls_moved || tls_session_is_blocked(conn->tls);
    if (tls_session_state(conn->tls) == TLS_FAILED || !waits)
        conn_close(conn, CONN_CLOSE_RESET); /* nothing would ever be sent */
    return conn->tls_moved;
}

bool conn_tls_encrypts(const struct conn *conn)
{
    return conn->tls != NULL && !tls_session_kernel_sends(conn->tls);
}

/* ---- ending ---- */

void conn_tls_end(struct conn *conn)
{
    /* Output that was dropped must not look as if it had been all. */
    if (conn->tls != NULL && conn->outbox.bytes == 0)
        tls_session_end(conn->tls);
}

void conn_tls_forget(struct conn *conn)
{
    leave_handshakes(conn);
}

void conn_tls_free(struct conn *conn)
{
    tls_session_free(conn->tls);
    conn->tls = NULL;
}
