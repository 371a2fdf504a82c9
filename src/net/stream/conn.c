/* conn.c - contract in conn.h.
 *
 * States: CONNECTING (a name is looked up first, and until then there is no socket) -> OPEN ->
 * FINISHING (output goes out) -> LINGERING (input is thrown away)
 * -> CLOSED (until the end of the turn). A connection stands at most once in each list:
 * dirty (has output to send this turn), pushed (has output that may wait some turns), resumed (kept
 * bytes to give), closed (to be freed). */
#include "net/stream/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/cycles.h"
#include "base/error.h"
#include "net/stream/conn_inside.h"
#include "net/stream/push_slice.h"

#define KEPT_BYTES_MIN       1024
#define LINGER_EVENTS        (EPOLLIN | EPOLLRDHUP)
#define TCP_USER_TIMEOUT_MS  60000
#define TCP_KEEPALIVE_SECOND 60

static void on_ready(void *owner, uint32_t events);

/* Work queued before its stage of this turn is done in it; later work needs another turn. */
static void want_flush(struct conn_pool *pool)
{
    if (pool->flushed_turn == loop_turns(pool->loop))
        loop_turn_again(pool->loop);
}

/* ---- beginning ---- */

static void on_deadline_timer(void *owner)
{
    struct conn *conn = owner;
    if (conn->deadline_us == 0 || conn->phase != PHASE_OPEN)
        return;
    int64_t now = loop_now(conn->pool->loop).us;
    if (now < conn->deadline_us) { /* it was put off since the timer was set */
        loop_timer_set(conn->pool->loop, &conn->deadline_timer,
                       (struct monotonic){conn->deadline_us});
        return;
    }
    conn->deadline_us = 0;
    conn->callbacks->on_deadline(conn);
}

static void on_stall_timer(void *owner)
{
    struct conn *conn = owner;
    if (conn->phase == PHASE_LINGERING) {
        net_stats_hit(&conn->pool->stats, NET_LIMIT_linger_ms_max);
        conn_close(conn, conn->reason);
        return;
    }
    if (conn->tls_handshaking) {
        conn_tls_too_slow(conn);
        return;
    }
    bool connecting = conn->phase == PHASE_CONNECTING;
    net_stats_hit(&conn->pool->stats, NET_LIMIT_write_stall_ms_max);
    conn_close(conn, connecting ? CONN_CLOSE_CONNECT_FAILED : CONN_CLOSE_WRITE_STALL);
}

void conn_arm_stall_timer(struct conn *conn, int64_t ms)
{
    struct monotonic due = {loop_now(conn->pool->loop).us + ms * US_PER_MS};
    loop_timer_set(conn->pool->loop, &conn->stall_timer, due);
}

/* A peer that vanished without a word is noticed by the kernel: with output waiting after
 * TCP_USER_TIMEOUT, idle after the keep-alive probes. Failing to set an option costs no more than
 * its comfort. */
static void set_options(int fd)
{
    int on = 1, idle = TCP_KEEPALIVE_SECOND, timeout = TCP_USER_TIMEOUT_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

int conn_begin(struct conn_pool *pool, enum conn_phase phase, const struct net_address *peer,
               const struct conn_callbacks *callbacks, struct conn **ret_conn)
{
    struct conn *conn;
    TRY(conn_pool_take(pool, &conn));
    timer_init(&conn->deadline_timer, on_deadline_timer, conn);
    timer_init(&conn->stall_timer, on_stall_timer, conn);
    conn->phase = (uint8_t)phase;
    conn->source.fd = -1;
    conn->peer = *peer;
    conn->callbacks = callbacks;
    net_count(&pool->stats.connections, 1);
    *ret_conn = conn;
    return 0;
}

void conn_unbegin(struct conn *conn)
{
    net_count_off(&conn->pool->stats.connections, 1);
    conn_pool_give(conn);
}

int conn_attach(struct conn *conn, int fd, uint32_t events)
{
    conn->source = (struct loop_source){on_ready, conn, fd, events};
    if (loop_source_add(conn->pool->loop, &conn->source) < 0) {
        conn->source.fd = -1;
        return -ERR_IO;
    }
    set_options(fd);
    return 0;
}

int conn_adopt(struct conn_pool *pool, int fd, const struct net_address *peer,
               const struct conn_callbacks *callbacks, struct conn **ret_conn)
{
    struct conn *conn;
    TRY(conn_begin(pool, PHASE_OPEN, peer, callbacks, &conn));
    int result = conn_attach(conn, fd, EPOLLIN);
    if (result < 0) {
        conn_unbegin(conn);
        return result;
    }
    net_count(&pool->stats.accepted, 1);
    *ret_conn = conn;
    return 0;
}

/* ---- looking at it ---- */

struct conn_handle conn_handle_of(const struct conn *conn)
{
    return conn->handle;
}

struct conn_pool *conn_pool_of(const struct conn *conn)
{
    return conn->pool;
}

const struct net_address *conn_peer(const struct conn *conn)
{
    return &conn->peer;
}

void *conn_state(struct conn *conn)
{
    return conn->state;
}

const struct conn_callbacks *conn_callbacks(const struct conn *conn)
{
    return conn->callbacks;
}

void conn_set_callbacks(struct conn *conn, const struct conn_callbacks *callbacks)
{
    conn->callbacks = callbacks;
    conn->deadline_us = 0;
    conn->drained_wanted = false;
}

bool conn_is_open(const struct conn *conn)
{
    return conn->phase == PHASE_OPEN || conn->phase == PHASE_CONNECTING;
}

size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->outbox.bytes;
}

bool conn_is_paused(const struct conn *conn)
{
    return conn->paused;
}

/* ---- what epoll is asked for ---- */

void conn_ask_events(struct conn *conn)
{
    uint32_t events = 0;
    if (conn->source.fd < 0) /* its name is looked up */
        return;
    if (conn->phase == PHASE_CONNECTING || conn->blocked)
        events |= EPOLLOUT;
    if (conn->phase == PHASE_OPEN && conn->paused && !conn->read_ended && !conn->hangup_told)
        events |= EPOLLRDHUP;
    bool reading = conn->phase == PHASE_OPEN && !conn->paused;
    if ((reading || conn->phase == PHASE_LINGERING) && !conn->read_ended)
        events |= EPOLLIN;
    if (loop_source_change(conn->pool->loop, &conn->source, events) < 0)
        conn_close(conn, CONN_CLOSE_RESET);
}

/* ---- receiving ---- */

/* A larger buffer for what is kept. */
static int kept_new(struct conn *conn, size_t capacity)
{
    struct conn_pool *pool = conn->pool;
    size_t kept = conn->kept_end - conn->kept_begin;
    char *grown = malloc(capacity);
    if (grown == NULL)
        return -ERR_MEMORY;
    if (kept > 0)
        memcpy(grown, conn->kept + conn->kept_begin, kept);
    free(conn->kept);
    net_count(&pool->stats.receive_bytes, capacity - conn->kept_capacity);
    conn->kept = grown;
    conn->kept_begin = 0;
    conn->kept_end = (uint32_t)kept;
    conn->kept_capacity = (uint32_t)capacity;
    return 0;
}

static int grow_kept(struct conn *conn, size_t bytes)
{
    struct conn_pool *pool = conn->pool;
    size_t kept = conn->kept_end - conn->kept_begin;
    size_t capacity = conn->kept_capacity > 0 ? conn->kept_capacity : KEPT_BYTES_MIN;
    while (capacity < kept + bytes)
        capacity *= 2;
    /* What was decrypted together cannot stay in the kernel as plain bytes can. */
    size_t more = conn->tls != NULL ? CONN_READ_BYTES : 0;
    if (kept + bytes > pool->limits.receive_bytes_max + more) {
        net_stats_hit(&pool->stats, NET_LIMIT_receive_bytes_max);
        return -ERR_LIMIT;
    }
    if (pool->stats.receive_bytes - conn->kept_capacity + capacity >
        pool->limits.receive_total_bytes_max) {
        net_stats_hit(&pool->stats, NET_LIMIT_receive_total_bytes_max);
        return -ERR_LIMIT;
    }
    return kept_new(conn, capacity);
}

/* Makes room for `bytes` behind what is kept; closes the connection when there is none. */
static bool room_for(struct conn *conn, size_t bytes)
{
    if (conn->kept_capacity - conn->kept_end >= bytes)
        return true;
    size_t kept = conn->kept_end - conn->kept_begin;
    if (conn->kept_begin > 0 && conn->kept_capacity - kept >= bytes) {
        memmove(conn->kept, conn->kept + conn->kept_begin, kept);
        conn->kept_begin = 0;
        conn->kept_end = (uint32_t)kept;
        return true;
    }
    if (grow_kept(conn, bytes) == 0)
        return true;
    conn_close(conn, CONN_CLOSE_RECEIVE_FULL);
    return false;
}

void conn_free_kept(struct conn *conn)
{
    net_count_off(&conn->pool->stats.receive_bytes, conn->kept_capacity);
    free(conn->kept);
    conn->kept = NULL;
    conn->kept_begin = conn->kept_end = conn->kept_capacity = 0;
}

/* Gives bytes to the layer above, and again when another layer has taken over meanwhile. */
static size_t give_bytes(struct conn *conn, char *at, size_t bytes)
{
    size_t used = 0;
    const struct conn_callbacks *callbacks;
    do {
        callbacks = conn->callbacks;
        used += callbacks->on_bytes(conn, at + used, bytes - used);
        ASSERT(used <= bytes);
    } while (used < bytes && callbacks != conn->callbacks && conn->phase == PHASE_OPEN &&
             !conn->paused);
    return used;
}

static void give_kept(struct conn *conn)
{
    size_t kept = conn->kept_end - conn->kept_begin;
    size_t used = give_bytes(conn, conn->kept + conn->kept_begin, kept);
    conn->kept_begin += (uint32_t)used;
    /* A closed one keeps its bytes until the end of the turn: callers may still look at them. */
    if (used == kept && conn->phase == PHASE_OPEN)
        conn_free_kept(conn);
}

static void give_fresh(struct conn *conn, char *at, size_t bytes)
{
    size_t used = give_bytes(conn, at, bytes);
    size_t rest = bytes - used;
    if (rest == 0 || conn->phase != PHASE_OPEN || !room_for(conn, rest))
        return;
    memcpy(conn->kept + conn->kept_end, at + used, rest);
    conn->kept_end += (uint32_t)rest;
}

ssize_t conn_receive_raw(struct conn *conn, char *at, size_t bytes)
{
    enum cycles_stage before = cycles_enter(CYCLES_READ);
    ssize_t got = recv(conn->source.fd, at, bytes, MSG_DONTWAIT);
    (void)cycles_enter(before);
    net_count(&conn->pool->stats.reads, 1);
    if (got > 0) {
        net_count(&conn->pool->stats.bytes_in, (uint64_t)got);
        return conn_tell_received(conn, got);
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got < 0) {
        conn_close(conn, CONN_CLOSE_RESET);
        return 0;
    }
    conn->read_ended = true;
    return 0;
}

static void linger(struct conn *conn)
{
    ssize_t got = conn_receive_raw(conn, conn->pool->read_buffer, CONN_READ_BYTES);
    if (conn->phase != PHASE_LINGERING)
        return;
    conn->lingered_bytes += (uint32_t)got;
    bool too_much = conn->lingered_bytes > conn->pool->limits.linger_bytes_max;
    if (too_much)
        net_stats_hit(&conn->pool->stats, NET_LIMIT_linger_bytes_max);
    if (too_much || conn->read_ended)
        conn_close(conn, conn->reason);
}

/* Plain bytes come in the read buffer, and join there what is kept. */
static void read_tls(struct conn *conn)
{
    ssize_t got = conn_tls_receive(conn);
    if (got == 0)
        return;
    if (conn->kept_begin == conn->kept_end) {
        give_fresh(conn, conn->pool->read_buffer, (size_t)got);
    } else if (room_for(conn, (size_t)got)) {
        memcpy(conn->kept + conn->kept_end, conn->pool->read_buffer, (size_t)got);
        conn->kept_end += (uint32_t)got;
        give_kept(conn);
    }
}

static void read_some(struct conn *conn)
{
    ssize_t got;
    if (conn->tls != NULL) {
        read_tls(conn);
    } else if (conn->kept_begin == conn->kept_end) {
        got = conn_receive_raw(conn, conn->pool->read_buffer, CONN_READ_BYTES);
        if (got > 0)
            give_fresh(conn, conn->pool->read_buffer, (size_t)got);
    } else {
        /* At least as much room as is kept, so that a long body takes few reads. */
        size_t kept = conn->kept_end - conn->kept_begin;
        size_t left = conn->pool->limits.receive_bytes_max > kept
                          ? conn->pool->limits.receive_bytes_max - kept
                          : 1; /* refused by room_for() */
        if (conn->kept_end == conn->kept_capacity && !room_for(conn, left < kept ? left : kept))
            return;
        got = conn_receive_raw(conn, conn->kept + conn->kept_end,
                               conn->kept_capacity - conn->kept_end);
        conn->kept_end += (uint32_t)got;
        if (got > 0)
            give_kept(conn);
    }
    if (conn->read_ended && conn->phase == PHASE_OPEN) {
        conn_ask_events(conn);
        if (!conn->paused && conn->phase == PHASE_OPEN)
            conn->callbacks->on_end(conn);
    }
}

void conn_pause(struct conn *conn)
{
    if (conn->paused || !conn_is_open(conn))
        return;
    conn->paused = true;
    conn_ask_events(conn);
}

void conn_resume(struct conn *conn)
{
    if (!conn->paused || !conn_is_open(conn))
        return;
    conn->paused = false;
    conn->hangup_told = false;
    conn_ask_events(conn);
    if (conn->in_resumed)
        return;
    if (conn->kept_begin == conn->kept_end && !conn->read_ended)
        return;
    conn->in_resumed = true;
    conn->resumed_next = conn->pool->resumed;
    conn->pool->resumed = conn;
    want_flush(conn->pool);
}

/* What is asked in here comes after the roles' stage of this turn. */
static void give_resumed(struct conn_pool *pool)
{
    struct conn *conn = pool->resumed;
    if (conn != NULL)
        loop_turn_again(pool->loop);
    pool->resumed = NULL;
    while (conn != NULL) {
        struct conn *next = conn->resumed_next;
        conn->in_resumed = false;
        if (conn->phase == PHASE_OPEN && !conn->paused && conn->kept_begin < conn->kept_end)
            give_kept(conn);
        if (conn->phase == PHASE_OPEN && !conn->paused && conn->read_ended)
            conn->callbacks->on_end(conn);
        conn = next;
    }
}

/* ---- sending ---- */

void conn_mark_dirty(struct conn *conn)
{
    if (conn->in_dirty)
        return;
    conn->in_dirty = true;
    conn->dirty_next = NULL;
    *conn->pool->dirty_tail = conn;
    conn->pool->dirty_tail = &conn->dirty_next;
    want_flush(conn->pool);
}

void conn_mark_pushed(struct conn *conn)
{
    struct conn_pool *pool = conn->pool;
    if (conn->in_pushed)
        return;
    conn->in_pushed = true;
    conn->pushed_next = NULL;
    conn->pushed_previous = pool->pushed_last;
    if (pool->pushed_last != NULL)
        pool->pushed_last->pushed_next = conn;
    else
        pool->pushed_first = conn;
    pool->pushed_last = conn;
    net_count(&pool->stats.pushes_joined, 1);
    want_flush(pool);
}

static void leave_pushed(struct conn *conn)
{
    struct conn_pool *pool = conn->pool;
    if (!conn->in_pushed)
        return;
    conn->in_pushed = false;
    if (conn->pushed_previous != NULL)
        conn->pushed_previous->pushed_next = conn->pushed_next;
    else
        pool->pushed_first = conn->pushed_next;
    if (conn->pushed_next != NULL)
        conn->pushed_next->pushed_previous = conn->pushed_previous;
    else
        pool->pushed_last = conn->pushed_previous;
    net_count(&pool->stats.pushes_left, 1);
}

static bool sent(struct conn *conn, bool done)
{
    if (!done) {
        conn_close(conn, CONN_CLOSE_OUTBOX_FULL);
        return false;
    }
    conn->patient = false;
    if (!conn->blocked)
        conn_mark_dirty(conn);
    return true;
}

static bool pushed(struct conn *conn, bool was_empty, bool done)
{
    if (!done) {
        conn_close(conn, CONN_CLOSE_OUTBOX_FULL);
        return false;
    }
    conn->patient |= was_empty;
    if (!conn->blocked && !conn->in_dirty)
        conn_mark_pushed(conn);
    return true;
}

bool conn_send(struct conn *conn, struct slice bytes)
{
    if (!conn_is_open(conn))
        return false;
    return sent(conn, outbox_put(&conn->pool->outboxes, &conn->outbox, bytes));
}

bool conn_send_shared(struct conn *conn, struct shared_bytes *shared)
{
    if (!conn_is_open(conn))
        return false;
    return sent(conn, outbox_put_shared(&conn->pool->outboxes, &conn->outbox, shared));
}

bool conn_push(struct conn *conn, struct slice bytes)
{
    if (!conn_is_open(conn))
        return false;
    bool was_empty = conn->outbox.bytes == 0;
    return pushed(conn, was_empty, outbox_put(&conn->pool->outboxes, &conn->outbox, bytes));
}

bool conn_push_shared(struct conn *conn, struct shared_bytes *shared)
{
    if (!conn_is_open(conn))
        return false;
    bool was_empty = conn->outbox.bytes == 0;
    return pushed(conn, was_empty, outbox_put_shared(&conn->pool->outboxes, &conn->outbox, shared));
}

void conn_notify_drained(struct conn *conn, size_t bytes)
{
    if (!conn_is_open(conn))
        return;
    conn->drained_wanted = true;
    conn->drained_bytes = bytes;
    if (conn->outbox.bytes <= bytes)
        conn_mark_dirty(conn);
}

static void set_blocked(struct conn *conn, bool blocked)
{
    if (blocked)
        conn_arm_stall_timer(conn, conn->pool->limits.write_stall_ms_max);
    else if (conn->blocked)
        loop_timer_cancel(conn->pool->loop, &conn->stall_timer);
    if (conn->blocked == blocked)
        return;
    conn->blocked = blocked;
    conn_ask_events(conn);
}

/* All output of a finishing connection is with the kernel. */
static void end_output(struct conn *conn)
{
    conn_tls_end(conn);
    if (conn->read_ended || shutdown(conn->source.fd, SHUT_WR) != 0) {
        conn_close(conn, conn->reason);
        return;
    }
    conn->phase = PHASE_LINGERING;
    conn_ask_events(conn);
    conn_arm_stall_timer(conn, conn->pool->limits.linger_ms_max);
}

/* One write of up to CONN_PIECES_MAX pieces. More than that is rare and waits for EPOLLOUT, so that
 * no connection can hold the loop. */
static bool write_plain(struct conn *conn)
{
    struct iovec pieces[CONN_PIECES_MAX];
    struct msghdr message = {.msg_iov = pieces};
    message.msg_iovlen = outbox_pieces(&conn->outbox, pieces, CONN_PIECES_MAX);
    enum cycles_stage before = cycles_enter(CYCLES_WRITE);
    ssize_t taken = message.msg_iovlen == 1 /* the cheaper call, and the common case */
                        ? send(conn->source.fd, pieces[0].iov_base, pieces[0].iov_len,
                               MSG_NOSIGNAL | MSG_DONTWAIT)
                        : sendmsg(conn->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)cycles_enter(before);
    net_count(&conn->pool->stats.writes, 1);
    if (taken < 0 && errno != EAGAIN && errno != EINTR) {
        conn_close(conn, CONN_CLOSE_RESET);
        return false;
    }
    if (taken > 0) {
        net_count(&conn->pool->stats.bytes_out, (uint64_t)taken);
        outbox_sent(&conn->pool->outboxes, &conn->outbox, (size_t)taken);
    }
    return taken > 0;
}

static void write_some(struct conn *conn)
{
    size_t before = conn->outbox.bytes;
    bool moved = conn_tls_encrypts(conn) ? conn_tls_write(conn) : write_plain(conn);
    if (conn->phase == PHASE_CLOSED)
        return;
    send_wait_offered(&conn->waits, before - conn->outbox.bytes, conn->outbox.bytes,
                      loop_now(conn->pool->loop).us);
    /* No progress keeps the stall timer as it is. */
    if (conn->outbox.bytes == 0 || moved || !conn->blocked)
        set_blocked(conn, conn->outbox.bytes > 0);
}

static void flush(struct conn *conn)
{
    if (conn->tls_handshaking) { /* what is queued waits for its end */
        if (conn->blocked)
            conn_tls_go_on(conn);
        return;
    }
    if (conn->outbox.bytes > 0)
        write_some(conn);
    if (conn->phase == PHASE_FINISHING && conn->outbox.bytes == 0)
        end_output(conn);
    if (conn->phase != PHASE_OPEN || !conn->drained_wanted ||
        conn->outbox.bytes > conn->drained_bytes)
        return;
    conn->drained_wanted = false;
    conn->callbacks->on_drained(conn);
}

/* Those who have waited longest, for as long as this turn may; at least one. */
static void flush_pushed(struct conn_pool *pool)
{
    struct conn *conn = pool->pushed_first;
    if (conn == NULL)
        return;
    int64_t begin_us = clock_us(CLOCK_MONOTONIC), now_us = begin_us;
    int64_t end_us = begin_us + push_slice_us(pool->limits.push_slice_us_max,
                                              begin_us - loop_now(pool->loop).us);
    do {
        leave_pushed(conn);
        if (pool->pushed_first != NULL)
            conn_prefetch(pool->pushed_first);
        flush(conn);
        now_us = clock_us(CLOCK_MONOTONIC);
        conn = pool->pushed_first;
    } while (conn != NULL && now_us < end_us);
    net_count(&pool->stats.pushing_us, (uint64_t)(now_us - begin_us));
    if (conn == NULL)
        return;
    net_stats_hit(&pool->stats, NET_LIMIT_push_slice_us_max);
    loop_turn_again(pool->loop);
}

/* A callback in here may queue more: it is sent in the next turn, which does not wait. */
void conn_flush_dirty(void *owner)
{
    struct conn_pool *pool = owner;
    pool->flushed_turn = loop_turns(pool->loop);
    give_resumed(pool);
    struct conn *conn = pool->dirty;
    pool->dirty = NULL;
    pool->dirty_tail = &pool->dirty;
    while (conn != NULL) {
        struct conn *next = conn->dirty_next;
        if (next != NULL)
            conn_prefetch(next);
        conn->in_dirty = false;
        leave_pushed(conn);
        if (conn->phase == PHASE_OPEN || conn->phase == PHASE_FINISHING)
            flush(conn);
        conn = next;
    }
    flush_pushed(pool);
}

/* ---- deadlines ---- */

void conn_set_deadline(struct conn *conn, int64_t ms)
{
    ASSERT(ms > 0);
    int64_t due = loop_now(conn->pool->loop).us + ms * US_PER_MS;
    conn->deadline_us = due;
    /* Putting a deadline off is the common case and touches no timer. */
    if (timer_is_set(&conn->deadline_timer) &&
        conn->deadline_timer.due_tick <= (uint64_t)due >> TIMER_TICK_SHIFT)
        return;
    loop_timer_set(conn->pool->loop, &conn->deadline_timer, (struct monotonic){due});
}

void conn_clear_deadline(struct conn *conn)
{
    conn->deadline_us = 0;
}

/* ---- events ---- */

static void on_ready(void *owner, uint32_t events)
{
    struct conn *conn = owner;
    if (conn->phase == PHASE_CONNECTING) {
        conn_connect_ready(conn);
        return;
    }
    if (conn->phase == PHASE_LINGERING) {
        linger(conn);
        return;
    }
    if (conn->proxy_awaited && (events & EPOLLIN) != 0) {
        conn_proxy_read(conn);
        return;
    }
    if (conn->tls_handshaking && (events & EPOLLIN) != 0 && !conn_tls_may_step(conn))
        return; /* it is reported again */
    /* Input that came before a reset is still given. */
    if ((events & EPOLLIN) != 0 && !conn->paused && !conn->read_ended &&
        conn->phase == PHASE_OPEN) {
        read_some(conn);
    } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        conn_close(conn, CONN_CLOSE_RESET);
        return;
    } else if ((events & EPOLLRDHUP) != 0 && conn->paused && !conn->hangup_told &&
               conn->phase == PHASE_OPEN) {
        conn->hangup_told = true;
        conn_ask_events(conn);
        if (conn->phase == PHASE_OPEN && conn->callbacks->on_hangup != NULL)
            conn->callbacks->on_hangup(conn);
    }
    if ((events & EPOLLOUT) == 0 || (conn->phase != PHASE_OPEN && conn->phase != PHASE_FINISHING))
        return;
    if (conn->patient)
        conn_mark_pushed(conn);
    else
        conn_mark_dirty(conn);
}

/* ---- ending ---- */

void conn_close(struct conn *conn, enum conn_close reason)
{
    if (conn->phase == PHASE_CLOSED || conn->phase == PHASE_FREE)
        return;
    struct conn_pool *pool = conn->pool;
    leave_pushed(conn);
    if (conn->phase == PHASE_CONNECTING)
        conn_connect_forget(conn, reason);
    conn->phase = PHASE_CLOSED;
    conn->reason = (uint8_t)reason;
    if (conn->tls != NULL) {
        conn_tls_end(conn);
        conn_tls_forget(conn);
    }
    if (conn->source.fd >= 0) {
        loop_source_remove(pool->loop, &conn->source);
        close(conn->source.fd);
    }
    loop_timer_cancel(pool->loop, &conn->deadline_timer);
    loop_timer_cancel(pool->loop, &conn->stall_timer);
    outbox_clear(&pool->outboxes, &conn->outbox);
    conn->closed_next = pool->closed;
    pool->closed = conn;
    net_count(&pool->stats.closed[reason], 1);
    net_count_off(&pool->stats.connections, 1);
    if (pool->freed_turn == loop_turns(pool->loop))
        loop_turn_again(pool->loop);
}

void conn_finish(struct conn *conn, enum conn_close reason)
{
    if (!conn_is_open(conn))
        return;
    if (conn->phase == PHASE_CONNECTING || conn->tls_handshaking) {
        conn_close(conn, reason);
        return;
    }
    conn->phase = PHASE_FINISHING;
    conn->reason = (uint8_t)reason;
    conn_ask_events(conn);
    if (conn->phase == PHASE_FINISHING && !conn->blocked)
        conn_mark_dirty(conn);
}
